"""The site with one more app: live views made for browser tests."""

from __future__ import annotations

import os

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS, STORAGES

INSTALLED_APPS = [*INSTALLED_APPS, "e2e.lab"]
ROOT_URLCONF = "e2e.lab.urls"
LIVEVIEW = {"LAYOUT": "lab/layout.html", "SESSION_CHECK": 0.2}
STORAGES["staticfiles"]["BACKEND"] = os.environ.get("LAB_STATIC_STORAGE", STORAGES["staticfiles"]["BACKEND"])
