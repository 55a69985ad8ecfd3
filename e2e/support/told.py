"""What `copyapp` prints, done as a person does it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

_FILE = re.compile(r"^(?P<path>\S+), (?P<where>at the end|a new file):$")
_PIP = "    pip install "


@dataclass(frozen=True)
class Told:
    text: str

    @property
    def packages(self) -> list[str]:
        """What pip is to be given."""
        return [word for line in self.text.splitlines() if line.startswith(_PIP) for word in shlex.split(line)[2:]]

    @property
    def start(self) -> str:
        """The command that starts the project."""
        return self.text.rpartition("Start it: ")[2].partition("\n")[0]

    @property
    def snippets(self) -> list[tuple[str, str]]:
        """Files, and the lines for each. A line of words may stand between the two."""
        found: list[tuple[str, list[str]]] = []
        is_open = False
        for line in self.text.splitlines():
            if head := _FILE.match(line):
                found.append((head["path"], []))
                is_open = True
            elif is_open and (line.startswith("    ") or not line):
                found[-1][1].append(line[4:])
            elif found and any(found[-1][1]):
                is_open = False
        return [(path, "\n".join(lines).strip("\n")) for path, lines in found]

    def paste(self, project: Path) -> None:
        for path, lines in self.snippets:
            with (project / path).open("a") as file:
                file.write(f"\n{lines}\n")

    def lines(self) -> int:
        """How many there are to paste."""
        return sum(bool(line.strip()) for _, text in self.snippets for line in text.splitlines())
