from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bench import ROOT
from uploads.tests.http.ways import server
from uploads.tests.moto import Moto


class Server(server.Server):
    """Processes of the soaked project; `address` is where they think that the S3 is."""

    def __init__(self, folder: Path, s3: Moto, address: str = "", **options: Any) -> None:
        super().__init__(folder, S3=s3.options(address), **options)
        self.s3 = s3
        for each in (self, *self.twins):
            each.env["PYTHONPATH"] += f"{os.pathsep}{ROOT}"
            each.env["DJANGO_SETTINGS_MODULE"] = "bench.soak.site.settings"
