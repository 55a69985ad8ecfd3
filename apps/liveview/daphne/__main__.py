from __future__ import annotations

import io
import sys

from liveview.daphne.starting import CommandLine

if isinstance(sys.stdout, io.TextIOWrapper):
    sys.stdout.reconfigure(line_buffering=True)  # the access log is read while it is written, from pipes, too
CommandLine.entrypoint()
