"""The site in two languages that nobody speaks: every text of it stands in ⟦brackets⟧. One reads from the right."""

from __future__ import annotations

from config.settings import *  # noqa: F403
from config.settings import DATA_DIR

LANGUAGES = [("eo", "eo"), ("ar", "ar")]
LANGUAGE_CODE = "eo"
LOCALE_PATHS = [DATA_DIR / "locale"]
