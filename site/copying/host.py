"""The project that an app is copied into: what it has already, and the lines that it lacks."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from copying.source import Choice, NotCopied

PATIENCE: Final = 120  # seconds for the project's settings to be loaded

# Run by the project's own Python, in its folder; says what its settings are.
_ASK: Final = """
import json, os, sys
sys.path.insert(0, os.getcwd())
os.environ.setdefault("DJANGO_SETTINGS_MODULE", sys.argv[1])
import django
from django.conf import settings
django.setup()
from django.db import connections
from django.urls import Resolver404, resolve

def answering(path):
    try:
        found = resolve(path)
    except Resolver404:
        return None
    return found.route

def module_file(name):
    module = sys.modules.get(name) or __import__(name, fromlist=["_"])
    return os.path.relpath(module.__file__)

default = settings.DATABASES.get("default", {})
print("\\n" + json.dumps({
    "settings": module_file(os.environ["DJANGO_SETTINGS_MODULE"]),
    "urls": module_file(settings.ROOT_URLCONF),
    "package": settings.ROOT_URLCONF.rpartition(".")[0],
    "apps": list(settings.INSTALLED_APPS),
    "asgi": getattr(settings, "ASGI_APPLICATION", None),
    "layers": bool(getattr(settings, "CHANNEL_LAYERS", None)),
    "liveview": bool(getattr(settings, "LIVEVIEW", None)),
    "media": bool(settings.MEDIA_ROOT),
    "base": type(getattr(settings, "BASE_DIR", None)).__name__,
    "sqlite": "sqlite" in default.get("ENGINE", ""),
    "answering": answering(f"/{sys.argv[2]}/"),
}))
"""


@dataclass(frozen=True)
class Snippet:
    """Lines for one of the project's files. `where` says where in it; `note` what else there is to know."""

    file: str
    where: str
    text: str
    note: str = ""


class Host:
    """Raises `NotCopied` where there is no Django project."""

    def __init__(self, folder: Path, python: str = "") -> None:
        self.folder = folder.resolve()
        manage = next((each for each in (self.folder, *self.folder.parents) if (each / "manage.py").exists()), None)
        if manage is None:
            raise NotCopied(f"There is no manage.py in {folder} or above it: name a folder of your project.")
        self.root = manage
        found = re.search(r"""DJANGO_SETTINGS_MODULE["'],\s*["']([\w.]+)""", (manage / "manage.py").read_text())
        self.module = os.environ.get("DJANGO_SETTINGS_MODULE") or (found[1] if found else "")
        self._python = python or self._its_python()

    def _its_python(self) -> str:
        environments = (self.root / ".venv", self.root / "venv", Path(os.environ.get("VIRTUAL_ENV", "/nowhere")))
        found = [each / "bin" / "python" for each in environments if (each / "bin" / "python").exists()]
        return str(found[0]) if found else sys.executable

    def ask(self, name: str) -> dict[str, Any]:
        """What the project's settings are. Raises `NotCopied` with the reason if they can't be loaded."""
        command = [self._python, "-B", "-c", _ASK, self.module, name]
        try:
            done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, timeout=PATIENCE, check=True)
            found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        except subprocess.CalledProcessError as failed:
            lines = failed.stderr.strip().splitlines() or ["no reason given"]
            raise NotCopied(
                f"{self._python} can't load the project's settings: {lines[-1]}\n"
                "Name the Python that runs it, --python .venv/bin/python, or its settings, DJANGO_SETTINGS_MODULE=…"
            ) from None
        except (OSError, subprocess.TimeoutExpired, ValueError, IndexError) as failed:
            raise NotCopied(f"{self._python} can't load the project's settings: {failed}") from None
        return found

    def expect_free(self, choice: Choice, has: dict[str, Any]) -> None:
        """Raises `NotCopied` if an app of the project has one of our labels."""
        labels = {each.split(".apps.")[0].rpartition(".")[2]: each for each in has["apps"]}
        for folder in choice.folders:
            name = choice.renamed(f"{folder}/x").partition("/")[0]
            if name in labels and not (self.folder / name).exists():
                raise NotCopied(f"The project has an app of the name {name} already ({labels[name]}).")

    def snippets(self, choice: Choice, has: dict[str, Any]) -> Iterator[Snippet]:
        """What the project lacks, file by file."""
        lines = list(_settings(choice, has))
        if lines:
            yield Snippet(has["settings"], "at the end", "\n".join(lines))
        lines = [f'    path("{choice.name}/", include("{choice.name}.urls")),'] if choice.app else []
        text = "\n".join(
            [
                "from django.urls import include, path",
                "",
                "urlpatterns = [",
                *lines,
                '    path("", include("uploads.urls")),  # serves uploaded files, safely and with ranges',
                "    *urlpatterns,",
                "]",
            ]
        )
        taken = has["answering"]
        note = f"/{choice.name}/ is answered by {taken!r} today: these lines come before it." if taken else ""
        yield Snippet(has["urls"], "at the end", text, note)
        asgi = f"{has['package'].replace('.', '/')}/asgi.py" if has["package"] else "asgi.py"
        if has["asgi"]:
            asgi = f"{has['asgi'].rpartition('.')[0].replace('.', '/')}.py"
        yield self._asgi(asgi)

    def _asgi(self, path: str) -> Snippet:
        live = "from liveview.routing import live\n\napplication = live(application)  # what it serves already stays"
        if (self.root / path).exists():
            return Snippet(path, "at the end", live)
        whole = [
            "import os\n\nfrom django.core.asgi import get_asgi_application\n",
            f'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{self.module}")',
            "application = get_asgi_application()\n",
            live,
        ]
        return Snippet(path, "a new file", "\n".join(whole))


def _settings(choice: Choice, has: dict[str, Any]) -> Iterator[str]:
    wanted = [name for name in ("liveview", "uploads", choice.name) if name and name not in has["apps"]]
    first = ["daphne"] if "daphne" not in has["apps"] else []
    if wanted or first:
        names = [*(f'"{name}"' for name in first), "*INSTALLED_APPS", *(f'"{name}"' for name in wanted)]
        yield f"INSTALLED_APPS = [{', '.join(names)}]"
    if not has["asgi"]:
        yield f'ASGI_APPLICATION = "{has["package"]}.asgi.application"'
    if not has["layers"]:
        yield 'CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}  # of one process'
    if not has["liveview"]:
        yield 'LIVEVIEW = {"LAYOUT": "uploads/layout.html"}'
    if not has["media"]:
        yield 'MEDIA_URL = "media/"'
        yield f"MEDIA_ROOT = {_below_base(has, 'media')}"
    if has["sqlite"]:
        yield "# With SQLite: writers wait for each other, and tests use a file that their threads share."
        yield 'DATABASES["default"].setdefault("OPTIONS", {}).update(transaction_mode="IMMEDIATE", timeout=20)'
        yield f'DATABASES["default"].setdefault("TEST", {{"NAME": {_below_base(has, "test.sqlite3")}}})'


def _below_base(has: dict[str, Any], name: str) -> str:
    match has["base"]:
        case "NoneType":
            return f'Path("{name}").resolve()'
        case "str":
            return f'os.path.join(BASE_DIR, "{name}")'
    return f'BASE_DIR / "{name}"'
