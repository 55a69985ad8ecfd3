"""How a file is read into frames, and how its progress is drawn: by the client's own modules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.lab.pages import Visit
from e2e.lab.shortest import address
from e2e.support.proxy import FaultProxy

pytest_plugins = ["e2e.lab.fixtures"]
pytestmark = pytest.mark.base("lab")

ROWS = """<form dj-submit="save"><input type="file" dj-upload="docs" id="docs" multiple>
<div dj-upload-progress="docs"></div></form>"""
SLOW = 100_000  # bytes per second
LONG = 60_000  # ms

READ = """async () => {
    const { PLAIN, Source, frame } = await import("/static/uploads/frames.js");
    const data = crypto.getRandomValues(new Uint8Array(50_000));
    const file = new File([data], "file.dat");
    const source = new Source(file);
    const wrong = [];
    const expect = async (offset, length) => {
        const bytes = new Uint8Array(await frame(PLAIN, 7, offset, length, source));
        const view = new DataView(bytes.buffer);
        const header = [view.getUint8(0), view.getUint32(1), Number(view.getBigUint64(5))];
        const payload = bytes.subarray(13);
        const isRight = payload.length === length && payload.every((byte, i) => byte === data[offset + i]);
        if (!isRight || String(header) !== String([1, 7, offset])) wrong.push([offset, length]);
    };
    await Promise.all([expect(0, 20_000), expect(20_000, 10_000), expect(30_000, 20_000)]);
    await Promise.all([expect(10_000, 20_000), expect(30_000, 20_000)]); // back, as after a damaged chunk
    const beyond = await frame(PLAIN, 7, 40_000, 20_000, source).catch((error) => error.message);
    await expect(0, 50_000);
    return { wrong, beyond };
}"""
NO_BYTE_STREAMS = """{
    const stream = Blob.prototype.stream;
    Blob.prototype.stream = function () {
        const reader = stream.call(this).getReader();
        return new ReadableStream({ pull: async (to) => {
            const { value, done } = await reader.read();
            done ? to.close() : to.enqueue(value);
        } });
    };
}"""
MOVE = """async ([sheet, direction]) => {
    const { move } = await import("/static/uploads/bars.js");
    const host = document.createElement("div");
    host.dir = direction;
    host.style.width = "400px";
    host.innerHTML = `<div class="upload-progress-bar"><div class="upload-progress-fill"></div></div>`;
    const shadow = document.body.appendChild(document.createElement("div")).attachShadow({ mode: "open" });
    const style = new CSSStyleSheet();
    style.replaceSync(sheet);
    shadow.adoptedStyleSheets = [style];
    shadow.append(host);
    const [bar] = host.children;
    move(bar, 0.25);
    const { left, right, width, height } = bar.firstElementChild.getBoundingClientRect();
    const outer = bar.getBoundingClientRect();
    return { width, height, before: left - outer.left, after: outer.right - right, now: bar.ariaValueNow };
}"""
OWN = {
    "djust's": ".upload-progress-fill { height: 10px; background: blue; }",
    "an earlier one of ours": ".upload-progress-fill { width: 0; height: 10px; transition: width 120ms linear; }",
}


@pytest.mark.parametrize("has_byte_streams", [True, False])
def test_a_file_is_read_as_it_is_forwards_and_back(page: Page, has_byte_streams: bool) -> None:
    if not has_byte_streams:
        page.add_init_script(NO_BYTE_STREAMS)
    page.goto(address(ROWS, docs={}))

    assert page.evaluate(READ) == {"wrong": [], "beyond": "the file is shorter than it was"}


@pytest.mark.parametrize("verify", [False, True])
def test_a_file_that_changes_under_way_is_refused_and_those_beside_it_arrive(
    page: Page, visit: Visit, lab_proxy: FaultProxy, tmp_path: Path, verify: bool
) -> None:
    """On the same socket, whose credit isn't used up by what was never sent."""
    slot = {"max_entries": 9, "verify": verify}
    visit(lab_proxy.url + address(ROWS, docs=slot))
    lab_proxy.rate = SLOW
    changing, other = tmp_path / "changing.dat", tmp_path / "other.dat"
    changing.write_bytes(b"a" * 3_000_000)
    other.write_bytes(b"b" * 100_000)
    page.set_input_files("#docs", changing)
    row = page.locator(".upload-progress", has_text="changing.dat")
    expect(row).to_contain_text(re.compile("Uploading [1-9]"))

    changing.write_bytes(b"c" * 3_000_000)
    lab_proxy.rate = None

    expect(row).to_have_attribute("data-status", "error", timeout=LONG)
    page.set_input_files("#docs", other)
    expect(page.locator(".upload-progress", has_text="other.dat")).to_have_attribute("data-status", "complete")
    assert page.evaluate("liveview.extensions.find(({ sender }) => sender).sender.window.inFlight") == 0


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
@pytest.mark.parametrize("sheet", OWN.values(), ids=OWN)
def test_a_bar_moves_under_a_stylesheet_of_the_pages_own(page: Page, sheet: str, direction: str) -> None:
    page.goto(address(ROWS, docs={}))

    drawn = page.evaluate(MOVE, [sheet, direction])

    empty = "before" if direction == "rtl" else "after"
    assert drawn == {"width": 100, "height": 10, "before": 0, "after": 0, "now": "25"} | {empty: 300}


def test_a_bar_that_moves_is_not_laid_out_again(page: Page) -> None:
    page.goto(address(ROWS, docs={}))
    page.evaluate(MOVE, ["", "ltr"])
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def layouts() -> int:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return int(next(each["value"] for each in metrics if each["name"] == "LayoutCount"))

    page.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    before = layouts()
    page.evaluate("""async () => {
        const { move } = await import("/static/uploads/bars.js");
        const bar = document.body.lastElementChild.shadowRoot.querySelector(".upload-progress-bar");
        for (let part = 0.3; part < 0.9; part += 0.1) {
            move(bar, part);
            await new Promise((resolve) => requestAnimationFrame(resolve));
        }
    }""")

    assert layouts() == before
