"""A server that gives much credit at times and little at others: what a browser makes of it."""

from __future__ import annotations

from playwright.sync_api import Page

SIMULATE = """async () => {
    // In simulated time: 12,500 bytes per ms and 20 ms each way. A turn brings 8 MiB; out of turn nothing comes back.
    const { SendWindow } = await import("/static/uploads/send_window.js");
    const first = 256 * 1024, most = 8 * 2 ** 20, total = 20_000_000, rate = 12_500;
    const window = new SendWindow(first);
    let now = 1, free = 0, sent = 0, settled = 0, credit = first, longest = 0, wrong = 0;
    const flights = [];
    while (settled < total) {
        for (let room; sent < total && (room = window.room(Math.min(2 ** 20 - 1024, total - sent))); sent += room) {
            window.spend(room, now);
            free = Math.max(now, free) + room / rate;
            flights.push({ at: free + 40, size: room });
            if (settled > total / 2) longest = Math.max(longest, free - now);
        }
        if (window.sent > credit) throw new Error("more than was granted");
        const flight = flights.shift();
        if (flight) {
            now = flight.at;
            settled += flight.size;
        } else {
            now = Math.floor(now / 400 + 1) * 400; // its next turn
        }
        if (now % 400 < 200) credit = Math.max(credit, settled + most);
        window.settle(credit, now, settled);
        if (window.inFlight !== sent - settled) wrong++;
    }
    return { longest, wrong };
}"""


def test_credit_that_comes_and_goes_is_no_measure_of_what_is_under_way(page: Page) -> None:
    page.goto("/")

    found = page.evaluate(SIMULATE)

    assert found["wrong"] == 0
    assert found["longest"] <= 100 + 65_536 / 12_500
