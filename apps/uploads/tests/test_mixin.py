"""What a view says and asks: allowing, consuming, cancelling, forms without JavaScript, and the seeds' samples."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from liveview import LiveView
from liveview.testing import ServerSaid
from uploads import UploadMixin
from uploads.entries import UploadEntry
from uploads.errors import UploadError
from uploads.testing import Refused, UploadPage

from .project import BenchView
from .support import TEXT, Gate, Site, Staged, assert_works, handle, until


def picture(kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), "teal").save(buffer, kind)
    return buffer.getvalue()


def saved(folders: Path) -> dict[str, bytes]:
    media = folders / "media"
    return {str(path.relative_to(media)): path.read_bytes() for path in media.rglob("*") if path.is_file()}


def errors_in(html: str) -> list[str]:
    return [re.sub(r"<[^>]+>", "", text).strip() for text in re.findall(r'(?s)role="alert"[^>]*>(.*?)</p>', html)]


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


# While a handler has the file in its hands


@pytest.fixture
def slow_handler(monkeypatch: pytest.MonkeyPatch, gate: Gate) -> tuple[Gate, list[Any]]:
    """A handler that has got the entries, and reads their bytes when the gate opens."""
    seen: list[Any] = []

    def script(view: BenchView) -> None:
        for entry in view.consume_uploaded_entries("doc"):
            gate()
            seen.append((entry.client_name, entry.data))

    handle(monkeypatch, script)
    return gate, seen


def start(page: UploadPage, event: str = "run") -> int:
    ref = page._next_ref()
    page.send({"type": "event", "ref": ref, "name": event, "params": {}})
    return ref


def finished(page: UploadPage, ref: int) -> None:
    page.wait_until(lambda message: message["type"] == "ack" and message["ref"] == ref, ref)


def test_a_cancel_comes_too_late_for_a_handler_that_has_the_file(
    site: Site, staged: Staged, slow_handler: tuple[Gate, list[Any]]
) -> None:
    gate, seen = slow_handler
    page = site()
    ref = page.upload("doc", "a.txt", TEXT)
    running = start(page)
    gate.wait()
    page.send({"type": "upload_cancel", "ref": ref})
    gate.open()
    finished(page, running)
    page.upload_answer(ref, "upload_cancelled")
    assert seen == [("a.txt", TEXT)]
    assert page.upload_answer(ref, "upload_consumed")
    assert staged() == []
    assert_works(page)


def test_the_next_file_waits_for_a_handler_that_has_the_last(
    site: Site, staged: Staged, slow_handler: tuple[Gate, list[Any]]
) -> None:
    gate, seen = slow_handler
    page = site()
    page.upload("doc", "a.txt", TEXT)
    running = start(page)
    gate.wait()
    page.send({"type": "upload_register", "slot": "doc", "ref": "next", "name": "b.txt", "size": 5, "mime": ""})
    gate.open()
    finished(page, running)
    channel = page.upload_answer("next", "upload_registered")["channel"]
    page.send_chunk(channel, 0, b"hello")
    page.upload_answer("next", "upload_ready")
    page.submit("run")
    assert seen == [("a.txt", TEXT), ("b.txt", b"hello")]
    assert staged() == []


def test_a_handler_goes_on_when_the_visitor_has_left(
    site: Site, staged: Staged, slow_handler: tuple[Gate, list[Any]]
) -> None:
    gate, seen = slow_handler
    page = site()
    page.upload("doc", "a.txt", TEXT)
    start(page)
    gate.wait()
    page._put({"type": "websocket.disconnect", "code": 1006})
    gate.open()
    page.drop_connection()
    until(lambda: seen == [("a.txt", TEXT)])
    until(lambda: staged() == [])


def test_a_handler_that_raises_when_the_visitor_has_left_leaves_nothing(
    site: Site, staged: Staged, gate: Gate, monkeypatch: pytest.MonkeyPatch, allowed: set[str]
) -> None:
    allowed.add("BenchView failed")
    read: list[bytes] = []

    def script(view: BenchView) -> None:
        entries = list(view.consume_uploaded_entries("docs"))
        gate()
        read.extend(entry.data for entry in entries)
        raise ZeroDivisionError

    handle(monkeypatch, script)
    page = site()
    page.upload("docs", "a.txt", TEXT)
    start(page)
    gate.wait()
    page._put({"type": "websocket.disconnect", "code": 1006})
    gate.open()
    page.drop_connection()
    until(lambda: read == [TEXT])
    until(lambda: staged() == [])


# A form without JavaScript


@pytest.fixture
def post(site: Site, client: Client) -> Any:
    """Posts the bench's form; the page that comes back."""

    def send(**fields: Any) -> str:
        return client.post("/bench/", {"_event": "run", **fields}).content.decode()

    return send


