"""A demo's code, as it runs: the files of its folder that tell the story, highlighted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers import get_lexer_for_filename
from pygments.lexers.templates import HtmlDjangoLexer


@dataclass(frozen=True, slots=True)
class Demo:
    """`main` are the files that tell the story, `tests` those that hold it; paths are from the project's folder."""

    title: Any  # translated when it is shown
    url_name: str
    main: tuple[str, ...]
    tests: tuple[str, ...]
    static: str

    @property
    def files(self) -> tuple[str, ...]:
        """With what the demo brings to browsers."""
        root = Path(settings.ROOT)
        found = [path for kind in ("js", "css") for path in sorted((root / self.static).glob(f"*.{kind}"))]
        return (*self.main, *(path.relative_to(root).as_posix() for path in found), *self.tests)


@dataclass(frozen=True, slots=True)
class Source:
    path: str
    lines: int
    html: SafeString


DEMOS: Final = {
    "avatars": Demo(
        _("Avatar"),
        "avatars:avatar",
        (
            "apps/avatars/views.py",
            "apps/avatars/templates/avatars/avatar.html",
            "apps/avatars/pictures.py",
            "apps/avatars/models.py",
        ),
        ("apps/avatars/tests/test_views.py",),
        "apps/avatars/static/avatars",
    ),
    "gallery": Demo(
        _("Gallery"),
        "gallery:gallery",
        (
            "apps/gallery/views.py",
            "apps/gallery/templates/gallery/gallery.html",
            "apps/gallery/templates/gallery/photos.html",
            "apps/gallery/templates/gallery/photo.html",
            "apps/gallery/arranging.py",
            "apps/gallery/pictures.py",
            "apps/gallery/models.py",
        ),
        ("apps/gallery/tests/test_views.py",),
        "apps/gallery/static/gallery",
    ),
    "videos": Demo(
        _("Videos"),
        "videos:videos",
        (
            "apps/videos/views.py",
            "apps/videos/templates/videos/videos.html",
            "apps/videos/processing.py",
            "apps/videos/models.py",
        ),
        ("apps/videos/tests/test_views.py",),
        "apps/videos/static/videos",
    ),
}


def code(request: HttpRequest, demo: str) -> HttpResponse:
    sources = [_read(path) for path in DEMOS[demo].files]
    return render(request, "code.html", {"demo": demo, "about": DEMOS[demo], "sources": sources})


@cache
def _read(path: str) -> Source:
    text = (settings.ROOT / path).read_text()
    lexer = HtmlDjangoLexer() if path.endswith(".html") else get_lexer_for_filename(path)
    html = highlight(text, lexer, HtmlFormatter(nowrap=True))
    return Source(path, text.count("\n"), mark_safe(html))  # noqa: S308  (Pygments escapes what it is given)
