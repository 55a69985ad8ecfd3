"""Every way in, through the same cases: one outcome inside, each protocol's documented code outside.

Inside is what the upload's events say of it (`uploads.events`), and what is left of it: staged files, reserved bytes, a
writer's shelf. A case that a protocol has no words for is named as such.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.sessions.backends.db import SessionStore

from liveview.process import here
from uploads import UploadEntry, UploadError, intakes
from uploads.entries import uploader
from uploads.entries.quotas import Ledger
from uploads.events import upload_event
from uploads.owners import SESSION_KEY
from uploads.staging import files
from uploads.tests.entries.ways_in import OK, STEP, WAYS, Bare, Way
from uploads.tests.entries.ways_project import ACCEPT, MOST, Depot, Shelf, WaysView
from uploads.tests.support import Site, Staged, until

DATA = random.Random(7).randbytes(2 * STEP)
HALF = DATA[:STEP]

pytestmark = pytest.mark.django_db(transaction=True)


class Inside:
    """What becomes of uploads, as their events tell it."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []
        self.digests: list[str] = []

    def __call__(self, sender: Any, event: str, fields: dict[str, Any], **_: Any) -> None:
        self.told.append((event, fields["outcome"]))

    def check(self, entry: UploadEntry) -> None:
        """The validator of every slot and intake: refuses what begins with BAD."""
        elsewhere = Shelf.shelves.get(entry.upload.id) or Depot.held.get(entry.upload.id) or b""
        stored = entry.path.read_bytes() if entry.path.exists() else elsewhere
        self.digests.append(hashlib.sha256(stored).hexdigest())
        if stored.startswith(b"BAD"):
            raise UploadError("bad_content")


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inside]:
    made = Inside()
    upload_event.connect(made, weak=False)
    monkeypatch.setattr(WaysView, "check", staticmethod(made.check))
    yield made
    upload_event.disconnect(made)


@pytest.fixture
def session() -> SessionStore:
    made = SessionStore()
    made[SESSION_KEY] = "me"
    made.create()
    return made


@pytest.fixture
def way(
    request: pytest.FixtureRequest, site: Site, settings: Any, session: SessionStore, inside: Inside
) -> Iterator[Way]:
    settings.ROOT_URLCONF = "uploads.tests.entries.ways_project"
    settings.UPLOADS = {**settings.UPLOADS, "INTAKE": "ways", "TUS_INTAKE": "ways"}
    intakes.register(
        "ways", accept=ACCEPT, max_file_size=MOST, validators=[inside.check], receive=lambda entry, owner: None
    )
    Shelf.shelves, Shelf.is_full, Depot.held = {}, False, {}
    kind: type[Way] = request.param
    made = kind(session, lambda client=None: site("/ways/", client))
    yield made
    made.close()
    intakes.unregister("ways")


def exact(way: Way) -> str:
    assert way.begin(len(DATA)) == OK
    assert way.put(0, HALF) == OK
    assert way.put(STEP, DATA[STEP:]) == OK
    return way.finish()


def short(way: Way) -> str:
    assert way.begin(len(DATA)) == OK
    assert way.put(0, HALF) == OK
    return way.finish()


def one_too_many(way: Way) -> str:
    assert way.begin(len(DATA)) == OK
    assert way.put(0, HALF) == OK
    told = way.put(STEP, DATA[STEP:] + b"!")
    return way.finish() if way.name == "direct" else told  # its storage has it: we look there


def empty(way: Way) -> str:
    answer = way.begin(0)
    return answer if answer != OK else way.finish()


def replayed(way: Way) -> str:
    assert way.begin(len(DATA)) == OK
    assert way.put(0, HALF) == OK
    told = way.put(0, HALF)
    assert way.put(STEP, DATA[STEP:]) == OK
    assert way.finish() == OK
    return told


def gap(way: Way) -> str:
    assert way.begin(3 * STEP) == OK
    assert way.put(0, HALF) == OK
    told = way.put(2 * STEP, HALF)
    assert way.put(STEP, HALF) == OK
    if way.name != "chunked":
        assert way.put(2 * STEP, HALF) == OK
    assert way.finish() == OK
    return told


