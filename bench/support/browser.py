"""A file on its way from Chromium to a server by each of the ways that are compared.

Every way is timed by the page's own clock: from the choice of the file, or the first byte given to a socket that is
open, to the server's word that it has the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench.support.chromium import Browser, Page

CHUNK: Final = 64_000  # bytes, as Phoenix LiveView has it
HEADER: Final = 13  # bytes of our frames that aren't the file's
FILE: Final = "input[type=file]"
LOADED: Final = "document.readyState === 'complete'"
LIVE: Final = "document.querySelector('html.live-connected')"  # a page of ours that is connected
LIVE_DJUST: Final = "window.djust?.liveViewInstance?.viewMounted"

_COUNT_FRAMES = """() => {
window.frames_ = { count: 0, bytes: 0 };
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) {
  if (typeof data !== "string") { frames_.count++; frames_.bytes += data.size ?? data.byteLength; }
  send.call(this, data);
};
}"""
_WATCH = """() => {
  let start = 0;
  document.querySelector("input[type=file]").addEventListener("change", () => (start = performance.now()), true);
  window.done_ = new Promise((resolve, reject) => {
    addEventListener("djust:upload:progress", ({ detail }) => {
      if (detail.status === "complete") resolve((performance.now() - start) / 1000);
      if (detail.status === "error") reject(new Error(detail.error || "the upload failed"));
    });
  });
}"""
_ADD_INPUT = """() => {
  const input = document.createElement("input");
  Object.assign(input, { type: "file", id: "bare" });
  document.body.prepend(input);
}"""
_OPEN = """
  const file = document.querySelector("#bare").files[0];
  const socket = new WebSocket(`ws://${location.host}${path}`);
  const message = () => new Promise((resolve, reject) => {
    socket.onmessage = ({ data }) => resolve(data);
    socket.onclose = () => reject(new Error("closed"));
  });
  await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onclose: reject }));
  const start = performance.now();
"""
_CLOSE = """
  const answer = message();
  socket.send("end");
  const count = Number(await answer);
  const seconds = (performance.now() - start) / 1000;
  socket.onclose = null;
  socket.close();
  if (count !== file.size) throw new Error(`${count} bytes arrived`);
  return seconds;
"""
_SINK = f"""async (path, size) => {{ {_OPEN}
  for (let at = 0; at < file.size; at += size) socket.send(file.slice(at, at + size));
{_CLOSE} }}"""
_ACKS = f"""async (path, size, most) => {{ {_OPEN}
  let at = 0;
  for (; at < file.size && performance.now() - start < most * 1000; at += size) {{
    const answer = message();
    socket.send(await file.slice(at, at + size).arrayBuffer());
    await answer;
  }}
  const seconds = (performance.now() - start) / 1000;
  socket.onclose = null;
  socket.close();
  return [Math.min(at, file.size), seconds];
}}"""
_POST = """async (path) => {
  const body = new FormData();
  body.append("file", document.querySelector("#bare").files[0]);
  const start = performance.now();
  const response = await fetch(path, { method: "POST", body });
  const { bytes } = await response.json();
  if (!(bytes > 0)) throw new Error("nothing arrived");
  return (performance.now() - start) / 1000;
}"""


@contextmanager
def opened(browser: Browser, url: str, ready: str = LOADED) -> Iterator[Page]:
    """A page of that address; it is there when the expression `ready` is true."""
    with browser.page() as page:
        page.goto(url, ready)
        page.call(_COUNT_FRAMES)
        yield page


def begin(page: Page, file: Path) -> None:
    """Chooses a file in a page of ours, or djust's, that uploads what is chosen."""
    page.call(_WATCH)
    page.choose(FILE, file)


def finish(page: Page) -> float:
    """Seconds from the choice until the server has the file."""
    return float(page.evaluate("done_"))


def frames(page: Page) -> tuple[int, int]:
    """Binary frames that the page has sent, and their bytes."""
    sent: dict[str, Any] = page.evaluate("frames_")
    return sent["count"], sent["bytes"]


def sink(page: Page, file: Path, frame: int) -> float:
    """Seconds in which the file is with a socket that only counts: every frame is handed to the browser at once."""
    _choose(page, file)
    return float(page.call(_SINK, "/bench/sink/", frame))


def acks(page: Page, file: Path, most: float = 1e6) -> tuple[int, float]:
    """One chunk at a time, each awaiting its answer, for `most` seconds: bytes and seconds."""
    _choose(page, file)
    size, seconds = page.call(_ACKS, "/bench/acks/", CHUNK, most)
    return int(size), float(seconds)


def post(page: Page, file: Path, path: str) -> float:
    """Seconds in which a form with the file is posted."""
    _choose(page, file)
    return float(page.call(_POST, path))


def _choose(page: Page, file: Path) -> None:
    page.call(_ADD_INPUT)
    page.choose("#bare", file)
