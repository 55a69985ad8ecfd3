"""Small files go to S3 in one piece, and go again where it didn't take them."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Page, Request, Route, expect

from e2e.direct.pages import LOST, choose, expect_arrived, refuse, row, visit
from e2e.support.console import Console
from e2e.support.proxy import FaultProxy
from e2e.support.sending import INPUT, random_file
from liveview.tests.processes import until
from uploads.tests.moto import Moto


@pytest.mark.parametrize("way", ["put", "post"])
def test_a_small_file_goes_in_one_piece(page: Page, link: FaultProxy, s3: Moto, small: Path, way: str) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method) if is_s3(request) else None)
    visit(page, link, f"small={way}")

    choose(page, small)

    expect_arrived(page, s3, small)
    assert [method for method in sent if method != "OPTIONS"] == [way.upper()]


def test_what_only_direct_uploads_need_is_loaded_by_the_first_of_them(
    page: Page, link: FaultProxy, s3: Moto, small: Path
) -> None:
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    visit(page, link)
    assert not any("external.js" in url for url in loaded)

    choose(page, small)

    expect_arrived(page, s3, small)
    assert any("external.js" in url for url in loaded)


def test_several_files_go_side_by_side(page: Page, link: FaultProxy, s3: Moto, small: Path, tmp_path: Path) -> None:
    others = [random_file(tmp_path / f"{number}.dat", 200_000 + number, seed=number) for number in (3, 4)]
    visit(page, link)

    page.set_input_files(f"{INPUT}[dj-upload=file]", [small, *others])

    for path in (small, *others):
        expect_arrived(page, s3, path)


def test_what_is_not_of_its_type_is_refused_on_the_page(page: Page, link: FaultProxy, s3: Moto, tmp_path: Path) -> None:
    fake = tmp_path / "cute.png"
    fake.write_bytes(b"MZ" + bytes(5000))
    visit(page, link)
    keys = s3.keys()

    choose(page, fake)

    expect(row(page)).to_contain_text("It is named .png, but it isn't a PNG image.")
    expect(row(page)).to_have_attribute("data-status", "error")
    until(lambda: s3.keys() == keys)


def is_s3(request: Request) -> bool:
    return f"/{Moto.bucket}/" in request.url or request.url.endswith(f"/{Moto.bucket}")


def test_a_permission_that_has_expired_is_renewed_once(
    page: Page, link: FaultProxy, s3: Moto, small: Path, console: Console
) -> None:
    console.expect(LOST)
    visit(page, link)
    asked = refuse(page, times=1, status=403)

    choose(page, small)

    expect_arrived(page, s3, small)
    assert len(asked) == 2


def test_a_permission_that_is_refused_again_ends_the_upload(
    page: Page, link: FaultProxy, s3: Moto, small: Path, console: Console
) -> None:
    console.expect(LOST)
    visit(page, link)
    asked = refuse(page, times=9, status=403)

    choose(page, small)

    expect(row(page)).to_contain_text("The file can't be stored right now.")
    assert len(asked) == 2
    assert s3.bucket not in page.locator("main").inner_text()


def test_a_storage_that_stumbles_is_asked_again(
    page: Page, link: FaultProxy, s3: Moto, small: Path, console: Console
) -> None:
    console.expect(LOST)
    visit(page, link)
    asked = refuse(page, times=3, status=503)

    choose(page, small)

    expect_arrived(page, s3, small)
    assert len(asked) == 4


def test_a_lost_answer_does_not_lose_the_file(
    page: Page, link: FaultProxy, s3: Moto, small: Path, console: Console
) -> None:
    """The object is there, and S3 says so to whoever sends it again."""
    console.expect(LOST)
    visit(page, link)
    asked: list[str] = []

    def answer(route: Route) -> None:
        """Takes the first one in S3's place: a file's bytes can't be seen from here."""
        if route.request.method == "PUT" and not asked:
            asked.append(unquote(urlsplit(route.request.url).path).removeprefix(f"/{s3.bucket}/"))
            s3.client().put_object(Bucket=s3.bucket, Key=asked[0], Body=small.read_bytes())
            route.abort()
        else:
            route.continue_()

    page.route(re.compile(f"/{Moto.bucket}/"), answer)

    choose(page, small)

    expect_arrived(page, s3, small)
    assert len(asked) == 1
