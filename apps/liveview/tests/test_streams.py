"""Long lists: items are sent once, and neither rendered nor kept again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from liveview.testing import LivePage, ServerSaid
from liveview.tests.project.views import Stream

Open = Callable[..., LivePage]


@pytest.fixture(autouse=True)
def rows(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    made = [{"id": number, "text": f"row {number} <ü😀>"} for number in (1, 2, 3)]
    monkeypatch.setattr(Stream, "rows", made)
    return made


def ids(html: str) -> list[int]:
    return [int(number) for number in re.findall(r'<li id="rows-(\d+)">', html)]


@pytest.mark.django_db
def test_the_first_paint_holds_the_items() -> None:
    html = Client().get("/stream/").text

    assert ids(html) == [1, 2, 3]
    assert "row 1 &lt;ü😀&gt;" in html


def test_the_socket_gets_them_apart_from_the_page(site: Open) -> None:
    page = site("/stream/")

    page.wait_for("stream")

    assert ids(page.html) == [1, 2, 3]
    mounted = page.received[0]
    assert ids(mounted["html"]) == []


def test_an_item_costs_what_it_weighs_however_long_the_list(site: Open, rows: list[Any]) -> None:
    rows[:] = [{"id": number, "text": f"row {number}"} for number in range(1, 5001)]
    page = site("/stream/")
    page.wait_for("stream")
    page.received.clear()

    page.click("add", id=5001, text="another")

    assert len(json.dumps(page.received)) < 200
    assert ids(page.html)[-2:] == [5000, 5001]


def test_the_server_keeps_no_item(site: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    import gc
    import weakref

    class Row:
        id = 1
        text = "weighs"

    made = [Row()]
    seen = weakref.ref(made[0])
    monkeypatch.setattr(Stream, "rows", made)
    page = site("/stream/")
    page.wait_for("stream")

    made.clear()
    page.click("touch")
    gc.collect()

    assert seen() is None


def test_items_come_change_and_go(site: Open) -> None:
    page = site("/stream/")
    page.wait_for("stream")

    page.click("add", id=4, text="last")
    page.click("add", id=5, text="first", at=0)
    page.click("add", id=2, text="changed where it is", at=0)
    page.click("remove", id=1)
    page.click("remove", id=99)

    assert ids(page.html) == [5, 2, 3, 4]
    assert "changed where it is" in page.html
    page.click("refill", ids=[9, 8])
    assert ids(page.html) == [9, 8]


def test_a_change_of_the_page_leaves_the_items_alone(site: Open) -> None:
    page = site("/stream/")
    page.wait_for("stream")
    page.received.clear()

    page.click("touch")

    assert "count=1" in page.html and ids(page.html) == [1, 2, 3]
    assert [message["type"] for message in page.received] == ["patch", "ack"]


def test_a_gap_in_the_versions_is_mended_without_the_items(site: Open) -> None:
    page = site("/stream/")
    page.wait_for("stream")

    page.send({"type": "html"})

    assert ids(page.wait_for("html")["html"]) == []
    assert ids(page.html) == [1, 2, 3]


def test_a_reconnect_fills_the_list_as_it_is_now(site: Open, rows: list[Any]) -> None:
    page = site("/stream/")
    page.click("touch")
    rows.append({"id": 7, "text": "meanwhile"})

    page.reconnect()
    page.wait_for("stream")

    assert page.restored and "count=1" in page.html
    assert ids(page.html) == [1, 2, 3, 7]


@pytest.mark.parametrize("event", ["no_id", "unknown"])
def test_a_mistake_in_a_stream_undoes_the_handler(site: Open, event: str) -> None:
    page = site("/stream/")

    with pytest.raises(ServerSaid, match="server_error"):
        page.click(event)

    page.click("touch")
    assert "count=1" in page.html


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"_event": "add", "id": "4", "text": "posted"}, [1, 2, 3, 4]),
        ({"_event": "add", "id": "4", "text": "posted", "at": "1"}, [1, 4, 2, 3]),
        ({"_event": "add", "id": "2", "text": "posted", "at": "0"}, [1, 2, 3]),
        ({"_event": "remove", "id": "2"}, [1, 3]),
        ({"_event": "refill", "ids": ["8", "9"]}, [8, 9]),
    ],
)
def test_a_form_without_javascript_shows_the_list_afterwards(form: dict[str, Any], expected: list[int]) -> None:
    assert ids(Client().post("/stream/", form).text) == expected
