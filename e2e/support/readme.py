"""What a README tells people to type and to paste, so that a test can do just that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_FILE = re.compile(r"<!-- file: (?P<path>\S+)(?P<end> \(end\))? -->\n```\w+\n(?P<text>.*?)```", re.DOTALL)
_SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Readme:
    text: str

    def commands(self, beginning: str) -> list[str]:
        """The lines of its shell blocks that begin so."""
        lines = [line for block in _SHELL.findall(self.text) for line in block.splitlines()]
        return [line for line in lines if line.startswith(beginning)]

    def paste(self, project: Path) -> list[str]:
        """Pastes its snippets into the files they are meant for; which files these were."""
        pasted = []
        for block in _FILE.finditer(self.text):
            path = project / block["path"]
            before = path.read_text() if block["end"] else ""
            path.write_text(f"{before}\n{block['text']}" if before else block["text"])
            pasted.append(block["path"])
        return pasted
