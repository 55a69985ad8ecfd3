from __future__ import annotations

import os
from pathlib import Path

import environ

FOLDER = Path(os.environ["LAB"])
SECRET_KEY = "only-for-tests"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "e2e.jobs.urls"
ASGI_APPLICATION = "e2e.jobs.urls.application"
DATABASES = {"default": environ.Env().db("DATABASE_URL", default=f"sqlite:///{FOLDER / 'site.sqlite3'}")}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": FOLDER / "cache"}}
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
INSTALLED_APPS = ["daphne", "liveview", "e2e.jobs.apps.Jobs"]
LIVEVIEW = {"JOBS": os.environ["JOBS"], "JOB_LEASE": 1.0, "JOB_GRACE": 0.2, "SHUTDOWN_SECONDS": 1}
if os.environ["JOBS"] == "procrastinate":
    INSTALLED_APPS.insert(0, "procrastinate.contrib.django")
SILENCED_SYSTEM_CHECKS = ["liveview.E005", "liveview.E006", "liveview.E009", "liveview.W008"]  # there are no pages
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
    "root": {"handlers": ["stdout"], "level": "INFO"},
}
