"""The environment of every test run; set before Django's settings are first read.

The settings module is named here: pytest-django would read one named in pyproject.toml before this file.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator

import django
import pytest
from django.core.management.commands import flush
from django.db import connection
from django.utils import translation

# DEBUG chooses plain static files, which need no collectstatic. While tests run, pytest-django has settings.DEBUG off.
os.environ["DEBUG"] = "1"
os.environ["DATA_DIR"] = DATA_DIR = tempfile.mkdtemp(prefix="uplift-tests-")
os.environ.setdefault("SECRET_KEY", "only-for-tests")
os.environ.setdefault("ALLOWED_HOSTS", "testserver,localhost,.localhost,127.0.0.1,[::1]")
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
for name in ("AWS_STORAGE_BUCKET_NAME", "BUCKETEER_BUCKET_NAME", "BUCKET_NAME"):  # nobody's own bucket
    os.environ.pop(name, None)
# Tests start hundreds of processes: what these import is compiled once, wherever somebody has it compiled each time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
atexit.register(shutil.rmtree, DATA_DIR, ignore_errors=True)

django.setup()

if connection.vendor == "sqlite":  # no test outlives a power cut
    connection.settings_dict["OPTIONS"]["init_command"] += " PRAGMA synchronous=OFF;"

pytest_plugins = ["liveview.tests.processes", "uploads.tests.corpus"]


def _policy() -> int | None:
    return os.sched_getscheduler(0) if hasattr(os, "sched_getscheduler") else None


POLICY = _policy()


@pytest.fixture(scope="session", autouse=True)
def _no_permissions() -> Iterator[None]:
    """A database that a test has emptied stays empty.

    Django makes the permissions of all models anew each time, which took two fifths of the tests' time.
    """
    from django.contrib.contenttypes.models import ContentType

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush, "emit_post_migrate_signal", lambda *_, **__: ContentType.objects.clear_cache())
        yield


@pytest.fixture(autouse=True)
def _no_priority() -> Iterator[None]:
    """No test gives its process, and all that is started later, precedence over everything else on the machine."""
    yield
    assert _policy() == POLICY


@pytest.fixture(autouse=True)
def _no_language() -> Iterator[None]:
    """The language of a test's last request isn't that of the next test."""
    yield
    translation.deactivate()
