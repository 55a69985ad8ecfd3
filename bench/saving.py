"""From a file's last byte to "saved", before any processing: `python -m bench saving`.

Milliseconds from the moment at which a client has given the last byte to its socket until the page shows under which
name the file is kept in the site's storage, on local disk: received, hashed, checked, staged, and saved by a handler.
For 500 MB against 5 MB, in turns: what differs is what depends on the size.
"""

from __future__ import annotations

import os
import time
from functools import partial
from typing import Final

from e2e.support.server import Server

from bench.support import servers
from bench.support.client import Visitor
from bench.support.cost import MB
from bench.support.tables import Scale, Table, interleave

ROUNDS: Final = 5


def last_byte_to_saved(server: Server, data: memoryview) -> float:
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


def measure(table: Table, scale: Scale) -> None:
    large, small = scale.of(500, 5) * MB, scale.of(5, 1) * MB
    data = memoryview(os.urandom(large))
    with servers.site() as server:
        save = partial(last_byte_to_saved, server)
        save(data[:MB])
        variants = {"large": partial(save, data), "small": partial(save, data[:small])}
        rounds = interleave(variants, scale.of(ROUNDS, 1))
    ours, peer = (f"{rounds.median(name, float):.0f} ms" for name in ("large", "small"))
    pairs = zip(rounds.samples["large"], rounds.samples["small"], strict=True)
    more = [of_large - of_small for of_large, of_small in pairs]
    table.at_most("last byte to saved: 500 MB, above 5 MB", more, 20, " ms", ours=ours, peer=peer)
