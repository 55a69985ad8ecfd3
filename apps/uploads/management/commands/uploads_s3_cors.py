"""Lets pages of these origins send files to the bucket: sets its CORS rule, and leaves other rules alone.

Without an origin those of CSRF_TRUSTED_ORIGINS are taken. `--print` shows the rule and changes nothing.
"""

from __future__ import annotations

import json
import re
from types import ModuleType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from uploads.errors import UploadError

ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("origins", nargs="*", metavar="https://example.com")
        parser.add_argument("--print", action="store_true", dest="only_print")

    def handle(self, *args: Any, **options: Any) -> None:
        cors = _cors()
        origins = options["origins"] or settings.CSRF_TRUSTED_ORIGINS
        if not origins:
            raise CommandError("Name the site's origin, such as https://example.com, or set CSRF_TRUSTED_ORIGINS.")
        for origin in origins:
            if not ORIGIN.fullmatch(origin):
                raise CommandError(f"{origin!r} is no origin: a scheme and a host, in lower case and without a path.")
        if options["only_print"]:
            self.stdout.write(json.dumps({"CORSRules": [cors.rule(origins)]}, indent=2))
            return
        try:
            cors.apply(origins)
        except UploadError as failure:
            raise CommandError(f"{failure} The log says what it answered.") from None
        self.stdout.write(f"Pages of {', '.join(origins)} may send files to the bucket.")


def _cors() -> ModuleType:
    try:
        from uploads.s3 import cors
    except ModuleNotFoundError as missing:
        if (missing.name or "").startswith("uploads."):
            raise CommandError("This copy of uploads has no S3 support: its folder s3/ is missing.") from None
        raise CommandError(f"S3 needs boto3, and there is no module {missing.name}: pip install boto3") from None
    return cors
