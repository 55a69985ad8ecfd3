"""Any sequence of chunks, replays, gaps and cancels ends in the exact bytes or in a typed error."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from uploads.testing import Refused, UploadPage
from uploads.tests.support import TEXT, Site, Staged, handle, until

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["next", "next", "next", "replay", "gap", "overlap", "empty end", "overrun", "cancel"]),
        st.integers(1024, 30_000),
    ),
    max_size=12,
)


def test_any_sequence_of_chunks_ends_in_the_exact_bytes_or_in_a_typed_error(
    site: Site, staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []
    handle(monkeypatch, lambda view: found.extend(e.sha256 for e in view.consume_uploaded_entries("doc")))
    page = site()

    @hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(size=st.integers(1, 60_000), start=st.integers(0, 200_000), steps=STEPS)
    def run(size: int, start: int, steps: list[tuple[str, int]]) -> None:
        data, found[:] = TEXT[start : start + size], []
        ref, channel = page.register("doc", "a.txt", size)
        ending = send(page, ref, channel, data, steps)
        if ending == "upload_ready":
            page.upload_answer(ref, "upload_ready")
            page.submit("run")
            assert found == [hashlib.sha256(data).hexdigest()]
        elif ending == "cancel":
            page.upload_answer(ref, "upload_cancelled")
        else:
            with pytest.raises(Refused, match=ending):
                page.upload_answer(ref, "upload_ready")
        until(lambda: staged() == [])
        page.received.clear()

    run()


def send(page: UploadPage, ref: str, channel: int, data: bytes, steps: list[tuple[str, int]]) -> str:
    """Sends `steps`, then what is left; how the upload must end."""
    at = 0
    for step, length in steps:
        if at == len(data):
            break
        match step:
            case "next":
                page.send_chunk(channel, at, data[at : at + length])
                at = min(len(data), at + length)
            case "replay" if at >= 1024:
                page.send_chunk(channel, at - 1024, b"x" * 1024)
            case "gap":
                page.send_chunk(channel, at + length, b"x" * 1024)
            case "overlap" if at:
                page.send_chunk(channel, at - 1, b"x" * length)
            case "empty end":
                page.send_chunk(channel, len(data), b"")
            case "overrun":
                page.send_chunk(channel, at, data[at:] + b"x" * length)
                return "size_mismatch"
            case "cancel":
                page.send({"type": "upload_cancel", "ref": ref})
                return "cancel"
    for offset in range(at, len(data), 8000):
        page.send_chunk(channel, offset, data[offset : offset + 8000])
    return "upload_ready"
