"""The `UPLOADS` setting: a dict whose absent keys have the defaults below."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from liveview.setting_types import PositiveFloat, PositiveInt, latest

__all__ = ["conf"]

MAX_FRAME: Final = 1024 * 1024  # bytes; daphne drops the connection above
_TOPIC: Final = "arn:aws:sns:eu-central-1:123456789012:uploads"


@dataclass(frozen=True, slots=True)
class Conf:
    """Sizes are bytes."""

    staging_dir: Path
    staging: str = "disk"  # where plain slots stage: "disk", or "bucket" for that of uploads.s3
    direct: Sequence[str] = ()  # plain slots, by name, whose files browsers send straight into that bucket
    window: PositiveInt = 32 * 1024 * 1024  # most bytes that one socket may have in transit, if its link holds as much
    senders: int = 8  # sockets that are given credit at the same time in one process; 0 is no limit
    max_frame: PositiveInt = MAX_FRAME - 1024  # of a binary message, header included
    io_threads: PositiveInt = 8  # writes that may run at the same time in one process
    writer_threads: PositiveInt = 64  # calls of slots' writers that may run, or wait, at the same time in one process
    check_threads: PositiveInt = 4  # files that may be checked at the same time in one process
    stale_after: int = 24 * 3600  # seconds after which an abandoned staging file is removed
    max_entries_per_view: PositiveInt = 2000
    owner_bytes: int | None = 100_000_000_000  # that one visitor may have under way; 0 is no limit
    owner_files: int | None = 10_000  # the same in files
    max_uploads: int | None = 10_000  # that may be under way in one process; 0 is no limit
    disk_floor: int = 100_000_000  # free bytes in staging below which no new upload is accepted; 0 is no limit
    # "database", "redis", "memory" or a dotted path; see uploads.stores
    upload_state_store: str | None = field(default=None, metadata={"example": "database"})
    upload_state_redis_url: str = ""
    upload_state_ttl: PositiveInt = 3600  # seconds that a parked upload can be resumed
    lease: PositiveInt = 20  # seconds without a sign of life after which a writer has lost its lease
    idle: float = 3600  # seconds after which a stalled upload ends, if it can't be resumed; 0 is no limit
    unbegun: float = 12 * 3600  # seconds after which a registered upload of which nothing has come ends; 0 is no limit
    silence: PositiveFloat = 3  # the same as `lease` for a request that sends a body, which has no other sign of life
    clamd: str = ""  # where a virus scanner is that looks at every staged file; "" is none; see virus_scan
    intake: str = ""  # what /upload, /api/upload and /ws/upload/ send to; "" is the only one there is; see intakes
    tus_intake: str = ""  # the same for /tus/
    allowed_origins: Sequence[str] = ()  # other sites whose pages may send files here, as browsers name them
    # Folders below MEDIA_ROOT, such as "avatars/", whose files are served whatever their names are
    public: Sequence[str] = ()
    s3: Mapping[str, Any] = field(default_factory=dict, metadata={"example": {"BUCKET": "a-bucket"}})  # see s3.options
    s3_events: Mapping[str, Any] = field(default_factory=dict, metadata={"example": {"TOPICS": [_TOPIC]}})


def conf() -> Conf:
    return _made(getattr(settings, "UPLOADS", {}), getattr(settings, "DJUST", {}), media=settings.MEDIA_ROOT)


@latest
def _made(values: dict[str, Any], djusts: dict[str, Any], *, media: Any) -> Conf:
    given: dict[str, Any] = {**_of_djust(djusts), **{key.lower(): value for key, value in values.items()}}
    staging = Path(str(given.pop("staging_dir", None) or default_staging_dir()))
    if isinstance(origins := given.get("allowed_origins"), str):  # `in` would look for a part of it
        given["allowed_origins"] = tuple(origins.replace(",", " ").split())
    if isinstance(slots := given.get("direct"), str):
        given["direct"] = tuple(slots.replace(",", " ").split())
    if isinstance(folders := given.get("public"), str):
        given["public"] = tuple(folders.replace(",", " ").split())
    return Conf(staging_dir=staging, **given)


def _of_djust(values: dict[str, Any]) -> dict[str, Any]:
    """What a project's `DJUST` says of uploads, as djust's documentation has it; the rest of that dict isn't ours."""
    given = {key: value for key, value in values.items() if key.startswith("upload_state_")}
    if isinstance(store := given.get("upload_state_store"), str):
        given["upload_state_store"] = store.removeprefix("djust.")
    return given


def default_staging_dir() -> Path:
    """Beside MEDIA_ROOT: on its file system, so that saving renames, and outside it, so that nobody can fetch it."""
    if settings.MEDIA_ROOT:
        media = Path(settings.MEDIA_ROOT)
        return media.with_name(f"{media.name}-staging")
    return Path(tempfile.gettempdir()) / "uploads-staging"
