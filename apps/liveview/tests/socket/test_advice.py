"""With DEBUG a developer is told what is wrong, and visitors aren't without it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils.autoreload import file_changed

from liveview.core.advice import DIRECTIVES
from liveview.socket import reloading
from liveview.testing import LivePage, ServerSaid
from liveview.tests.test_docs import attributes

Open = Callable[..., LivePage]


def said(page: LivePage, name: str) -> ServerSaid:
    with pytest.raises(ServerSaid) as told:
        page.click(name)
    return told.value


def test_an_event_that_there_is_not(site: Open, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.DEBUG = True
    bench = site()

    with caplog.at_level(logging.WARNING):
        assert said(bench, "sya").message == "Bench has no event 'sya': did you mean 'say'?"
        assert said(bench, "not_marked").message == "Bench.not_marked isn't marked with @event_handler."

    assert "did you mean 'say'" in caplog.text


def test_without_debug_nobody_is_told_what_there_is(site: Open, settings: Any) -> None:
    settings.DEBUG = False

    assert said(site(), "sya").message == "This page has no such action."
    assert "Traceback" not in said(site(), "fail").message


def test_an_exception_is_shown_with_its_last_lines(site: Open, settings: Any) -> None:
    settings.DEBUG = True

    told = said(site(), "fail").message

    assert told.startswith("Something went wrong on our side.") and told.endswith("RuntimeError: as asked")


def test_a_missing_argument(site: Open, settings: Any) -> None:
    settings.DEBUG = True

    told = said(site(), "say")

    assert told.code == "bad_params" and told.message.startswith("say: ")


def test_what_is_wrong_on_the_page_is_told_once(site: Open, settings: Any, tmp_path: Path) -> None:
    settings.DEBUG = True
    (tmp_path / "bench.html").write_text('<p>{{ count }}</p><button dj-click="ad" dj-clik="x">')
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path, *settings.TEMPLATES[0]["DIRS"]]}]
    bench = site()

    bench.click("add")
    bench.click("add")

    told = [message["detail"] for message in bench.received if message["type"] == "push"]
    assert sorted(told) == [
        "<button dj-clik> is no directive: did you mean 'dj-click'?",
        "dj-click='ad': Bench has no event 'ad': did you mean 'add'?",
    ]


def test_the_directives_are_those_of_the_script() -> None:
    assert attributes() == DIRECTIVES


def test_a_template_that_is_saved_shows_on_open_pages(site: Open, settings: Any, tmp_path: Path) -> None:
    settings.DEBUG = True
    template = tmp_path / "bench.html"
    template.write_text("<p>before</p>")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path, *settings.TEMPLATES[0]["DIRS"]]}]
    reloading.watch()
    bench = site()
    assert "before" in bench.html

    template.write_text("<p>after</p>")
    file_changed.send(sender=None, file_path=template)

    bench.wait_html("after")
