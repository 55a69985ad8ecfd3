"""The environment, which says everything that differs between machines. docs/settings.md lists every name."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import environ

ROOT = Path(__file__).resolve().parents[2]
env = environ.Env()


def keys_of(setting: str) -> dict[str, Any]:
    """The keys of a setting that is a dict, each from a variable of its own: `VIDEOS_PAGE_SIZE=24` for `VIDEOS`.

    A value is read as JSON where it is some (`24`, `0.5`, `false`, `["a"]`), and is a text otherwise. Names that the
    app doesn't know are told by its system check.
    """
    prefix = f"{setting}_"
    return {name[len(prefix) :]: _value(text) for name, text in os.environ.items() if name.startswith(prefix)}


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
