"""Says sentences in the language that is active, by Django's catalogues and formats."""

from __future__ import annotations

from typing import Final

from django.utils import translation
from django.utils.formats import number_format

# Before a number: without it, "3 MB" is shown as "MB 3" where one reads from the right.
_LEFT_TO_RIGHT: Final = "\u200e"


class ActiveLanguage:
    """A `uploads.sentences.Speech`."""

    def gettext(self, text: str) -> str:
        return translation.gettext(text)

    def ngettext(self, one: str, many: str, count: int) -> str:
        return translation.ngettext(one, many, count)

    def number(self, value: float, digits: int) -> str:
        mark = _LEFT_TO_RIGHT if translation.get_language_bidi() else ""
        return mark + number_format(round(value, digits), digits, use_l10n=True, force_grouping=True)
