"""The `VIDEOS` setting: a dict whose absent keys have the defaults below."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from liveview.setting_types import PositiveInt
from uploads import conf as uploads_conf


@dataclass(frozen=True, slots=True)
class Conf:
    """Sizes are bytes, times seconds."""

    folder: Path  # where files are while they are processed
    max_file_size: PositiveInt = 500_000_000
    page_size: PositiveInt = 12
    workers: PositiveInt = 1  # videos that may be processed at the same time in one process
    waiting: PositiveInt = 50  # of one visitor that may wait to be processed
    attempts: PositiveInt = 2  # how often one is begun, should the process die over it
    shared_folder: bool = False  # whether workers beside the server see `folder` as well
    lost_after: int = 0  # when a file that isn't there is taken to be lost; 0: after an hour, ten minutes with a bucket
    undo: int = 60  # how long a deleted video can be brought back
    kept_for: int = 0  # after that a video goes by itself, as on a public demo; 0: never


def conf() -> Conf:
    given: dict[str, Any] = {key.lower(): value for key, value in getattr(settings, "VIDEOS", {}).items()}
    folder = Path(str(given.pop("folder", None) or default_folder()))
    return Conf(folder=folder, **given)


def default_folder() -> Path:
    """Beside the staged uploads: a rename leads there, and no address does."""
    staging = uploads_conf.conf().staging_dir
    return staging.with_name(f"{staging.name}-videos")
