"""A sentence is English for logs, and in the active language for visitors."""

from __future__ import annotations

import pytest
from django.utils import translation
from django.utils.translation import gettext_lazy

from uploads.core.names import parse_name
from uploads.core.slots import Accept, Slot
from uploads.errors import UploadError
from uploads.sentences import Measure, Sentence, Size, duration, one_of, plural


def test_a_text_gets_its_values() -> None:
    assert str(Sentence("At most %(limit)s.", limit=Size(5_000_000))) == "At most 5\u00a0MB."
    assert str(Sentence("At most %(limit)s of 100%%.", limit=1_234_567.5)) == "At most 1,234,567.5 of 100%."


def test_a_count_chooses_the_form() -> None:
    texts = plural("%(count)s file", "%(count)s files")

    assert [str(Sentence(texts, count=count)) for count in (1, 2, 1000)] == ["1 file", "2 files", "1,000 files"]


def test_names_and_times_are_for_people() -> None:
    assert [str(one_of(names)) for names in (["A"], ["A", "B", "C"])] == ["A", "A, B or C"]
    assert [str(duration(seconds)) for seconds in (1, 60, 5400, 86_400)] == [
        "1 second",
        "1 minute",
        "90 minutes",
        "1 day",
    ]


def test_a_visitor_reads_an_error_in_the_language_that_is_active_and_a_log_in_english() -> None:
    error = UploadError("empty")
    with translation.override("de"):
        shown, logged = error.message, str(error)

    assert (shown, logged) == ("Diese Datei ist leer.", "This file is empty.")
    assert error.message == logged
    assert error == UploadError("empty")


def test_so_are_the_numbers_in_it() -> None:
    slot = Slot(name="doc", accept=Accept.parse(""), max_file_size=1_500_000_000)
    with pytest.raises(UploadError) as refused:
        slot.check(parse_name("a.pdf"), 2_000_000_000)

    with translation.override("de"):
        assert "1,5\u00a0GB" in refused.value.message
    assert "1.5\u00a0GB" in refused.value.message


def test_a_number_and_its_unit_stay_together_from_whichever_side_one_reads() -> None:
    with translation.override("de"):
        assert [str(Size(3_000_000)), str(Measure(1.5, "MiB"))] == ["3\u00a0MB", "1,5\u00a0MiB"]
    with translation.override("he"):
        assert str(Size(3_000_000)) == "\u20663\u00a0MB\u2069"
    assert Sentence("At most %(limit)s.", limit=Size(3_000_000)).english == "At most 3 MB."  # for logs


def test_an_application_may_raise_a_lazy_text_or_its_own() -> None:
    lazy, own = UploadError("wrong", gettext_lazy("This file is empty.")), UploadError("wrong", "100 % wrong")

    with translation.override("de"):
        assert (lazy.message, own.message) == ("Diese Datei ist leer.", "100 % wrong")
