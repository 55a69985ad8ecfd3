"""One server for all that is asked of tus."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from uploads.tests.http.ways.server import Server


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("tus")).start()
    yield server
    server.kill()
