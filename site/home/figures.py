"""What the benchmarks measured, for the start page: read from `bench/results.json`, and nothing typed by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from uploads.speech import ActiveLanguage

RESULTS: Final = "bench/results.json"

# `193 MB/s, 1.80 s/GB, +8 MiB`: speed, and the server's processor and memory, where those were measured
_MEASURED: Final = re.compile(r"([\d.]+) MB/s(?:, ([\d.]+) s/GB, \+(\d+) MiB)?")


@dataclass(frozen=True, slots=True)
class Row:
    """`speed` in MB/s; `processor` in seconds for a gigabyte, `memory` in MiB above idle: of the server, as measured.

    `percent` is how long its bar is.
    """

    name: Any
    speed: float
    processor: str
    memory: str
    is_ours: bool = False
    percent: float = 0

    @property
    def seconds(self) -> str:
        return _measured(self.processor, "s/GB")

    @property
    def added(self) -> str:
        return _measured(f"+{self.memory}", "MiB")

    @property
    def rate(self) -> str:
        return _measured(f"{self.speed:g}", "MB/s")


@dataclass(frozen=True, slots=True)
class Comparison:
    """The same file, sent in several ways. `date`, `machine` and `commit` are those of the measurement."""

    title: Any  # a text, or one that is translated when it is shown
    rows: tuple[Row, ...]
    date: str
    machine: str
    commit: str

    @property
    def times(self) -> str:
        """How much faster ours is than the next."""
        ours, *others = self.rows
        return f"{ours.speed / max(other.speed for other in others):.3g}"


# bench, what its figure is called → who is meant by the other one
_OF_LINE: Final[dict[str, Any]] = {
    "100 Mbit/s, 100 ms: of one chunk at a time": _("One chunk at a time, as Phoenix LiveView sends")
}
_OF_MACHINE: Final[dict[str, Any]] = {
    "speed, of one chunk at a time": _("One chunk at a time, as Phoenix LiveView sends"),
    "the same, of a form's": _("A form, as Django takes it"),
    "speed, of djust": "djust",
    "speed, of tus": "tus",
}


@cache
def line() -> Comparison | None:
    """Over a long line. None where nothing was measured, or the results aren't here."""
    return _comparison("links", _("A line of 100 Mbit/s, 100 ms long"), _OF_LINE)


@cache
def machine() -> Comparison | None:
    """On one machine, where nothing but the programs themselves is slow. None as for `line`."""
    return _comparison("uploading", _("Browser and server on one machine"), _OF_MACHINE)


def _comparison(bench: str, title: Any, names: Mapping[str, Any]) -> Comparison | None:
    path = Path(settings.ROOT) / RESULTS
    result = json.loads(path.read_text()).get(bench) if path.is_file() else None
    rows = tuple(_rows(result["figures"], names)) if result else ()
    if result is None or len(rows) < 2:
        return None
    most = max(row.speed for row in rows)
    drawn = tuple(replace(row, percent=round(100 * row.speed / most, 1)) for row in rows)
    return Comparison(title, drawn, result["date"], result["machine"], result["commit"])


def _rows(figures: list[dict[str, Any]], names: Mapping[str, Any]) -> Iterator[Row]:
    found = [figure for figure in figures if figure["what"] in names]
    for figure in found[:1]:
        yield _row("Uplift", figure["ours"], is_ours=True)
    for figure in sorted(found, key=lambda figure: list(names).index(figure["what"])):
        yield _row(names[figure["what"]], figure["peer"])


def _row(name: Any, measured: str, *, is_ours: bool = False) -> Row:
    found = _MEASURED.match(measured)
    if found is None:
        raise ValueError(f"{RESULTS} says {measured!r} of {name}")
    speed, processor, memory = found.groups(default="")
    return Row(name, float(speed), processor, memory, is_ours)


def localized(number: str) -> str:
    """A number as it was measured, with all its digits, in the language that is active."""
    return number_format(Decimal(number), use_l10n=True)


def _measured(number: str, unit: str) -> str:
    sign = "+" if number.startswith("+") else ""
    return ActiveLanguage().measure(sign + localized(number), unit)
