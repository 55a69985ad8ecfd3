"""`copyapp gallery ../mysite`, `copyapp status|diff|update ../mysite`."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from copying.copies import Copies
from copying.host import Host, Snippet
from copying.servers import SERVERS
from copying.source import APPS, EXTRAS, ROOT, Choice, NotCopied, version

LATER: Final = ("status", "diff", "update")
CHANNELS: Final = '"channels>=4.3,<5"'
PIP: Final = {"gallery": '"pillow>=12.3"', "avatars": '"pillow>=12.3"', "videos": '"pillow>=12.3" "av>=18.1,<19"'}


def parser(prog: str = "copyapp") -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog=prog,
        description="Copies an app into your project, with the packages it stands on, and says which lines to paste.",
        epilog="Later: copyapp status ../mysite, copyapp diff ../mysite, copyapp update ../mysite.",
    )
    made.add_argument("what", choices=[*APPS, "packages", *LATER], help="an app; packages: liveview and uploads alone")
    made.add_argument("folder", type=Path, help="of your project: beside manage.py, or any on your import path")
    made.add_argument("--as", dest="name", default="", help="what the app is called in your project")
    made.add_argument("--with", dest="extras", action="append", default=[], choices=sorted(EXTRAS), help="opt-in parts")
    made.add_argument("--tests", action="store_true", help="with its tests")
    made.add_argument("--server", default="daphne", choices=[*SERVERS], help="that runs your project")
    made.add_argument("--python", default="", help="that runs your project; by default that of its .venv")
    return made


def main(arguments: Sequence[str], prog: str = "copyapp") -> int:
    asked = parser(prog).parse_args(arguments)
    try:
        if asked.what in LATER:
            return {"status": _status, "diff": _diff, "update": _update}[asked.what](_copies(asked.folder))
        return _copy(asked)
    except NotCopied as reason:
        print(reason, file=sys.stderr)
        return 1


def _copy(asked: argparse.Namespace) -> int:
    app = "" if asked.what == "packages" else asked.what
    name = asked.name or app
    if name and not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise NotCopied(f"{name!r} is no name for an app: small letters, digits and _.")
    host, server = Host(asked.folder, asked.python), SERVERS[asked.server]
    choice = Choice(app, name, tuple(sorted(asked.extras)), asked.tests)
    has = host.ask(choice)
    if has["installed"]:
        choice = replace(choice, packages=False)
        print(_told(has["installed"]))
        if not app:
            return 0
    host.expect_free(choice, has)
    written = Copies(host.folder).add(choice)
    print(f"Copied {len(written)} files to {host.folder}.\n")
    print(f"Install what it needs:\n\n    pip install {requirements(app, asked.server)}\n")
    for snippet in host.snippets(choice, has, server):
        print(_shown(snippet))
    print("Then: python manage.py check && python manage.py migrate. What is missing, check says.")
    print(f"Start it: {server.start.format(has['asgi'].replace('.application', ':application'))}")
    if app:
        print(f"All about it: {ROOT / 'apps' / app / 'README.md'}")
    return 0


def requirements(app: str, server: str = "daphne") -> str:
    """What pip is given."""
    return " ".join(filter(None, (CHANNELS, SERVERS[server].packages, PIP.get(app, ""))))


def _told(installed: str) -> str:
    said = f"liveview and uploads are installed here, by django-uplift {installed}: they are not copied."
    ours = version().partition(" ")[0]
    return said if installed == ours else f"{said} This checkout is {ours}: install its wheel as well."


def _shown(snippet: Snippet) -> str:
    text = "".join(f"    {line}".rstrip() + "\n" for line in snippet.text.splitlines())
    note = f"{snippet.note}\n" if snippet.note else ""
    return f"{snippet.file}, {snippet.where}:\n{note}\n{text}"


def _copies(folder: Path) -> Copies:
    copies = Copies(folder.resolve())
    if not copies.choices:
        raise NotCopied(f"There is no copy of ours in {folder}.")
    return copies


def _status(copies: Copies) -> int:
    print(f"Copied: {copies.record['version']}.")
    for choice in copies.choices:
        print(f"  {choice.name or 'packages'}" + (f", which is our {choice.app}" if choice.app != choice.name else ""))
    for change in copies.changes():
        said = {"same": "", "changed": "changed by you", "gone": "deleted by you", "new": "yours"}[change.theirs]
        ours = {"same": "", "changed": "newer here", "gone": "deleted here", "new": "new here"}[change.ours]
        print(f"  {change.path}: {', '.join(filter(None, (said, ours)))}")
    return 0


def _diff(copies: Copies) -> int:
    sys.stdout.writelines(copies.diff())
    return 0


def _update(copies: Copies) -> int:
    written, conflicts = copies.update()
    print(f"Updated {len(written)} files to {copies.record['version']}.")
    for path in conflicts:
        print(f"  conflict: {path}", file=sys.stderr)
    print("Then: python manage.py check && python manage.py migrate.")
    return 1 if conflicts else 0
