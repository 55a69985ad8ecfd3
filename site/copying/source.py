"""What a copy is made of: the files of this checkout, under the names that they get."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
APPS: Final = ("avatars", "gallery", "videos")
PACKAGES: Final = ("liveview", "uploads")

# Folders that a copy works without; what needs them says so, or is asked for by name.
EXTRAS: Final = {
    "daphne": "liveview/daphne",
    "content": "uploads/content",
    "video": "uploads/content/video",
    "fallback": "uploads/fallback",
    "http": "uploads/http",
    "s3": "uploads/s3",
}
ALWAYS: Final = frozenset({"content", "fallback"})
NEEDED: Final = {"videos": frozenset({"video"})}

_TEXT: Final = (".py", ".html", ".js", ".css", ".md", ".txt", ".json")


class NotCopied(Exception):
    """Nothing has been written; the text says why, and what to do."""


@dataclass(frozen=True)
class Choice:
    """What is copied. `app` is empty for the packages alone; `name` is what the app is called in the copy.

    A project that has installed the packages gets the app alone.
    """

    app: str
    name: str
    extras: tuple[str, ...] = ()
    tests: bool = False
    packages: bool = True

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @staticmethod
    def from_json(kept: dict[str, Any]) -> Choice:
        return Choice(kept["app"], kept["name"], tuple(kept["extras"]), kept["tests"], kept.get("packages", True))

    @property
    def folders(self) -> tuple[str, ...]:
        return (*(PACKAGES if self.packages else ()), *([self.app] if self.app else ()))

    @property
    def names(self) -> tuple[str, ...]:
        """What the folders are called in the copy."""
        return tuple(self.name if folder == self.app else folder for folder in self.folders)

    def files(self) -> dict[str, bytes]:
        """The content of every file of the copy, by its path seen from the folder that it goes to."""
        return dict(sorted(file for folder in self.folders for file in self._of(folder)))

    def _of(self, folder: str) -> Iterator[tuple[str, bytes]]:
        left_out = self._left_out()
        for path in (ROOT / "apps" / folder).rglob("*"):
            seen = path.relative_to(ROOT / "apps").as_posix()
            parts = seen.split("/")
            if not path.is_file() or "__pycache__" in parts or ("tests" in parts and not self.tests):
                continue
            if any(seen.startswith(f"{each}/") or f"/tests/{each.partition('/')[2]}/" in seen for each in left_out):
                continue
            yield self.renamed(seen), self._rewritten(path)

    def _left_out(self) -> list[str]:
        wanted = ALWAYS | NEEDED.get(self.app, frozenset()) | set(self.extras)
        return [folder for extra, folder in EXTRAS.items() if extra not in wanted]

    def renamed(self, path: str) -> str:
        """Folders of the app's name become folders of the copy's: its own, and those of templates and static files."""
        if not self.app or not path.startswith(f"{self.app}/"):
            return path
        return "/".join(self.name if part == self.app else part for part in path.split("/"))

    def _rewritten(self, path: Path) -> bytes:
        data = path.read_bytes()
        is_ours = path.is_relative_to(ROOT / "apps" / self.app) if self.app else False
        if not is_ours or self.app == self.name or path.suffix not in _TEXT:
            return data
        return rewrite(data.decode(), path.suffix, self.app, self.name).encode()


def rewrite(text: str, suffix: str, old: str, new: str) -> str:
    """Imports, labels, addresses, paths of templates and static files, settings. Words in sentences stay."""
    quoted = rf"(?<=[\"'`]){old}(?=[/:_.][\w{{])"  # "old/page.html", "old:page", "old_table", "old.E001"
    if suffix != ".py":
        return re.sub(quoted, new, text)
    text = re.sub(rf"^(\s*(?:from|import) ){old}(?=[.\s])", rf"\1{new}", text, flags=re.MULTILINE)
    text = re.sub(
        rf"(?<!name=[\"'])(?<=[\"']){old}(?=[\"'])", new, text
    )  # name="old" is the name of a URL, which stays
    text = re.sub(rf"\b{old.upper()}(?=\b|_)", new.upper(), text)
    text = re.sub(rf"(?<=include\(\\[\"']){old}(?=\.)", new, text)
    text = re.sub(rf"(?<=path\()([\"']){old}/(?=[\"'])", rf"\g<1>{new}/", text)
    return re.sub(quoted, new, text)


def version() -> str:
    """The version of this checkout: the project's, and the commit."""
    found = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude", "*"]
    try:
        commit = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        commit = ""
    return " ".join(filter(None, (found[1] if found else "", commit)))
