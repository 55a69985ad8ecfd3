from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from uploads.core.machine import Late, State, Step, Write
from uploads.core.names import parse_name
from uploads.core.slots import Accept, Slot
from uploads.entries.entry import UploadEntry
from uploads.errors import UploadError

pytestmark = pytest.mark.usefixtures("folders")

ID = "0123456789abcdef" * 2


def entry(name: str = "a.txt", size: int = 5, **options: Any) -> UploadEntry:
    slot = Slot(name="files", accept=Accept.parse(""), **options)
    return UploadEntry(ID, "ref", slot, parse_name(name), size, "text/made-up")


def ready(data: bytes = b"hello", name: str = "a.txt") -> UploadEntry:
    made = entry(name, len(data))
    made.look(data)
    assert made.receive(0, len(data)) == Write()
    made.sink.write([data])
    made.written(len(data))
    assert made.seal()
    assert made.advance(Step.CHECK)
    made.check()
    assert made.advance(Step.ACCEPT)
    return made


def png(size: tuple[int, int] = (40, 30)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, "PNG")
    return buffer.getvalue()


def test_what_the_browser_said_and_what_was_found() -> None:
    data = png()
    made = ready(data, "../Ferien 1.PNG")
    assert (made.client_name, made.client_type, made.client_size) == ("Ferien 1.PNG", "text/made-up", len(data))
    assert (made.safe_name, made.content_type, made.size) == ("Ferien_1.png", "image/png", len(data))
    assert (made.complete, made.progress, made.error) == (True, 100, None)
    assert len(made.sha256) == 64
    made.discard()


def test_its_bytes_are_a_file_and_data() -> None:
    made = ready(b"hello")
    assert made.file.name == "a.txt"
    assert made.file.read(2) == b"he"
    assert made.data == b"hello"
    assert made.file.read() == b"hello"
    made.discard()


def test_a_file_that_somebody_closed_can_be_had_again() -> None:
    made = ready()
    made.file.close()
    assert made.file.read() == b"hello"
    made.discard()


def test_the_first_bytes_decide_as_they_arrive_in_pieces() -> None:
    data = png()
    made = entry("a.png", len(data))
    for at in range(0, len(data), 7):
        made.look(data[at : at + 7])
    assert made.file_type is not None
    assert made.file_type.key == "png"


@pytest.mark.parametrize(
    ("name", "head", "kept"),
    [
        ("a.JPEG", b"\xff\xd8\xff\xe0" + bytes(40), ".jpg"), ("a.jfif", b"\xff\xd8\xff\xe0" + bytes(40), ".jpg"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(40), ".png"), ("report.DOCX", b"PK\x03\x04" + bytes(40), ".docx"),
        ("a.zip", b"PK\x03\x04" + bytes(40), ".zip"), ("table.csv", b"name,size\n" * 5, ".csv"),
        ("README", b"x" * 40, ""),
    ],
)  # fmt: skip
def test_its_extension_is_what_to_keep_it_under(name: str, head: bytes, kept: str) -> None:
    upload = entry(name, len(head))

    upload.look(head)

    assert upload.extension == kept


def test_a_wrong_type_is_known_before_the_rest_arrives() -> None:
    made = entry("a.png", 1_000_000)
    with pytest.raises(UploadError) as raised:
        made.look(b"MZ" + bytes(5000))
    assert raised.value == UploadError("type_mismatch", "It is named .png, but it isn't a PNG image.")


def test_a_type_without_a_signature_is_taken_for_bytes() -> None:
    made = ready()
    assert (made.file_type, made.content_type) == (None, "application/octet-stream")
    made.discard()


def test_a_step_that_came_too_late_is_no_error() -> None:
    made = entry()
    assert made.fail(UploadError("bad_content"))
    assert not made.fail(UploadError("server_error"))
    assert not made.cancel()
    assert not made.seal()
    assert made.receive(0, 5) == Late()
    assert (made.state, made.error) == (State.REJECTED, UploadError("bad_content").message)


def test_an_upload_with_bytes_missing_is_not_sealed() -> None:
    made = entry()
    made.receive(0, 4)
    made.written(4)
    assert not made.seal()
    assert made.is_open


def test_validators_run_in_order_and_the_first_to_refuse_ends_it() -> None:
    seen: list[str] = []

    def refuse(found: UploadEntry) -> None:
        seen.append(found.sha256)
        raise UploadError("bad_content")

    made = entry(validators=(lambda e: seen.append("first"), refuse, lambda e: seen.append("third")))
    made.sink.write([b"hello"])
    with pytest.raises(UploadError):
        made.check()
    assert seen == ["first", made.sha256]
    made.discard()


# Who needs the bytes


def test_bytes_that_are_pinned_outlive_a_discard(staged: Callable[[], list[str]]) -> None:
    made = ready()
    made.pin()
    made.pin()
    made.discard()
    made.release()
    assert made.data == b"hello"
    made.release()
    assert staged() == []


def test_releasing_bytes_does_not_remove_them(staged: Callable[[], list[str]]) -> None:
    made = ready()
    made.pin()
    made.release()
    assert staged() == [ID]
    made.discard()
    assert staged() == []


def test_only_a_ready_entry_is_lent() -> None:
    assert not entry().lend()
    made = ready()
    assert made.lend()
    made.cancel()
    assert not made.lend()
    made.release()
    made.discard()


def test_a_lent_file_is_read_from_its_beginning() -> None:
    made = ready()
    made.file.read(3)
    made.lend()
    assert made.file.read() == b"hello"
    made.release()
    made.discard()
