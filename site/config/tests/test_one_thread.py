"""A request is handled in one thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from asgiref.testing import ApplicationCommunicator
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import path

from config.asgi import http
from config.one_thread import OneThreadHandler


async def slow(_request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return HttpResponse("from a coroutine")


urlpatterns = [path("slow/", slow)]


def get(application: Any, url: str) -> tuple[int, bytes]:
    async def ask() -> tuple[int, bytes]:
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "path": url,
            "headers": [(b"host", b"localhost")],
        }
        client = ApplicationCommunicator(application, scope)
        await client.send_input({"type": "http.request"})
        head, body = await client.receive_output(30), await client.receive_output(30)
        await client.wait(30)
        return head["status"], body["body"]

    return asyncio.run(ask())


@pytest.mark.django_db(transaction=True)
def test_a_request_goes_to_a_thread_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Callable[..., Any]] = []
    call = SyncToAsync.__call__

    async def noted(self: Any, *args: Any, **kwargs: Any) -> Any:
        sent.append(self.func)
        return await call(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "__call__", noted)

    assert get(http, "/robots.txt")[0] == 200

    handled = [func for func in sent if "signal" not in getattr(func, "__module__", "")]
    assert handled.count(http.get_response) == 1
    assert not [func for func in handled if "process_" in getattr(func, "__name__", "")]


@override_settings(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["localhost"])
def test_a_view_may_be_a_coroutine() -> None:
    assert get(OneThreadHandler(), "/slow/") == (200, b"from a coroutine")
