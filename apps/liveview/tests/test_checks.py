"""What `manage.py check` says to someone who copied the package."""

from __future__ import annotations

import re
import resource
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.routing import ProtocolTypeRouter, URLRouter
from django.apps import apps
from django.contrib.staticfiles import finders
from django.core.asgi import get_asgi_application
from django.core.exceptions import ImproperlyConfigured
from django.urls import path

from liveview import LiveView, checks
from liveview.checks import (
    check_application,
    check_deployed,
    check_files,
    check_limits,
    check_open_files,
    check_settings,
)
from liveview.routing import live, websocket_urlpatterns
from liveview.socket.asgi import live_socket


def ids(found: list[Any]) -> list[str]:
    return [message.id for message in found]


def with_application(settings: Any, monkeypatch: pytest.MonkeyPatch, application: Any) -> list[str]:
    module = types.ModuleType("liveview_test_asgi")
    module.__dict__["application"] = application
    monkeypatch.setitem(sys.modules, "liveview_test_asgi", module)
    settings.ASGI_APPLICATION = "liveview_test_asgi.application"
    return ids(check_application(None))


def test_a_project_that_is_complete_hears_nothing(settings: Any) -> None:
    settings.ASGI_APPLICATION = "liveview.tests.project.asgi.application"

    assert check_settings(None) == check_application(None) == []


@pytest.mark.parametrize(
    ("hard", "told"), [(1024, ["liveview.W005"]), (4096, []), (524_288, []), (resource.RLIM_INFINITY, [])]
)
def test_few_open_files_are_told(monkeypatch: pytest.MonkeyPatch, hard: int, told: list[str]) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, hard))

    assert ids(check_open_files(None)) == told


def test_a_cache_that_unpickles_what_others_may_write_is_named(settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache", "LOCATION": "x"}}

    assert ids(check_settings(None)) == ["liveview.W004"]


def test_a_misspelt_setting_is_named(settings: Any) -> None:
    settings.LIVEVIEW = {"LAYUOT": "x.html"}

    (found,) = check_settings(None)

    assert found.id == "liveview.E001" and "layuot" in found.msg


def test_a_value_of_the_wrong_kind_is_named_with_a_right_one(settings: Any) -> None:
    """`check_application` doesn't trip over it: with such values nothing may be importable."""
    settings.LIVEVIEW = {"MAX_BODY": "10MB", "SOCKET_PATH": 5}
    settings.ASGI_APPLICATION = "no_such_module.application"

    found = {message.msg: str(message.hint) for message in check_settings(None) if message.id == "liveview.E008"}

    assert found == {
        "LIVEVIEW[\"MAX_BODY\"] has to be a whole number, and not below 0: it is '10MB'.": (
            'LIVEVIEW = {"MAX_BODY": 10000000}; where the environment says it, LIVEVIEW_MAX_BODY=10000000'
        ),
        'LIVEVIEW["SOCKET_PATH"] has to be a text.': (
            "LIVEVIEW = {\"SOCKET_PATH\": '/live/'}; where the environment says it, LIVEVIEW_SOCKET_PATH=/live/"
        ),
    }
    assert check_application(None) == []


def test_a_server_for_development_that_speaks_no_websocket_is_worth_a_word(settings: Any) -> None:
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if name != "daphne"]

    (found,) = check_settings(None)

    assert found.id == "liveview.W003" and found.hint == 'INSTALLED_APPS = ["daphne", *INSTALLED_APPS]'


def test_each_check_has_an_id_of_its_own() -> None:
    package = Path(checks.__file__).parent
    used = [
        name
        for path in (package / "checks.py", package / "daphne" / "checks.py")
        for name in set(re.findall(r'"(liveview\.[EW]\d+)"', path.read_text()))
    ]

    assert len(used) > 8 and sorted(used) == sorted(set(used))


def test_hosts_are_named_one_by_one(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]

    (found,) = check_settings(None)

    assert found.id == "liveview.E004" and found.is_serious()


def test_a_missing_channel_layer_is_worth_a_word(settings: Any) -> None:
    settings.CHANNEL_LAYERS = {}

    assert ids(check_settings(None)) == ["liveview.W001"]


def test_sessions_are_needed(settings: Any) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "Session" not in name]

    (found,) = check_settings(None)

    assert found.id == "liveview.E006" and "SessionMiddleware" in str(found.hint)


def test_an_asgi_application_is_needed(settings: Any) -> None:
    settings.ASGI_APPLICATION = None
    settings.ROOT_URLCONF = "shop.urls"
    (found,) = check_application(None)
    assert found.id == "liveview.E002" and 'ASGI_APPLICATION = "shop.asgi.application"' in str(found.hint)

    settings.ASGI_APPLICATION = "no_such_module.application"
    assert ids(check_application(None)) == ["liveview.E003"]


