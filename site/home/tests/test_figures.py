"""What the start page says of speed is what was measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client

from home import figures

RESULTS = json.loads((django_settings.ROOT / figures.RESULTS).read_text())


@pytest.fixture(autouse=True)
def fresh() -> None:
    figures.line.cache_clear()
    figures.machine.cache_clear()


def figure(bench: str, what: str) -> dict[str, Any]:
    return next(one for one in RESULTS[bench]["figures"] if one["what"] == what)


def test_the_page_shows_what_was_measured_when_and_where(client: Client, transactional_db: None) -> None:
    page = client.get("/").text

    for bench in ("links", "uploading"):
        for said in (RESULTS[bench]["date"], RESULTS[bench]["machine"], RESULTS[bench]["commit"]):
            assert said in page
    of_djust = figure("uploading", "speed, of djust")
    for said in (of_djust["ours"], of_djust["peer"]):
        speed = said.split(" MB/s")[0]
        assert f"{float(speed):g}\u00a0MB/s" in page


def test_every_row_is_one_of_the_results() -> None:
    found = figures.machine()

    assert found is not None
    assert [row.name for row in found.rows][:1] == ["Uplift"]
    assert {"djust", "A form, as Django takes it"} <= {row.name for row in found.rows}
    assert max(row.percent for row in found.rows) == 100


def test_without_results_the_page_shows_none(
    client: Client, transactional_db: None, settings: Any, tmp_path: Path
) -> None:
    settings.ROOT = tmp_path

    assert figures.line() is figures.machine() is None
