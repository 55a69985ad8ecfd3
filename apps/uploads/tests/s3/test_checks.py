"""What `manage.py check` says of a bucket and its webhook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks

from uploads.s3.checks import check_settings


def told(settings: Any, tmp_path: Path, **given: Any) -> list[tuple[str | None, str]]:
    """The id of what is said of a setting, and all of the text."""
    settings.UPLOADS = {"STAGING_DIR": tmp_path, **given}
    return [(message.id, f"{message.msg} {message.hint}") for message in check_settings(None)]


def test_they_are_run_with_those_of_uploads(settings: Any, tmp_path: Path) -> None:
    settings.UPLOADS = {"STAGING_DIR": tmp_path, "S3": {"BUKET": "b"}}

    assert [message.id for message in run_checks(tags=["uploads"])] == ["uploads.E003"]


def test_what_a_bucket_is_told_has_kinds(settings: Any, tmp_path: Path) -> None:
    ((name, text),) = told(settings, tmp_path, S3={"BUCKET": "b", "PART_SIZE": "8MB"})
    assert (name, 'UPLOADS["S3"] = {"PART_SIZE": 8388608}' in text) == ("uploads.E004", True)

    assert [name for name, _ in told(settings, tmp_path, S3={"BUKET": "b"})] == ["uploads.E003"]


def test_staging_in_a_bucket_needs_one(settings: Any, tmp_path: Path) -> None:
    ((name, text),) = told(settings, tmp_path, STAGING="bucket")
    assert (name, "AWS_STORAGE_BUCKET_NAME" in text) == ("uploads.E012", True)

    assert told(settings, tmp_path, STAGING="bucket", S3={"BUCKET": "b"}) == []


@pytest.mark.parametrize("events", [{"TOPIC": "arn"}, {"TOPICS": ["not an ARN"]}])
def test_a_webhook_that_can_not_work_is_told(settings: Any, tmp_path: Path, events: dict[str, Any]) -> None:
    assert [name for name, _ in told(settings, tmp_path, S3_EVENTS=events)] == ["uploads.E003"]


@pytest.mark.parametrize("given", [{"S3": "{bad"}, {"NO_SUCH_KEY": 1, "S3": {"BUKET": "b"}}])
def test_settings_that_can_not_be_read_are_left_to_the_checks_of_uploads(
    settings: Any, tmp_path: Path, given: dict[str, Any]
) -> None:
    assert told(settings, tmp_path, **given) == []
