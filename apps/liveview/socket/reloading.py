"""While `runserver` looks for changed files: a template that is saved shows on every open page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

from django.template.autoreload import get_template_directories, reset_loaders
from django.utils.autoreload import file_changed

from liveview.process import here

LATER: Final = 0.05  # seconds, so that one save of several files is one render


class _Open:
    """What renders each open page, and on which loop."""

    def __init__(self) -> None:
        self.pages: WeakKeyDictionary[Any, tuple[asyncio.AbstractEventLoop, str]] = WeakKeyDictionary()


def watch() -> None:
    file_changed.connect(_changed, dispatch_uid="liveview")


def opened(page: Any, render: Callable[[], None]) -> None:
    """`render` is a method of `page`, and is called on this event loop whenever a template has changed."""
    here(_Open).pages[page] = asyncio.get_running_loop(), render.__name__


def _changed(file_path: Path, **_kwargs: Any) -> None:
    if not any(folder in file_path.parents for folder in get_template_directories()):
        return
    reset_loaders()
    for page, (loop, render) in list(here(_Open).pages.items()):
        loop.call_soon_threadsafe(loop.call_later, LATER, getattr(page, render))
