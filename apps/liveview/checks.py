"""System checks: what a project that copied this package may have forgotten, with the line to paste."""

from __future__ import annotations

import resource
from collections.abc import Iterator, Sequence
from typing import Any, Final

from channels.routing import get_default_application
from django.apps import apps
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.urls import NoReverseMatch, Resolver404, ResolverMatch, get_script_prefix, resolve, reverse

from liveview.conf import conf
from liveview.setting_types import mistyped
from liveview.socket.asgi import live_socket

ROUTE_HINT = (
    "In asgi.py, at its end: from liveview.routing import live; application = live(application). "
    "What it serves already stays as it is."
)

FEW_FILES: Final = 4096


@register("liveview")
def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    found: list[CheckMessage] = []
    try:
        found += mistyped("LIVEVIEW", conf(), check_id="liveview.E008")
    except TypeError as wrong:
        return [Error(f"LIVEVIEW has an unknown key: {wrong}", id="liveview.E001")]
    if "*" in settings.ALLOWED_HOSTS:
        found.append(
            Error(
                'ALLOWED_HOSTS = ["*"] accepts any host name, so any web page could open sockets to this site.',
                hint='List the hosts by name; ".example.com" matches a domain and its subdomains.',
                id="liveview.E004",
            )
        )
    if "django.contrib.sessions.middleware.SessionMiddleware" not in settings.MIDDLEWARE:
        found.append(
            Error(
                "LiveViews need sessions.",
                hint='MIDDLEWARE = ["django.contrib.sessions.middleware.SessionMiddleware", *MIDDLEWARE]',
                id="liveview.E006",
            )
        )
    if not apps.is_installed("daphne"):
        found.append(
            CheckWarning(
                'Without "daphne" in INSTALLED_APPS, manage.py runserver serves no WebSockets, and no page goes live.',
                hint='INSTALLED_APPS = ["daphne", *INSTALLED_APPS]',
                id="liveview.W003",
            )
        )
    if "default" not in getattr(settings, "CHANNEL_LAYERS", {}):
        found.append(
            CheckWarning(
                "There is no channel layer, so broadcasts are not delivered to any view.",
                hint='CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}',
                id="liveview.W001",
            )
        )
    if "memcached" in getattr(settings, "CACHES", {}).get("default", {}).get("BACKEND", ""):
        found.append(
            CheckWarning(
                "Django unpickles what memcached holds: whoever can write to it runs code in this site.",
                hint="Let nobody else reach it, and silence this. From a Redis, liveview and uploads never unpickle.",
                id="liveview.W004",
            )
        )
    return found


