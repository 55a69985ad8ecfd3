"""Each demo shows its own code."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from config.faces import DEMOS


@pytest.mark.parametrize("demo", DEMOS)
def test_a_demo_links_its_code_and_the_code_its_demo(client: Client, transactional_db: None, demo: str) -> None:
    about, code = DEMOS[demo], reverse("code", args=[demo])

    assert f'href="{code}"' in client.get(reverse(about.url_name)).text
    assert f'href="{reverse(about.url_name)}"' in client.get(code).text


@pytest.mark.parametrize("demo", DEMOS)
def test_the_code_is_what_runs(client: Client, demo: str) -> None:
    page = client.get(reverse("code", args=[demo])).text

    shown = [unescape(re.sub(r"<[^>]+>", "", block)) for block in re.findall(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)]

    assert shown == [(settings.ROOT / path).read_text() for path in DEMOS[demo].files]
    assert page.count("<h1") == 1


def test_no_other_file_can_be_asked_for(client: Client) -> None:
    for address in ("/code/", "/code/config/", "/code/avatars/../config/", "/code/avatars/views.py"):
        assert client.get(address).status_code == 404
