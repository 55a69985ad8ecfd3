"""Slots that verify: a block counts only if it is what its sender hashed."""

from __future__ import annotations

import hashlib

import pytest

from uploads.socket import receiver
from uploads.testing import Refused, UploadPage
from uploads.tests.project import BenchView
from uploads.tests.support import Site, assert_works, handle

BLOCK = 10_000
DATA = b"".join(bytes([number]) * BLOCK for number in b"abcd")


@pytest.fixture
def consumed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, str]]:
    found: list[tuple[bytes, str]] = []

    def consume(view: BenchView) -> None:
        found.extend((entry.data, entry.sha256) for entry in view.consume_uploaded_entries("verified"))

    handle(monkeypatch, consume)
    return found


def send(page: UploadPage, channel: int, number: int, payload: bytes | None = None) -> None:
    """Block `number`, or something else in its place under its digest."""
    block = DATA[number * BLOCK :][:BLOCK]
    page.send_chunk(channel, number * BLOCK, block if payload is None else payload, hashlib.sha256(block).digest())


def damage(page: UploadPage) -> int:
    answer = page.wait_until(lambda message: message["type"] == "upload_error" and message["code"] == "bad_digest")
    offset: int = answer["offset"]
    return offset


def test_a_damaged_block_is_not_written_and_asked_for_again(site: Site, consumed: list[tuple[bytes, str]]) -> None:
    page = site("/bench/")
    ref, channel = page.register("verified", "a.txt", len(DATA))
    send(page, channel, 0)
    page.wait_until(lambda message: message["type"] == "upload_progress" and [channel, BLOCK] in message["offsets"])

    send(page, channel, 1, b"x" * BLOCK)
    assert damage(page) == BLOCK
    for number in (1, 2, 3):
        send(page, channel, number)
    page.upload_answer(ref, "upload_ready")
    page.click("run")

    assert consumed == [(DATA, hashlib.sha256(DATA).hexdigest())]


def test_the_kind_of_a_file_is_not_judged_by_damaged_bytes(site: Site, consumed: list[tuple[bytes, str]]) -> None:
    page = site("/bench/")
    ref, channel = page.register("verified", "a.txt", len(DATA))

    send(page, channel, 0, b"MZ".ljust(BLOCK, b"\0"))
    assert damage(page) == 0
    for number in range(4):
        send(page, channel, number)
    page.upload_answer(ref, "upload_ready")


def test_a_line_that_damages_everything_is_given_up(site: Site) -> None:
    page = site("/bench/")
    ref, channel = page.register("verified", "a.txt", len(DATA))

    for _ in range(receiver.DAMAGES - 1):
        send(page, channel, 0, b"x" * BLOCK)
        assert damage(page) == 0
    send(page, channel, 0, b"x" * BLOCK)

    with pytest.raises(Refused, match="damaged in transit"):
        page.upload_answer(ref, "upload_ready")
    assert_works(page)


@pytest.mark.parametrize(("slot", "digest"), [("verified", None), ("docs", hashlib.sha256(DATA).digest())])
def test_a_digest_too_few_or_too_many_is_a_violation(site: Site, slot: str, digest: bytes | None) -> None:
    page = site("/bench/")
    _ref, channel = page.register(slot, "a.txt", len(DATA))

    page.send_chunk(channel, 0, DATA, digest)

    assert page.wait_for("error")["code"] == "bad_message"
    assert_works(page)
