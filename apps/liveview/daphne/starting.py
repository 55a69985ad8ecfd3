"""daphne's command line and `manage.py runserver`, with our server in both."""

from __future__ import annotations

import contextlib
import logging
import resource
from typing import Any, Final

from daphne.cli import CommandLineInterface
from daphne.server import Server as StockServer

from liveview.daphne import names

logger = logging.getLogger("liveview.daphne")

MOST_FILES: Final = 65_536


class CommandLine(CommandLineInterface):
    """`python -m liveview.daphne`, with every option of `daphne`."""

    def __init__(self) -> None:
        super().__init__()
        self.parser.prog = "python -m liveview.daphne"

    def load_asgi_app(self, asgi_app_path: str) -> Any:
        """Chooses the server here because the settings are loaded with the application."""
        application = super().load_asgi_app(asgi_app_path)
        raise_open_files()
        self.server_class = server_class()
        return application


def raise_open_files() -> None:
    """Every socket is an open file, and the usual limit of 1024 is there for programs that use `select`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):  # macOS has a limit of its own below the hard one
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def server_class() -> type[StockServer]:
    """Ours, or daphne's own with a warning if something that ours is built on is missing."""
    gone = names.gone()
    if gone:
        logger.warning(
            "Falling back to stock daphne: request bodies aren't streamed, are limited only once they are in memory, "
            "and don't time out. Names missing from the installed daphne, Twisted or autobahn: %s",
            ", ".join(gone),
        )
        return StockServer
    from liveview.daphne.server import Server

    logging.getLogger("daphne.server").addFilter(_is_of_use)
    return Server


def _is_of_use(record: logging.LogRecord) -> bool:
    """daphne advises to install what HTTP/2 takes, which our server doesn't speak."""
    return not str(record.msg).startswith("HTTP/2 support not enabled")


def adopt_runserver() -> None:
    """Makes daphne's `runserver` start what `server_class` says."""
    from daphne.management.commands import runserver

    command: Any = runserver.Command
    command.server_cls = staticmethod(_server)


def _server(**options: Any) -> StockServer:
    return server_class()(**options)
