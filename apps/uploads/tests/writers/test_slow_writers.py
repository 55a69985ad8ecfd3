"""A slow writer is noticed by nobody else."""

from __future__ import annotations

from typing import Any

from django.test import Client

from uploads.tests.support import TEXT, Gate, Site, until

from .recorder import PIECE, Recorder


def test_a_slow_writer_holds_up_no_click_and_no_other_upload(site: Site, gate: Gate) -> None:
    Recorder.steps["write_chunk"] = gate
    page, other = site("/writers/"), site("/bench/", Client())
    slow = [page.register("files", f"{number}.txt", len(TEXT)) for number in range(3)]
    for _ref, channel in slow:
        page.send_chunk(channel, 0, TEXT[:PIECE])
    until(lambda: sum("write_chunk" in writer.calls for writer in Recorder.made) == 3)

    page.submit("say", text="here")
    other.upload("docs", "other.txt", TEXT)
    assert "here" in page.html

    gate.open()
    for ref, channel in slow:
        page.send_rest(channel, TEXT, PIECE)
        page.upload_answer(ref, "upload_ready")
    assert all(writer.content == TEXT for writer in Recorder.made)


def test_as_many_slow_writers_as_there_are_threads_for_files_hold_up_no_file(site: Site, gate: Gate) -> None:
    Recorder.steps["write_chunk"] = gate
    page, other = site("/writers/"), site("/bench/", Client())
    for number in range(12):  # more than IO_THREADS, and than CHECK_THREADS
        _ref, channel = page.register("files", f"{number}.txt", len(TEXT))
        page.send_chunk(channel, 0, TEXT[:PIECE])
    until(lambda: sum("write_chunk" in writer.calls for writer in Recorder.made) == 12)
    page.drop_connection()

    other.upload("docs", "other.txt", TEXT)

    gate.open()
    until(lambda: all("abort" in writer.calls for writer in Recorder.made))


def test_credit_comes_back_when_the_writer_has_the_bytes(site: Site, gate: Gate, settings: Any) -> None:
    settings.UPLOADS = {**settings.UPLOADS, "WINDOW": 200_000}
    Recorder.steps["write_chunk"] = gate
    page = site("/writers/")
    ref, channel = page.register("file", "a.txt", len(TEXT))
    page.send_chunk(channel, 0, TEXT[:PIECE])
    gate.wait()
    page.send_chunk(channel, PIECE, TEXT[PIECE : 2 * PIECE])
    page.submit("say", text="still")
    assert page.credit == 200_000

    gate.open()
    page.send_rest(channel, TEXT, 2 * PIECE)
    page.upload_answer(ref, "upload_ready")
    assert page.credit > 200_000
