"""Uploads that a handler mints, and S3's event of what has arrived."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.db.backends.sqlite3.base import DatabaseWrapper
from django.test import Client

from liveview.process import here
from liveview.socket import actor
from liveview.testing import ServerSaid
from uploads import UploadEntry, UploadError
from uploads.entries.quotas import Ledger
from uploads.models import UploadState
from uploads.testing import UploadPage
from uploads.tests.direct_project import DirectView, signer
from uploads.tests.moto import Moto
from uploads.tests.signing import event, record
from uploads.tests.socket.direct.sending import LONG, MIB, put, send
from uploads.tests.support import Gate, until

# -- Minted by a handler


def test_a_server_function_mints_and_a_handler_confirms(
    direct: Callable[..., UploadPage], s3: Moto, consumed: list[UploadEntry]
) -> None:
    page = direct()

    minted = page.call("presign", slot="doc", name="a.txt", size=5)
    assert put(minted["external"], b"hello") == 200
    page.click("confirm", ref=minted["ref"])
    page.upload_answer(minted["ref"], "upload_ready")
    page.submit("run")

    assert [entry.writer_result["key"] for entry in consumed] == [f"uploads/{minted['upload_id']}/a.txt"]


def test_a_server_function_signs_parts(
    direct: Callable[..., UploadPage], s3: Moto, consumed: list[UploadEntry]
) -> None:
    page = direct()

    minted = page.call("presign", slot="doc", name="big.txt", size=len(LONG))
    urls = page.call("sign", ref=minted["ref"], parts=[1, 2, 3])["urls"]
    for number in (1, 2, 3):
        send(urls[str(number)], LONG[(number - 1) * 5 * MIB : number * 5 * MIB])
    page.click("confirm", ref=minted["ref"])
    page.upload_answer(minted["ref"], "upload_ready")
    page.submit("run")

    assert s3.read(consumed[0].writer_result["key"]) == LONG


def test_a_server_function_mints_nothing_that_the_slot_refuses(
    direct: Callable[..., UploadPage], s3: Moto, allowed: set[str]
) -> None:
    allowed.add("DirectView failed")
    page = direct()

    with pytest.raises(ServerSaid):
        page.call("presign", slot="doc", name="a.exe", size=5)

    assert s3.keys() == s3.unfinished() == []


# -- The event


def test_s3s_event_makes_the_waiting_page_go_on(
    direct: Callable[..., UploadPage], s3: Moto, consumed: list[UploadEntry], client: Client
) -> None:
    """Nobody on the page has said that it was done."""
    page = direct(client)
    minted = page.call("presign", slot="doc", name="a.txt", size=5)
    put(minted["external"], b"hello")
    key = f"uploads/{minted['upload_id']}/a.txt"
    message = signer.notification(event(record(s3.bucket, key, 5)))

    forged = client.post("/webhooks/s3/", json.dumps({**message, "Signature": "AAAA"}), content_type="text/plain")
    genuine = client.post("/webhooks/s3/", json.dumps(message), content_type="text/plain")

    assert (forged.status_code, genuine.json()) == (403, {"ok": True, "completed": 1})
    page.upload_answer(minted["ref"], "upload_ready")
    page.wait_html("a.txt</bdi> ready")
    page.submit("run")
    assert len(consumed) == 1


def test_a_handler_may_mint_within_a_transaction(
    direct: Callable[..., UploadPage], s3: Moto, monkeypatch: pytest.MonkeyPatch, allowed: set[str]
) -> None:
    """The record is written by a connection of ours: in the handler's own, nobody else would see it yet."""
    monkeypatch.setattr(
        DatabaseWrapper, "_start_transaction_under_autocommit", lambda self: self.cursor().execute("BEGIN")
    )
    really = DirectView.presign_upload

    def within(view: DirectView, *given: Any) -> Any:
        with transaction.atomic():
            return really(view, *given)

    monkeypatch.setattr(DirectView, "presign_upload", within)

    direct().call("presign", slot="doc", name="a.txt", size=5)

    assert json.loads(UploadState.objects.get().record)["writer"]["state"]


def test_a_handler_that_outlives_its_socket_registers_nothing(
    direct: Callable[..., UploadPage], s3: Moto, monkeypatch: pytest.MonkeyPatch, gate: Gate, allowed: set[str]
) -> None:
    monkeypatch.setattr(actor, "GRACE", 0.2)
    allowed.add("failed")
    refused: list[str] = []

    def script(view: DirectView) -> None:
        gate()
        try:
            view.presign_upload("own", "a.txt", 5)
        except UploadError as told:
            refused.append(told.code)

    monkeypatch.setattr(DirectView, "script", staticmethod(script))
    before = here(Ledger).live
    page = direct()
    page.send({"type": "event", "ref": 1, "name": "run", "params": {}})
    gate.wait()
    page.drop_connection()
    gate.open()

    until(lambda: refused == ["cancelled"])
    assert here(Ledger).live == before
