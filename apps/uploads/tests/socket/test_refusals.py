"""Bytes that the disk, a validator or a slot that was narrowed meanwhile refuses: case E4, and a view's own rules."""

from __future__ import annotations

import errno
import os
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from uploads.entries.entry import UploadEntry
from uploads.errors import SENTENCES, UploadError
from uploads.staging import files
from uploads.testing import Refused
from uploads.tests.project import BenchView
from uploads.tests.support import TEXT, Site, Staged, assert_works, handle, until

# E4: the disk


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_full_disk_ends_the_upload_and_nothing_else(
    site: Site, staged: Staged, monkeypatch: pytest.MonkeyPatch, allowed: set[str], code: int
) -> None:
    really, is_full = files._write_all, False
    allowed.add("could not write staging file")

    def write(file: Any, chunk: Any) -> None:
        if is_full:
            file.write(chunk[:10])
            raise OSError(code, os.strerror(code))
        really(file, chunk)

    monkeypatch.setattr(files, "_write_all", write)
    page, other = site(), site()
    ref, channel = page.register("doc", "a.txt", len(TEXT))
    page.send_chunk(channel, 0, TEXT[:100_000])
    page.wait_for("upload_progress")
    is_full = True
    page.send_chunk(channel, 100_000, TEXT[100_000:200_000])
    page.send_chunk(channel, 200_000, TEXT[200_000:])
    with pytest.raises(Refused) as refused:
        page.upload_answer(ref, "upload_ready")
    assert (refused.value.code, refused.value.message) == ("storage_full", SENTENCES["storage_full"])
    until(lambda: staged() == [])
    page.wait_html(SENTENCES["storage_full"].split(" to ")[0])
    is_full = False
    assert_works(page)
    assert_works(other)


# What a validator does


def test_what_a_validator_refuses_is_told_and_removed(
    site: Site, staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(entry: UploadEntry) -> None:
        entry.sibling("thumb").write_bytes(b"x")
        raise UploadError("too_loud", "This song is too loud.")

    monkeypatch.setattr(BenchView, "check", staticmethod(refuse))
    page = site()
    with pytest.raises(Refused) as refused:
        page.upload("doc", "a.txt", TEXT)
    assert (refused.value.code, refused.value.message) == ("too_loud", "This song is too loud.")
    page.wait_html("This song is too loud.")
    until(lambda: staged() == [])


def test_djangos_own_validators_can_be_used(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(entry: UploadEntry) -> None:
        raise ValidationError("Too %(what)s.", params={"what": "long"})

    monkeypatch.setattr(BenchView, "check", staticmethod(refuse))
    with pytest.raises(Refused) as refused:
        site().upload("doc", "a.txt", TEXT)
    assert (refused.value.code, refused.value.message) == ("invalid", "Too long.")


def test_a_validator_that_breaks_is_logged_and_says_nothing_of_itself(
    site: Site, staged: Staged, monkeypatch: pytest.MonkeyPatch, allowed: set[str]
) -> None:
    allowed.add("validator failed")
    monkeypatch.setattr(BenchView, "check", staticmethod(lambda entry: 1 / 0))
    page = site()
    with pytest.raises(Refused) as refused:
        page.upload("doc", "a.txt", TEXT)
    assert (refused.value.code, refused.value.message) == ("server_error", SENTENCES["server_error"])
    until(lambda: staged() == [])
    monkeypatch.setattr(BenchView, "check", staticmethod(lambda entry: None))
    assert_works(page)


# What changed while the bytes travelled


@pytest.mark.parametrize(("change", "code"), [({"accept": ".png"}, "bad_ext"), ({"max_file_size": 1000}, "too_large")])
def test_a_slot_that_was_narrowed_meanwhile_refuses_what_it_no_longer_takes(
    site: Site, monkeypatch: pytest.MonkeyPatch, staged: Staged, change: dict[str, Any], code: str
) -> None:
    """D7: the configuration counts as it is when the last byte arrives."""
    page = site()
    handle(monkeypatch, lambda view: view.allow_upload("docs", **{"accept": ".txt", "max_entries": 3, **change}))
    ref, channel = page.register("docs", "a.txt", 5000)
    page.send_chunk(channel, 0, TEXT[:2000])
    page.submit("run")

    page.send_chunk(channel, 2000, TEXT[2000:5000])
    with pytest.raises(Refused) as refused:
        page.upload_answer(ref, "upload_ready")

    assert refused.value.code == code
    until(lambda: staged() == [])
