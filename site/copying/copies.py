"""The copies in a project: what was copied, when, and what has become of it since.

`.uplift/copy.json` in the folder that the copy went to says which version and which parts; `.uplift/base.zip` beside it
has the files as they were, so that an update can tell the project's changes from ours.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path
from typing import Any, Final

from copying.source import Choice, NotCopied, version

FOLDER: Final = ".uplift"


@dataclass(frozen=True)
class Change:
    """What a file has become: `theirs` since it was copied, `ours` in this checkout."""

    path: str
    theirs: str  # "same", "changed", "gone", "new"
    ours: str


class Copies:
    """Those in one folder of a project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._record, self._base = folder / FOLDER / "copy.json", folder / FOLDER / "base.zip"

    @property
    def record(self) -> dict[str, Any]:
        if not self._record.exists():
            return {"version": "", "copies": []}
        kept: dict[str, Any] = json.loads(self._record.read_text())
        return kept

    @property
    def choices(self) -> list[Choice]:
        return [Choice.from_json(each) for each in self.record["copies"]]

    def base(self) -> dict[str, bytes]:
        """Every file as it was copied."""
        if not self._base.exists():
            return {}
        with zipfile.ZipFile(self._base) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    def add(self, choice: Choice) -> list[str]:
        """Copies; which files were written. Raises `NotCopied` if something is in the way."""
        base, files = self.base(), choice.files()
        others = [each for each in self.choices if each.name != choice.name]
        for path in files:
            if (self.folder / path).exists() and path not in base:
                top = path.partition("/")[0]
                raise NotCopied(
                    f"{self.folder / top} is there already, and isn't a copy of ours. "
                    + (f"Choose another name: --as my_{top}" if top == choice.name else "Two apps can't have one name.")
                )
        if base and self.record["version"] != version():
            raise NotCopied(f"There are copies of {self.record['version']} here. First: copyapp update {self.folder}")
        written = [path for path in files if path not in base]
        for path in written:
            self._write(path, files[path])
        self._keep([*others, choice], {**base, **files})
        return written

    def changes(self) -> Iterator[Change]:
        """Every file that isn't as it was copied, here or there."""
        base, new = self.base(), self._new()
        for path in sorted(base.keys() | new.keys()):
            before, file = base.get(path), self.folder / path
            theirs = file.read_bytes() if file.exists() else None
            change = Change(path, _state(before, theirs), _state(before, new.get(path)))
            if (change.theirs, change.ours) != ("same", "same"):
                yield change

    def diff(self) -> Iterator[str]:
        """What the project has changed, as a patch."""
        base = self.base()
        for change in self.changes():
            if change.theirs == "same" or change.path not in base:
                continue
            file = self.folder / change.path
            now = file.read_text(errors="replace") if file.exists() else ""
            before = base[change.path].decode(errors="replace")
            names = (f"copied/{change.path}", change.path)
            yield from unified_diff(before.splitlines(True), now.splitlines(True), *names)

    def update(self) -> tuple[list[str], list[str]]:
        """Brings the copy to this checkout's version, and keeps what the project has changed.

        The files that were written, and those of them with conflicts, marked as git marks them.
        """
        base, new = self.base(), self._new()
        written, conflicts = [], []
        for change in list(self.changes()):
            path, file = change.path, self.folder / change.path
            if change.ours == "same":
                continue
            if change.theirs == "same" or change.theirs == "gone" and change.ours == "new":
                if path in new:
                    self._write(path, new[path])
                else:
                    file.unlink()
            elif path in new and file.exists() and file.read_bytes() != new[path]:
                merged, is_clean = _merge(file.read_bytes(), base.get(path, b""), new[path])
                self._write(path, merged)
                if not is_clean:
                    conflicts.append(path)
            else:  # they have deleted what we changed, or changed what we deleted: theirs stays
                continue
            written.append(path)
        self._keep(self.choices, new)
        return written, conflicts

    def _new(self) -> dict[str, bytes]:
        return {path: data for choice in self.choices for path, data in choice.files().items()}

    def _write(self, path: str, data: bytes) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)

    def _keep(self, choices: list[Choice], base: dict[str, bytes]) -> None:
        self._record.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(self._base, "w", zipfile.ZIP_DEFLATED) as archive:
            for path, data in sorted(base.items()):
                archive.writestr(zipfile.ZipInfo(path), data, zipfile.ZIP_DEFLATED)
        record = {"version": version(), "copies": [choice.to_json() for choice in choices]}
        self._record.write_text(json.dumps(record, indent=2) + "\n")


def _state(before: bytes | None, after: bytes | None) -> str:
    if before == after:
        return "same"
    if before is None:
        return "new"
    return "gone" if after is None else "changed"


def _merge(theirs: bytes, base: bytes, ours: bytes) -> tuple[bytes, bool]:
    """Both changes in one file, by git; without git, or for binary files, theirs. And whether they go together."""
    if shutil.which("git") is None:
        return theirs, False
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("yours", "copied", "new")]
        for path, data in zip(paths, (theirs, base, ours), strict=True):
            path.write_bytes(data)
        labels = [part for name in ("yours", "copied", "new") for part in ("-L", name)]
        done = subprocess.run(["git", "merge-file", "-p", *labels, *map(str, paths)], capture_output=True)
    if not 0 <= done.returncode < 128:
        return theirs, False
    return done.stdout, done.returncode == 0
