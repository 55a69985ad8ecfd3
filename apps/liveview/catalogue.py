"""What scripts say in a language: the sentences of every app's own `djangojs.mo`, for the page to bring along."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from gettext import GNUTranslations
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.utils.translation import get_language, ngettext, to_locale


def of_page() -> dict[str, str | list[str]]:
    """English text → its translation in the active language. Empty in English.

    A plural has a list: its forms, and before them a text that has a digit for each number from 0 on, which says whose
    turn it is. What its last digit says holds for all behind it, and 100 to 199 stand for any number above. It is for
    the catalogue's own rule: that of browsers (`Intl.PluralRules`) is another one in some languages.
    """
    return of(get_language() or "")


@lru_cache
def of(language: str) -> dict[str, str | list[str]]:
    """The texts of `de` hold for `de-at` as well, where that has none of its own."""
    names = dict.fromkeys((to_locale(language.partition("-")[0]), to_locale(language)))
    ours = [Path(app.path, "locale") for app in apps.get_app_configs() if not app.name.startswith("django.")]
    folders = [*ours, *map(Path, settings.LOCALE_PATHS)]
    found: dict[str, str | list[str]] = {}
    for file in (folder / name / "LC_MESSAGES" / "djangojs.mo" for name in names for folder in folders):
        if file.is_file():
            with file.open("rb") as opened:
                found |= texts_of(GNUTranslations(opened))
    return found


def texts_of(translations: GNUTranslations) -> dict[str, str | list[str]]:
    """Those of one file."""
    entries: dict[Any, str] = translations._catalog  # type: ignore[attr-defined]  # Django reads it there, too
    found: dict[str, str | list[str]] = {key: text for key, text in entries.items() if isinstance(key, str) and key}
    which = _which(translations.plural)  # type: ignore[attr-defined]  # likewise
    forms = sorted((key, text) for key, text in entries.items() if isinstance(key, tuple))
    for (one, _number), text in forms:
        found[one] = [*found.get(one, [which]), text]
    return found


def plural(one: str, many: str) -> list[str]:
    """The same list for two texts of a template, in the active language."""
    return list(_plural(one, many, get_language()))


@lru_cache
def _plural(one: str, many: str, _language: str | None) -> tuple[str, ...]:
    forms: dict[str, int] = {}
    which = _which(lambda number: forms.setdefault(ngettext(one, many, number), len(forms)))
    return (which, *forms)


def _which(form_of: Callable[[int], int]) -> str:
    which = "".join(str(form_of(number)) for number in range(200))
    return which.rstrip(which[-1]) + which[-1]
