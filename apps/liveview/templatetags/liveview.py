"""The scripts of a live page, for its layout, and parts of it that are drawn once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from django import template
from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.templatetags.static import static
from django.utils.html import format_html, format_html_join, json_script
from django.utils.safestring import SafeString

from liveview import catalogue, modules, parts

register = template.Library()

CLIENT = "liveview/client.js"
CONNECTION = "liveview/connection.js"  # opens the page's socket, as soon as it is here
# Neither the page's styles nor its end are needed to begin with.
FIRST = '<script type="module" async fetchpriority="high" src="{}"></script>'
SCRIPT = '<script type="module" src="{}"></script>'
FLOOR = "liveview/floor.js"  # for browsers in which the client doesn't start
CLASSIC = '<script defer src="{}"></script>'
PRELOAD = '<link rel="modulepreload" href="{}">'


@register.simple_tag
def live_scripts(*names: str) -> SafeString:
    """The client of a live page, and modules that go with it: `{% live_scripts "uploads/client.js" %}`. Browsers are
    told of everything that these import, so that they needn't find out one module after the other. Where the client
    doesn't start, the page becomes the one that it is without JavaScript.

    It may stand before a page's stylesheets, and is best there: the client is what is waited for longest.
    """
    kinds = {CLIENT: FIRST, CONNECTION: FIRST, **dict.fromkeys(names, SCRIPT)}
    found = {url: name for entry in (CLIENT, *names) for name, url in _imported(entry)}
    first = modules.graph(CONNECTION, _read)
    in_order = sorted(found, key=lambda url: found[url] not in first)
    scripts = [format_html(kinds.get(found[url], PRELOAD), url) for url in in_order]
    every = [live_catalogue(), *scripts, format_html(CLASSIC, static(FLOOR))]
    return format_html_join("\n", "{}", ((script,) for script in every if script))


@register.simple_tag
def live_catalogue() -> SafeString:
    """What scripts say, in the page's language; nothing where that is English. `live_scripts` has it already: for other
    pages whose scripts import `gettext.js`. It stands before them.
    """
    texts = catalogue.of_page()
    return json_script(texts, "live-catalogue") if texts else SafeString()


@register.simple_tag
def live_plurals(one: str, many: str) -> SafeString:
    """An attribute `data-forms` with what a script says of a number, in the page's language: `catalogue.plural`.
    `{% live_plurals "Drop to add 1 photo" "Drop to add # photos" %}`
    """
    return format_html('data-forms="{}"', json.dumps(catalogue.plural(one, many), ensure_ascii=False))


@register.simple_tag
def live_part(template_name: str, **values: Any) -> SafeString:
    """A template that sees these values and nothing else, and is drawn once for the same ones, for all pages:
    `{% live_part "notes/note.html" pk=note.pk text=note.text %}`. They are texts, whole numbers, True, False or None.
    """
    return parts.part(template_name, values)


def _imported(entry: str) -> Iterator[tuple[str, str]]:
    """A module and all that it imports, each with the address at which a browser will look for it."""
    if settings.DEBUG:
        _read.cache_clear()
    addresses, names = {entry: static(entry)}, [entry]
    is_hashed = getattr(staticfiles_storage, "support_js_module_import_aggregation", True)  # or no name is
    for name in names:
        for other in _imports(name):
            if other not in addresses:
                beside = urljoin(addresses[name], modules.relative(name, other))
                addresses[other] = static(other) if is_hashed else beside
                names.append(other)
    yield from addresses.items()


def _imports(name: str) -> list[str]:
    flat = () if settings.DEBUG else getattr(staticfiles_storage, "flat_modules", ())
    if name not in flat:
        return modules.imports(name, _read(name))
    return [other for other in modules.graph(name, _read) if other in flat and other != name]


@lru_cache
def _read(name: str) -> str:
    """A module's text; nothing where it can't be found, so that nothing is known of what it imports."""
    found = finders.find(name)
    return Path(found).read_text() if found else ""
