"""Nothing but the packages. What differs between tests comes from the environment."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

DATA = Path(os.environ.get("WAYS_DATA", "/nonexistent"))

SECRET_KEY = "only-for-tests"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
CSRF_TRUSTED_ORIGINS = ["https://friend.example"]
ROOT_URLCONF = "uploads.tests.http.ways.urls"
ASGI_APPLICATION = "uploads.tests.http.ways.asgi.application"
INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "liveview",
    "uploads",
    "uploads.tests.http.ways.apps.WaysConfig",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES: list[dict[str, Any]] = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES: dict[str, Any] = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA / "site.sqlite3",
        "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL"},
    }
}
REDIS_URL = os.environ.get("WAYS_REDIS", "")
CHANNEL_LAYERS: dict[str, Any] = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
CACHES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": DATA / "cache"}
}
MEDIA_URL = "media/"
MEDIA_ROOT = DATA / "media"
USE_TZ = True
LIVEVIEW: dict[str, Any] = {"MAX_BODY": 1_000_000_000}
FILE_UPLOAD_HANDLERS = [
    "uploads.http.UploadProgressCachedHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
UPLOADS: dict[str, Any] = {
    "STAGING_DIR": DATA / "staging",
    "TUS_INTAKE": "files",
    "INTAKE": "files",
    "ALLOWED_ORIGINS": ["https://listed.example"],
    **json.loads(os.environ.get("WAYS_CONF", "{}")),
}
