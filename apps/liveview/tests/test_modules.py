"""ES modules as text, the storage that makes one of many, and the scripts of a layout."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage
from django.template import Context, Template
from django.test import override_settings

from liveview import modules
from liveview.staticfiles import FlatModulesMixin, ManifestStaticFilesStorage

FILES = {
    "app/client.js": """// Starts.
import { one, two as second } from "./parts.js";
import * as shared from "../lib/shared.js";

export const live = one(second, shared.name);
const lazy = () => import("./later.js");
""",
    "app/parts.js": """import { name } from "../lib/shared.js";

export function one() {}
const hidden = name;
export { hidden as two };
export async function later() { return import('./later.js'); }
""",
    "lib/shared.js": """export const name = "shared";
const lazy = () => import("./rest.js");
""",
}
LAZY = b'import { one } from "../app/parts.js";\n'


def test_a_graph_is_in_the_order_in_which_a_browser_finds_out() -> None:
    assert modules.graph("app/client.js", FILES.__getitem__) == ["app/client.js", "app/parts.js", "lib/shared.js"]


def test_a_flat_module_has_everything_once_and_addresses_that_lead_from_where_it_is() -> None:
    flat = modules.flattened("app/client.js", FILES.__getitem__)

    assert flat.count('name = "shared"') == 1
    assert flat.index("$lib_shared_js = (") < flat.index("$app_parts_js = (") < flat.index("export const live")
    assert "const { one, two: second } = $app_parts_js;" in flat
    assert "const shared = $lib_shared_js;" in flat
    assert "return { one, later, two: hidden };" in flat
    assert re.findall(r'import\("(.*?)"\)', flat) == ["../lib/rest.js", "./later.js", "./later.js"]
    assert not re.search(r"^import", flat, re.MULTILINE)


def test_what_is_apart_is_still_imported() -> None:
    flat = modules.flattened("app/client.js", FILES.__getitem__, ["lib/shared.js", "app/client.js"])

    assert flat.startswith('import * as $lib_shared_js from "../lib/shared.js";\n')
    assert "const { name } = $lib_shared_js;" in flat
    assert '"shared"' not in flat


@pytest.mark.parametrize(
    "line",
    [
        'import one from "./parts.js";',
        'import one, { two } from "./parts.js";',
        'import { one } from "bare";',
        "export default 7;",
        "export const { a, b } = window;",
        'export * from "./parts.js";',
        "export let counter = 0;",
    ],
)
def test_what_is_not_understood_is_refused(line: str) -> None:
    files = {**FILES, "app/client.js": 'import { x } from "./odd.js";\n', "app/odd.js": f"{line}\n"}

    with pytest.raises(ValueError, match=re.escape(f"app/odd.js can't be put into one with others: {line}")):
        modules.flattened("app/client.js", files.__getitem__)


def test_comments_are_left_out_but_for_what_looks_like_one() -> None:
    text = """/**
 * Says.
 */
const a = `one
// two

/** three */
`; // four

/** Five. @type {string} */
const b = "/** six";
  // seven
"""

    flat = modules.flattened("a.js", {"a.js": text}.__getitem__)

    assert (
        flat
        == """const a = `one
// two

/** three */
`; // four
const b = "/** six";
"""
    )


def test_modules_that_import_each_other_are_refused() -> None:
    files = {"a.js": 'import { b } from "./b.js";\n', "b.js": 'import { a } from "./a.js";\n'}

    with pytest.raises(ValueError, match="a.js is imported by what it imports"):
        modules.flattened("a.js", files.__getitem__)


# -- The storage


def _collected(storage: Any) -> list[str]:
    """What `collectstatic` does, with our FILES; the names that were processed."""
    source = InMemoryStorage()
    for name, text in FILES.items():
        source.save(name, ContentFile(text.encode()))
        storage.save(name, ContentFile(text.encode()))
    for lazy in ("app/later.js", "lib/rest.js"):
        source.save(lazy, ContentFile(LAZY))
        storage.save(lazy, ContentFile(LAZY))
    paths = {name: (source, name) for name in [*FILES, "app/later.js", "lib/rest.js"]}
    return [name for name, _hashed, processed in storage.post_process(paths) if processed]


class FlatFiles(FlatModulesMixin, StaticFilesStorage):
    flat_modules = ("app/client.js", "lib/shared.js", "absent/client.js")


class FlatHashed(ManifestStaticFilesStorage):
    flat_modules = FlatFiles.flat_modules


def test_a_storage_without_hashes_has_a_flat_module_in_its_place(tmp_path: Path) -> None:
    assert _collected(FlatFiles(tmp_path, "/static/")) == []

    for name in ("app/client.js", "app/later.js"):
        assert "$app_parts_js = (" in (tmp_path / name).read_text()
    assert (tmp_path / "app/parts.js").read_text() == FILES["app/parts.js"]


def test_a_storage_with_hashes_hashes_the_flat_module_and_what_it_imports(tmp_path: Path) -> None:
    storage = FlatHashed(tmp_path, "/static/")

    assert "app/client.js" in _collected(storage)

    text = (tmp_path / storage.stored_name("app/client.js")).read_text()
    assert "$app_parts_js" in text and "$app_parts_js" in (tmp_path / "app/client.js").read_text()
    assert re.search(r'from "\.\./lib/shared\.[0-9a-f]{12}\.js"', text)
    assert re.search(r'import\("\./later\.[0-9a-f]{12}\.js"\)', text)


# -- The scripts of a layout


def _scripts(arguments: str = "") -> list[tuple[str, str]]:
    """Kind and address of each element."""
    html = Template(f"{{% load liveview %}}{{% live_scripts {arguments} %}}").render(Context())
    found = re.findall(
        r'<(script type="module"(?: async)?|script defer|link rel="modulepreload").* (?:src|href)="/static/(.*?)">',
        html,
    )
    assert len(found) == len(html.splitlines())
    return [({"link": "preload"}.get(kind.split()[0], kind.split()[-1]), url) for kind, url in found]


def test_a_layout_tells_of_every_module_and_begins_with_what_opens_the_socket() -> None:
    scripts = _scripts('"uploads/client.js"')

    kinds = {url: kind for kind, url in scripts}
    assert len(kinds) == len(scripts) > 20
    assert kinds["liveview/client.js"] == kinds["liveview/connection.js"] == "async"
    assert kinds["uploads/client.js"] == 'type="module"'
    assert kinds["liveview/floor.js"] == "defer"
    assert kinds["liveview/morph.js"] == kinds["uploads/view.js"] == "preload"
    assert list(kinds).index("liveview/connection.js") < list(kinds).index("liveview/events.js")
    assert "uploads/rows.js" not in kinds


@override_settings(
    STORAGES={"staticfiles": {"BACKEND": "liveview.tests.test_modules.Hashless"}}, STATIC_ROOT="/nowhere", DEBUG=False
)
def test_a_layout_with_flat_modules_has_nothing_to_tell() -> None:
    assert _scripts('"uploads/client.js"') == [
        ("async", "liveview/client.js"),
        ('type="module"', "uploads/client.js"),
        ("defer", "liveview/floor.js"),
    ]


class Hashless(FlatModulesMixin, StaticFilesStorage):
    """Flat, and without a manifest."""
