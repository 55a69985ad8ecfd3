"""Intakes, which put what they get into a folder that the tests can look into."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from django.apps import AppConfig
from django.conf import settings

from uploads import UploadEntry, UploadError, intakes


class WaysConfig(AppConfig):
    name = "uploads.tests.http.ways"
    label = "ways"

    def ready(self) -> None:
        intakes.register("files", max_file_size=300_000_000, receive=keep, takes_empty=True)
        intakes.register("large", max_file_size=1_000_000_000, receive=keep)
        intakes.register("received", max_file_size=250_000_000, receive=keep, takes_empty=True)  # as the site has one
        intakes.register("pictures", accept=".png", max_file_size=1_000_000, receive=keep)
        intakes.register(
            "judged", accept=".txt,.fail,.wait", max_file_size=50_000_000, validators=[judge], receive=keep
        )
        intakes.register("moody", max_file_size=50_000_000, receive=keep_at_the_second_try)


def folder() -> Path:
    return Path(settings.UPLOADS["STAGING_DIR"]).with_name("kept")


def keep(entry: UploadEntry, owner: str) -> str:
    name = str(uuid.uuid4())
    folder().mkdir(exist_ok=True)
    facts: dict[str, Any] = {
        "name": entry.client_name,
        "size": entry.size,
        "sha256": entry.sha256,
        "type": entry.content_type,
        "owner": owner,
    }
    os.replace(entry.path, folder() / name)
    (folder() / f"{name}.tmp").write_text(json.dumps(facts))
    os.replace(folder() / f"{name}.tmp", folder() / f"{name}.json")
    return name


def keep_at_the_second_try(entry: UploadEntry, owner: str) -> str:
    mark = folder().with_name("tried")
    if not mark.exists():
        mark.touch()
        raise RuntimeError("not today")
    return keep(entry, owner)


def judge(entry: UploadEntry) -> None:
    """Refuses `.fail`; over `.wait` it takes as long as there is a file called `wait`."""
    if entry.extension == ".fail":
        raise UploadError("bad_content")
    end, tick = time.monotonic() + 120, threading.Event()
    folder().with_name("judging").touch()
    while entry.extension == ".wait" and folder().with_name("wait").exists():
        assert time.monotonic() < end
        tick.wait(0.02)
