"""HTTP goes to Django, the one WebSocket of a page to the LiveView runtime."""

from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
http = get_asgi_application()

from config import static_files  # noqa: E402
from liveview import housekeeping  # noqa: E402
from liveview.daphne import capped  # noqa: E402
from liveview.routing import websocket_urlpatterns  # noqa: E402  (needs the apps to be loaded)
from uploads.http import routing as ways  # noqa: E402

application = ProtocolTypeRouter(
    {
        "lifespan": housekeeping.lifespan,
        "http": capped(ways.application(http)),
        "websocket": URLRouter([*websocket_urlpatterns, *ways.websocket_urlpatterns]),
    }
)

if settings.REDIS_URL and not settings.DEBUG:
    housekeeping.every(static_files.EVERY, "sharing static files with other versions", static_files.share)
