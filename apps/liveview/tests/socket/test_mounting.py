"""Mounting by URL: whatever guards a page over HTTP guards it on the socket."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import get_resolver

from liveview import testing
from liveview.core.messages import Message
from liveview.socket import mounting
from liveview.testing import LivePage
from liveview.tests.processes import until
from liveview.tests.project import urls
from liveview.tests.project.views import Bench

Open = Callable[..., LivePage]


def answer(blank: LivePage, url: str) -> Message:
    blank.send({"type": "mount", "protocol": 1, "url": url, "snapshot": None})
    return blank.wait_until(lambda message: True)


@pytest.fixture
def member(transactional_db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_user("ada"))
    return client


@pytest.mark.parametrize("url", ["/members/", "/decorated/"])
def test_a_page_for_members_sends_strangers_to_the_login(blank: LivePage, url: str) -> None:
    assert answer(blank, f"{url}?a=1") == {"type": "redirect", "url": f"/login/?next={url}%3Fa%3D1"}


@pytest.mark.parametrize("url", ["/members/", "/decorated/"])
def test_and_lets_members_in(site: Open, member: Client, url: str) -> None:
    assert "count=" in site(url, member).html


def test_a_redirect_in_dispatch_is_followed(blank: LivePage) -> None:
    assert answer(blank, "/moved/") == {"type": "redirect", "url": "/public/"}


def test_a_missing_slash_is_redirected_as_over_http(blank: LivePage) -> None:
    assert answer(blank, "/bench?a=1") == {"type": "redirect", "url": "/bench/?a=1"}


@pytest.mark.parametrize(
    ("url", "code"), [("/forbidden/", "forbidden"), ("/missing/", "not_found"), ("/nowhere/", "not_found")]
)
def test_a_refusal_is_told(blank: LivePage, url: str, code: str) -> None:
    assert answer(blank, url)["code"] == code


def test_middleware_has_its_say(blank: LivePage) -> None:
    blank.client.cookies["banned"] = "1"
    blank.drop_connection()
    blank.open()

    assert answer(blank, "/bench/")["code"] == "forbidden"


def test_a_view_that_is_not_live_is_not_called(blank: LivePage) -> None:
    urls.plain_calls.clear()

    assert answer(blank, "/plain/")["code"] == "not_found"
    assert urls.plain_calls == []
    assert blank.client.get("/plain/").content == b"plain"


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/bench/", "//evil.example/bench/", "/\\evil.example", "\\\\evil.example",
     "javascript:alert(1)", "bench/", "?a=1", "/bench/\n", "/bench/%0a", "/bench/%00",
     "/%5cevil", "/%2f/bench/", " /bench/",
     "http:///bench/", "/bench/ ", "/\tbench/", "http://[::1", "//[::1"],
)  # fmt: skip
def test_what_is_no_path_of_this_site_is_refused(blank: LivePage, url: str) -> None:
    assert answer(blank, url)["code"] == "not_found"


def test_a_refused_mount_may_be_followed_by_another(blank: LivePage) -> None:
    assert answer(blank, "/missing/")["type"] == "error"
    assert answer(blank, "/broken-render/")["code"] == "server_error"

    assert answer(blank, "/bench/")["type"] == "mounted"
    blank.click("add")


@pytest.mark.parametrize("url", ["/broken/", "/broken-render/"])
def test_a_mount_that_fails_is_told_with_a_number_and_twice_is_enough(
    blank: LivePage, url: str, errors: Callable[[], str]
) -> None:
    told = answer(blank, url)

    assert told["code"] == "server_error"
    assert f"[{told['id']}]" in errors()
    blank.send({"type": "mount", "protocol": 1, "url": url, "snapshot": None})
    assert blank.wait_closed() == 4400


def test_the_urls_arguments_and_query_reach_the_view(site: Open) -> None:
    thing = site("/things/42/?page=3")

    assert "thing 42, page 3" in thing.html
    thing.click("turn", page=4)
    assert "thing 42, page 4" in thing.html


def test_a_query_in_any_script_reaches_the_view(site: Open) -> None:
    assert "params=a=ü😀,b=c d&amp;e" in site("/bench/?a=%C3%BC%F0%9F%98%80&b=c+d%26e").html


def test_every_turn_speaks_the_language_of_the_page(site: Open) -> None:
    german, english = site("/de/greeting/"), site("/en/greeting/")

    for number in (1, 2, 3):
        german.click("click")
        english.click("click")
        assert f"Ja {number} de" in german.html
        assert f"Yes {number} en" in english.html


def test_so_does_who_reads_from_the_socket(site: Open) -> None:
    german, english = site("/de/greeting/"), site("/en/greeting/")
    for page in (german, english):
        page.send({"type": "nonsense"})

    said = [page.wait_until(lambda message: message["type"] == "error")["message"] for page in (german, english)]

    assert [sentence.split()[0] for sentence in said] == ["Der", "The"]


def test_a_page_whose_visitor_has_chosen_another_language_since_is_loaded_again(site: Open, settings: Any) -> None:
    page = site()
    page.reconnect()
    assert "reload" not in [message["type"] for message in page.received]
    page.client.cookies[settings.LANGUAGE_COOKIE_NAME] = "de"

    page.reconnect()

    assert page.wait_until(lambda message: message["type"] == "reload")


def test_the_browsers_language_counts_as_over_http(site: Open, settings: Any) -> None:
    client = Client(headers={"accept-language": "de"})

    assert site("/things/1/", client).received[0]["html"] == site("/things/1/").received[0]["html"]
    assert client.get("/greeting/", follow=True).redirect_chain[-1][0] == "/de/greeting/"


def test_a_site_below_a_path_mounts_and_links_there(blank: LivePage, settings: Any) -> None:
    settings.FORCE_SCRIPT_NAME = "/site"

    mounted = answer(blank, "/site/things/7/")

    assert "thing 7, page 1 at /site/things/7/" in mounted["html"]
    blank._handle(mounted)
    blank.click("turn", page=2)
    assert "thing 7, page 2 at /site/things/7/" in blank.html


def test_another_protocol_gets_a_reload(blank: LivePage) -> None:
    blank.send({"type": "mount", "protocol": 2, "url": "/bench/", "snapshot": None})

    assert blank.wait_until(lambda message: True) == {"type": "reload"}


def test_what_mount_asks_for_is_done_on_the_socket(site: Open) -> None:
    bench = site(on_mount=lambda view: (view.push_event("hello"), view.flash("welcome"), view.redirect("/public/")))

    assert bench.wait_for("redirect")["url"] == "/public/"
    assert [message["type"] for message in bench.received] == ["mounted", "push", "flash", "redirect"]


def test_mount_may_be_async(site: Open) -> None:
    async def mount(self: Any, request: Any, **kwargs: Any) -> None:
        self.count = 7

    assert "count=7" in site(mount=mount).html


# A socket without a page


@pytest.fixture
def impatient(settings: Any) -> None:
    settings.LIVEVIEW = {**settings.LIVEVIEW, "MOUNT_SECONDS": 0.02}


@pytest.fixture
def time_is_up(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Lets the one socket's time to mount end when the test wants it."""
    timers: list[Callable[[], None]] = []
    monkeypatch.setattr(
        "liveview.socket.actor.Actor.put_later", lambda actor, seconds, job: timers.append(partial(actor.put, job))
    )

    def end() -> None:
        (timer,) = timers
        testing._loop()._loop.call_soon_threadsafe(timer)

    return end


