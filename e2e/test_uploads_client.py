"""The uploads' own modules in the browser: what a submit means, and how much is sent at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from e2e.support import pictures
from liveview.tests.processes import until

# status → what happens when the form is submitted: started now?, and what the form does
TABLE = {
    "queued": (True, "wait"),
    "paused": (True, "wait"),
    "uploading": (False, "wait"),
    "resuming": (False, "wait"),
    "complete": (False, "go"),
    "cancelled": (False, "go"),
    "error": (False, "block"),
}


def on_submit(page: Page, statuses: list[str], *, skips: bool = False) -> dict[str, Any]:
    page.goto("/")
    answer: dict[str, Any] = page.evaluate(
        """async ([statuses, skips]) => {
            const { onSubmit } = await import("/static/uploads/submit.js");
            const { start, verdict } = onSubmit(statuses.map((status) => ({ status })), skips);
            return { start: start.map(({ status }) => status), verdict };
        }""",
        [statuses, skips],
    )
    return answer


@pytest.mark.parametrize("status", TABLE)
def test_what_submitting_means_for_one_file(page: Page, status: str) -> None:
    starts, verdict = TABLE[status]

    assert on_submit(page, [status]) == {"start": [status] if starts else [], "verdict": verdict}


@pytest.mark.parametrize("status", TABLE)
def test_one_failed_file_keeps_the_form_and_starts_nothing(page: Page, status: str) -> None:
    assert on_submit(page, [status, "error"]) == {"start": [], "verdict": "block"}


@pytest.mark.parametrize("status", TABLE)
def test_a_form_that_skips_goes_on_without_the_failed_ones(page: Page, status: str) -> None:
    starts, verdict = TABLE[status]

    answer = on_submit(page, [status, "error"], skips=True)

    assert answer == {"start": [status] if starts else [], "verdict": "go" if status == "error" else verdict}


@pytest.mark.parametrize("status", TABLE)
def test_a_file_under_way_makes_the_form_wait(page: Page, status: str) -> None:
    starts, verdict = TABLE[status]

    answer = on_submit(page, [status, "uploading"])

    assert answer == {"start": [status] if starts else [], "verdict": "block" if verdict == "block" else "wait"}


def test_a_form_without_files_is_submitted(page: Page) -> None:
    assert on_submit(page, []) == {"start": [], "verdict": "go"}


SIMULATE = """async ([rate, delay, total, service, unsteady = 0, least = 0, work = 0]) => {
    // A link of `rate` bytes per ms and `delay` ms each way, in simulated time; the server settles `service` ms later,
    // and up to six times `unsteady` and `work` per MiB later than that. `least`: of a frame, for a busy server.
    const { SendWindow } = await import("/static/uploads/send_window.js");
    const limit = 32 * 2 ** 20;
    const window = new SendWindow(limit);
    window.least = least;
    let now = 1, free = 0, sent = 0, settled = 0, credit = limit;
    const flights = [];
    const frames = [];
    const queues = [];
    while (settled < total) {
        for (let room; sent < total && (room = window.room(Math.min(2 ** 20 - 1024, total - sent))); sent += room) {
            window.spend(room, now);
            frames.push(room);
            free = Math.max(now, free) + room / rate;
            const at = free + 2 * delay + service + (frames.length % 7) * unsteady + (room / 2 ** 20) * work;
            flights.push({ at: Math.max(at, flights.at(-1)?.at ?? 0), size: room });
            if (settled > total / 2) queues.push(free - now);
        }
        if (window.sent > credit) throw new Error("more than was granted");
        if (!flights.length) throw new Error("stuck");
        const flight = flights.shift();
        now = flight.at;
        settled += flight.size;
        credit = settled + limit;
        window.settle(credit, now);
    }
    queues.sort((a, b) => a - b);
    const [median, longest] = [queues[queues.length >> 1], queues.at(-1)];
    return { used: total / rate / now, median, longest, frame: frames.at(-2), most: Math.max(...frames) };
}"""


@pytest.mark.parametrize(
    ("mbits", "delay", "used", "service"),
    [
        (1, 50, 0.95, 0),
        (20, 25, 0.95, 0),
        (100, 50, 0.95, 0),
        (400, 10, 0.95, 0),
        (1000, 5, 0.95, 0),
        (1000, 50, 0.93, 0),
        (1000, 50, 0.9, 8),  # as long as a frame of such a link: the round trip alone doesn't say how much it holds
        (1000, 150, 0.75, 0),
    ],
)
def test_the_window_fills_a_link_and_keeps_its_queue_short(
    page: Page, mbits: int, delay: int, used: float, service: float
) -> None:
    """In simulated time, so that no machine's speed matters."""
    page.goto("/")
    rate = mbits * 125

    found = page.evaluate(SIMULATE, [rate, delay, rate * 40_000, service])

    assert found["used"] >= used
    assert found["longest"] <= 150 + 32_000 / rate
    assert found["most"] < 2**20


