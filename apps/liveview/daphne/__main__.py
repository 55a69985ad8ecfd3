from __future__ import annotations

from liveview.daphne.starting import CommandLine

CommandLine.entrypoint()