@register("liveview")
def check_open_files(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """The limit that a server started here could raise its own to, as ours does."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most == resource.RLIM_INFINITY or most >= FEW_FILES:
        return []
    return [
        CheckWarning(
            f"A process may have {most} files open, and every open page is one: from then on nobody is served.",
            hint="LimitNOFILE=65536 in a systemd unit, --ulimit nofile=65536 for a container.",
            id="liveview.W005",
        )
    ]


@register("liveview", deploy=True)
def check_deployed(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    layer = getattr(settings, "CHANNEL_LAYERS", {}).get("default", {})
    if not str(layer.get("BACKEND", "")).endswith("InMemoryChannelLayer"):
        return []
    return [
        CheckWarning(
            "The channel layer is in memory: with several processes, a broadcast reaches the pages of one of them.",
            hint='CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": '
            '{"hosts": [{"address": "redis://…", "socket_timeout": None}]}}}. With one process, silence this.',
            id="liveview.W006",
        )
    ]


@register("liveview")
def check_limits(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        limits = conf().body_limits
    except TypeError:
        return []  # liveview.E001
    if isinstance(limits, Sequence) and all(map(_is_limit, limits)):
        return []
    return [
        Error(
            "LIVEVIEW['BODY_LIMITS'] has to be a list of pairs: the beginning of a path, and a number of bytes.",
            hint='LIVEVIEW = {"BODY_LIMITS": [("/videos/", 500_000_000)]}; where the environment says it, '
            "LIVEVIEW_BODY_LIMITS='[[\"/videos/\", 500000000]]'",
            id="liveview.E007",
        )
    ]


def _is_limit(limit: Any) -> bool:
    match limit:
        case [str(prefix), int()]:
            return prefix.startswith("/")
    return False


@register("liveview")
def check_application(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    try:
        if mistyped("LIVEVIEW", conf(), check_id=""):
            return []  # nothing may be importable then, and check_settings says why
    except TypeError:
        return []
    if not getattr(settings, "ASGI_APPLICATION", None):
        return [
            Error(
                "LiveViews need an ASGI server.",
                hint=f'Add ASGI_APPLICATION = "{_project()}.asgi.application" and "daphne" '
                "at the top of INSTALLED_APPS.",
                id="liveview.E002",
            )
        ]
    try:
        application = get_default_application()
    except ImproperlyConfigured as wrong:
        return [Error(f"ASGI_APPLICATION can't be imported: {wrong}", id="liveview.E003")]
    if not _has_route(application):
        return [Error(f"Nothing serves WebSockets at {conf().socket_path}.", hint=ROUTE_HINT, id="liveview.E005")]
    if _hides_another(application):
        return [
            CheckWarning(
                f"A WebSocket of the project's own is at {conf().socket_path}, where the pages' answers now.",
                hint='Give ours another address: LIVEVIEW = {"SOCKET_PATH": "/uplift/"}',
                id="liveview.W007",
            )
        ]
    return []


@register("liveview")
def check_files(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Whether the project finds the templates and the static files of apps."""
    found: list[CheckMessage] = []
    try:
        get_template(conf().layout)
    except TemplateDoesNotExist:
        found.append(
            Error(
                f"The layout around every live page isn't found: {conf().layout}.",
                hint='In TEMPLATES: "APP_DIRS": True, for the templates of apps. Or name yours: LIVEVIEW["LAYOUT"].',
                id="liveview.E009",
            )
        )
    except Exception:  # noqa: BLE001  (settings that other checks tell of, a template that another tool reads)
        pass
    if not apps.is_installed("django.contrib.staticfiles") or not finders.find("liveview/client.js"):
        found.append(
            CheckWarning(
                "The static files of this app aren't found: no page gets its script, and none goes live.",
                hint='INSTALLED_APPS needs "django.contrib.staticfiles", and STATICFILES_FINDERS, if you set it, '
                '"django.contrib.staticfiles.finders.AppDirectoriesFinder".',
                id="liveview.W008",
            )
        )
    return found


def check_address(name: str, *, app: str, check_id: str) -> list[CheckMessage]:
    """For an app's own checks: whether the address called `name` leads to its page, and not to one that comes first."""
    line = f'path("{app}/", include("{app}.urls"))'
    try:
        address = reverse(name)
    except NoReverseMatch:
        return [CheckWarning(f"No address leads to {app}.", hint=f"In urls.py: {line}", id=check_id)]
    found = answering(address)
    if found is None or found.view_name == name:
        return []
    told = f"Another view answers at {address}: {found._func_path}, by the pattern {found.route!r}."
    return [CheckWarning(told, hint=f"In urls.py, put this line before that pattern: {line}", id=check_id)]


def answering(address: str) -> ResolverMatch | None:
    """What a request for this address, as `reverse` or a setting gives it, would be answered by."""
    try:
        return resolve("/" + address.removeprefix(get_script_prefix()).lstrip("/"))
    except Resolver404:
        return None


def _project() -> str:
    """The package that holds asgi.py: beside urls.py, where `startproject` puts it."""
    return str(getattr(settings, "ROOT_URLCONF", "")).rpartition(".")[0] or "mysite"


def _has_route(application: Any) -> bool:
    """Whether a WebSocket to `socket_path` is served. Also True where that can't be told from outside."""
    if any(type(each).__module__ == "liveview.routing" for each in _unwrapped(application)):
        return True
    if not hasattr(application, "application_mapping"):
        return not _is_django(application)
    routed = [each for each in _unwrapped(application.application_mapping.get("websocket")) if hasattr(each, "routes")]
    return any(_leads(route) for each in routed for route in each.routes) or (
        not routed and "websocket" in application.application_mapping
    )


def _hides_another(application: Any) -> bool:
    """Whether `live` stands before a route of the project's own for that path, as far as that can be told."""
    ours = [each for each in _unwrapped(application) if type(each).__module__ == "liveview.routing"]
    routers = [getattr(each.inner, "application_mapping", {}).get("websocket") for each in ours]
    routed = [each for router in routers for each in _unwrapped(router) if hasattr(each, "routes")]
    return any(_leads(route) and route.callback is not live_socket for each in routed for route in each.routes)


def _unwrapped(application: Any) -> Iterator[Any]:
    """An application and, if it is middleware, those it wraps."""
    while application is not None:
        yield application
        application = getattr(application, "inner", None) or getattr(application, "application", None)


def _leads(route: Any) -> bool:
    try:
        return route.pattern.match(conf().socket_path.lstrip("/")) is not None
    except Resolver404:
        return False


def _is_django(application: Any) -> bool:
    return type(application).__module__.startswith("django.")
