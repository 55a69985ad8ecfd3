"""HTTP goes to Django, the one WebSocket of a page to the LiveView runtime."""

from __future__ import annotations

import os

import django
from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)

from config import static_files  # noqa: E402
from config.one_thread import OneThreadHandler  # noqa: E402
from liveview import housekeeping  # noqa: E402
from liveview.daphne import capped  # noqa: E402
from liveview.routing import websocket_urlpatterns  # noqa: E402  (needs the apps to be loaded)
from uploads.http import routing as ways  # noqa: E402

http = OneThreadHandler()
application = ProtocolTypeRouter(
    {
        "lifespan": housekeeping.lifespan,
        "http": capped(ways.application(http)),
        "websocket": URLRouter([*websocket_urlpatterns, *ways.websocket_urlpatterns]),
    }
)

if settings.REDIS_URL and not settings.DEBUG:
    housekeeping.every(static_files.EVERY, "sharing static files with other versions", static_files.share)
