"""What a view allows, and how its handler gets hold of each file, once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.core.files.storage import default_storage

from liveview import LiveView
from liveview.testing import ServerSaid
from uploads import UploadMixin
from uploads.tests.project import BenchView
from uploads.tests.support import TEXT, Site, Staged, assert_works, handle, until

from .seeing import saved

# allow_upload


def test_the_mixin_may_stand_on_either_side() -> None:
    class Before(UploadMixin, LiveView):
        pass

    class After(LiveView, UploadMixin):
        pass

    assert Before.live_extension_classes == After.live_extension_classes != ()


# Consuming


def test_an_entry_is_consumed_exactly_once(site: Site, staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[str]] = []
    handle(monkeypatch, lambda view: seen.append([e.client_name for e in view.consume_uploaded_entries("docs")]))
    page = site()
    for name in ("1.txt", "2.txt"):
        page.upload("docs", name, TEXT)
    page.submit("run")
    page.submit("run")
    assert seen == [["1.txt", "2.txt"], []]
    assert staged() == []


def test_the_browser_and_the_page_are_told_what_was_consumed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    handle(monkeypatch, lambda view: list(view.consume_uploaded_entries("docs")) and None)
    page = site()
    ref = page.upload("docs", "mine.txt", TEXT)
    page.wait_html("mine.txt")
    page.submit("run")
    assert "mine.txt" not in page.html
    kinds = [message["type"] for message in page.received]
    assert page.upload_answer(ref, "upload_consumed")
    assert kinds.index("upload_consumed") < kinds.index("ack")


def test_a_list_keeps_every_files_bytes_until_the_handler_returns(
    site: Site, staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []

    def script(view: BenchView) -> None:
        entries = list(view.consume_uploaded_entries("docs"))
        seen.extend(entry.file.read() for entry in entries)
        seen.extend(entry.data for entry in entries)

    handle(monkeypatch, script)
    page = site()
    for number in range(2):
        page.upload("docs", f"{number}.txt", TEXT[number:])
    page.submit("run")
    assert seen == [TEXT, TEXT[1:]] * 2
    assert staged() == []


def test_a_body_that_raises_keeps_its_entry_and_those_after_it(
    site: Site, staged: Staged, folders: Path, monkeypatch: pytest.MonkeyPatch, allowed: set[str]
) -> None:
    fails_at = ["2.txt"]

    def script(view: BenchView) -> None:
        for entry in view.consume_uploaded_entries("docs"):
            default_storage.save(entry.client_name, entry.file)
            if entry.client_name in fails_at:
                raise ZeroDivisionError
        view.said = "all saved"

    handle(monkeypatch, script)
    page = site()
    for number in (1, 2, 3):
        page.upload("docs", f"{number}.txt", TEXT[number:])
    with pytest.raises(ServerSaid, match="server_error") as said:
        page.submit("run")
    allowed.add(f"[{said.value.id}]")
    page.submit("say", text="x")
    assert ["1.txt" in page.html, "2.txt" in page.html, "3.txt" in page.html] == [False, True, True]
    fails_at.clear()
    page.submit("run")
    assert "all saved" in page.html
    content = saved(folders)
    assert (content["1.txt"], content["3.txt"]) == (TEXT[1:], TEXT[3:])
    assert [data for name, data in content.items() if name.startswith("2")] == [TEXT[2:]] * 2
    assert staged() == []


def test_a_handler_that_raises_after_its_loop_has_consumed(
    site: Site, staged: Staged, monkeypatch: pytest.MonkeyPatch, allowed: set[str]
) -> None:
    def script(view: BenchView) -> None:
        for entry in view.consume_uploaded_entries("docs"):
            default_storage.save("saved", entry.file)
        raise ZeroDivisionError

    handle(monkeypatch, script)
    page = site()
    page.upload("docs", "1.txt", TEXT)
    with pytest.raises(ServerSaid) as said:
        page.submit("run")
    allowed.add(f"[{said.value.id}]")
    handle(monkeypatch, lambda view: setattr(view, "said", len(list(view.consume_uploaded_entries("docs")))))
    page.submit("run")
    assert '<p id="said">0</p>' in page.html
    assert staged() == []


def test_a_break_leaves_the_rest_for_the_next_call(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def script(view: BenchView) -> None:
        for entry in view.consume_uploaded_entries("docs"):
            seen.append(entry.client_name)
            if entry.client_name == "2.txt" and seen.count("2.txt") == 1:
                break

    handle(monkeypatch, script)
    page = site()
    for number in (1, 2, 3):
        page.upload("docs", f"{number}.txt", TEXT)
    page.submit("run")
    page.submit("run")
    assert seen == ["1.txt", "2.txt", "2.txt", "3.txt"]


def test_a_file_that_was_saved_before_the_break_can_be_saved_again(
    site: Site, folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(view: BenchView) -> None:
        for entry in view.consume_uploaded_entries("docs"):
            default_storage.save("a.txt", entry.file)
            break

    handle(monkeypatch, script)
    page = site()
    page.upload("docs", "a.txt", TEXT)
    page.submit("run")
    page.submit("run")
    assert list(saved(folders).values()) == [TEXT, TEXT]


def test_saving_is_a_rename(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    inodes: list[int] = []

    def script(view: BenchView) -> None:
        for entry in view.consume_uploaded_entries("doc"):
            inodes.append(entry.path.stat().st_ino)
            inodes.append(os.stat(default_storage.path(default_storage.save("a.txt", entry.file))).st_ino)

    handle(monkeypatch, script)
    page = site()
    page.upload("doc", "a.txt", TEXT)
    page.submit("run")
    assert inodes[0] == inodes[1]


def test_a_handler_may_cancel_what_it_does_not_want(
    site: Site, staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []

    def script(view: BenchView) -> None:
        for entry in view.consume_uploaded_entries("docs"):
            if entry.client_name == "bad.txt":
                view.cancel_upload(entry.ref)
            else:
                kept.append(entry.client_name)

    handle(monkeypatch, script)
    page = site()
    refs = [page.upload("docs", name, TEXT) for name in ("bad.txt", "good.txt")]
    page.submit("run")
    page.upload_answer(refs[0], "upload_cancelled")
    assert kept == ["good.txt"]
    assert "bad.txt" not in page.html
    until(lambda: staged() == [])


def test_a_handler_may_cancel_an_upload_on_its_way(site: Site, staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    def script(view: BenchView) -> None:
        for entry in view.uploaded("doc"):
            view.cancel_upload(entry.ref)
        view.cancel_upload("never-was")

    handle(monkeypatch, script)
    page = site()
    ref, channel = page.register("doc", "a.txt", len(TEXT))
    page.send_chunk(channel, 0, TEXT[:100_000])
    page.submit("run")
    page.upload_answer(ref, "upload_cancelled")
    page.send_chunk(channel, 100_000, TEXT[100_000:])
    until(lambda: staged() == [])
    assert_works(page)


def test_nothing_is_lost_when_a_handler_takes_other_slots(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    handle(monkeypatch, lambda view: seen.extend(e.client_name for e in view.consume_uploaded_entries("doc")))
    page = site()
    page.upload("docs", "other.txt", TEXT)
    page.upload("doc", "mine.txt", TEXT)
    page.submit("run")
    assert seen == ["mine.txt"]
    assert "other.txt" in page.html
