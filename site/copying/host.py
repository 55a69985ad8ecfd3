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

from copying.servers import Server
from copying.source import Choice, NotCopied

PATIENCE: Final = 120  # seconds for the project's settings to be loaded

_ASK: Final = Path(__file__).with_name("asking.py").read_text()
_OWN_WSGI: Final = re.compile(r"^application = get_wsgi_application\(\)$", re.MULTILINE)
_LIVE: Final = "from liveview.routing import live\n\n{0} = live({0})  # what it serves already stays"


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
        self._python = python or self._its_python()

    def _its_python(self) -> str:
        environments = (self.root / ".venv", self.root / "venv", Path(os.environ.get("VIRTUAL_ENV", "/nowhere")))
        found = [each / "bin" / "python" for each in environments if (each / "bin" / "python").exists()]
        return str(found[0]) if found else sys.executable

    def ask(self, choice: Choice) -> dict[str, Any]:
        """What the project is and has: see `asking.py`. Raises `NotCopied` with the reason if it can't be loaded."""
        command = [self._python, "-B", "-c", _ASK, *choice.names]
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
        """Raises `NotCopied` if something of the project has one of our names, or wouldn't find us."""
        if str(self.folder) in has["by_manage"]:
            raise NotCopied(
                f"The project imports from {self.folder}, but by manage.py alone: pytest and workers would not "
                f"find what is there. Copy to {self.root}, or have the settings put that folder on sys.path."
            )
        if str(self.folder) not in has["path"]:
            known = [each for each in has["path"] if Path(each).is_relative_to(self.root) and ".venv" not in each]
            raise NotCopied(
                f"What is in {self.folder} can't be imported by its name: the project imports from "
                f"{' and '.join(dict.fromkeys(known)) or 'elsewhere'}. Name that folder."
            )
        for name in choice.names:
            at = has["places"][name]
            if at and Path(at) != self.folder / name:
                raise NotCopied(
                    f"The project has a package of the name {name} already: {at}.{_other_name(choice, name)}"
                )
            if name in has["labels"] and not at:
                said = f"The project has an app of the name {name} already ({has['labels'][name]})."
                raise NotCopied(said + _other_name(choice, name))
        if choice.name in has["namespaces"] and choice.name not in has["labels"]:
            raise NotCopied(
                f"Addresses of the project are called {choice.name}: already.{_other_name(choice, choice.name)}"
            )

    def snippets(self, choice: Choice, has: dict[str, Any], server: Server) -> Iterator[Snippet]:
        """What the project lacks, file by file."""
        note = "" if "INSTALLED_APPS" in has["names"] else "Your settings are made elsewhere: put these values there."
        parts = [(has["base"], list(_settings(choice, has, server)), note)]
        if has["sqlite"]:
            parts.append((has["settings"]["DATABASES"], list(_sqlite(choice, has)), ""))
        if parts[-1][0] == has["base"]:
            parts = [(has["base"], [line for each in parts for line in each[1]], note)]
        if has["any_host"]:
            text = 'ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]'
            note = 'Instead of "*", with which any web page could open sockets to yours: name your hosts.'
            parts.append((has["settings"]["ALLOWED_HOSTS"], [text], note))
        for file, lines, note in parts:
            if any("Path(" in line for line in lines) and "Path" not in has["names"]:
                lines.insert(0, "from pathlib import Path\n")
            if lines:
                yield Snippet(file, "at the end", "\n".join(lines), note)
        yield from _urls(choice, has)
        if not _has_live(self.root / has["asgi_file"]):
            yield self._asgi(has)

    def _asgi(self, has: dict[str, Any]) -> Snippet:
        module, _, name = has["asgi"].rpartition(".")
        live = _LIVE.format(name)
        if has["asgi_file"]:
            return Snippet(has["asgi_file"], "at the end", live)
        path = f"{module.replace('.', '/')}.py"
        beside = self.root / has["wsgi_file"] if has["wsgi_file"] else None
        wsgi = beside.read_text() if beside else ""
        if name == "application" and _OWN_WSGI.search(wsgi) and wsgi.count("application =") == 1:  # nothing around it
            same = wsgi.replace("wsgi", "asgi").replace("WSGI", "ASGI").strip()
            return Snippet(path, "a new file", f"{same}\n\n{live}")
        whole = [
            "import os\n\nfrom django.core.asgi import get_asgi_application\n",
            f'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{has["module"]}")',
            f"{name} = get_asgi_application()\n",
            live,
        ]
        return Snippet(path, "a new file", "\n".join(whole))


