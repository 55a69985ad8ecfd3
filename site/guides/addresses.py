"""Where a file of the project is shown on the site."""

from __future__ import annotations

import re

from django.urls import NoReverseMatch, reverse

from guides import pages


def address(path: str) -> str | None:
    """Of a file or folder, by its path from the project's folder; None if the site doesn't show it."""
    if path == "docs":
        return reverse("guides:index")
    if guide := pages.at(path):
        return reverse("guides:guide", args=[guide.slug])
    if demo := re.fullmatch(r"apps/(\w+)/[\w/.]+", path):
        try:
            return f"{reverse('code', args=[demo[1]])}#{path}"
        except NoReverseMatch:
            return None
    return None
