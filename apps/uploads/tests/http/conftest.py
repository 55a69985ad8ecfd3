"""A server of the ways for each module of tests."""

from __future__ import annotations

from liveview.tests.processes import served
from uploads.tests.http.ways.server import Server

server = served(Server)
