"""What can't work in a page's HTML, found before a visitor presses it."""

from __future__ import annotations

import pytest

from liveview.core.advice import DIRECTIVES, advise, meant


@pytest.mark.parametrize(
    ("html", "told"),
    [
        ('<button dj-click="save">', []),
        ('<p data-x="dj-clik">dj-clik</p><!-- <b dj-clik> -->', []),
        ('<button dj-clik="save">', ["<button dj-clik> is no directive: did you mean 'dj-click'?"]),
        ('<i dj-stremm="a"><i dj-stremm="a">', ["<i dj-stremm> is no directive: did you mean 'dj-stream'?"]),
    ],
)
def test_a_directive_that_there_is_not_is_named_with_the_nearest(html: str, told: list[str]) -> None:
    assert list(advise(html, DIRECTIVES, ())) == told


def test_values_are_asked_about() -> None:
    def check(name: str, value: str) -> str | None:
        return f"{name} {value}" if value == "nothere" else None

    assert list(advise('<a dj-click="nothere"></a><a dj-click></a>', DIRECTIVES, [check])) == ["dj-click nothere"]


@pytest.mark.parametrize(
    ("names", "told"),
    [([], "."), (["click"], ". What there is: click."), (["save", "add"], ". What there is: add, save.")],
)
def test_without_a_near_one_all_are_named(names: list[str], told: str) -> None:
    assert meant("zzz", names) == told
