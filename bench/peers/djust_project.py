"""A whole Django project with one page that uploads by djust and counts clicks, for its own environment.

It imports nothing of ours. djust's limits are lifted: messages of any length, any number of chunks per second,
files of any size.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import django
from django.conf import settings

MANY = 10**9
FOLDER = Path(os.environ["BENCH_FOLDER"])

settings.configure(
    SECRET_KEY="of the benchmark",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.staticfiles",
        "channels",
        "djust",
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    MIDDLEWARE=["django.contrib.sessions.middleware.SessionMiddleware"],
    SESSION_ENGINE="django.contrib.sessions.backends.cache",
    TEMPLATES=[{"BACKEND": "djust.template_backend.DjustTemplateBackend", "DIRS": [FOLDER], "APP_DIRS": True}],
    CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}},
    LIVEVIEW_ALLOWED_MODULES=[__name__],
    LIVEVIEW_CONFIG={
        "max_message_size": 0,
        "rate_limit": {
            "rate": MANY,
            "burst": MANY,
            "upload_rate": MANY,
            "upload_burst": MANY,
            "max_connections_per_ip": MANY,
        },
        "update_check": False,
    },
    STATIC_URL="/static/",
    USE_TZ=True,
)
(FOLDER / "page.html").write_text(
    f"""<!doctype html>
<html><head><meta charset="utf-8"><title>djust</title><link rel="icon" href="data:,">
<script src="/static/djust/client.min.js" defer></script></head>
<body><div dj-root dj-view="{__name__}.Page">
<input type="file" dj-upload="file"><p>{{{{ clicks }}}}</p>
</div></body></html>
"""
)
django.setup()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.sessions import SessionMiddlewareStack  # noqa: E402  (needs the settings)
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.urls import path  # noqa: E402
from djust import LiveView  # noqa: E402
from djust.decorators import event_handler  # noqa: E402
from djust.uploads import UploadMixin  # noqa: E402
from djust.websocket import LiveViewConsumer  # noqa: E402


class Page(LiveView, UploadMixin):
    template_name = "page.html"

    def mount(self, request: Any, **kwargs: Any) -> None:
        self.clicks = 0
        self.allow_upload("file", max_file_size=MANY * 10, max_entries=1000)

    @event_handler()  # type: ignore[untyped-decorator]  # it isn't installed where this is checked
    def click(self, **kwargs: Any) -> None:
        self.clicks += 1


urlpatterns = [path("", Page.as_view())]
application = ProtocolTypeRouter(
    {
        "http": ASGIStaticFilesHandler(get_asgi_application()),
        "websocket": SessionMiddlewareStack(URLRouter([path("ws/live/", LiveViewConsumer.as_asgi())])),
    }
)
