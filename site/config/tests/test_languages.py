"""The site in another language: its pages, what their scripts say, and the choice in the footer."""

from __future__ import annotations

import json
import re

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

CATALOGUE = re.compile(r'<script id="live-catalogue" type="application/json">(.*?)</script>', re.DOTALL)
OTHERS = [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


@pytest.fixture
def german(transactional_db: None) -> Client:
    return Client(headers={"accept-language": "de-CH, en;q=0.5"})


def test_a_page_is_in_the_language_that_the_browser_asks_for(german: Client) -> None:
    page = german.get(reverse("avatars:avatar")).text

    assert '<html lang="de">' in page
    assert "Bild hierher ziehen" in page


def test_its_scripts_have_their_sentences_in_it(german: Client) -> None:
    found = CATALOGUE.search(german.get(reverse("gallery:gallery")).text)

    assert found is not None
    texts = json.loads(found[1])
    assert texts["Paused"] == "Angehalten"
    assert texts["%(count)s file"] == ["101", "%(count)s Datei", "%(count)s Dateien"]
    assert found.start() < german.get(reverse("gallery:gallery")).text.index("client.js")


def test_an_english_page_brings_none(client: Client, transactional_db: None) -> None:
    page = client.get(reverse("gallery:gallery")).text

    assert '<html lang="en">' in page
    assert "live-catalogue" not in page


def test_a_visitor_may_choose(client: Client, transactional_db: None) -> None:
    page = client.get(reverse("videos:videos"))
    for code in OTHERS:
        assert f'<button name="language" value="{code}" lang="{code}" translate="no">' in page.text

    seen = {"referer": f"http://testserver{reverse('videos:videos')}?page=2"}  # where they are by now
    chosen = client.post(reverse("language"), {"language": "de"}, headers=seen, follow=True)

    assert chosen.redirect_chain == [(seen["referer"], 302)]
    assert "Videos hierher ziehen" in chosen.text
    assert ">English</button>" in chosen.text  # in its own name
    assert client.cookies[settings.LANGUAGE_COOKIE_NAME]["samesite"] == "Lax"


@pytest.mark.parametrize("path", ["/docs/", "/other-ways/", "/code/avatars/", "/no-such-page"])
def test_a_cache_between_keeps_languages_apart(path: str, client: Client, transactional_db: None) -> None:
    vary = client.get(path)["Vary"].split(", ")

    assert {"Accept-Language", "Cookie"} <= set(vary)


def test_a_choice_leads_nowhere_else(client: Client, transactional_db: None) -> None:
    chosen = client.post(reverse("language"), {"language": "de"}, headers={"referer": "https://evil.example/"})

    assert chosen["Location"] == "/"


def test_figures_are_drawn_in_any_language(german: Client) -> None:
    """A number in an attribute has a point, whatever people read."""
    page = german.get("/").text

    widths = re.findall(r'<rect width="([^"]+)" height="6"', page)
    assert widths and all(re.fullmatch(r"[\d.]+", width) for width in widths)
    assert re.search(r"\d,\d+\xa0s/GB", page)


def test_the_docs_say_that_they_are_english(german: Client) -> None:
    page = german.get(reverse("guides:guide", args=["uploads"])).text

    assert '<html lang="de">' in page
    assert '<div class="guide" lang="en" dir="ltr">' in page


def test_an_error_has_a_page_in_the_language(german: Client) -> None:
    assert "Hier gibt es keine Seite" in german.get("/no-such-page").text


def test_so_does_the_admin(german: Client) -> None:
    german.force_login(get_user_model().objects.create_superuser("staff", password="x"))  # noqa: S106

    index = german.get(reverse("admin:index")).text
    videos = german.get(reverse("admin:videos_video_changelist") + "?status=ready").text

    for name in ("Galerie", "Fotos", "Laufende Uploads", "Anmeldeversuche"):
        assert name in index
    for label in ("Videos", "Nach Grund", "Fehlgeschlagen"):
        assert label in videos


def test_every_field_in_it_has_a_label() -> None:
    ours = [app for app in apps.get_app_configs() if app.path.startswith(str(settings.ROOT / "apps"))]
    fields = [field for app in ours for model in app.get_models() for field in model._meta.fields if field.name != "id"]

    assert len(fields) > 50
    assert [str(field) for field in fields if field._verbose_name is None] == []
