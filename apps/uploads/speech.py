"""Says sentences in the language that is active, by Django's catalogues and formats."""

from __future__ import annotations

from django.utils import translation
from django.utils.formats import number_format


class ActiveLanguage:
    """A `uploads.sentences.Speech`."""

    def gettext(self, text: str) -> str:
        return translation.gettext(text)

    def ngettext(self, one: str, many: str, count: int) -> str:
        return translation.ngettext(one, many, count)

    def number(self, value: float, digits: int) -> str:
        return number_format(round(value, digits), digits, use_l10n=True, force_grouping=True)
