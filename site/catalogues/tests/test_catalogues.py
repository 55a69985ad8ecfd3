"""Every text of the sources is in every language's catalogues, and what is compiled is what people have read."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Iterator
from gettext import GNUTranslations

import pytest
from babel.messages import Catalog
from babel.messages.plurals import get_plural
from django.conf import settings
from django.utils import translation

from catalogues.extracting import DOMAINS, PLACES, Place, Text
from catalogues.keeping import compiled, languages, read
from liveview import catalogue
from liveview.catalogue import texts_of

EACH = [
    pytest.param(language, place, domain, id=f"{language} {place.folder} {domain}")
    for language in languages()
    for place in PLACES
    for domain in DOMAINS
    if place.file(language, domain).exists()
]
VALUES = re.compile(r"%\(\w+\)s|\{\w+\}|<[^>]*>")
COUNTS = (*range(400), 1000, 1001, 1011, 123_102)
OFFERED = [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def forms(text: Text) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


def translated(language: str, place: Place, domain: str) -> Iterator[tuple[Text, tuple[str, ...]]]:
    for message in read(place.file(language, domain), language):
        if message.id:
            yield message.id, forms(message.string)


@pytest.mark.parametrize("language", OFFERED)
@pytest.mark.parametrize("domain", DOMAINS)
def test_a_language_that_is_offered_has_every_text(language: str, domain: str) -> None:
    """After a change of texts: `python -m catalogues`, then translate what is missing."""
    for place in PLACES:
        wanted = set(place.texts(domain))
        file = place.file(language, domain)
        there = dict(translated(language, place, domain)) if file.exists() else {}

        assert set(there) == wanted, place.folder
        assert [text for text, said in there.items() if not all(said)] == []


@pytest.mark.parametrize(("language", "place", "domain"), EACH)
def test_values_and_markup_are_those_of_the_text(language: str, place: Place, domain: str) -> None:
    for text, said in translated(language, place, domain):
        for form in said:
            own = Counter(VALUES.findall(form))
            assert any(own == Counter(VALUES.findall(each)) for each in forms(text)), form


@pytest.mark.parametrize(("language", "place", "domain"), EACH)
def test_every_form_of_a_plural_is_there(language: str, place: Place, domain: str) -> None:
    count = get_plural(language).num_plurals

    for text, said in translated(language, place, domain):
        assert len(said) == (1 if isinstance(text, str) else count), text


@pytest.mark.parametrize(("language", "place", "domain"), EACH)
def test_what_is_compiled_is_what_was_translated(language: str, place: Place, domain: str) -> None:
    made = compiled(read(place.file(language, domain), language))

    assert place.file(language, domain, "mo").read_bytes() == made, "run python -m catalogues"


def test_what_scripts_say_may_stand_in_html() -> None:
    """They put some of it into markup."""
    for language in languages():
        for place in PLACES:
            if place.file(language, "djangojs").exists():
                for _, said in translated(language, place, "djangojs"):
                    assert not re.search("[<>&`]", "".join(said))


@pytest.mark.parametrize("language", ["de", "lv", "ar", "pl", "ga", "mk", "ja"])
def test_scripts_count_as_gettext_does(language: str) -> None:
    catalog = Catalog(language)
    catalog.add(("%(count)s file", "%(count)s files"), [f"form {form}" for form in range(catalog.num_plurals)])
    translations = GNUTranslations(io.BytesIO(compiled(catalog)))

    which, *forms = texts_of(translations)["%(count)s file"]

    for count in COUNTS:
        assert form_of(which, forms, count) == translations.ngettext("%(count)s file", "%(count)s files", count), count


@pytest.mark.parametrize("language", ["en", "de", "fr", "lv", "ar", "pl", "ga", "cy", "mk", "sl", "ja"])
def test_so_do_they_where_a_template_has_the_texts(language: str) -> None:
    """With a text of Django's own, as that is there in each of them."""
    text = ("%(num)d minute", "%(num)d minutes")
    with translation.override(language):
        which, *forms = catalogue.plural(*text)

        for count in COUNTS:
            assert form_of(which, forms, count) == translation.ngettext(*text, count), count


def form_of(which: str, forms: list[str], count: int) -> str:
    """As liveview/numbers.js does it."""
    shortened = count if count < 200 else 100 + count % 100
    return forms[int(which[min(shortened, len(which) - 1)])]
