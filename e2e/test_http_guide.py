"""The commands of docs/http.md, typed against this site, which has an intake of its own for tus."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from e2e.support.server import Server
from uploads.tests.http.ways import guide


@pytest.mark.usefixtures("nothing_staged")
@pytest.mark.parametrize(("command", "said"), guide.EXAMPLES, ids=lambda text: re.sub(r"\W+", "-", text)[:30])
def test_the_site_answers_as_the_guide_says(server: Server, tmp_path: Path, command: str, said: str) -> None:
    assert shutil.which("curl"), "the guide's commands need curl"

    guide.obey(command, said, tmp_path, os.environ, server.url)