def test_a_route_for_the_socket_is_needed(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    http: Any = get_asgi_application()
    elsewhere: Any = URLRouter([path("elsewhere/", live_socket)])  # type: ignore[arg-type]

    assert with_application(settings, monkeypatch, http) == ["liveview.E005"]
    assert with_application(settings, monkeypatch, ProtocolTypeRouter({"http": http})) == ["liveview.E005"]
    assert with_application(settings, monkeypatch, ProtocolTypeRouter({"http": http, "websocket": elsewhere})) == [
        "liveview.E005"
    ]


def test_live_brings_the_route_and_leaves_the_rest(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    http: Any = get_asgi_application()

    assert with_application(settings, monkeypatch, live(http)) == []
    assert with_application(settings, monkeypatch, Wrapper(live(http))) == []


def test_a_socket_of_the_projects_own_that_is_hidden_is_told(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    http: Any = get_asgi_application()

    def project(*routes: Any) -> Any:
        return live(ProtocolTypeRouter({"http": http, "websocket": Wrapper(URLRouter([*routes]))}))

    own: Any = path("live/", lambda scope: None)
    assert with_application(settings, monkeypatch, project(own)) == ["liveview.W007"]
    assert with_application(settings, monkeypatch, project(path("chat/", live_socket))) == []  # type: ignore[arg-type]
    assert with_application(settings, monkeypatch, project(*websocket_urlpatterns)) == []


def test_templates_and_static_files_of_apps_are_looked_for(settings: Any) -> None:
    assert check_files(None) == []

    settings.TEMPLATES = [{**settings.TEMPLATES[0], "APP_DIRS": False, "OPTIONS": {}, "DIRS": []}]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    finders.get_finder.cache_clear()

    assert ids(check_files(None)) == ["liveview.E009", "liveview.W008"]


async def heard(application: Any, kind: str, path: str) -> dict[str, Any]:
    headers = [(b"host", b"testserver"), (b"origin", b"http://testserver")]
    scope = {"type": kind, "scheme": "ws", "path": path, "query_string": b"", "headers": headers}
    communicator = ApplicationCommunicator(application, scope)
    await communicator.send_input({"type": f"{kind}.connect"})
    told: dict[str, Any] = await communicator.receive_output(30)
    return told


async def test_live_gives_a_project_its_own_sockets_and_pages(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["testserver"]

    async def own(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "own", "path": scope["path"]})

    assert (await heard(live(own), "websocket", "/live/"))["type"] == "websocket.accept"
    for kind, path_ in (("websocket", "/"), ("websocket", "/live/more/"), ("http", "/live/"), ("lifespan", "")):
        assert await heard(live(own), kind, path_) == {"type": "own", "path": path_}
    assert await heard(live(get_asgi_application()), "websocket", "/chat/") == {"type": "websocket.close"}


class Wrapper:
    def __init__(self, inner: Any) -> None:
        self.inner = inner


def test_a_route_may_be_behind_middleware_or_out_of_sight(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    http: Any = get_asgi_application()
    routes: Any = Wrapper(URLRouter(websocket_urlpatterns))

    assert with_application(settings, monkeypatch, ProtocolTypeRouter({"http": http, "websocket": routes})) == []
    assert with_application(settings, monkeypatch, ProtocolTypeRouter({"http": http, "websocket": live_socket})) == []
    assert with_application(settings, monkeypatch, lambda scope: None) == []


def test_a_view_says_that_the_app_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apps, "is_installed", lambda name: False)

    with pytest.raises(ImproperlyConfigured, match="INSTALLED_APPS"):
        LiveView.as_view()


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        ([], []),
        ([("/a/", 1), ["/b/", 2]], []),
        ("/a/", ["liveview.E007"]),
        ({"/a/": 1}, ["liveview.E007"]),
        ([("a/", 1)], ["liveview.E007"]),
        ([("/a/", "1")], ["liveview.E007"]),
    ],
)
def test_a_check_tells_what_a_limit_is(settings: Any, limits: Any, found: list[str]) -> None:
    settings.LIVEVIEW = {"BODY_LIMITS": limits}

    assert [message.id for message in check_limits(None)] == found


def test_a_layer_in_memory_is_told_of_when_a_site_is_deployed(settings: Any) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    assert ids(check_deployed(None)) == ["liveview.W006"]

    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer"}}
    assert check_deployed(None) == []
