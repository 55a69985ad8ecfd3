"""docs/http.md has what the server says before any application is asked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from liveview.refusals import BAD_REQUEST, TOO_LARGE, TOO_SLOW, Refusal


@pytest.mark.parametrize("refusal", [BAD_REQUEST, TOO_LARGE, TOO_SLOW], ids=lambda refusal: refusal.code)
def test_what_the_server_refuses_is_in_the_table_with_its_status(refusal: Refusal) -> None:
    guide = (Path(settings.ROOT) / "docs" / "http.md").read_text()
    row = re.search(rf"^\| {refusal.status} \| (.*) \|$", guide, re.MULTILINE)

    assert row is not None and f"`{refusal.code}`" in row[1]
