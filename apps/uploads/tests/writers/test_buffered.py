"""Writers that get parts of one size, whatever the chunks are."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest

from uploads import BufferedUploadWriter
from uploads.tests.support import TEXT, Site
from uploads.tests.writers.writing import WriterView

from .recorder import consume


class Parts(BufferedUploadWriter):
    buffer_threshold = 1000
    made: ClassVar[list[Parts]] = []

    def open(self) -> None:
        self.parts: list[tuple[int, bytes]] = []
        Parts.made.append(self)

    def on_part(self, part: bytes, part_num: int) -> None:
        self.parts.append((part_num, part))

    def on_complete(self) -> dict[str, Any]:
        return {"url": f"{len(self.parts)} parts"}


@pytest.mark.parametrize("chunk", [1, 7, 999, 1000, 1001, 2500, 5000])
@pytest.mark.parametrize("size", [1, 999, 1000, 1001, 3000, 4500])
def test_parts_are_aligned_numbered_and_end_with_the_rest(chunk: int, size: int) -> None:
    data, writer = TEXT[:size], Parts(upload_id="a", filename="a", content_type="", expected_size=size)
    writer.open()
    for at in range(0, size, chunk):
        writer.write_chunk(data[at : at + chunk])
    before = len(writer.parts)
    result = writer.close()

    assert b"".join(part for _number, part in writer.parts) == data
    assert [number for number, _part in writer.parts] == list(range(1, -(-size // 1000) + 1))
    assert all(len(part) == 1000 for _number, part in writer.parts[:-1])
    assert before == size // 1000  # a part goes as soon as it is whole
    assert result == {"url": f"{len(writer.parts)} parts"}


def test_a_buffered_writer_of_a_slot_completes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    Parts.made.clear()
    monkeypatch.setattr(WriterView, "make", Parts)
    page = site("/writers/")
    page.upload("file", "a.txt", TEXT, chunk=1500)
    consume(page)

    assert "url=300 parts" in page.html
    assert b"".join(part for _number, part in Parts.made[0].parts) == TEXT


def test_an_override_that_calls_nothing_of_ours_is_buffered_and_flushed(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the seeds' ResumableS3Writer does it."""

    class Careless(Parts):
        def write_chunk(self, chunk: bytes) -> None:
            self.count = getattr(self, "count", 0) + len(chunk)

        def close(self) -> dict[str, Any]:
            return {"url": f"{self.count} in {len(self.parts)}"}

    Parts.made.clear()
    monkeypatch.setattr(WriterView, "make", Careless)
    page = site("/writers/")
    page.upload("file", "a.txt", TEXT[:250_500])
    consume(page)

    assert "url=250500 in 251" in page.html
    assert b"".join(part for _number, part in Parts.made[0].parts) == TEXT[:250_500]


def test_an_override_that_changes_chunks_is_buffered_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    class Veiled(Parts):
        def write_chunk(self, chunk: bytes) -> None:
            super().write_chunk(bytes(byte ^ 1 for byte in chunk))

    Parts.made.clear()
    monkeypatch.setattr(WriterView, "make", Veiled)
    page = site("/writers/")
    page.upload("file", "a.txt", TEXT[:20_000])

    assert b"".join(part for _number, part in Parts.made[0].parts) == bytes(byte ^ 1 for byte in TEXT[:20_000])
