"""One changed number on a page of about 100 KB: `python -m bench patching`.

Bytes that the server sends for a click, of the whole answer as it is on the WebSocket, against the page's own HTML.
"""

from __future__ import annotations

import json

from bench.support import servers
from bench.support.client import Visitor
from bench.support.tables import Scale, Sides, Table


def measure(table: Table, scale: Scale) -> None:
    with servers.site() as server, Visitor(server.port, "/bench/rows/", ready="mounted") as visitor:
        whole = len(visitor.mounted["html"].encode())
        messages = visitor.click()
    patches = [message for message in messages if json.loads(message)["type"] == "patch"]
    cost = sum(len(message.encode()) for message in messages)
    assert patches, "the click changed nothing"
    sides: Sides = {"ours": f"{cost} bytes", "peer": f"{whole} bytes of HTML"}
    table.at_most("bytes for one changed number", [cost], 100, " bytes", **sides)
