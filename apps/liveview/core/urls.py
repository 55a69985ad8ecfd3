"""Which URLs a view may send a visitor to."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

# What browsers drop from a URL or read as a slash: a URL with these isn't what it looks like.
_MISREAD: Final = re.compile(r"[\x00-\x20\x7f\\]")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\\]|^//")


def is_path(url: str) -> bool:
    """Whether a URL is nothing but a path of this site, quoted or not."""
    parts = _split(url)
    return (
        parts is not None
        and url.startswith("/")
        and not url.startswith("//")
        and not _CONTROL.search(unquote(parts.path))
    )


def target(url: str) -> str:
    """A URL to redirect to: relative, or of `http` or `https`."""
    parts = _split(url)
    if parts is None or url.startswith("//") or parts.scheme not in ("", "http", "https"):
        raise ValueError(f"Not a URL to redirect to: {url!r}")
    if parts.scheme and not parts.netloc:
        raise ValueError(f"Not a URL to redirect to: {url!r}")
    return url


def of_page(url: str, path: str) -> str:
    """A URL that differs from the page at `path` only in its query."""
    parts = _split(url)
    if parts is None or parts.scheme or parts.netloc or url.startswith("//") or parts.path not in ("", path):
        raise ValueError(f"push_url changes the query of {path}, and {url!r} is another page. Use redirect.")
    return url if url.startswith(("?", "/")) else path


def _split(url: str) -> SplitResult | None:
    if _MISREAD.search(url):
        return None
    try:
        return urlsplit(url)
    except ValueError:
        return None
