"""Django's ASGI handler, with all middleware and the view of a request in one thread.

Django's own calls each middleware as a coroutine. Those that aren't written as one, as almost all of Django's, are sent
to a thread before the view and again after it, and the way there and back costs more than what they do: two thirds of a
plain request here. A view that is a coroutine still works, and holds the thread meanwhile.
"""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest
from django.http.response import HttpResponseBase


class OneThreadHandler(ASGIHandler):
    def load_middleware(self, is_async: bool = False) -> None:
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)
