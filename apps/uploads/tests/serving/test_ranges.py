from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import datetime
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.handlers.asgi import ASGIRequest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from uploads.serving.ranges import LARGE, PIECE, Unsatisfiable, parse
from uploads.serving.views import serve

NAME = f"videos/{'0' * 32}.mp4"
URL = f"/media/{NAME}"
DATA = bytes(range(256)) * 8192  # 2 MiB


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=0-", (0, 100)),
        ("bytes=90-", (90, 100)),
        ("bytes=10-19", (10, 20)),
        ("bytes=10-99", (10, 100)),
        ("bytes=60-1000", (60, 100)),
        ("bytes=-1", (99, 100)),
        ("bytes=-30", (70, 100)),
        ("bytes=-100", (0, 100)),
        ("bytes=-5000", (0, 100)),
        ("BYTES= 0-9 ", (0, 10)),
        # Not a range of bytes: everything is the answer.
        ("", None),
        ("bytes", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=a-b", None),
        ("bytes=9-1", None),
        ("bytes=1-2-3", None),
        ("bytes=+1-2", None),
        ("bytes=٣-٤", None),
        ("bytes=1.0-2", None),
        ("items=0-9", None),
        (f"bytes={'9' * 5000}-", None),
        # None of the bytes are in it.
        ("bytes=100-", "416"),
        ("bytes=100-200", "416"),
        ("bytes=-0", "416"),
        (f"bytes={10**17}-", "416"),
        # Several: refused whatever they are.
        ("bytes=0-9,20-29", "416"),
        ("bytes=0-,0-,0-,0-", "416"),
        ("bytes=,", "416"),
    ],
)
def test_a_range_is_read_as_the_rfc_says(header: str, part: Any) -> None:
    if part == "416":
        with pytest.raises(Unsatisfiable):
            parse(header, 100)
    else:
        assert parse(header, 100) == part


def test_no_byte_of_an_empty_file_can_be_had() -> None:
    for header in ("bytes=0-", "bytes=-1", "bytes=0-0"):
        with pytest.raises(Unsatisfiable):
            parse(header, 0)


@given(st.text(), st.integers(0, 10**12))
def test_a_part_is_inside_the_file(text: str, size: int) -> None:
    for header in (text, f"bytes={text}"):
        try:
            part = parse(header, size)
        except Unsatisfiable:
            continue
        if part is not None:
            assert 0 <= part.start < part.stop <= size


# Over HTTP


@pytest.fixture(autouse=True)
def _published(project: None) -> None:
    default_storage.save(NAME, ContentFile(DATA))


def body(answer: Any) -> bytes:
    with closing(answer):
        return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_a_player_gets_what_it_asks_for(client: Client) -> None:
    for start in (0, 1, len(DATA) - LARGE - 1, len(DATA) - LARGE):
        answer = client.get(URL, headers={"Range": f"bytes={start}-"})

        assert answer.status_code == 206
        assert answer.headers["Content-Range"] == f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"
        assert answer.headers["Content-Length"] == str(len(DATA) - start)
        assert body(answer) == DATA[start:]
    assert body(client.get(URL, headers={"Range": f"bytes=5-{LARGE + 9}"})) == DATA[5 : LARGE + 10]
    assert body(client.get(URL, headers={"Range": "bytes=1000-2000"})) == DATA[1000:2001]
    assert body(client.get(URL, headers={"Range": "bytes=-7"})) == DATA[-7:]


def test_a_part_is_served_as_harmlessly_as_the_whole(client: Client) -> None:
    whole, part = client.get(URL), client.get(URL, headers={"Range": "bytes=0-9"})
    with closing(whole):
        for header in (
            *("Content-Type", "X-Content-Type-Options", "Content-Security-Policy", "Cross-Origin-Resource-Policy"),
            *("Cache-Control", "ETag", "Last-Modified", "Accept-Ranges", "Content-Disposition"),
        ):
            assert part.headers[header] == whole.headers[header]
    assert part.headers["Content-Type"] == "video/mp4"
    assert part.headers["Accept-Ranges"] == "bytes"


def test_what_cannot_be_satisfied_says_how_long_the_file_is(client: Client) -> None:
    for header in (f"bytes={len(DATA)}-", "bytes=0-1,5-6"):
        answer = client.get(URL, headers={"Range": header})
        assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{len(DATA)}")
        assert body(answer) == b""


@pytest.mark.parametrize("header", ["bytes=9-1", "nonsense", "lines=1-2"])
def test_what_is_no_range_is_ignored(client: Client, header: str) -> None:
    answer = client.get(URL, headers={"Range": header})

    assert (answer.status_code, answer.headers["Content-Length"]) == (200, str(len(DATA)))
    assert body(answer) == DATA


def test_a_head_request_gets_the_headers_of_the_whole(client: Client) -> None:
    answer = client.head(URL, headers={"Range": "bytes=0-9"})

    assert (answer.status_code, answer.headers["Content-Length"]) == (200, str(len(DATA)))
    assert answer.headers["Accept-Ranges"] == "bytes"


def test_a_client_with_a_part_of_another_file_gets_the_whole(client: Client) -> None:
    with closing(client.get(URL)) as whole:
        etag, modified = whole.headers["ETag"], whole.headers["Last-Modified"]
    status = {
        condition: client.get(URL, headers={"Range": "bytes=0-9", "If-Range": condition})
        for condition in (etag, modified, '"other"', f"W/{etag}", "Tue, 01 Jan 2030 00:00:00 GMT", "nonsense")
    }
    found = [answer.status_code for answer in status.values()]
    for answer in status.values():
        answer.close()

    assert found == [206, 206, 200, 200, 200, 200]


def test_a_client_that_has_the_file_is_told_so(client: Client) -> None:
    with closing(client.get(URL)) as whole:
        etag = whole.headers["ETag"]

    answer = client.get(URL, headers={"If-None-Match": etag})

    assert (answer.status_code, body(answer)) == (304, b"")
    assert client.get(URL, headers={"Range": "bytes=0-9", "If-Match": '"other"'}).status_code == 412


@pytest.mark.parametrize("start", [0, 7])
def test_over_asgi_what_is_large_is_streamed_in_small_pieces(start: int) -> None:
    """Django makes a list of whatever a synchronous response yields there."""

    async def pieces() -> list[bytes]:
        headers = [(b"range", f"bytes={start}-".encode())] if start else []
        scope = {"type": "http", "method": "GET", "path": URL, "query_string": b"", "headers": headers}
        request = ASGIRequest(scope, None)
        response: Any = await asyncio.to_thread(serve, request, NAME)
        assert response.is_async and response.headers["Content-Length"] == str(len(DATA) - start)
        return [piece async for piece in response]

    got = asyncio.run(pieces())

    assert b"".join(got) == DATA[start:]
    assert max(map(len, got)) <= PIECE


def test_a_storage_elsewhere_has_ranges_as_well(client: Client, settings: Any) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}
    default_storage.save(NAME, ContentFile(b"elsewhere"))

    answer = client.get(URL, headers={"Range": "bytes=4-"})

    assert (answer.status_code, body(answer)) == (206, b"where")
    assert isinstance(default_storage.get_modified_time(NAME), datetime)
