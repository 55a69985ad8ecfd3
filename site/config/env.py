"""The environment, which says everything that differs between machines. docs/settings.md lists every name."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

import environ
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parents[2]

_YES: Final = frozenset(("1", "true", "on", "ok", "y", "yes"))
_NO: Final = frozenset(("0", "false", "off", "n", "no"))


class Env(environ.Env):
    """django-environ's, and values that it would misread. Each method raises `ImproperlyConfigured` for a wrong one,
    with its variable's name and a right value."""

    @property
    def ENVIRON(self) -> dict[str, str]:  # type: ignore[override]  # django-environ's name for it
        """A variable without a value isn't set."""
        return {name: text for name, text in os.environ.items() if text.strip()}

    def names(self, variable: str, default: Collection[str] = ()) -> list[str]:
        """Separated by commas, with or without spaces."""
        if variable not in self.ENVIRON:
            return list(default)
        text = self.str(variable, default="")
        return [name.strip() for name in text.split(",") if name.strip()]

    def flag(self, variable: str) -> bool:
        """Off where it isn't set."""
        text = self.str(variable, default="no").strip().lower()
        if text not in _YES | _NO:
            raise ImproperlyConfigured(f"{variable} has to be 1 or 0: it is {text!r}.")
        return text in _YES

    def number(self, variable: str, default: int) -> int:
        text = self.str(variable, default="").strip() or str(default)
        if not text.isascii() or not text.isdigit():
            raise ImproperlyConfigured(f"{variable} has to be a whole number, such as {default}: it is {text!r}.")
        return int(text)

    def choice(self, variable: str, choices: Collection[str], default: str) -> str:
        text = self.str(variable, default="").strip() or default
        if text not in choices:
            raise ImproperlyConfigured(f"{variable} has to be one of {', '.join(choices)}: it is {text!r}.")
        return text


env = Env()  # type: ignore[no-untyped-call]  # its own `__init__` has no types


def keys_of(setting: str) -> dict[str, Any]:
    """The keys of a setting that is a dict, each from a variable of its own: `VIDEOS_PAGE_SIZE=24` for `VIDEOS`.

    A value is read as JSON where it is some (`24`, `0.5`, `false`, `["a"]`), and is a text otherwise. Names that the
    app doesn't know are told by its system check.
    """
    prefix = f"{setting}_"
    return {name[len(prefix) :]: _value(text) for name, text in env.ENVIRON.items() if name.startswith(prefix)}


def size_of(given: dict[str, Any], setting: str, key: str, default: int) -> int:
    """A number of bytes among the keys of a setting, for a limit that follows from it.

    Raises `ImproperlyConfigured`: settings are there before any system check is.
    """
    size = given.get(key, default)
    if type(size) is not int or size <= 0:
        raise ImproperlyConfigured(
            f"{setting}_{key} has to be a whole number of bytes, such as {default}: it is {size!r}."
        )
    return size


def own_hosts() -> list[str]:
    """The names that hosts give to an application by themselves: it is reachable there before anybody has set one."""
    names = [
        env.str("HEROKU_APP_DEFAULT_DOMAIN_NAME", default=""),
        env.str("RENDER_EXTERNAL_HOSTNAME", default=""),
        env.str("RAILWAY_PUBLIC_DOMAIN", default=""),
    ]
    fly = env.str("FLY_APP_NAME", default="")
    return [name for name in [*names, f"{fly}.fly.dev" if fly else ""] if name]


def _value(text: str) -> Any:
    try:
        return json.loads(text.lower() if text.lower() in ("true", "false") else text)
    except ValueError:
        return text
