"""What goes wrong is told in the page's language, whoever notices: the socket's reader, a turn, or a thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils.translation import deactivate, get_language

from liveview.socket import mounting
from uploads.entries.entry import UploadEntry
from uploads.errors import UploadError
from uploads.testing import Refused, UploadPage
from uploads.tests.project import BenchView
from uploads.tests.support import TEXT, Site


@pytest.fixture
def german(site: Site, settings: Any) -> Iterator[UploadPage]:
    """A page of a visitor whose browser asks for German."""
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    settings.MIDDLEWARE = ["django.middleware.locale.LocaleMiddleware", *settings.MIDDLEWARE]
    mounting.handler.cache_clear()
    yield site(client=Client(headers={"accept-language": "de"}))
    deactivate()
    mounting.handler.cache_clear()


def test_a_file_that_isnt_taken(german: UploadPage) -> None:
    with pytest.raises(Refused) as refused:
        german.register("doc", "a.txt", 0)

    assert refused.value.message == "Diese Datei ist leer."
    german.wait_html("Diese Datei ist leer.")


def test_what_a_validator_says_in_its_thread(german: UploadPage, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(entry: UploadEntry) -> None:
        raise UploadError("wrong", f"Said in {get_language()}.")

    monkeypatch.setattr(BenchView, "check", staticmethod(refuse))
    with pytest.raises(Refused) as refused:
        german.upload("doc", "a.txt", TEXT)

    assert refused.value.message == "Said in de."


def test_an_upload_that_is_unknown(german: UploadPage) -> None:
    german.send({"type": "upload_retry", "ref": "nothing"})
    german.send({"type": "nonsense"})

    answer = german.wait_until(lambda message: message["type"] == "error")

    assert answer["message"] == "Der Server hat diese Seite nicht verstanden. Bitte neu laden."
