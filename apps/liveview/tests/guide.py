"""The files that a guide tells its reader to write."""

from __future__ import annotations

import re
from pathlib import Path

_BLOCK = re.compile(r"<!-- file: (?P<path>\S+)(?P<end> \(end\))? -->\n```\w+\n(?P<text>.*?)```", re.DOTALL)


def write_files(guide: str, folder: Path) -> None:
    """Writes each block under `<!-- file: path -->` there; one under `<!-- file: path (end) -->` goes to its end."""
    for block in _BLOCK.finditer(guide):
        path = folder / block["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text() if block["end"] else ""
        path.write_text(before + block["text"])
