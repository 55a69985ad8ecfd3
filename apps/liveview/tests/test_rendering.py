"""Patches: exact whatever the text, small where the change is small, and never dear."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveview.core.messages import patch
from liveview.core.token_diff import changes
from liveview.encoding import encode
from liveview.rendering import apply, diff

TEXT = st.text(st.sampled_from('ab<>/ 1\n"ü€😀👩‍👩‍👧\u0301\u202e'), max_size=60)
TAGS = st.lists(st.sampled_from(["<p>", "</p>", "<li id='1'>", "😀", "a", "<b>x</b>", "12", "<i>ü"]), max_size=40)


@given(TEXT, TEXT)
def test_a_patch_makes_the_new_text_of_the_old(old: str, new: str) -> None:
    assert apply(old, diff(old, new)) == new


@given(TAGS, TAGS)
def test_so_it_does_with_markup(old: list[str], new: list[str]) -> None:
    assert apply("".join(old), diff("".join(old), "".join(new))) == "".join(new)


@given(TAGS.map("".join), st.lists(st.tuples(st.integers(0, 400), st.integers(0, 30), TEXT), max_size=5))
def test_and_with_several_changes_of_a_long_page(page: str, edits: list[tuple[int, int, str]]) -> None:
    old = page * 12
    new = old
    for at, length, text in edits:
        new = new[:at] + text + new[at + length :]

    assert apply(old, diff(old, new)) == new


@given(TAGS, TAGS)
def test_splices_are_ascending_and_apart(old: list[str], new: list[str]) -> None:
    end = -1
    for start, length, _text in diff("".join(old), "".join(new)):
        assert start > end
        end = start + length


def test_offsets_are_utf16_units() -> None:
    assert diff("😀😀a", "😀😀b") == [(4, 1, "b")]
    assert diff("😀a", "😁a") == [(0, 2, "😁")]


def test_equal_text_costs_nothing() -> None:
    assert diff("same", "same") == []


def table(rows: dict[int, Any], count: int = 700) -> str:
    """About 100 KB."""
    cells = (
        f'<tr id="row-{n}" class="row {"odd" if n % 2 else "even"}"><td class="name">Name {n}</td>'
        f'<td class="number">{rows.get(n, 0)}</td><td><button dj-click="remove" data-id="{n}">×</button></td></tr>\n'
        for n in range(count)
    )
    return "<table>" + "".join(cells) + "</table>"


def cost(old: str, new: str) -> int:
    splices = diff(old, new)
    assert apply(old, splices) == new
    return len(encode(patch(2, splices)).encode())


def test_one_changed_number_on_a_page_of_100_kb_costs_under_300_bytes() -> None:
    assert 90_000 < len(table({})) < 130_000

    assert cost(table({}), table({350: 12345})) < 80


def test_distant_changes_cost_about_their_sum() -> None:
    one = cost(table({}), table({10: 11}))

    assert cost(table({}), table({10: 11, 200: 22, 400: 33, 690: 44})) < 4 * one


def test_a_row_at_each_end_costs_two_rows_and_not_the_table() -> None:
    rows = table({}).split("\n")
    row = rows[1].replace("row-1", "row-900")

    assert cost("\n".join(rows), "\n".join([rows[0], row, *rows[1:-2], row, *rows[-2:]])) < 500


def test_a_row_that_moves_costs_two_rows() -> None:
    rows = table({}).split("\n")

    assert cost("\n".join(rows), "\n".join([*rows[:5], *rows[6:600], rows[5], *rows[600:]])) < 500


def test_rows_that_look_alike_cost_no_more() -> None:
    rows = ["<tr><td>0</td><td>0</td></tr>"] * 2000
    changed = list(rows)
    changed[100] = changed[1900] = "<tr><td>1</td><td>0</td></tr>"

    assert cost("".join(rows), "".join(changed)) < 120


# -- How the tokens are compared


@given(st.lists(st.sampled_from("abcd"), max_size=30), st.lists(st.sampled_from("abcd"), max_size=30))
def test_spans_lead_from_one_list_to_the_other(a: list[str], b: list[str]) -> None:
    made, at = [], 0
    for a1, a2, b1, b2 in changes(a, b):
        assert at <= a1 and a1 + b1 < a2 + b2
        made += [*a[at:a1], *b[b1:b2]]
        at = a2

    assert [*made, *a[at:]] == b


class Counting(list[str]):
    """A list that counts how often it is looked at."""

    looks = 0

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        Counting.looks += len(found) if isinstance(index, slice) else 1
        return found


def ruler(levels: int, *between: str) -> list[str]:
    """Words that are unique only between two of the level above: 0 1 0 2 0 1 0 …, with noise at the bottom."""
    words = list(between)
    for level in range(levels):
        words = [*words, f"level {level}", *words]
    return words


N = 30_000
SHUFFLED = random.Random(1)
HARD = {
    "nothing in common": (["x"] * N, ["y"] * N),
    "few words": ([SHUFFLED.choice("xy") for _ in range(N)], [SHUFFLED.choice("xy") for _ in range(N)]),
    "a period and another": (["x", "y"] * (N // 2), ["y", "x", "z"] * (N // 3)),
    "reversed": ([*map(str, range(N))], [*map(str, range(N))][::-1]),
    "shuffled": ([*map(str, range(N))], SHUFFLED.sample([*map(str, range(N))], N)),
    "one word with others strewn in": (["x"] * N, [("y" if n % 400 == 0 else "x") for n in range(N)] + ["z"]),
    "a ruler": (ruler(14, "a", "b"), ruler(14, "b", "a")),
    "interleaved": ([*map(str, range(N))], [word for n in range(N // 2) for word in (str(n), str(n + N // 2))]),
}


@pytest.mark.parametrize("name", HARD)
def test_no_input_makes_a_diff_dear(name: str) -> None:
    a, b = map(Counting, HARD[name])
    Counting.looks = 0

    spans = changes(a, b)

    assert spans
    assert Counting.looks < 12 * (len(a) + len(b))


def test_the_numbers_around_a_splice_are_counted() -> None:
    """Two changes next to each other travel as one."""
    assert (
        len(
            diff(
                "<p>" + "a" * 100 + "<b>1</b>2<b>3</b>" + "c" * 100, "<p>" + "a" * 100 + "<b>4</b>2<b>5</b>" + "c" * 100
            )
        )
        == 1
    )


def test_json_holds_the_patch() -> None:
    old, new = "<p>😀</p>", '<p>😀\u2028"\\</p>'

    sent = json.loads(encode(patch(2, diff(old, new))))

    assert apply(old, [tuple(splice) for splice in sent["splices"]]) == new
