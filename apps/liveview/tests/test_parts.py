"""Parts that are drawn once: never another's, and never out of date."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.template import Context, Template, engines
from django.urls import path, set_script_prefix
from django.utils import translation
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy

from liveview import parts, process


def home(_request: HttpRequest) -> HttpResponse:
    raise NotImplementedError


urlpatterns = [path("home/", home, name="home")]
TEMPLATES = {
    "part.html": "{% load i18n %}[{{ a }}|{{ b }}|{% translate 'Yes' %}|{% url 'home' %}|{{ secret }}|{{ request }}]",
}


@pytest.fixture(autouse=True)
def sources(settings: Any) -> Iterator[dict[str, str]]:
    """The texts of the templates, which may be changed."""
    texts = dict(TEMPLATES)
    options = {
        "loaders": [("django.template.loaders.cached.Loader", [("django.template.loaders.locmem.Loader", texts)])]
    }
    backend = "django.template.backends.django.DjangoTemplates"
    settings.TEMPLATES = [{"BACKEND": backend, "OPTIONS": options}]
    settings.ROOT_URLCONF = __name__
    process.current().forget(parts._Parts)
    yield texts
    set_script_prefix("/")
    process.current().forget(parts._Parts)


def drawn(**values: Any) -> SafeString:
    return parts.part("part.html", values)


def test_the_same_values_are_drawn_once() -> None:
    first = drawn(a="x" * 3, b=7)

    assert first == "[xxx|7|Yes|/home/||]"
    assert drawn(a="xx" + "x", b=7) is first
    assert drawn(a="xxx", b=8) == "[xxx|8|Yes|/home/||]"
    assert drawn(b="xxx", a=7) == "[7|xxx|Yes|/home/||]"


@pytest.mark.parametrize("order", [1, -1])
def test_values_that_are_equal_but_look_different_are_others(order: int) -> None:
    looks: list[tuple[Any, str]] = [
        (1, "1"),
        (True, "True"),
        ("1", "1"),
        ("<b>", "&lt;b&gt;"),
        (mark_safe("<b>"), "<b>"),
    ]

    for value, look in looks[::order]:
        assert drawn(a=value) == f"[{look}||Yes|/home/||]"


def test_what_is_around_a_page_is_of_that_page() -> None:
    assert drawn(a=1) == "[1||Yes|/home/||]"

    with translation.override("de"):
        assert drawn(a=1) == "[1||Ja|/home/||]"
    set_script_prefix("/below/")
    assert drawn(a=1) == "[1||Yes|/below/home/||]"


def test_nothing_of_a_page_gets_in_that_it_has_not_given() -> None:
    page = Template('{% load liveview %}{{ secret }}: {% live_part "part.html" a=a b="<&>" %}')

    html = page.render(Context({"a": "<i>", "secret": "mine", "request": "whose"}))

    assert html == "mine: [&lt;i&gt;|<&>|Yes|/home/||]"


@pytest.mark.parametrize("value", [1.0, [1], {"a": 1}, object(), gettext_lazy("Yes")])
def test_what_may_change_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match=r"part\.html: b must be"):
        drawn(a=1, b=value)


def test_a_template_that_was_saved_is_drawn_anew(sources: dict[str, str]) -> None:
    drawn(a=1)
    sources["part.html"] = "now {{ a }}"

    engines["django"].engine.template_loaders[0].reset()

    assert drawn(a=1) == "now 1"


def test_the_oldest_go_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "MOST", 10_000)
    first, used = drawn(a="first"), drawn(a="used")

    for number in range(40):
        drawn(a=f"{number:500}")
        assert drawn(a="used") is used

    remembered = process.here(parts._Parts)
    assert remembered._size == sum(parts._size(*each) for each in remembered._parts.items()) <= 10_000
    assert drawn(a="first") is not first
