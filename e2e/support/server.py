"""The site in a process of its own: what `bin/serve` starts, with its data in a folder that goes away."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from liveview.tests import processes
from liveview.tests.ports import HOST

ROOT = Path(__file__).resolve().parents[2]

# What would make the site under test another one.
OURS = (
    "ALLOWED_HOSTS",
    "AWS_STORAGE_BUCKET_NAME",
    "BUCKETEER_BUCKET_NAME",
    "BUCKET_NAME",
    "DATABASE_URL",
    "DEBUG",
    "DJANGO_SETTINGS_MODULE",
    "HTTPS",
    "REDIS_URL",
    "SECRET_KEY",
)


class Server(processes.Server):
    """The site, which can be stopped and started again on the same port, with the same data.

    `debug=False` serves it as a host does: hashed static files, no debug pages. `extra` is more of its environment.
    """

    application = "config.asgi:application"
    probe = "/healthz"
    foreign = ("DJANGO_", "UPLOADS_", *OURS)

    def __init__(
        self, folder: Path, *, debug: bool = True, extra: Mapping[str, str] | None = None, command: Sequence[str] = ()
    ) -> None:
        self.data_dir = folder / "data"
        self._debug = debug
        env = {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": os.pathsep.join(["site", "apps"]),
            "DATA_DIR": str(self.data_dir),
            **({"DEBUG": "1"} if debug else {"SECRET_KEY": "only-for-tests", "ALLOWED_HOSTS": HOST}),
            **(extra or {}),
        }
        super().__init__(folder, env, command=command, cwd=ROOT)
        self.database = self.data_dir / "site.sqlite3"

    def prepare(self) -> None:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        super().prepare()
        if not self._debug:
            self.manage("collectstatic", "--noinput")

    def db(self) -> sqlite3.Connection:
        """The site's database, to be read; the caller closes it."""
        connection = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        connection.row_factory = sqlite3.Row
        return connection

    @contextmanager
    def unwritable(self) -> Iterator[Callable[[], None]]:
        """While nothing can be staged, as on a broken disk; what it gives ends that. What is staged already is kept."""
        folder, aside = self.data_dir / "staging", self.data_dir / "staging-aside"
        folder.mkdir(exist_ok=True)
        folder.rename(aside)
        folder.write_text("in the way")

        def mend() -> None:
            if aside.exists():
                folder.unlink()
                aside.rename(folder)

        try:
            yield mend
        finally:
            mend()

    def staged(self) -> set[Path]:
        """Files that wait for their rest, a handler or being processed."""
        folders = [self.data_dir / name for name in ("staging", "staging-videos")]
        return {path for folder in folders if folder.exists() for path in folder.iterdir()}