def txt(name: str = "a.txt", data: bytes = TEXT) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data, "text/plain")


def test_a_posted_file_goes_through_the_same_slot(post: Any, staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    handle(
        monkeypatch,
        lambda view: seen.extend((e.client_name, e.data, e.complete) for e in view.consume_uploaded_entries("doc")),
    )
    assert errors_in(post(doc=txt())) == []
    assert seen == [("a.txt", TEXT, True)]
    assert staged() == []


def test_several_slots_and_files_may_be_posted_at_once(
    post: Any, staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []

    def script(view: BenchView) -> None:
        for slot in ("doc", "docs"):
            seen.extend((slot, e.client_name, e.size) for e in view.consume_uploaded_entries(slot))

    handle(monkeypatch, script)
    post(doc=txt(), docs=[txt("1.txt", b"1"), txt("2.txt", b"22")])
    assert seen == [("doc", "a.txt", len(TEXT)), ("docs", "1.txt", 1), ("docs", "2.txt", 2)]
    assert staged() == []


@pytest.mark.parametrize(
    ("name", "data", "error"),
    [
        ("a.exe", b"MZ", "a.exe: This kind of file isn&#x27;t accepted here: choose .png, .txt."),
        ("a.png", b"MZ", "a.png: This isn&#x27;t the kind of file its name says."),
        ("a.txt", b"", "a.txt: This file is empty."),
    ],
)
def test_a_refused_file_is_named_on_the_page_and_nothing_is_saved(
    post: Any, staged: Staged, monkeypatch: pytest.MonkeyPatch, name: str, data: bytes, error: str
) -> None:
    ran: list[Any] = []
    handle(monkeypatch, ran.append)
    assert errors_in(post(docs=[txt("good.txt"), txt(name, data)])) == [error]
    assert ran == []
    assert staged() == []


def test_posted_files_that_are_too_large_or_too_many_are_refused(post: Any, staged: Staged) -> None:
    page = post(docs=[txt(f"{number}.txt") for number in range(4)], small=txt("small.txt"))
    assert errors_in(page) == [
        "3.txt: Only 3 can be uploaded at a time.",
        "small.txt: This file is too large: at most 1 kB are accepted.",
    ]
    assert staged() == []


def test_a_validator_refuses_a_posted_file_too(post: Any, staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(entry: UploadEntry) -> None:
        entry.sibling("derived").write_bytes(b"x")
        raise UploadError("bad_content")

    monkeypatch.setattr(BenchView, "check", staticmethod(refuse))
    assert errors_in(post(doc=txt())) == ["a.txt: This file is damaged or can&#x27;t be read."]
    assert staged() == []


def test_a_single_slot_takes_the_last_of_two_posted_files_and_keeps_none(
    post: Any, staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    handle(monkeypatch, lambda view: seen.extend(e.client_name for e in view.consume_uploaded_entries("doc")))
    post(doc=[txt("1.txt"), txt("2.txt")])
    assert seen == ["2.txt"]
    assert staged() == []


@pytest.mark.parametrize("how", ["unconsumed", "raises"])
def test_what_a_post_did_not_consume_goes_with_it(
    post: Any, staged: Staged, monkeypatch: pytest.MonkeyPatch, allowed: set[str], how: str
) -> None:
    def script(view: BenchView) -> None:
        if how == "raises":
            for _ in view.consume_uploaded_entries("docs"):
                raise ZeroDivisionError

    handle(monkeypatch, script)
    if how == "raises":
        allowed.add("Internal Server Error: /bench/")
        with pytest.raises(ZeroDivisionError):
            post(docs=[txt("1.txt"), txt("2.txt")])
    else:
        post(docs=[txt("1.txt"), txt("2.txt")])
    assert staged() == []


def test_a_file_for_a_slot_that_is_none_is_ignored(post: Any, staged: Staged) -> None:
    assert errors_in(post(nowhere=txt())) == []
    assert staged() == []


def test_a_form_without_its_token_is_refused_before_its_file_is_looked_at(
    site: Site, staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[Any] = []
    handle(monkeypatch, ran.append)
    answer = Client(enforce_csrf_checks=True).post("/bench/", {"_event": "run", "doc": txt()})
    assert answer.status_code == 403
    assert (ran, staged()) == ([], [])


# The seeds' samples


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_the_tutorials_avatar(site: Site, staged: Staged, folders: Path, kind: str) -> None:
    data, name = picture(kind), f"cute.{kind.lower()}"
    page = site("/seeds/avatar/")
    assert "Drag your avatar here" in page.html
    page.submit("save_avatar")
    assert errors_in(page.html) == ["No file selected."]
    page.upload("avatar", name, data)
    page.submit("save_avatar")
    assert f'<img src="/media/avatars/{name}"' in page.html
    assert f"<strong>{name}</strong>" in page.html
    assert errors_in(page.html) == []
    assert saved(folders) == {f"avatars/{name}": data}
    page.click("reset_avatar")
    assert "Drag your avatar here" in page.html
    assert staged() == []


def test_the_tutorials_avatar_is_not_fooled_by_a_name(site: Site, folders: Path) -> None:
    page = site("/seeds/avatar/")
    with pytest.raises(Refused, match="type_mismatch"):
        page.upload("avatar", "cute.png", b"MZ" + TEXT)
    with pytest.raises(Refused, match="too_large"):
        page.register("avatar", "cute.png", 5_000_001)
    page.submit("save_avatar")
    assert errors_in(page.html) == ["No file selected."]
    assert not (folders / "media").exists()


def test_the_tutorials_avatar_never_overwrites(site: Site, folders: Path) -> None:
    pages = [site("/seeds/avatar/") for _ in range(2)]
    for page, kind in zip(pages, ("PNG", "JPEG"), strict=True):
        page.upload("avatar", "../../me.png" if kind == "PNG" else "me.jpg", picture(kind))
    for page in [*pages, pages[0]]:
        page.submit("save_avatar")
    assert set(saved(folders)) == {"avatars/me.png", "avatars/me.jpg"}


def test_the_quick_starts_profile(site: Site, staged: Staged, folders: Path) -> None:
    page = site("/seeds/profile/")
    page.upload("avatar", "me.jpg", picture("JPEG"))
    page.submit("save_avatar")
    assert set(saved(folders)) == {"avatars/me.jpg"}
    assert staged() == []


def test_the_quick_starts_gallery(site: Site, staged: Staged, folders: Path) -> None:
    page = site("/seeds/gallery/")
    for name in ("1.png", "2.png", "1.png"):
        page.upload("photos", name, picture())
    page.click("upload_photos")
    assert len(re.findall(r'<img src="/media/gallery/1\w*.png" alt="1.png">', page.html)) == 2
    assert page.html.count("<img") == len(saved(folders)) == 3
    with pytest.raises(Refused, match="type_mismatch"):
        page.upload("photos", "bad.gif", TEXT)
    page.upload("photos", "4.webp", picture("WEBP"))
    page.click("upload_photos")
    assert page.html.count("<img") == 4
    assert staged() == []
