from __future__ import annotations

from typing import Any

import pytest

from uploads.core.names import parse_name
from uploads.core.slots import Accept, Slot, megabytes
from uploads.errors import UploadError


def slot(accept: str = "", **options: Any) -> Slot:
    return Slot(name="files", accept=Accept.parse(accept), accept_text=accept, **options)


@pytest.mark.parametrize(
    ("accept", "name", "allowed"),
    [
        (".jpg,.png", "a.jpg", True),
        (".jpg, .PNG", "A.PNG", True),
        (".jpg", "a.jpeg", False),
        ("image/*", "a.webp", True),
        ("image/*", "a.heic", True),
        ("image/*", "a.mp4", False),
        ("image/png", "a.png", True),
        ("image/png", "a.gif", False),
        ("image/png,.pdf", "a.pdf", True),
        ("", "a.pdf", True),
        ("", "README", True),
        (".txt", "README", False),
        ("image/*", "a", False),
    ],
)
def test_a_name_is_accepted_by_its_extension(accept: str, name: str, allowed: bool) -> None:
    assert Accept.parse(accept).allows(parse_name(name).extension) is allowed


@pytest.mark.parametrize("name", ["a.svg", "a.SVG", "a.svgz", "a.html", "a.js", "a.php", "a.exe", "a.xhtml"])
@pytest.mark.parametrize("accept", ["", "image/*", "text/*", "application/*"])
def test_active_content_is_refused_unless_named(accept: str, name: str) -> None:
    assert not Accept.parse(accept).allows(parse_name(name).extension)


def test_active_content_can_be_asked_for_by_extension() -> None:
    assert Accept.parse(".svg").allows(".svg")


def test_a_misspelt_accept_says_what_is_accepted() -> None:
    with pytest.raises(ValueError, match="extensions .* not 'jpg'"):
        Accept.parse("jpg")


@pytest.mark.parametrize(
    "options",
    [{"max_entries": 0}, {"max_file_size": 0}, {"max_parallel": 0}, {"chunk_size": 1023}],
)
def test_a_limit_that_admits_nothing_is_a_mistake(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least"):
        slot(**options)


def test_a_slot_is_named_by_an_identifier() -> None:
    with pytest.raises(ValueError, match="identifier"):
        Slot(name="my-files", accept=Accept.parse(""))


def refusal(of: Slot, name: str, size: int, *others: int) -> UploadError:
    with pytest.raises(UploadError) as raised:
        of.check(parse_name(name), size, len(others), sum(others))
    return raised.value


def test_each_refusal_has_its_code_and_says_the_limit() -> None:
    files = slot(".jpg,.png", max_entries=1, max_file_size=5_000_000, max_total_size=6_000_000)
    other = 4_000_000
    two = slot(".jpg", max_entries=2, max_total_size=6_000_000)
    assert refusal(files, "a.exe", 1) == UploadError(
        "bad_ext", "This kind of file isn't accepted here: choose .jpg, .png."
    )
    assert refusal(files, "a.jpg", 0) == UploadError("empty")
    assert refusal(files, "a.jpg", 5_000_001).message == "This file is too large: at most 5 MB are accepted."
    assert refusal(files, "a.jpg", 1, other) == UploadError("too_many_files", "Only 1 can be uploaded at a time.")
    assert refusal(two, "a.jpg", 2_000_001, other).code == "total_too_large"
    two.check(parse_name("a.jpg"), 2_000_000, 1, other)
    files.check(parse_name("a.jpg"), 5_000_000)


def test_a_path_without_a_name_is_refused_even_where_everything_is_taken() -> None:
    assert refusal(slot(), "folder/", 1).code == "bad_name"
    assert refusal(slot(), "../..", 1).code == "bad_name"


def test_the_browser_is_told_the_limits() -> None:
    assert (
        slot(".jpg", max_entries=3).describe().items()
        >= {
            "accept": ".jpg",
            "max_entries": 3,
            "max_file_size": 10_000_000,
            "chunk_size": 65_536,
            "auto_upload": True,
            "max_parallel": 3,
        }.items()
    )


@pytest.mark.parametrize(
    ("size", "text"), [(5_000_000, "5 MB"), (1_500_000, "1.5 MB"), (2_000_000_000, "2 GB"), (900, "900 bytes")]
)
def test_sizes_are_told_as_people_count(size: int, text: str) -> None:
    assert megabytes(size) == text
