"""What visitors are told: sentences in English, and the values in them, said in the language of whoever reads them.

Pure, as are those who make sentences. The app says by `speak` who translates; without it, as in a child that decodes
files, all is English. A text is marked for the catalogue with `_`, two for a count with `plural`.
"""

from __future__ import annotations

from typing import Any, Final, Protocol

__all__ = ["Measure", "Sentence", "Size", "gettext_noop", "plural"]

_UNITS: Final = ((1_000_000_000, 1, "GB"), (1_000_000, 1, "MB"), (1_000, 0, "kB"))


class Speech(Protocol):
    """A language, as Django has it."""

    def gettext(self, text: str) -> str: ...
    def ngettext(self, one: str, many: str, count: int) -> str: ...
    def number(self, value: float, digits: int) -> str:
        """With so many digits behind the decimal point."""

    def measure(self, number: str, unit: str) -> str:
        """`5 MB`: the two stay together, wherever a line ends and from whichever side one reads."""


class _English:
    def gettext(self, text: str) -> str:
        return text

    def ngettext(self, one: str, many: str, count: int) -> str:
        return one if count == 1 else many

    def number(self, value: float, digits: int) -> str:
        return f"{value:,.{digits}f}"

    def measure(self, number: str, unit: str) -> str:
        return f"{number} {unit}"


ENGLISH: Final = _English()
_speech: Speech = ENGLISH


def speak(speech: Speech) -> None:
    """Has `speech` say all sentences, in the language that is active wherever they are said. A declaration."""
    global _speech
    _speech = speech


def gettext_noop(text: str) -> str:
    """Marks a text for the catalogue, and leaves it as it is."""
    return text


_ = gettext_noop


def plural(one: str, many: str) -> tuple[str, str]:
    """Marks the texts for one and for several: those of a `Sentence` with a value `count`."""
    return one, many


class Sentence:
    """`Sentence("The limit is %(limit)s.", limit=Size(5_000_000))`: as text, it is in the language that is active.

    `text` may be a pair (`plural`), of which `count`, a value, chooses. Values are texts, numbers, a `Size`, a
    `Measure`, or sentences themselves. Two are equal if they are in English.
    """

    def __init__(self, text: str | tuple[str, str], **values: Any) -> None:
        self.text, self.values = text, values

    def __str__(self) -> str:
        return self.said(_speech)

    @property
    def english(self) -> str:
        """For logs, and to compare."""
        return self.said(ENGLISH)

    def said(self, speech: Speech) -> str:
        if isinstance(self.text, str):
            text = speech.gettext(self.text) if self.text else ""
        else:
            text = speech.ngettext(*self.text, self.values["count"])
        return text % {name: _value(value, speech) for name, value in self.values.items()} if self.values else text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sentence) and self.english == other.english

    def __hash__(self) -> int:
        return hash(self.english)

    def __repr__(self) -> str:
        return f"<Sentence {self.english!r}>"


class Measure:
    """`Measure(193, "MB/s")`: a number and the symbol of its unit. At most `digits` behind the decimal point."""

    def __init__(self, value: float, unit: str, digits: int = 6) -> None:
        self.value, self.unit, self.digits = value, unit, digits

    def said(self, speech: Speech) -> str:
        return speech.measure(_short(self.value, self.digits, speech), self.unit)

    def __str__(self) -> str:
        return self.said(_speech)


class Size(int):
    """Bytes, as people and file managers count: 1 MB is 1,000,000 bytes. As the browser's rows say it."""

    def said(self, speech: Speech) -> str:
        for unit, digits, name in _UNITS:
            if self >= unit:
                return speech.measure(_short(self / unit, digits, speech), name)
        return Sentence(plural("%(count)s byte", "%(count)s bytes"), count=int(self)).said(speech)

    def __str__(self) -> str:
        return self.said(_speech)


def one_of(names: list[str]) -> Sentence:
    """`JPEG, PNG or HEIC`."""
    *others, last = names
    return Sentence(_("%(others)s or %(last)s"), others=", ".join(others), last=last) if others else Sentence(last)


def all_of(texts: list[str]) -> Sentence:
    """`chapters, title and notes`, each of which is a text of the catalogue."""
    *others, last = map(Sentence, texts)
    if not others:
        return last
    return Sentence(_("%(others)s and %(last)s"), others=_Listed(others), last=last)


class _Listed(Sentence):
    def __init__(self, sentences: list[Sentence]) -> None:
        super().__init__("")
        self.sentences = sentences

    def said(self, speech: Speech) -> str:
        return ", ".join(sentence.said(speech) for sentence in self.sentences)


def duration(seconds: int) -> Sentence:
    """3600 is "1 hour"."""
    units = (
        (plural("%(count)s day", "%(count)s days"), 86_400),
        (plural("%(count)s hour", "%(count)s hours"), 3_600),
        (plural("%(count)s minute", "%(count)s minutes"), 60),
        (plural("%(count)s second", "%(count)s seconds"), 1),
    )
    texts, length = next((texts, length) for texts, length in units if length == 1 or seconds and seconds % length == 0)
    return Sentence(texts, count=seconds // length)


def _value(value: Any, speech: Speech) -> str:
    match value:
        case Sentence() | Size() | Measure():
            return value.said(speech)
        case int() | float():
            return _short(value, 6, speech)
        case _:
            return str(value)


def _short(value: float, digits: int, speech: Speech) -> str:
    """Without zeros at the end."""
    while digits and round(value, digits) == round(value, digits - 1):
        digits -= 1
    return speech.number(value, digits)
