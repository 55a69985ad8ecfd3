"""What a page says, and what was saved."""

from __future__ import annotations

import re
from pathlib import Path


def saved(folders: Path) -> dict[str, bytes]:
    media = folders / "media"
    return {str(path.relative_to(media)): path.read_bytes() for path in media.rglob("*") if path.is_file()}


def errors_in(html: str) -> list[str]:
    return [re.sub(r"<[^>]+>", "", text).strip() for text in re.findall(r'(?s)role="alert"[^>]*>(.*?)</p>', html)]
