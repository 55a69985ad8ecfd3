"""Says sentences in the language that is active, by Django's catalogues and formats."""

from __future__ import annotations

from typing import Final

from django.utils import translation
from django.utils.formats import number_format

_NO_BREAK: Final = "\u00a0"
# Around what is a part by itself: otherwise "3 MB" is shown as "MB 3" where one reads from the right.
_ISOLATED: Final = ("\u2066", "\u2069")


class ActiveLanguage:
    """A `uploads.sentences.Speech`."""

    def gettext(self, text: str) -> str:
        return translation.gettext(text)

    def ngettext(self, one: str, many: str, count: int) -> str:
        return translation.ngettext(one, many, count)

    def number(self, value: float, digits: int) -> str:
        return number_format(round(value, digits), digits, use_l10n=True, force_grouping=True)

    def measure(self, number: str, unit: str) -> str:
        start, end = _ISOLATED if translation.get_language_bidi() else ("", "")
        return f"{start}{number}{_NO_BREAK}{unit}{end}"
