"""Answers that no application gives: as data, or as a page for the person who sent a form."""

from __future__ import annotations

import pytest

from liveview.refusals import TOO_BUSY, TOO_COSTLY, TOO_SLOW, Refusal


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
