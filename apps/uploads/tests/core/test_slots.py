from __future__ import annotations

import re
from typing import Any

import pytest

from uploads.core.names import parse_name
from uploads.core.slots import Accept, Slot, duration, megabytes
from uploads.errors import UploadError


def slot(accept: str = "", **options: Any) -> Slot:
    return Slot(name="files", accept=Accept.parse(accept), accept_text=accept, **options)


@pytest.mark.parametrize(
    ("accept", "name", "allowed"),
    [
        (".jpg,.png", "a.jpg", True),
        (".jpg, .PNG", "A.PNG", True),
        (".jpg", "a.jpeg", True),
        (".jpeg,.gif", "a.JFIF", True),
        (".tif", "a.tiff", True),
        (".html", "a.htm", True),
        (".jpg", "a.png", False),
        (".txt", "a.csv", False),
        ("image/*", "a.jfif", True),
        ("image/jpeg", "a.pjpeg", True),
        ("image/jpg", "a.jpg", True),
        ("audio/mp3", "a.mp3", True),
        ("application/x-zip-compressed", "a.zip", True),
        ("audio/*", "a.m4a", True),
        ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "a.docx", True),
        (".tar.gz", "e.tar.gz", True),
        (".tar.gz", "E.TAR.GZ", True),
        (".tar.gz", "e.tgz", True),
        (".tar.gz", "e.gz", False),
        (".tar.gz", ".tar.gz", False),
        (".fits.fz,.x_t", "m31.fits.fz", True),
        (".fits.fz,.x_t", "part.x_t", True),
        (".fits.fz", "m31.fz", False),
        ("*/*", "a.xyz", True),
        ("*/*", "README", True),
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
    name_ = parse_name(name)
    assert Accept.parse(accept).allows(name_.extension, name_.label) is allowed


@pytest.mark.parametrize("name", ["a.svg", "a.SVG", "a.svgz", "a.html", "a.js", "a.php", "a.exe", "a.xhtml"])
@pytest.mark.parametrize("accept", ["", "image/*", "text/*", "application/*", "*/*"])
def test_active_content_is_refused_unless_named(accept: str, name: str) -> None:
    assert not Accept.parse(accept).allows(parse_name(name).extension)


def test_active_content_can_be_asked_for_by_extension() -> None:
    assert Accept.parse(".svg").allows(".svg")


@pytest.mark.parametrize("misspelt", ["jpg", "*.jpg", ".", ".jpg .png", ".jpg;.png", "image/", "image"])
def test_a_misspelt_accept_says_what_is_accepted(misspelt: str) -> None:
    with pytest.raises(ValueError, match="extensions .* not " + re.escape(repr(misspelt))):
        Accept.parse(misspelt)


def test_a_list_that_no_file_could_match_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no file could match"):
        Accept.parse("application/x-nobody-knows")
    assert Accept.parse("application/x-nobody-knows,.nob").allows(".nob")


JPEG, EXE = b"\xff\xd8\xff\xe0" + bytes(20), b"MZ" + bytes(20)


@pytest.mark.parametrize("name", ["photo", "Bildschirmfoto um 10.22.33", "photo."])
def test_the_bytes_decide_for_a_name_without_an_extension_where_types_are_named(name: str) -> None:
    pictures, files = slot("image/*"), parse_name(name)

    pictures.check(files, 24)
    found = pictures.look(files.extension, JPEG)
    assert found is not None and found.key == "jpeg"
    with pytest.raises(UploadError) as raised:
        pictures.look(files.extension, EXE)
    assert raised.value.code == "bad_ext"
    with pytest.raises(UploadError, match="accepted"):
        slot("image/png").look(files.extension, JPEG)


@pytest.mark.parametrize("accept", [".jpg,.png", "text/*", ".txt"])
def test_a_name_without_an_extension_is_refused_where_extensions_are_named(accept: str) -> None:
    assert refusal(slot(accept), "photo", 24).code == "bad_ext"


def test_a_jpeg_is_one_under_each_of_its_names() -> None:
    for name in ("a.jpg", "a.jpeg", "a.jpe", "a.jfif", "a.pjpeg", "a.pjp"):
        for accept in (".jpg", "image/*", "image/jpeg", ""):
            of = slot(accept)
            of.check(parse_name(name), 24)
            found = of.look(parse_name(name).extension, JPEG)
            assert found is not None and found.key == "jpeg", (name, accept)


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
    assert refusal(files, "a.jpg", 5_000_001).message == "This file is too large. The limit is 5\u00a0MB."
    assert refusal(files, "a.jpg", 1, other) == UploadError("too_many_files", "Only 1 file can be uploaded at a time.")
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
    ("size", "text"),
    [(5_000_000, "5 MB"), (1_500_000, "1.5 MB"), (2_000_000_000, "2 GB"), (460_600, "461 kB"), (900, "900 bytes")],
)
def test_sizes_are_told_as_people_count(size: int, text: str) -> None:
    assert megabytes(size).replace("\u00a0", " ") == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (90, "90 seconds"), (7200, "2 hours"), (86_400, "1 day")],
)
def test_times_are_told_as_people_say_them(seconds: int, text: str) -> None:
    assert duration(seconds) == text
