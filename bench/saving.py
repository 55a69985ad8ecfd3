"""From a file's last byte to "saved", before any processing: `python -m bench.saving`.

Milliseconds from the moment at which a client has given the last byte to its socket until the page shows under which
name the file is kept in the site's storage, on local disk: received, hashed, checked, staged, and saved by a handler.
For 500 MB against 5 MB, in turns: what differs is what depends on the size.
"""

from __future__ import annotations

import os
import time
from functools import partial
from typing import Final

from bench.support import servers
from bench.support.client import Visitor
from bench.support.cost import MB
from bench.support.tables import Table, interleave

LARGE: Final = 500 * MB
SMALL: Final = 5 * MB
ROUNDS: Final = 5


def last_byte_to_saved(server: servers.Server, data: memoryview) -> float:
    """Milliseconds."""
    with Visitor(server.port, "/bench/?save") as visitor:
        visitor.send_file(visitor.register("file", "file.dat", len(data)), data)
        start = time.perf_counter()
        visitor.wait_for("bench/")
        seconds = time.perf_counter() - start
    for kept in (server.data_dir / "media" / "bench").iterdir():
        assert kept.stat().st_size == len(data)
        kept.unlink()
    return seconds * 1000


def main() -> None:
    data = memoryview(os.urandom(LARGE))
    with servers.site() as server:
        measure = partial(last_byte_to_saved, server)
        measure(data[:MB])
        rounds = interleave({"large": partial(measure, data), "small": partial(measure, data[:SMALL])}, ROUNDS)
    large, small = (rounds.median(name, float) for name in ("large", "small"))
    table = Table()
    more = large - small
    table.at_most("last byte to saved: 500 MB, above 5 MB", f"{large:.0f} ms", f"{small:.0f} ms", more, 50, " ms")
    table.show()


if __name__ == "__main__":
    main()