def test_a_socket_on_which_nothing_is_mounted_is_closed(impatient: None, blank: LivePage) -> None:
    assert blank.wait_closed() == 4408


def test_talking_of_other_things_helps_nothing(time_is_up: Callable[[], None], blank: LivePage) -> None:
    blank.send({"type": "heartbeat"})
    blank.wait_for("heartbeat")
    time_is_up()

    assert blank.wait_closed() == 4408


def test_nor_does_asking_for_what_cannot_be_mounted(time_is_up: Callable[[], None], blank: LivePage) -> None:
    assert answer(blank, "/missing/")["code"] == "not_found"
    time_is_up()

    assert blank.wait_closed() == 4408


def test_a_page_that_is_mounted_stays(time_is_up: Callable[[], None], site: Open) -> None:
    bench = site()
    time_is_up()

    bench.click("add")
    assert "count=1" in bench.html


def test_one_that_takes_its_time_to_mount_is_waited_for(
    time_is_up: Callable[[], None], blank: LivePage, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, opened = threading.Event(), threading.Event()

    def mount(view: Any) -> None:
        began.set()
        assert opened.wait(60)

    monkeypatch.setattr(Bench, "on_mount", mount)
    blank.send({"type": "mount", "protocol": 1, "url": "/bench/", "snapshot": None})
    until(began.is_set)
    time_is_up()
    opened.set()

    blank.wait_for("mounted")
    blank.click("add")
    assert "count=1" in blank.html


# -- What a test is told, at once, of a page that doesn't mount
@pytest.mark.django_db(transaction=True)
def test_a_page_that_asks_for_a_login_says_where_it_leads() -> None:
    page = testing.mount("/members/")
    with pytest.raises(testing.Redirected) as told, page:
        pass
    assert told.value.url == "/login/?next=/members/"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("url", "code"), [("/nowhere/", "not_found"), ("/forbidden/", "forbidden")])
def test_an_address_without_a_live_page_says_so(url: str, code: str) -> None:
    page = testing.mount(url)
    with pytest.raises(testing.ServerSaid) as told, page:
        pass
    assert told.value.code == code


def test_what_the_first_page_needs_is_loaded_before_it_comes() -> None:
    mounting.handler.cache_clear()
    mounting.prepare()
    assert mounting.handler.cache_info().currsize == 1


def test_a_broken_middleware_is_left_to_the_first_page(settings: Any) -> None:
    settings.MIDDLEWARE = ["liveview.tests.there_is_no_such_module"]
    mounting.prepare()
    with pytest.raises(ImportError):
        mounting.handler()


def test_no_url_is_asked_for_before_a_request_says_below_which_path(settings: Any) -> None:
    """Django keeps `MEDIA_URL` as it is when it is first asked for."""
    settings.ROOT_URLCONF = "liveview.tests.there_is_no_such_module"
    mounting.prepare()
    with pytest.raises(ModuleNotFoundError):
        get_resolver().url_patterns  # noqa: B018
