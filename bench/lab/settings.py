"""The site's own settings, with the bench's pages. No limit keeps anybody from measuring it."""

from __future__ import annotations

from bench import ROOT
from config.settings import *  # noqa: F403
from config.settings import LIVEVIEW, TEMPLATES, UPLOADS

ROOT_URLCONF = "bench.lab.urls"
TEMPLATES = [{**TEMPLATES[0], "DIRS": [ROOT / "templates", ROOT / "bench" / "lab" / "templates"]}]
UPLOADS = {**UPLOADS, "TUS_INTAKE": "received"}  # which takes any file
LIVEVIEW = {
    **LIVEVIEW,
    "MAX_SOCKETS": 1000,
    "MAX_SOCKETS_PER_ADDRESS": 0,
    "BODY_LIMITS": [*LIVEVIEW["BODY_LIMITS"], ("/bench/", 10**10)],
}
