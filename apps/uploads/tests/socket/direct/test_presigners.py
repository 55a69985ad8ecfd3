"""Presigners of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from uploads import UploadEntry, UploadError
from uploads.external import as_presigner
from uploads.s3.presigning import S3Presigner
from uploads.testing import Refused, UploadPage
from uploads.tests.direct_project import DirectView, failing
from uploads.tests.socket.direct.sending import done, register


def test_a_function_presigns_for_an_uploader_of_ones_own(
    direct: Callable[..., UploadPage], consumed: list[UploadEntry], monkeypatch: pytest.MonkeyPatch
) -> None:
    def mint(entry: UploadEntry, view: Any) -> dict[str, Any]:
        view.said = f"minting {entry.client_name}"
        return {"uploader": "Depot", "url": f"https://depot.example/{entry.upload.id}"}

    monkeypatch.setattr(DirectView, "mint", staticmethod(mint))
    page = direct()

    answer = register(page, "own", "a.txt", 5)
    assert answer["external"] == {"uploader": "Depot", "url": f"https://depot.example/{answer['upload_id']}"}
    page.wait_html("minting a.txt")  # like any handler
    done(page, answer["ref"])
    page.upload_answer(answer["ref"], "upload_ready")
    page.submit("run")

    assert [entry.writer_result for entry in consumed] == [answer["external"]]


def test_a_function_may_refuse(direct: Callable[..., UploadPage], monkeypatch: pytest.MonkeyPatch) -> None:
    def mint(entry: UploadEntry, view: Any) -> dict[str, Any]:
        raise UploadError("quota", "Enough for today.")

    monkeypatch.setattr(DirectView, "mint", staticmethod(mint))
    page = direct()

    with pytest.raises(Refused) as refused:
        register(page, "own", "a.txt", 5)
    assert refused.value.message == "Enough for today."


@pytest.mark.parametrize("made", [None, {}, {"uploader": 1}, RuntimeError("secret")])
def test_a_function_that_fails_is_our_mistake(
    direct: Callable[..., UploadPage], monkeypatch: pytest.MonkeyPatch, allowed: set[str], made: Any
) -> None:
    def mint(entry: UploadEntry, view: Any) -> Any:
        if isinstance(made, Exception):
            raise made
        return made

    allowed.add("presigner failed")
    monkeypatch.setattr(DirectView, "mint", staticmethod(mint))
    page = direct()

    with pytest.raises(Refused) as refused:
        register(page, "own", "a.txt", 5)
    assert refused.value.code == "server_error"
    page.submit("say", text="still here")
    assert "still here" in page.html


@pytest.mark.parametrize("at", ["grant", "sign", "finish"])
def test_whatever_a_storage_raises_is_an_answer(
    direct: Callable[..., UploadPage], monkeypatch: pytest.MonkeyPatch, allowed: set[str], at: str
) -> None:
    allowed.add("storage or state store failed")
    monkeypatch.setattr(failing, "at", at)
    page = direct()

    with pytest.raises(Refused) as refused:
        answer = register(page, "failing", "a.txt", 5)
        page.send({"type": "upload_sign", "ref": answer["ref"], "parts": []})
        page.upload_answer(answer["ref"], "upload_signed")
        done(page, answer["ref"])
        page.upload_answer(answer["ref"], "upload_ready")

    assert refused.value.code == "server_error"


def test_what_is_no_presigner_is_told_so() -> None:
    presigner = S3Presigner()

    assert as_presigner(presigner) is presigner and as_presigner(None) is None
    with pytest.raises(TypeError, match="external takes a presigner"):
        as_presigner("bucket")  # type: ignore[arg-type]
