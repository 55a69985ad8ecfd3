"""The texts of the sources that are marked for translation: of Python, of templates and of scripts."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from babel.messages import Catalog
from babel.messages.extract import extract
from django.utils.translation.template import templatize

ROOT: Final = Path(__file__).resolve().parents[2]
KEYWORDS: Final = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy", "plural"), (1, 2)),
}
_STRING: Final = r'"((?:[^"\\]|\\.)*)"'
_SAID: Final = re.compile(rf"\bgettext\(\s*{_STRING}")  # within template strings as well, which Babel can't read
_COUNTED: Final = re.compile(rf"\bngettext\(\s*{_STRING},\s*{_STRING}")
_PLURALS: Final = re.compile(r'\{% live_plurals "(?P<one>[^"]+)" "(?P<many>[^"]+)" %\}')

Text = str | tuple[str, ...]  # or one for each form of a plural, in English


@dataclass(frozen=True, slots=True)
class Place:
    """Where one folder `locale` is, and what of the sources it is for."""

    folder: str
    sources: tuple[str, ...]

    def file(self, language: str, domain: str, kind: str = "po") -> Path:
        return ROOT / self.folder / "locale" / language / "LC_MESSAGES" / f"{domain}.{kind}"

    def texts(self, domain: str) -> dict[Text, set[str]]:
        """Each with the files that say it."""
        found: dict[Text, set[str]] = {}
        kinds = ("*.js",) if domain == "djangojs" else ("*.py", "*.html", "*.svg")
        for source in self.sources:
            for path in sorted(file for kind in kinds for file in (ROOT / source).rglob(kind)):
                if "tests" not in path.parts and "catalogues" not in path.parts:
                    for text in _texts(path):
                        found.setdefault(text, set()).add(path.relative_to(ROOT).as_posix())
        return found

    def template(self, domain: str) -> Catalog:
        catalog = Catalog(charset="utf-8")
        for text, paths in self.texts(domain).items():
            catalog.add(text, locations=[(path, 0) for path in sorted(paths)])
        return catalog


APPS: Final = ("liveview", "uploads", "avatars", "gallery", "videos", "otherways")
PLACES: Final = (
    *(Place(f"apps/{app}", (f"apps/{app}",)) for app in APPS),  # a copied app brings its own
    Place(".", ("site", "templates", "static")),
)
DOMAINS: Final = ("django", "djangojs")


def _texts(path: Path) -> Iterator[Text]:
    source = path.read_text()
    if path.suffix == ".js":
        yield from _SAID.findall(source)
        yield from _COUNTED.findall(source)
        return
    if path.suffix in (".html", ".svg"):
        for found in _PLURALS.finditer(source):
            yield found["one"], found["many"]
        # What templatize makes of it isn't Python as a whole, but each line is.
        source = "\n".join(line.strip() for line in templatize(source).splitlines())
    for _line, text, _comments, _context in extract("python", io.BytesIO(source.encode()), KEYWORDS):
        yield text if isinstance(text, str) else tuple(text)
