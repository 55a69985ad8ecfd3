"""What the site says of itself to browsers, search engines and messengers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.test import Client
from PIL import Image

from liveview.testing import mount

pytestmark = pytest.mark.django_db(transaction=True)

ORIGIN = "http://testserver"
PAGES = ("/", "/avatars/", "/gallery/", "/videos/", "/other-ways/", "/docs/", "/docs/uploads/", "/code/videos/")


def found(pattern: str, html: str) -> str:
    match = re.search(pattern, html)
    assert match, pattern
    return match[1]


@pytest.mark.parametrize("address", PAGES)
def test_a_page_has_a_title_a_description_and_one_address(client: Client, address: str) -> None:
    html = client.get(f"{address}?page=1").text

    assert re.search(r"<title>(Uplift · .+|.+ · Uplift)</title>", html)
    assert len(found(r'<meta name="description" content="([^"]+)"', html)) > 40
    assert found(r'<link rel="canonical" href="([^"]+)"', html) == ORIGIN + address
    assert found(r'<meta property="og:url" content="([^"]+)"', html) == ORIGIN + address
    assert found(r'<meta property="og:image" content="([^"]+)"', html) == f"{ORIGIN}/static/share.png"


def size_of(name: str) -> str:
    """Of a picture among the static files, as a manifest says it."""
    with Image.open(finders.find(name)) as picture:
        return "x".join(map(str, picture.size))


def test_titles_are_unlike(client: Client) -> None:
    titles = [found(r"<title>(.*?)</title>", client.get(address).text) for address in PAGES]

    assert len(set(titles)) == len(titles)


def test_the_start_pages_form_has_the_start_pages_address(client: Client) -> None:
    assert found(r'<link rel="canonical" href="([^"]+)"', client.get("/try/").text) == f"{ORIGIN}/"


def test_the_page_of_an_error_has_no_address(client: Client) -> None:
    response = client.get("/no-such-page")

    assert response.status_code == 404
    assert "canonical" not in response.text


def test_the_sitemap_names_pages_that_are_there_and_robots_names_the_sitemap(client: Client) -> None:
    sitemap = found(r"Sitemap: (\S+)", client.get("/robots.txt").text)
    addresses = re.findall(r"<loc>(.*?)</loc>", client.get(sitemap.removeprefix(ORIGIN)).text)

    assert {ORIGIN + address for address in PAGES} <= set(addresses)
    assert [one for one in addresses if client.get(one.removeprefix(ORIGIN)).status_code != 200] == []


def test_the_icons_are_there_and_as_large_as_is_said(client: Client) -> None:
    html = client.get("/").text
    manifest = client.get(found(r'<link rel="manifest" href="([^"]+)"', html)).json()
    linked = re.findall(r'<link rel="(?:icon|apple-touch-icon)" href="/static/([^"]+)"', html)
    sizes = {icon["src"].removeprefix("/static/"): icon["sizes"] for icon in manifest["icons"]}

    assert [name for name in (*linked, *sizes, "share.png") if finders.find(name) is None] == []
    for name, size in sizes.items():
        if name.endswith(".png"):
            assert size_of(name) == size
    assert size_of("share.png") == "1200x630"
    assert client.get("/favicon.ico")["Location"] == "/static/favicon.ico"


def test_pictures_are_small() -> None:
    static = Path(settings.ROOT) / "static"
    pictures = [*static.glob("pictures/*.webp"), *static.glob("*.png")]

    assert len(list(static.glob("pictures/*.webp"))) == 6
    assert [path.name for path in pictures if path.stat().st_size > 60_000] == []
    moving = Path(settings.ROOT) / "docs" / "images" / "plug.webp"
    assert moving.stat().st_size <= 500_000
    with Image.open(moving) as picture:
        assert getattr(picture, "n_frames", 1) > 20


def test_a_live_page_keeps_its_title_once_it_is_connected(client: Client) -> None:
    with mount("/gallery/", client) as page:
        assert page.title == found(r"<title>(.*?)</title>", client.get("/gallery/").text) == "Gallery · Uplift"
