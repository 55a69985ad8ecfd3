"""Answers that no application gives: as data, or as a page for the person who sent a form."""

from __future__ import annotations

from typing import Any

import pytest

from liveview.refusals import TOO_BUSY, TOO_COSTLY, TOO_LARGE, TOO_SLOW, Refusal, language_of


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", b"application/json"),
        ("*/*", b"application/json"),
        ("application/json, text/html;q=0.5", b"application/json"),
        ("text/html, application/json;q=0.5", b"text/html; charset=utf-8"),
        ("text/html;q=0, */*", b"application/json"),
        ("nonsense;;q=x,\xff", b"application/json"),
        ("text/html," * 101, b"application/json"),
    ],
)
def test_a_refusal_is_a_page_only_for_who_asks_for_one(accept: str, kind: bytes) -> None:
    start, _ = TOO_SLOW.answer(accept)

    assert dict(start["headers"])[b"content-type"] == kind


@pytest.mark.parametrize(("refusal", "when"), [(TOO_SLOW, None), (TOO_BUSY, b"5"), (TOO_COSTLY, b"5")])
def test_a_refusal_has_the_headers_of_every_answer(refusal: Refusal, when: bytes | None) -> None:
    """No middleware of the project's sees it."""
    headers = dict(refusal.answer("")[0]["headers"])

    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"content-security-policy"].startswith(b"default-src 'none'; style-src 'sha256-")
    assert b"camera=()" in headers[b"permissions-policy"]
    assert headers.get(b"retry-after") == when


@pytest.mark.parametrize(
    ("languages", "cookies", "language"),
    [
        (b"de-CH,de;q=0.9,en;q=0.8", b"", "de"),
        (b"de", b"a=b; django_language=en", "en"),
        (b"\xff;q=x", b"\xff=;", "en"),
    ],
)
def test_a_refusal_speaks_as_the_pages_do(languages: bytes, cookies: bytes, language: str) -> None:
    (_, body) = TOO_LARGE.answer("text/html", language_of(languages, cookies))
    page = body["body"].decode()

    assert f'<html lang="{language}"' in page
    assert ("Zur\u00fcck zur Seite" in page) == (language == "de")


def test_a_project_of_one_language_is_asked_for_no_other(settings: Any) -> None:
    settings.MIDDLEWARE = []

    assert language_of(b"de", b"") is None