@pytest.mark.parametrize("mbits", [18, 19, 20, 21, 22])
def test_a_server_whose_answers_come_unevenly_leaves_no_gaps(page: Page, mbits: int) -> None:
    """In frames of 25 ms, in powers of two, too few fitted in at such rates: 0.88 of a real link of 20 Mbit/s."""
    page.goto("/")
    rate = mbits * 125

    found = page.evaluate(SIMULATE, [rate, 25, rate * 40_000, 0, 2])

    assert found["used"] >= 0.99


def test_what_a_long_frame_takes_by_itself_isn_t_taken_for_a_queue_for_ever(page: Page) -> None:
    """The shortest round trip is that of the first frames, which are small: beside it, longer ones seem to wait."""
    page.goto("/")

    found = page.evaluate(SIMULATE, [125_000, 50, 125_000 * 10_000, 0, 0, 0, 15])

    assert found["used"] >= 0.8


def test_frames_are_as_long_as_a_busy_server_wants_them(page: Page) -> None:
    page.goto("/")

    found = page.evaluate(SIMULATE, [250, 25, 250 * 40_000, 0, 0, 64 * 1024])

    assert found["frame"] == 64 * 1024
    assert found["used"] >= 0.95


@pytest.mark.parametrize(("mbits", "delay"), [(1, 20), (20, 25), (100, 50)])
def test_a_click_waits_no_longer_behind_a_file_that_takes_minutes(page: Page, mbits: int, delay: int) -> None:
    """What is queued hides the round trip, which has to be measured again and again."""
    page.goto("/")
    rate = mbits * 125

    found = page.evaluate(SIMULATE, [rate, delay, rate * 180_000, 0])

    assert found["used"] >= 0.95
    assert found["median"] <= 75 + 2 * 4096 / rate


def test_a_file_chosen_before_the_page_is_connected_waits_for_it(page: Page, tmp_path: Path) -> None:
    photo = pictures.photo(tmp_path / "early.jpg", (64, 48))
    held: list[Any] = []

    def hold(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        server.on_message(lambda message: held.append(lambda: socket.send(message)))

    page.route_web_socket("**/live/", hold)
    page.goto("/avatars/")
    page.wait_for_load_state("load")
    page.set_input_files("[dj-upload=avatar]", photo)
    expect(page.locator(".preview img")).to_have_count(0)

    until(lambda: _let_go(page, held))

    expect(page.locator(".preview img")).to_be_visible()


def _let_go(page: Page, held: list[Any]) -> bool:
    """Passes on what the server has said so far."""
    page.evaluate("1")  # lets Playwright take in what has arrived
    while held:
        held.pop(0)()
    return page.locator(".preview img").count() > 0


# -- A page whose scripts come late

PHOTO = "input[dj-upload=avatar]"


class Late:
    def __init__(self, page: Page) -> None:
        self.held: list[Route] = []
        self._is_open = False
        self._page = page

    def hold(self, pattern: str) -> None:
        self._page.route(pattern, lambda route: route.continue_() if self._is_open else self.held.append(route))

    def release(self) -> None:
        self._is_open = True
        for route in self.held:
            route.continue_()
        self.held.clear()


@pytest.fixture
def late(page: Page) -> Iterator[Late]:
    """Holds back modules until the test releases them."""
    late = Late(page)
    yield late
    late.release()


def test_uploads_that_are_loaded_after_the_page_is_live_learn_what_it_takes(
    page: Page, late: Late, tmp_path: Path
) -> None:
    late.hold("**/uploads/send_window.js")
    page.goto("/avatars/", wait_until="commit")
    expect(page.locator("html.live-connected")).to_be_attached()

    late.release()
    page.locator(PHOTO).set_input_files(pictures.photo(tmp_path / "photo.jpg", (320, 240)))

    expect(page.locator(".preview img")).to_be_visible()


def test_a_file_that_was_chosen_before_any_script_was_there_is_taken(page: Page, late: Late, tmp_path: Path) -> None:
    late.hold("**/*.js")
    page.goto("/avatars/", wait_until="commit")
    page.locator(PHOTO).set_input_files(pictures.photo(tmp_path / "photo.jpg", (320, 240)))

    late.release()

    expect(page.locator(".preview img")).to_be_visible()
