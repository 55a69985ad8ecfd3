"""Which files of the project are pages, and where."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Guide:
    """`path` is the file's, from the project's folder; `slug` its part of the address."""

    slug: str
    path: str
    group: str

    @property
    def text(self) -> str:
        text = (Path(settings.ROOT) / self.path).read_text()
        return text if text.startswith("# ") else f"# {text}"  # the licence, which is plain text

    @property
    def title(self) -> str:
        if self.slug == "readme":
            return "Read me first"  # its heading is the site's name
        return self.text.split("\n", 1)[0].removeprefix("# ").strip()


BEGIN, UPLOADS, RUN, PROJECT = "Begin", "Reference", "Run it", "The project"

GUIDES: Final = tuple(
    Guide(slug, path, group)
    for group, pages in {
        BEGIN: {
            "readme": "README.md",
            "copy-an-app": "docs/copy-an-app.md",
            "avatars": "apps/avatars/README.md",
            "gallery": "apps/gallery/README.md",
            "videos": "apps/videos/README.md",
            "your-project": "docs/your-project.md",
            "package": "docs/package.md",
            "from-djust": "docs/from-djust.md",
        },
        UPLOADS: {
            "liveview": "docs/liveview.md",
            "uploads": "docs/uploads.md",
            "http": "docs/http.md",
            "s3": "docs/s3.md",
            "protocol": "docs/protocol.md",
            "languages": "docs/languages.md",
            "settings": "docs/settings.md",
        },
        RUN: {"deploy": "docs/deploy.md", "scaling": "docs/scaling.md", "security": "docs/security.md"},
        PROJECT: {
            "comparison": "docs/comparison.md",
            "architecture": "ARCHITECTURE.md",
            "benchmarks": "bench/README.md",
            "figures": "bench/RESULTS.md",
            "contributing": "CONTRIBUTING.md",
            "changelog": "CHANGELOG.md",
            "licence": "LICENSE",
        },
    }.items()
    for slug, path in pages.items()
)


@cache
def present() -> dict[str, Guide]:
    """By slug, those whose file is here: an image may leave some out."""
    return {guide.slug: guide for guide in GUIDES if (Path(settings.ROOT) / guide.path).is_file()}


def at(path: str) -> Guide | None:
    """The page of a file, by its path from the project's folder."""
    return next((guide for guide in present().values() if guide.path == path), None)
