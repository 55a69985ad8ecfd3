"""One server for all that is asked of tus."""

from __future__ import annotations

from liveview.tests.processes import served
from uploads.tests.http.ways.server import Server

server = served(Server, scope="package")
