"""One changed number on a page of about 100 KB: `python -m bench.patching`.

Bytes that the server sends for a click, of the whole answer as it is on the WebSocket, against the page's own HTML.
"""

from __future__ import annotations

import json

from bench.support import servers
from bench.support.client import Visitor
from bench.support.tables import Table


def main() -> None:
    with servers.site() as server, Visitor(server.port, "/bench/rows/", ready="mounted") as visitor:
        whole = len(visitor.mounted["html"].encode())
        messages = visitor.click()
    patches = [message for message in messages if json.loads(message)["type"] == "patch"]
    cost = sum(len(message.encode()) for message in messages)
    assert patches, "the click changed nothing"
    table = Table()
    table.at_most("bytes for one changed number", f"{cost} bytes", f"{whole} bytes of HTML", cost, 300, " bytes")
    table.show()


if __name__ == "__main__":
    main()
