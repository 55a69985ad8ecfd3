"""Which jobs the zygote has."""

from __future__ import annotations

from pathlib import Path

import pytest

from uploads.content.sandbox import worker


@pytest.mark.parametrize("target", worker.JOBS.values())
def test_the_jobs_of_folders_that_are_there_are_loaded(target: str) -> None:
    assert worker._load(target) is not None


@pytest.mark.parametrize("target", ["uploads.content.deleted.remuxing:remux", "uploads.content.video.deleted:remux"])
def test_a_site_may_have_deleted_the_folder_of_a_job(target: str) -> None:
    assert worker._load(target) is None


def test_a_job_that_lacks_something_else_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "job_of_a_test.py").write_text("import no_such_decoder")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ModuleNotFoundError, match="no_such_decoder"):
        worker._load("job_of_a_test:run")
