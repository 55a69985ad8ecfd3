"""How much may be under way: the ledger, then each way in."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from liveview.process import here
from liveview.tests.processes import served
from uploads.entries.quotas import Awaited, Ledger, Reservation
from uploads.errors import UploadError
from uploads.testing import Refused, UploadPage
from uploads.tests.http.ways import tus
from uploads.tests.http.ways.raw import Answer, Wire
from uploads.tests.http.ways.server import Server
from uploads.tests.support import TEXT, Site, handle, until


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(settings: Any, clock: Clock) -> Ledger:
    settings.UPLOADS = {"OWNER_BYTES": 1000, "OWNER_FILES": 3, "MAX_UPLOADS": 5}
    return Ledger(clock)


def refusal(book: Ledger, owner: str, upload_id: str, size: int, **disk: int) -> str:
    try:
        book.reserve(owner, upload_id, size, **disk)
    except UploadError as refused:
        return refused.code
    return ""


# The ledger


def test_an_owner_may_have_so_many_bytes_under_way_and_not_one_more(book: Ledger) -> None:
    assert refusal(book, "eve", "1", 600) == ""
    assert refusal(book, "eve", "2", 401) == "quota"
    assert refusal(book, "eve", "3", 400) == ""
    assert refusal(book, "bob", "4", 1000) == ""


def test_an_owner_may_have_so_many_files_under_way(book: Ledger) -> None:
    assert [refusal(book, "eve", str(number), 1) for number in range(4)] == ["", "", "", "quota"]


def test_all_together_may_have_so_many_under_way(book: Ledger) -> None:
    assert [refusal(book, f"owner {number}", str(number), 1) for number in range(6)] == [*[""] * 5, "busy"]


@pytest.mark.parametrize("no_limit", [0, None])
def test_without_limits_nothing_is_refused(book: Ledger, settings: Any, no_limit: int | None) -> None:
    settings.UPLOADS = dict.fromkeys(("OWNER_BYTES", "OWNER_FILES", "MAX_UPLOADS"), no_limit)
    assert {refusal(book, "eve", str(number), 10**15) for number in range(50)} == {""}


def test_what_is_released_may_be_reserved_again(book: Ledger) -> None:
    made = book.reserve("eve", "1", 1000)
    book.release("eve", "1", made)
    book.release("eve", "1", made)
    assert (book.of("eve"), book.live) == ((0, 0), 0)
    assert refusal(book, "eve", "2", 1000) == ""


def test_a_parked_upload_counts_for_its_owner_until_it_cannot_be_resumed(book: Ledger, clock: Clock) -> None:
    book.park("1", book.reserve("eve", "1", 1000), 60)
    assert book.live == 0
    assert refusal(book, "eve", "2", 1) == "quota"
    clock.now = 60
    assert refusal(book, "eve", "2", 1) == ""
    assert book.of("eve") == (1, 1)


def test_resuming_an_upload_takes_the_place_of_its_reservation(book: Ledger) -> None:
    first = book.reserve("eve", "1", 1000)
    second = book.reserve("eve", "1", 1000)
    book.park("1", first, 0)
    book.release("eve", "1", first)
    assert (book.of("eve"), book.live) == ((1000, 1), 1)
    book.release("eve", "1", second)
    assert (book.of("eve"), book.live) == ((0, 0), 0)


def test_a_refused_change_leaves_what_was_reserved(book: Ledger) -> None:
    book.reserve("eve", "1", 900)
    assert refusal(book, "eve", "1", 1001) == "quota"
    assert book.of("eve") == (900, 1)


def test_bytes_that_are_removed_count_no_more_though_somebody_else_had_reserved_them(book: Ledger) -> None:
    book.park("1", book.reserve("eve", "1", 900), 60)
    book.release("eve", "1", None)
    assert book.of("eve") == (0, 0)


def test_who_takes_all_they_can_get_leaves_as_much_to_others(book: Ledger, settings: Any) -> None:
    settings.UPLOADS = {"MAX_UPLOADS": 100}
    for name, most in (("eve", 50), ("mallory", 25)):
        said = [refusal(book, name, f"{name} {number}", 1) for number in range(100)]
        assert said.count("") == most
        assert set(said[most:]) == {"busy"}
    assert [refusal(book, "bob", f"bob {number}", 1) for number in range(10)] == [""] * 10


def test_parked_uploads_take_no_place(book: Ledger, settings: Any) -> None:
    settings.UPLOADS = {"MAX_UPLOADS": 100}
    for number in range(200):
        book.park(str(number), book.reserve("eve", str(number), 1), 60)
    assert book.live == 0


def test_the_disk_is_shared_as_well(book: Ledger, settings: Any) -> None:
    settings.UPLOADS = {}
    assert refusal(book, "eve", "1", 600, awaited=600, room=1000) == ""
    assert refusal(book, "eve", "2", 100, awaited=100, room=1000) == "busy"
    assert refusal(book, "bob", "3", 300, awaited=300, room=1000) == ""
    assert refusal(book, "ada", "4", 101, awaited=101, room=1000) == "storage_full"


def test_what_is_parked_may_keep_its_disk(book: Ledger) -> None:
    book.park("1", book.reserve("eve", "1", 900, awaited=900, room=1000), 60, awaited=900)
    assert book.awaited == 900
    book.written_to("eve", "1", 400)
    assert book.awaited == 500
    book.release("eve", "1", None)
    assert book.awaited == 0


def test_a_reservation_whose_thread_comes_too_late_is_none(folders: Any) -> None:
    """Whoever asked for it was cancelled before the thread had its turn."""
    before = here(Ledger).awaited
    with Awaited("somebody") as room:
        room.reserve(100)
        assert here(Ledger).awaited == before + 100
    room.reserve(1000)

    assert here(Ledger).awaited == before


def test_parallel_registrations_never_overshoot(book: Ledger, settings: Any) -> None:
    settings.UPLOADS = {"OWNER_BYTES": 1000, "OWNER_FILES": 0, "MAX_UPLOADS": 0}
    with ThreadPoolExecutor(16) as threads:
        said = list(threads.map(lambda number: refusal(book, "eve", str(number), 100), range(200)))
    assert said.count("") == 10
    assert book.of("eve") == (1000, 10)


@given(st.lists(st.tuples(st.sampled_from(["reserve", "rest", "release"]), st.integers(0, 5), st.integers(0, 400))))
def test_whatever_happens_the_sums_are_right(steps: list[tuple[str, int, int]]) -> None:
    book, held, live = Ledger(Clock()), dict[int, Reservation](), set[int]()
    for what, number, size in steps:
        if what == "reserve":
            held[number] = book.reserve("eve" if number % 2 else "bob", str(number), size)
            live.add(number)
        elif what == "rest":
            book.park(str(number), held.get(number), 60)
            live.discard(number)
        else:
            book.release("eve", str(number), held.pop(number, None))
            live.discard(number)
        for owner, odd in (("eve", 1), ("bob", 0)):
            sizes = [made.size for other, made in held.items() if other % 2 == odd]
            assert book.of(owner) == (sum(sizes), len(sizes))
        assert book.live == len(live)


# On a socket


@pytest.fixture
def tight(settings: Any, folders: Any) -> None:
    settings.UPLOADS |= {"OWNER_BYTES": 500_000, "OWNER_FILES": 3}


@pytest.fixture
def visitor() -> Client:
    """One with a session, whose pages count together."""
    client = Client()
    client.get("/bench/")
    return client


def refused(page: UploadPage, slot: str, size: int) -> str:
    with pytest.raises(Refused) as told:
        page.register(slot, "b.txt", size)
    return told.value.code


def test_pages_of_one_visitor_count_together_and_those_of_another_do_not(
    site: Site, tight: None, visitor: Client
) -> None:
    page, second = site(client=visitor), site(client=visitor)
    page.register("docs", "a.txt", 400_000)
    assert refused(second, "docs", 100_001) == "quota"
    second.register("docs", "a.txt", 100_000)
    site().register("docs", "a.txt", 400_000)


@pytest.mark.parametrize("end", ["cancel", "consume", "fail", "leave"])
def test_whatever_ends_an_upload_gives_its_bytes_back(
    site: Site, tight: None, visitor: Client, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    handle(monkeypatch, lambda view: [entry.data for entry in view.consume_uploaded_entries("docs")] and None)
    page, other = site(client=visitor), site(client=visitor)
    name, size = ("a.png", 500_000) if end == "fail" else ("a.txt", 500_000)
    ref, channel = page.register("docs", name, size)
    assert refused(other, "docs", 1) == "quota"
    match end:
        case "cancel":
            page.send({"type": "upload_cancel", "ref": ref})
            page.upload_answer(ref, "upload_cancelled")
        case "consume":
            page.send_rest(channel, (TEXT * 2)[:size])
            page.upload_answer(ref, "upload_ready")
            page.submit("run")
        case "fail":
            page.send_rest(channel, TEXT)
            with pytest.raises(Refused, match="type_mismatch"):
                page.upload_answer(ref, "upload_ready")
        case "leave":
            page.drop_connection()
    until(lambda: fits(other, size))


def fits(page: UploadPage, size: int) -> bool:
    try:
        page.register("docs", "b.txt", size)
    except Refused:
        return False
    return True


def test_an_interrupted_upload_counts_until_it_is_cancelled_and_can_be_resumed(
    site: Site, tight: None, visitor: Client
) -> None:
    page, other = site(client=visitor), site(client=visitor)
    upload_id, channel = page.register_resumable("video", "a.txt", 400_000)
    page.send_chunk(channel, 0, TEXT[:100_000])
    page.wait_until(lambda message: message["type"] == "upload_progress" and message["offsets"] != [])
    page.drop_connection()
    assert refused(other, "docs", 200_000) == "quota"
    page.reconnect()
    ack = page.resume("video", upload_id, 400_000)
    assert ack["accepted"]
    assert refused(other, "docs", 200_000) == "quota"
    page.send({"type": "upload_cancel", "ref": ack["ref"]})
    page.upload_answer(ack["ref"], "upload_cancelled")
    until(lambda: fits(other, 200_000))


def test_a_process_that_has_enough_says_so(site: Site, settings: Any) -> None:
    page = site()
    settings.UPLOADS |= {"MAX_UPLOADS": here(Ledger).live + 2}
    page.register("docs", "a.txt", 1000)
    page.register("docs", "b.txt", 1000)
    assert refused(page, "docs", 1000) == "busy"


# Without JavaScript


def test_a_post_counts_only_while_it_runs(
    site: Site, settings: Any, visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    handle(
        monkeypatch,
        lambda view: seen.extend(
            e.size for e in view.uploaded("doc") if here(Ledger).of(view._uploads.uploader.share) == (4000, 1)
        ),
    )
    settings.UPLOADS |= {"OWNER_BYTES": 5000}
    for _ in range(3):
        visitor.post("/bench/", {"_event": "run", "doc": SimpleUploadedFile("a.txt", TEXT[:4000])})
    assert seen == [4000] * 3


# By HTTP


server = served(Server, OWNER_BYTES=10_000, OWNER_FILES=0)


def test_tus_reserves_at_creation_and_gives_back_at_the_end(server: Server) -> None:
    first = tus.create(server, 6000)
    answer = server.ask("POST", "/tus/", {**tus.TUS, "Upload-Length": "6000"})
    assert (answer.status, json.loads(answer.body)["error"]) == (403, "quota")
    assert tus.patch(server, first, 0, TEXT[:3000]).status == 204
    assert server.ask("POST", "/tus/", {**tus.TUS, "Upload-Length": "6000"}).status == 403
    assert tus.patch(server, first, 3000, TEXT[3000:6000]).status == 204
    second = tus.create(server, 10_000)
    assert server.ask("DELETE", second, tus.TUS).status == 204
    third = tus.create(server, 10_000)
    assert server.ask("DELETE", third, tus.TUS).status == 204


def test_chunks_and_tus_of_one_visitor_count_together(server: Server) -> None:
    rest = tus.create(server, 6000)
    answer = send_chunk(server, "quota", TEXT[:6000])
    assert (answer.status, json.loads(answer.body)["code"]) == (403, "quota")
    assert server.ask("DELETE", rest, tus.TUS).status == 204
    for upload_id in ("one", "two"):
        answer = send_chunk(server, upload_id, TEXT[:6000])
        assert answer.status == 200, answer.body


def test_what_could_not_be_recorded_counts_no_more(server: Server) -> None:
    """A visitor who tries again and again while the database is away has their quota afterwards."""
    rename(server, "uploads_uploadstate", "away")
    try:
        tus_told = [server.ask("POST", "/tus/", {**tus.TUS, "Upload-Length": "6000"}).status for _ in range(2)]
    finally:
        rename(server, "away", "uploads_uploadstate")
    assert tus_told == [503, 503]

    whole = tus.create(server, 10_000)
    assert server.ask("DELETE", whole, tus.TUS).status == 204


def rename(server: Server, table: str, name: str) -> None:
    with contextlib.closing(sqlite3.connect(server.folder / "site.sqlite3", timeout=30)) as database, database:
        database.execute(f"ALTER TABLE {table} RENAME TO {name}")


def send_chunk(server: Server, upload_id: str, data: bytes) -> Answer:
    """The only one of a file."""
    headers = {
        "Content-Type": "application/octet-stream",
        "X-Upload-Id": upload_id,
        "X-Chunk-Index": "0",
        "X-Chunk-Count": "1",
        "X-File-Name": "a.dat",
        "X-File-Size": str(len(data)),
    }
    with Wire(server.port) as wire:
        return wire.ask("POST", "/api/upload-chunk", headers, data)
