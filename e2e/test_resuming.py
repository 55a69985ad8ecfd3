"""An upload survives whatever happens to it: each row of the failure matrix, and large files through worse."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, WebSocketRoute, expect

from e2e.lab.pages import SETTINGS, set_times
from e2e.support.console import Console
from e2e.support.proxy import FaultProxy, link_to
from e2e.support.sending import (
    INPUT,
    REST,
    WINDOW,
    begin,
    expect_arrived,
    random_file,
    wait_for_bytes,
    watch,
    went_on_at,
)
from e2e.support.server import Server
from liveview.tests.processes import served
from liveview.tests.redis import Redis

NewContext = Callable[..., BrowserContext]

pytest_plugins = ["e2e.lab.fixtures"]

STORES = ("database", "memory", "redis")
LOST = r"WebSocket connection|Failed to load resource"
HALF = 12_000_000  # bytes of `file`
RATE = 12_000_000  # bytes per second, so that there is time for something to happen


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_file(tmp_path_factory.mktemp("files") / "Datei 📦.dat", 2 * HALF)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_file(tmp_path_factory.mktemp("files") / "large.dat", 200_000_000)


redis = served(Redis)
link = link_to("mortal", rate=RATE, expected=LOST)


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory, redis: Redis) -> Iterator[Server]:
    """A server to be killed and started again."""
    with Server(tmp_path_factory.mktemp("mortal"), extra={**SETTINGS, "REDIS_URL": redis.url}) as server:
        yield server


def visit(page: Page, url: str, store: str | None = "database", more: str = "") -> Page:
    page.goto(f"{url}/lab/keeping/?" + ("" if store is None else f"store={store}") + more)
    expect(page.locator("html.live-connected")).to_be_attached()
    return page


@pytest.fixture
def sender(page: Page) -> Page:
    return watch(page)


NOTED = """() => new Promise((done) => {
    indexedDB.open("uploads").onsuccess = ({ target }) => {
        const all = target.result.transaction("uploads").objectStore("uploads").getAll();
        all.onsuccess = () => done(all.result[0].written);
    };
})"""  # bytes of the one upload that the browser remembers


# -- The failure matrix


@pytest.mark.parametrize("store", STORES)
def test_a_lost_socket_resumes_where_it_was(sender: Page, link: FaultProxy, file: Path, store: str) -> None:
    visit(sender, link.url, store)
    begin(sender, file, HALF)

    link.cut()

    expect_arrived(sender, file)
    assert went_on_at(sender) >= HALF
    assert link.bytes_up < file.stat().st_size + WINDOW + REST


def test_a_lost_socket_of_an_upload_that_is_not_resumable_starts_over(
    sender: Page, link: FaultProxy, file: Path
) -> None:
    visit(sender, link.url, store=None)
    begin(sender, file, HALF)

    link.cut()

    expect_arrived(sender, file)
    assert went_on_at(sender) == 0


def test_a_frozen_tab_resumes_when_it_is_back(sender: Page, link: FaultProxy, file: Path) -> None:
    """As phones do with a tab in the background, and laptops with all of them when they sleep."""
    visit(sender, link.url)
    devtools = sender.context.new_cdp_session(sender)
    begin(sender, file, HALF)

    devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    link.cut()
    devtools.send("Page.setWebLifecycleState", {"state": "active"})

    expect_arrived(sender, file)
    assert went_on_at(sender) >= HALF


def test_a_server_that_has_no_time_to_resume_is_asked_again(sender: Page, link: FaultProxy, file: Path) -> None:
    put_off: list[str] = []

    def pass_on(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def said(data: str | bytes) -> None:
            if isinstance(data, str) and '"upload_resume"' in data and not put_off:
                answer = {"type": "upload_resume_ack", "ref": json.loads(data)["ref"], "accepted": False, "offset": 0}
                put_off.append(data)
                route.send(json.dumps({**answer, "code": "rate_limited", "message": "Too many files at once."}))
            else:
                server.send(data)

        route.on_message(said)

    sender.route_web_socket("**/live/", pass_on)
    visit(sender, link.url)
    begin(sender, file, HALF)

    link.cut()

    expect_arrived(sender, file)
    assert went_on_at(sender) >= HALF
    assert put_off


@pytest.mark.parametrize("store", ["database", "redis"])
def test_a_restarted_server_resumes_where_it_was(
    sender: Page, link: FaultProxy, mortal: Server, file: Path, store: str
) -> None:
    visit(sender, link.url, store)
    begin(sender, file, HALF)

    mortal.kill()
    mortal.start()

    expect_arrived(sender, file)
    assert went_on_at(sender) >= HALF


def test_a_restarted_server_that_kept_its_state_in_memory_starts_over(
    sender: Page, link: FaultProxy, mortal: Server, file: Path
) -> None:
    visit(sender, link.url, "memory")
    begin(sender, file, HALF)

    mortal.kill()
    mortal.start()

    expect_arrived(sender, file)
    assert sender.evaluate("seen.some(([status], i) => status === 'resuming' && seen[i + 1]?.[0] === 'queued')")


def test_a_closed_tab_resumes_when_the_file_is_chosen_again(
    sender: Page, context: BrowserContext, link: FaultProxy, file: Path
) -> None:
    visit(sender, link.url)
    begin(sender, file, HALF)

    sender.close()
    again = visit(watch(context.new_page()), link.url)
    expect(again.locator("#offers")).to_contain_text(file.name)
    again.set_input_files(INPUT, file)

    expect_arrived(again, file)
    assert went_on_at(again) >= HALF
    expect(again.locator("#offers")).not_to_contain_text(file.name)


def test_an_upload_that_a_reload_interrupts_is_offered_with_all_that_it_had(
    sender: Page, link: FaultProxy, file: Path
) -> None:
    visit(sender, link.url)
    sender.on("dialog", lambda dialog: dialog.accept())
    link.rate = 3_000_000
    begin(sender, file, 3_000_000)

    sender.evaluate("addEventListener('pagehide', () => (sessionStorage.had = seen.at(-1)[1]))")
    sender.reload()

    expect(sender.locator("#offers")).to_contain_text(file.name)
    assert sender.evaluate(NOTED) >= int(sender.evaluate("sessionStorage.had")) >= 3_000_000


def test_a_second_tab_is_told_to_wait_and_takes_over_when_the_first_is_gone(
    sender: Page, context: BrowserContext, link: FaultProxy, file: Path
) -> None:
    visit(sender, link.url)
    begin(sender, file, 1_000_000)
    link.rate = 100_000  # it won't be done before the second tab is

    second = visit(watch(context.new_page()), link.url)
    second.set_input_files(INPUT, file)
    expect(second.locator("#rows")).to_contain_text("under way in another tab")
    sender.close()
    link.rate = RATE

    expect_arrived(second, file)
    assert went_on_at(second) >= 1_000_000


def test_what_another_tab_is_sending_is_not_offered(
    sender: Page, context: BrowserContext, link: FaultProxy, file: Path
) -> None:
    visit(sender, link.url)
    begin(sender, file, 1_000_000)
    link.rate = 100_000

    second = visit(watch(context.new_page()), link.url)
    second.set_input_files(INPUT, {"name": "note.txt", "mimeType": "text/plain", "buffer": b"so that it has looked"})
    expect(second.locator("#arrived")).to_contain_text("note.txt")

    expect(second.locator("#offers")).not_to_contain_text(file.name)


# -- Other losses


def test_radio_silence_is_noticed_and_costs_nothing(sender: Page, link: FaultProxy, file: Path) -> None:
    visit(sender, link.url)
    set_times(sender, answer=1000)
    begin(sender, file, HALF)

    link.stall = True
    expect(sender.locator("html.live-reconnecting")).to_be_attached()
    link.cut()
    link.stall = False
    set_times(sender, answer=8_000)

    expect_arrived(sender, file)
    assert went_on_at(sender) >= HALF


def test_another_network_is_taken_at_once(sender: Page, link: FaultProxy, file: Path) -> None:
    visit(sender, link.url)
    begin(sender, file, HALF)

    sender.context.set_offline(True)
    link.cut()
    expect(sender.locator("html.live-reconnecting")).to_be_attached()
    sender.context.set_offline(False)

    expect_arrived(sender, file)
    assert went_on_at(sender) >= HALF


# -- What is sent isn't what arrives


@pytest.mark.parametrize("more", ["", "&verify=1"])
def test_a_file_that_was_changed_on_disk_is_not_mixed(
    sender: Page, link: FaultProxy, file: Path, tmp_path: Path, more: str
) -> None:
    changing = tmp_path / "changing.dat"
    changing.write_bytes(file.read_bytes())
    visit(sender, link.url, more=more)
    begin(sender, changing, HALF)

    changing.write_bytes(bytes(2 * HALF))
    link.cut()

    expect(sender.locator("#rows")).to_contain_text("The file has changed")
    sender.set_input_files(INPUT, changing)
    expect_arrived(sender, changing)


def test_every_block_is_verified_and_damaged_ones_are_sent_again(sender: Page, link: FaultProxy, file: Path) -> None:
    damaged: list[int] = []

    def pass_on(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def frame(data: str | bytes) -> None:
            if isinstance(data, bytes):
                frames.append(len(data))
                if len(frames) in (1, 20):
                    damaged.append(len(frames))
                    data = data[:-1] + bytes([data[-1] ^ 1])
            server.send(data)

        route.on_message(frame)

    frames: list[int] = []
    sender.route_web_socket("**/live/", pass_on)
    visit(sender, link.url, more="&verify=1")

    sender.set_input_files(INPUT, file)

    expect_arrived(sender, file)
    assert damaged == [1, 20]


# -- Large files


def test_a_reload_in_the_middle_resumes_with_one_click_where_the_browser_lends_the_file(
    sender: Page, link: FaultProxy, large: Path
) -> None:
    """The file lies in the browser's own file system, whose handles are as the picker's, but for the question."""
    link.rate = 60_000_000
    visit(sender, link.url)
    _put_into_the_browser(sender, large)
    sender.evaluate("window.showOpenFilePicker = async () => [kept]")
    before = link.bytes_up
    sender.locator(INPUT).click()
    wait_for_bytes(sender, 100_000_000)

    sender.reload()
    expect(sender.locator("#offers")).to_contain_text(large.name)
    sender.get_by_role("button", name="Resume").click()

    expect_arrived(sender, large)
    assert went_on_at(sender) >= 100_000_000
    assert link.bytes_up - before < large.stat().st_size + WINDOW + REST


def _put_into_the_browser(page: Page, path: Path) -> None:
    page.evaluate(
        """() => {
            const input = document.body.appendChild(document.createElement("input"));
            Object.assign(input, { type: "file", id: "to-keep" });
        }"""
    )
    page.set_input_files("#to-keep", path)
    page.evaluate(
        """async () => {
            const [file] = document.getElementById("to-keep").files;
            const folder = await navigator.storage.getDirectory();
            window.kept = await folder.getFileHandle(file.name, { create: true });
            await file.stream().pipeTo(await kept.createWritable());
            document.getElementById("to-keep").remove();
        }"""
    )


def test_a_reload_in_the_middle_resumes_when_the_file_is_chosen_again(
    sender: Page, link: FaultProxy, large: Path
) -> None:
    link.rate = 60_000_000
    visit(sender, link.url)
    before = link.bytes_up
    begin(sender, large, 100_000_000)

    sender.reload()
    expect(sender.locator("#offers")).to_contain_text(large.name)
    with sender.expect_file_chooser() as chooser:
        sender.evaluate("delete window.showOpenFilePicker; delete Window.prototype.showOpenFilePicker")
        sender.get_by_role("button", name="Resume").click()
    chooser.value.set_files(large)

    expect_arrived(sender, large)
    assert went_on_at(sender) >= 100_000_000
    assert link.bytes_up - before < large.stat().st_size + WINDOW + REST


def test_a_server_that_is_killed_in_the_middle_goes_on_when_it_is_back(
    sender: Page, link: FaultProxy, mortal: Server, large: Path
) -> None:
    link.rate = 60_000_000
    visit(sender, link.url)
    before = link.bytes_up
    begin(sender, large, 100_000_000)

    mortal.kill()
    mortal.start()

    expect_arrived(sender, large)
    assert went_on_at(sender) >= 100_000_000
    assert link.bytes_up - before < large.stat().st_size + WINDOW + REST


def test_another_process_of_the_deployment_goes_on(sender: Page, link: FaultProxy, mortal: Server, large: Path) -> None:
    """Two processes behind one port, with Redis and a disk between them; the first is killed."""
    other = mortal.twin().start()
    try:
        link.rate = 60_000_000
        visit(sender, link.url, "redis")
        before = link.bytes_up
        begin(sender, large, 100_000_000)

        link.target = (other.host, other.port)
        mortal.kill()

        expect_arrived(sender, large)
        assert went_on_at(sender) >= 100_000_000
        assert link.bytes_up - before < large.stat().st_size + WINDOW + REST
        mortal.start()
    finally:
        other.kill()


def test_memory_does_not_grow_with_the_file(sender: Page, mortal: Server, console: Console, tmp_path: Path) -> None:
    """A gigabyte, whose zeros take no room on the disk it comes from."""
    small, huge = random_file(tmp_path / "small.dat", 10_000_000), tmp_path / "huge.dat"
    with huge.open("wb") as file:
        file.truncate(10**9)
    visit(sender, mortal.url)
    begin(sender, small, 0)
    expect_arrived(sender, small)
    idle = mortal.memory()

    most = idle
    sender.set_input_files(INPUT, huge)
    for share in range(1, 20):
        wait_for_bytes(sender, share * 10**9 // 20)
        most = max(most, mortal.memory())

    expect_arrived(sender, huge)
    assert most - idle < 16 * 2**20
