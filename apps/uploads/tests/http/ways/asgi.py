from __future__ import annotations

import os

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "uploads.tests.http.ways.settings")
django = get_asgi_application()

from liveview.routing import websocket_urlpatterns  # noqa: E402  (needs the apps to be loaded)
from uploads.http import routing  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": routing.application(django),
        "websocket": URLRouter([*websocket_urlpatterns, *routing.websocket_urlpatterns]),
    }
)