def overlap(way: Way) -> str:
    assert way.begin(len(DATA)) == OK
    assert way.put(0, HALF) == OK
    told = way.put(STEP // 2, DATA[STEP // 2 : STEP // 2 + STEP])
    if told == OK:
        assert way.put(STEP // 2 + STEP, DATA[STEP // 2 + STEP :]) == OK
    else:
        assert way.put(STEP, DATA[STEP:]) == OK
    assert way.finish() == OK
    return told


def cancelled(way: Way) -> str:
    assert way.begin(len(DATA)) == OK
    assert way.put(0, HALF) == OK
    return way.cancel()


def superseded(way: Way) -> str:
    """Whoever resumes has the upload; the connection before it no longer writes."""
    assert way.begin(len(DATA)) == OK
    assert way.put(0, HALF) == OK
    second = way.taken_over()
    told = OK if second is way else way.put(STEP, b"E" * STEP)
    assert second.put(second.offset, DATA[second.offset :]) == OK
    assert second.finish() == OK
    return told


def wrong_type(way: Way) -> str:
    assert way.begin(len(DATA), "a.png") == OK
    return first_refusal(way, b"MZ" + DATA[2:])


def refused_by_a_validator(way: Way) -> str:
    assert way.begin(len(DATA)) == OK
    return first_refusal(way, b"BAD" + DATA[3:])


def storage_full(way: Way) -> str:
    assert way.begin(len(DATA)) == OK
    return first_refusal(way, DATA)


def session_gone(way: Way) -> str:
    assert way.begin(len(DATA)) == OK
    assert way.put(0, HALF) == OK
    session = SessionStore(way.client.cookies["sessionid"].value)
    return way.put(STEP, DATA[STEP:], between=session.flush)


def first_refusal(way: Way, data: bytes) -> str:
    for at in range(0, len(data), STEP):
        told = way.put(at, data[at : at + STEP])
        if told != OK:
            return told
    return way.finish()


READY, ENDED = ("ready", "ok"), ("rejected", "cancelled", "expired")


@dataclass(frozen=True)
class Case:
    """`inside`: the event in which it ends, and its code. `outside`: what clients are told, unless `but` says else."""

    script: Callable[[Way], str]
    inside: tuple[str, str] | None
    outside: str = OK
    but: dict[str, str] = field(default_factory=dict)
    unsayable: str = ""  # ways whose protocol has no words for it
    untouched: tuple[str, ...] = ()  # ways that are refused by their headers: inside nothing has happened
    is_whole: bool = False  # the bytes are the file's, whatever happened on the way


FORMS = "form multipart"  # as long as they are, in one piece, and looked at as a whole
IN_ORDER = f"{FORMS} bare direct"  # without offsets

CASES = [
    Case(exact, READY, is_whole=True),
    # On a socket, whoever doesn't send the rest says nothing. tus has no word for the end: it comes with the last byte.
    Case(short, None, "incomplete", {"tus": OK}, unsayable=f"{FORMS} socket writer bare"),
    Case(
        one_too_many,
        ("rejected", "size_mismatch"),
        "size_mismatch",
        {"tus": "too_large", "chunked": "bad_body"},
        unsayable=FORMS,
        untouched=("chunked", "fallback"),
    ),
    Case(empty, None, "empty"),
    Case(replayed, READY, OK, {"tus": "bad_offset"}, unsayable=IN_ORDER, is_whole=True),
    Case(gap, READY, "bad_offset", {"chunked": OK}, unsayable=IN_ORDER),
    Case(overlap, READY, "bad_offset", {"fallback": OK}, unsayable=f"{IN_ORDER} chunked", is_whole=True),
    Case(cancelled, ("cancelled", "cancelled"), unsayable=f"{FORMS} chunked bare"),
    Case(superseded, READY, "superseded", {"tus": OK}, unsayable=f"{IN_ORDER} chunked fallback", is_whole=True),
    Case(wrong_type, ("rejected", "type_mismatch"), "type_mismatch"),
    Case(refused_by_a_validator, ("rejected", "bad_content"), "bad_content"),
    # A numbered chunk that found no room may come again: the others stay where they are. Another storage says itself
    # to the browser that it is full.
    Case(storage_full, ("rejected", "storage_full"), "storage_full", unsayable="direct", untouched=("chunked",)),
    # What comes in one request belongs to whoever sends that.
    Case(
        session_gone,
        None,
        "session_ended",
        {"socket": "4401", "writer": "4401"},
        unsayable=f"{FORMS} chunked fallback direct",
    ),
]
PAIRS = [
    pytest.param(case, way, id=f"{way.name}-{case.script.__name__}")
    for case in CASES
    for way in WAYS
    if way.name not in case.unsayable.split()
]


@pytest.mark.parametrize(("case", "way"), PAIRS, indirect=["way"])
def test_it_ends_alike_whichever_way_it_came(
    case: Case, way: Way, inside: Inside, staged: Staged, allowed: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare(case, monkeypatch)
    allowed |= {"could not write staging file", "Insufficient Storage"}

    told = case.script(way)

    assert told == case.but.get(way.name, case.outside)
    expected = None if way.name in case.untouched else case.inside
    if expected is None:
        assert not any(event in ("ready", "consumed") for event, _ in inside.told)
        return
    until(lambda: expected in inside.told)
    assert not [step for step in inside.told if step[0] == "rejected" and step != expected]
    if case.is_whole:
        assert hashlib.sha256(DATA).hexdigest() in inside.digests
    if expected[0] in ENDED:
        until(lambda: staged() == [])  # nothing of it is left
        until(lambda: here(Ledger).live == 0)
        until(lambda: Shelf.shelves == {} and Depot.held == {})


@pytest.mark.parametrize("way", [Bare], indirect=True)
def test_an_idle_bare_socket_ends_with_its_session(way: Bare, session: SessionStore, settings: Any) -> None:
    settings.LIVEVIEW = {**settings.LIVEVIEW, "SESSION_CHECK": 0.02}
    assert way.begin(10) == OK

    session.flush()

    assert json.loads(way.from_server.get(timeout=30)["text"])["error"] == "session_ended"
    assert way.from_server.get(timeout=30) == {"type": "websocket.close", "code": 4401}


def prepare(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    if case.script is storage_full:

        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(files, "_write_all", full)
        monkeypatch.setattr("shutil.copyfileobj", full)  # of numbered chunks
        monkeypatch.setattr(Shelf, "is_full", True)
    if case.script is session_gone:
        monkeypatch.setattr(uploader, "FRESH", 0.0)
