"""Files dragged onto a page as the operating system does it: a trusted event, with real directory entries.

Chromium only. A `DragEvent` made in the page would be untrusted, have no directories, and carry copies of the bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import CDPSession, Page

COPY = 1
OUTSIDE = {"x": 1.0, "y": 1.0}


def drop_files(page: Page, selector: str, paths: Sequence[Path], *, operations: int = COPY) -> None:
    """Drags files or folders over the middle of an element and lets them go there, for what `operations` allow."""
    with _session(page) as cdp:
        at, data = _middle(page, selector), {**_drag_data(paths), "dragOperationsMask": operations}
        for kind in ("dragEnter", "dragOver", "drop"):
            _dispatch(cdp, kind, at, data)


@contextmanager
def dragging_files(page: Page, selector: str, paths: Sequence[Path]) -> Iterator[None]:
    """Holds files or folders over an element for as long as the block runs, then takes them away again."""
    with _session(page) as cdp:
        at, data = _middle(page, selector), _drag_data(paths)
        for kind in ("dragEnter", "dragOver"):
            _dispatch(cdp, kind, at, data)
        yield
        # A cancelled drag alone makes no dragleave: move off the element first.
        for kind in ("dragOver", "dragCancel"):
            _dispatch(cdp, kind, OUTSIDE, data)


@contextmanager
def _session(page: Page) -> Iterator[CDPSession]:
    cdp = page.context.new_cdp_session(page)
    yield cdp
    cdp.detach()


def _dispatch(cdp: CDPSession, kind: str, at: dict[str, float], data: dict[str, Any]) -> None:
    cdp.send("Input.dispatchDragEvent", {"type": kind, **at, "data": data})


def _drag_data(paths: Sequence[Path]) -> dict[str, Any]:
    return {"items": [], "files": [str(path.absolute()) for path in paths], "dragOperationsMask": COPY}


def _middle(page: Page, selector: str) -> dict[str, float]:
    element = page.locator(selector)
    element.scroll_into_view_if_needed()
    box = element.bounding_box()
    if box is None:
        raise AssertionError(f"{selector} isn't visible, so nothing can be dragged onto it")
    return {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