def _other_name(choice: Choice, name: str) -> str:
    return f" Choose another one: --as my_{name}" if name == choice.name else ""


def _has_live(asgi: Path) -> bool:
    return asgi.is_file() and "liveview.routing" in asgi.read_text()


def _urls(choice: Choice, has: dict[str, Any]) -> Iterator[Snippet]:
    """Before all others, as one of those may catch everything, or all media; a page of the project's stays."""
    address, note, lines = choice.name, "", []
    if choice.app and choice.name not in has["namespaces"]:
        if has["is_taken"]:
            address, note = f"my-{address}", f"/{address}/ is yours ({has['page']!r}): take any other address."
        elif has["page"] is not None:
            note = f"/{address}/ is answered by {has['page']!r} today: these lines come before it."
        lines.append(f'    path("{address}/", include("{choice.name}.urls")),')
    if not has["serves"]:
        lines.append('    path("", include("uploads.urls")),  # serves uploaded files, safely and with ranges')
    if lines:
        text = ["from django.urls import include, path", "", "urlpatterns = [", *lines, "    *urlpatterns,", "]"]
        yield Snippet(has["urls"], "at the end", "\n".join(text), note)


def _settings(choice: Choice, has: dict[str, Any], server: Server) -> Iterator[str]:
    """Those that are the same wherever the project runs."""
    wanted = [name for name in ("liveview", "uploads", choice.name) if name and name not in has["labels"]]
    first = ["daphne"] if server.is_daphne and "daphne" not in has["labels"] else []
    if wanted or first:
        names = [*(f'"{name}"' for name in first), "*INSTALLED_APPS", *(f'"{name}"' for name in wanted)]
        yield f"INSTALLED_APPS = [{', '.join(names)}]"
    if not server.is_daphne and "daphne" not in has["labels"]:
        others = "*SILENCED_SYSTEM_CHECKS, " if "SILENCED_SYSTEM_CHECKS" in has["names"] else ""
        yield f'SILENCED_SYSTEM_CHECKS = [{others}"liveview.W003"]  # runserver has no WebSockets'
    if not has["asgi_named"]:
        yield f'ASGI_APPLICATION = "{has["asgi"]}"'
    if not has["layers"]:
        yield 'CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}  # of one process'
    if not has["liveview"]:
        yield 'LIVEVIEW = {"LAYOUT": "uploads/layout.html"}'
    if not has["media_url"]:
        yield 'MEDIA_URL = "media/"'
    if not has["media_root"]:
        yield f"MEDIA_ROOT = {_in_project(has, 'media')}"


def _sqlite(choice: Choice, has: dict[str, Any]) -> Iterator[str]:
    """For SQLite alone: the environment may name another database elsewhere, to which these options say nothing."""
    options = {"transaction_mode": '"IMMEDIATE"', "timeout": "20"}
    lacking = ", ".join(f"{name}={value}" for name, value in options.items() if name not in has["options"])
    lines = [f'    DATABASES["default"].setdefault("OPTIONS", {{}}).update({lacking})'] if lacking else []
    if choice.tests and not has["test_file"]:
        lines.append(f'    DATABASES["default"].setdefault("TEST", {{"NAME": {_in_project(has, "test.sqlite3")}}})')
    if lines:
        yield 'if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # whose writers wait their turn'
        yield from lines


def _in_project(has: dict[str, Any], name: str) -> str:
    """A path in the project's folder. `BASE_DIR` is a `Path` in new projects, a text in older ones, or isn't there."""
    match has["base_dir"]:
        case "NoneType":
            return f'Path(__file__).resolve().parents[{len(Path(has["base"]).parts) - 1}] / "{name}"'
        case "str":
            return f'f"{{BASE_DIR}}/{name}"'
    return f'BASE_DIR / "{name}"'
