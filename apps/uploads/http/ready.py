"""What this folder adds to the app: its checks."""

from __future__ import annotations

from uploads.http import checks  # noqa: F401  (registers them)
