"""Catalogues as files: a `.po` for people, and beside it the `.mo` that is read.

Both are in git: neither a fresh clone nor a copied app has anything to compile, nor a program to do it.
"""

from __future__ import annotations

import io
from pathlib import Path

from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from catalogues.extracting import DOMAINS, PLACES, ROOT, Place

HEADER = "# Translations. After an edit: python -m catalogues"


def languages() -> list[str]:
    """Those that have a folder."""
    return sorted({path.name for place in PLACES for path in (ROOT / place.folder / "locale").glob("*")})


def read(file: Path, language: str) -> Catalog:
    if not file.exists():
        return Catalog(language)
    with file.open("rb") as opened:
        return read_po(opened, language)


def compiled(catalog: Catalog) -> bytes:
    made = io.BytesIO()
    write_mo(made, catalog)
    return made.getvalue()


def update(language: str) -> int:
    """Brings a language's catalogues to what the sources say; how many texts have no translation."""
    return sum(_update(place, domain, language) for place in PLACES for domain in DOMAINS)


def _update(place: Place, domain: str, language: str) -> int:
    template, file = place.template(domain), place.file(language, domain)
    if not len(template):
        return 0
    before = read(file, language)
    catalog = Catalog(
        language,
        header_comment=HEADER,
        project="Uplift",
        version="as checked out",
        last_translator="Uplift",
        language_team=language,
        msgid_bugs_address="see CONTRIBUTING.md",
        revision_date=before.creation_date,
        charset="utf-8",
        creation_date=before.creation_date,
        fuzzy=False,
    )
    for message in template:
        if message.id:
            known = before.get(message.id)
            catalog.add(message.id, known.string if known else None, locations=message.locations)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as opened:
        write_po(opened, catalog, width=120, include_lineno=False, sort_output=True, omit_header=False)
    place.file(language, domain, "mo").write_bytes(compiled(catalog))
    return sum(1 for message in catalog if message.id and not all(_forms(message.string)))


def _forms(string: object) -> tuple[str, ...]:
    return tuple(string) if isinstance(string, (list, tuple)) else (str(string or ""),)
