"""What this folder adds to the app."""

from __future__ import annotations

from uploads.extension import use_fallback
from uploads.fallback.requests import Fallback

use_fallback(Fallback)
