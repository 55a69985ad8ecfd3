"""Run by a project's own Python, in the folder of its manage.py: prints as JSON what the project is and has.

It is text for another interpreter (see `copying.host`) and imports nothing of ours. `sys.argv` has the names that the
copy would take. manage.py itself says which settings there are and which folders are imported from.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import runpy
import sys
import uuid
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any


def main(names: list[str]) -> None:
    sys.path.insert(0, os.getcwd())
    by_manage = begin()
    import django
    from django.apps import apps
    from django.conf import settings
    from django.urls import get_resolver

    django.setup()
    default: dict[str, Any] = settings.DATABASES.get("default", {})
    base = file_of("INSTALLED_APPS", last=False)
    address = names[-1]
    found = {
        "path": [each for each in folders() if each not in by_manage],
        "by_manage": by_manage,
        "settings": {name: relative(file_of(name)) for name in ("DATABASES", "ALLOWED_HOSTS")},
        "base": relative(base),
        "names": sorted(vars(base)),
        "base_dir": type(getattr(base, "BASE_DIR", None)).__name__,
        "module": os.environ["DJANGO_SETTINGS_MODULE"],
        "urls": relative(imported(settings.ROOT_URLCONF)),
        "namespaces": sorted(get_resolver().namespace_dict),
        "page": answering(f"/{address}/"),
        "is_taken": is_taken(f"/{address}/", settings),
        "serves": view(f"{settings.MEDIA_URL}{address}/{uuid.uuid4().hex}.png") == "uploads.serving.views",
        "labels": {config.label: config.name for config in apps.get_app_configs()},
        "places": {name: place(name) for name in names},
        "installed": installed(),
        "layers": bool(getattr(settings, "CHANNEL_LAYERS", None)),
        "liveview": bool(getattr(settings, "LIVEVIEW", None)),
        "media_root": bool(settings.MEDIA_ROOT),
        "media_url": settings.MEDIA_URL not in ("", "/"),
        "any_host": "*" in settings.ALLOWED_HOSTS,
        "sqlite": "sqlite" in default.get("ENGINE", ""),
        "options": sorted(default.get("OPTIONS", {})),
        "test_file": bool(default.get("TEST", {}).get("NAME")),
        **asgi(settings),
    }
    sys.stdout.write(f"\n{json.dumps(found)}\n")


def folders() -> list[str]:
    """What the project imports from."""
    return [str(Path(each).resolve()) for each in sys.path]


def begin() -> list[str]:
    """Does all that manage.py does before Django's part begins. Returns the folders that it alone imports from."""
    from django.core import management

    sys.argv = ["manage.py"]
    management.execute_from_command_line = lambda argv=None: None
    anyway = folders()
    with suppress(SystemExit):
        runpy.run_path("manage.py", run_name="__main__")
    added = [each for each in sys.path if str(Path(each).resolve()) not in anyway]
    sys.path[:] = [each for each in sys.path if each not in added]
    with suppress(Exception):  # they may well need what manage.py adds
        imported(os.environ["DJANGO_SETTINGS_MODULE"])
    alone = [str(Path(each).resolve()) for each in added]
    alone = [each for each in alone if each not in folders()]
    sys.path[:0] = added
    return alone


def family() -> list[ModuleType]:
    """The modules that the settings are made of: what is imported comes before what imports it."""
    name = os.environ["DJANGO_SETTINGS_MODULE"]
    own = [each for each in list(sys.modules.values()) if "INSTALLED_APPS" in vars(each) and in_project(each)]
    return own or [sys.modules[name]]


def file_of(setting: str, last: bool = True) -> ModuleType:
    """Where a setting is made: where it is set last, or first."""
    made = [each for each in family() if setting in assigned(each)]
    return (made or [sys.modules[os.environ["DJANGO_SETTINGS_MODULE"]]])[-1 if last else 0]


def assigned(module: ModuleType) -> set[str]:
    tree = ast.parse(Path(str(module.__file__)).read_text())
    return {each.id for each in ast.walk(tree) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}


def in_project(module: ModuleType) -> bool:
    file = Path(getattr(module, "__file__", None) or "/nowhere").resolve()
    return file.is_relative_to(Path.cwd()) and "site-packages" not in file.parts


def imported(name: str) -> ModuleType:
    return importlib.import_module(name)


def relative(module: ModuleType) -> str:
    return os.path.relpath(str(module.__file__))


def place(name: str) -> str:
    """Where `import name` would be found today."""
    spec = importlib.util.find_spec(name)
    if spec is None:
        return ""
    folders = list(spec.submodule_search_locations or [])
    return str(Path(folders[0] if folders else str(spec.origin)).resolve())


def installed() -> str:
    """The version of our wheel, where the project has it."""
    try:
        return metadata.version("django-uplift")
    except metadata.PackageNotFoundError:
        return ""


def is_taken(path: str, settings: Any) -> bool:
    """Whether a page of the project's own is there. Where one pattern catches everything, it is asked."""
    anywhere = f"/{uuid.uuid4().hex}/"
    if answering(path) is None or answering(path) != answering(anywhere):
        return answering(path) is not None
    return shows(path, settings) and not shows(anywhere, settings)


def shows(path: str, settings: Any) -> bool:
    from django.test import Client

    named = [host.lstrip(".") for host in settings.ALLOWED_HOSTS if host.strip("*.")]
    try:
        client = Client(raise_request_exception=False)
        return client.get(path, secure=True, headers={"host": [*named, "localhost"][0]}).status_code == 200
    except Exception:  # noqa: BLE001  (whatever the project raises: there may be no database yet)
        return False


def answering(path: str) -> str | None:
    from django.urls import Resolver404, resolve

    try:
        return resolve(path).route
    except Resolver404:
        return None


def view(path: str) -> str:
    """The module of what answers there."""
    from django.urls import Resolver404, get_script_prefix, resolve

    try:
        return resolve("/" + path.removeprefix(get_script_prefix()).lstrip("/")).func.__module__
    except Resolver404:
        return ""


def asgi(settings: Any) -> dict[str, Any]:
    """The ASGI application by name, its file if there is one, and wsgi.py's, which a new one is made from."""
    beside = str(getattr(settings, "WSGI_APPLICATION", None) or settings.ROOT_URLCONF).split(".")
    package = ".".join(beside[: -2 if getattr(settings, "WSGI_APPLICATION", None) else -1])
    named = getattr(settings, "ASGI_APPLICATION", None)
    application = named or ".".join(filter(None, (package, "asgi", "application")))
    return {
        "asgi_named": bool(named),
        "asgi": application,
        "asgi_file": source(application.rpartition(".")[0]),
        "wsgi_file": source(".".join(filter(None, (package, "wsgi")))),
    }


def source(module: str) -> str:
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return ""
    return os.path.relpath(spec.origin) if spec and spec.origin else ""


main(sys.argv[1:])
