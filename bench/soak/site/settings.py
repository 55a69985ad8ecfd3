from __future__ import annotations

from pathlib import Path
from typing import Any

from uploads.tests.http.ways.settings import *  # noqa: F403

ROOT_URLCONF = "bench.soak.site.urls"
TEMPLATES: list[dict[str, Any]] = [  # type: ignore[no-redef]
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [Path(__file__).with_name("templates")],
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]
SESSION_COOKIE_AGE = 30  # seconds, so that visitors' sessions can be seen to go
STATIC_URL = "static/"
