from __future__ import annotations

import io
import sys

from liveview.daphne.starting import CommandLine

if isinstance(sys.stdout, io.TextIOWrapper):
    sys.stdout.reconfigure(line_buffering=True)  # so that a pipe gets the access log line by line
CommandLine.entrypoint()
