"""Sixty megabytes go from the browser straight to S3, whatever happens to the network and the page."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from e2e.direct.pages import LOST, PARALLEL, PART, SIZE, choose, expect_arrived, refuse, row, visit
from e2e.lab.pages import expect_connected
from e2e.support.console import Console
from e2e.support.proxy import FaultProxy
from e2e.support.sending import LONG, reached, wait_for_bytes
from liveview.tests.processes import until
from uploads.tests.moto import Moto

HALF = SIZE // 2
RATE = 8_000_000  # bytes per second of each connection, so that there is time for something to happen
REST = 2_000_000  # bytes that aren't the file's


def statuses(page: Page) -> set[str]:
    return {status for status, _ in page.evaluate("seen")}


def test_sixty_megabytes_survive_a_cut_on_their_way_to_s3(
    page: Page, link: FaultProxy, road: FaultProxy, s3: Moto, file: Path, console: Console
) -> None:
    """Nothing of it goes through the server, and no part that has arrived is sent again."""
    console.expect(LOST)
    visit(page, link)
    road.cut_after = HALF
    before, cuts = link.bytes_up, road.cuts

    choose(page, file)
    expect_arrived(page, s3, file)

    assert road.cuts == cuts + 1
    assert road.bytes_up < SIZE + PARALLEL * PART + REST
    assert link.bytes_up - before < REST
    assert s3.unfinished() == []
    assert {"uploading", "complete"} <= statuses(page)


def test_an_upload_waits_while_s3_is_away_and_asks_for_it_without_sending(
    page: Page, link: FaultProxy, road: FaultProxy, s3: Moto, file: Path, console: Console
) -> None:
    console.expect(LOST)
    visit(page, link)
    road.rate = RATE
    choose(page, file)
    wait_for_bytes(page, 3 * PART)
    lost: list[str] = []
    page.on("requestfailed", lambda request: lost.append(request.method))

    road.refuse = True
    road.cut()
    until(lambda: statuses(page) and lost.count("HEAD") >= 3)
    assert lost.count("PUT") <= PARALLEL
    road.refuse = False
    road.rate = None

    expect_arrived(page, s3, file)
    assert s3.unfinished() == []


def test_while_s3_has_no_time_only_one_part_tries(
    page: Page, link: FaultProxy, road: FaultProxy, s3: Moto, file: Path, console: Console
) -> None:
    console.expect(LOST)
    visit(page, link)
    asked = refuse(page, times=PARALLEL + 2, status=503)

    choose(page, file)

    expect_arrived(page, s3, file)
    first, tries = asked[:PARALLEL], asked[PARALLEL : PARALLEL + 2]
    assert len(set(first)) == PARALLEL
    assert len(set(tries)) == 1
    assert tries[0] in first


def test_a_page_that_has_lost_the_server_sends_on_what_s3_expects_and_nothing_again(
    page: Page, link: FaultProxy, road: FaultProxy, s3: Moto, file: Path, console: Console
) -> None:
    console.expect(LOST)
    visit(page, link, "resumable")
    road.rate = RATE
    choose(page, file)
    wait_for_bytes(page, HALF)

    road.stall = True  # or it might be complete before the page notices
    link.refuse = True
    link.cut()
    until(lambda: "resuming" in statuses(page))
    held = reached(page)
    road.stall = False
    until(lambda: reached(page) >= held + PART // 2)  # while there is no server
    road.rate, link.refuse = None, False

    expect_arrived(page, s3, file)
    seen = [count for _, count in page.evaluate("seen")]
    assert seen == sorted(seen)
    assert road.bytes_up < SIZE + REST
    assert s3.unfinished() == []


def test_a_page_that_loses_the_server_and_s3_goes_on_from_s3s_own_list_of_parts(
    page: Page, link: FaultProxy, road: FaultProxy, s3: Moto, file: Path, console: Console
) -> None:
    console.expect(LOST)
    visit(page, link, "resumable")
    road.rate = RATE
    choose(page, file)
    wait_for_bytes(page, HALF)

    link.refuse = road.refuse = True
    link.cut()
    road.cut()
    until(lambda: "resuming" in statuses(page))
    road.rate = None
    link.refuse = road.refuse = False

    expect_arrived(page, s3, file)
    assert road.bytes_up < SIZE + 2 * PARALLEL * PART + REST


def test_after_a_reload_the_same_file_goes_on(
    page: Page, link: FaultProxy, road: FaultProxy, s3: Moto, file: Path, console: Console
) -> None:
    console.expect(LOST)
    visit(page, link, "resumable")
    road.rate = RATE
    choose(page, file)
    wait_for_bytes(page, HALF)

    road.stall = True
    page.reload()
    expect_connected(page)
    road.rate, road.stall = None, False
    choose(page, file)

    expect_arrived(page, s3, file)
    went_on = next(count for status, count in page.evaluate("seen") if status == "uploading")
    assert went_on >= PART
    assert road.bytes_up < SIZE + 2 * PARALLEL * PART + REST


def test_a_storage_that_is_away_at_the_last_step_costs_no_byte(
    page: Page, link: FaultProxy, road: FaultProxy, s3: Moto, file: Path
) -> None:
    """The row waits, then leaves it to the visitor; a reload goes on as well."""
    visit(page, link, "resumable&away")
    choose(page, file)
    expect(row(page).get_by_text("Trying again automatically…")).to_be_visible(timeout=LONG)
    again = row(page).get_by_role("button", name="Try again")
    expect(again).to_be_visible()
    again.click()
    expect(row(page)).to_have_attribute("data-status", "resuming")
    expect(row(page)).to_have_attribute("data-status", "error")

    page.reload()
    expect_connected(page)
    choose(page, file)
    expect(again).to_be_visible(timeout=LONG)
    page.get_by_role("button", name="Back").click()
    again.click()

    expect_arrived(page, s3, file)
    assert road.bytes_up < SIZE + REST
    assert s3.unfinished() == []


def test_a_paused_upload_sends_nothing_and_goes_on(
    page: Page, link: FaultProxy, road: FaultProxy, s3: Moto, file: Path, console: Console
) -> None:
    console.expect(LOST)
    visit(page, link)
    road.rate = RATE
    choose(page, file)
    wait_for_bytes(page, 3 * PART)

    road.stall = True
    row(page).get_by_role("button", name="Pause").click()
    expect(row(page)).to_have_attribute("data-status", "paused")
    road.stall = False
    held = reached(page)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert reached(page) == held < SIZE
    row(page).get_by_role("button", name="Pause").click()
    road.rate = None

    expect_arrived(page, s3, file)


def test_a_removed_upload_leaves_nothing_at_s3(
    page: Page, link: FaultProxy, road: FaultProxy, s3: Moto, file: Path, console: Console
) -> None:
    console.expect(LOST)
    visit(page, link)
    road.rate = RATE
    choose(page, file)
    wait_for_bytes(page, 2 * PART)
    keys = s3.keys()

    road.stall = True
    row(page).get_by_role("button", name="Remove").click()
    expect(row(page)).to_have_count(0)
    road.stall = False

    until(lambda: s3.unfinished() == [])
    assert s3.keys() == keys
