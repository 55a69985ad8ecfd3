"""The browser floor of docs/liveview.md: our scripts and stylesheets use nothing that is younger.

ESLint knows the most of it, with the data of MDN and caniuse; it is run where Node.js is there. Without it, two lists
of what is tempting are looked for.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.ROOT)
SOURCES = sorted(
    path
    for folder in (ROOT / "static", *ROOT.glob("apps/*/static"))
    for path in folder.rglob("*")
    if path.suffix in {".js", ".css"}
)
NODE_PACKAGES = ["eslint@9.39.5", "eslint-plugin-compat@7.0.1", "eslint-plugin-es-x@9.7.0"]
PATIENCE = 180  # seconds
LANGUAGE = 2023  # the edition of ECMAScript that the floor has all of

CONFIG = """
import compat from "eslint-plugin-compat";
import es from "eslint-plugin-es-x";

const iterators = Object.keys(es.rules).filter((name) => name.startsWith("no-iterator-prototype-")); // named as arrays'

export default [
  compat.configs["flat/recommended"],
  es.configs["flat/restrict-to-es%(language)s"],
  {
    languageOptions: { ecmaVersion: %(language)s, sourceType: "module" },
    settings: { lintAllEsApis: true, browsers: %(browsers)s, "es-x": { aggressive: true } },
    rules: {
      "es-x/no-string-prototype-towellformed": "off", // asked for before it is called
      "es-x/no-resizable-and-growable-arraybuffers": "off", // takes a slot's resize for one
      ...Object.fromEntries(iterators.map((name) => ["es-x/" + name, "off"])),
    },
  },
  { files: ["**/floor.js"], languageOptions: { ecmaVersion: 5, sourceType: "script" } },
];
"""

# Members younger than the floor in one of the engines, or in none of them yet. `name?.(` asks whether it is there.
YOUNG_MEMBERS = [
    "Array.fromAsync", "Error.isError", "Intl.DurationFormat", "Iterator.from", "Map.groupBy", "Math.sumPrecise",
    "Object.groupBy", "Promise.try", "Promise.withResolvers", "RegExp.escape", "Uint8Array.fromBase64",
    "Uint8Array.fromHex", "AbortSignal.any", "URL.parse", ".difference", ".getOrInsert", ".intersection",
    ".isDisjointFrom", ".isSubsetOf", ".isSupersetOf", ".isWellFormed", ".symmetricDifference", ".toBase64", ".toHex",
    ".toWellFormed", ".union", ".caretPositionFromPoint", ".getAsFileSystemHandle", ".getHTML", ".requestClose",
    ".requestIdleCallback", ".setHTML", ".setHTMLUnsafe", ".startViewTransition",
]  # fmt: skip
YOUNG_NAMES = ["CloseWatcher", "cookieStore", "navigation", "scheduler", "WebTransport", "WebSocketStream", "Temporal"]
YOUNG_STYLES = [
    r"@starting-style", r"@scope\b", r"@position-try", r"@function\b", r"\banchor(?:-name|-scope)?\s*[:(]",
    r"\bposition-(?:anchor|area)\s*:", r"\bfield-sizing\s*:", r"\binterpolate-size\s*:", r"\bcalc-size\(",
    r"\btransition-behavior\s*:", r"\ballow-discrete\b", r"\b(?:oklch|oklab|rgb|hsl|lch|lab|color)\(from\b",
    r"\bif\(", r":popover-open", r":open\b", r":state\(", r":has-slotted", r"\bview-transition",
    r"\banimation-timeline\s*:", r"\bcontrast-color\(", r"\bcorner-shape\s*:",
    r"\bsibling-(?:index|count)\(", r"@property\b",
]  # fmt: skip


def floor() -> dict[str, str]:
    """Browser → version, as the table has them."""
    text = (ROOT / "docs" / "liveview.md").read_text()
    chapter = text.partition("\n### Browsers\n")[2].partition("\n#")[0]
    return {
        browser.strip(): version
        for browsers, version in re.findall(r"^\| ([A-Z][\w, ]+) \| ([\d.]+) \|", chapter, re.MULTILINE)
        for browser in browsers.split(",")
    }


def test_the_floor_is_written_down() -> None:
    assert floor().keys() == {"Chrome", "Edge", "Firefox", "Safari", "iOS"}


def test_no_script_uses_what_is_younger_than_the_floor() -> None:
    members = [rf"(?:\b|(?=\.)){re.escape(member)}(?!\w|\?\.)" for member in YOUNG_MEMBERS]
    names = [rf"(?<![\w.\"'])(?:window\.)?{name}(?=[.(])" for name in YOUNG_NAMES]

    assert _found([*members, *names], ".js") == []


def test_no_stylesheet_uses_what_is_younger_than_the_floor() -> None:
    assert _found(YOUNG_STYLES, ".css") == []


def _found(patterns: list[str], suffix: str) -> list[str]:
    young = re.compile("|".join(patterns))
    return [
        f"{path.relative_to(ROOT)}:{number}: {found[0]}"
        for path in SOURCES
        if path.suffix == suffix
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (found := young.search(re.sub(r"//.*|/\*.*?\*/", "", line)))
    ]


@pytest.fixture(scope="module")
def eslint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ESLint, its plugins, and their settings."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("Node.js and npm aren't installed: eslint-plugin-compat can't be run")
    folder = tmp_path_factory.mktemp("eslint")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    install = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--fetch-retries=1", *NODE_PACKAGES]
    try:
        done = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        pytest.skip("npm's registry didn't answer in time: eslint-plugin-compat can't be installed")
    if done.returncode:
        pytest.skip(f"npm couldn't install eslint-plugin-compat: {done.stderr[-300:]}")
    names = {"iOS": "ios_saf"}
    browsers = [f"{names.get(browser, browser.lower())} {version}" for browser, version in floor().items()]
    (folder / "eslint.config.js").write_text(CONFIG % {"language": LANGUAGE, "browsers": json.dumps(browsers)})
    return folder


def _complaints(eslint: Path) -> set[str]:
    command = ["npx", "--no-install", "eslint", "--format=json", "sources"]
    done = subprocess.run(command, cwd=eslint, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode < 2, done.stderr
    return {
        f"{Path(file['filePath']).relative_to(eslint)}:{message.get('line')}: {message['message']}"
        for file in json.loads(done.stdout)
        for message in file["messages"]
    }


def test_eslint_finds_nothing_younger_than_the_floor(eslint: Path) -> None:
    for path in SOURCES:
        if path.suffix == ".js":
            copy = eslint / "sources" / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    young = eslint / "sources" / "young.js"
    young.write_text("new WebTransport(a);\nb.union(c);\nPromise.try(d);\n")

    complaints = _complaints(eslint)

    assert {complaint.split(": ")[0] for complaint in complaints} == {
        f"sources/young.js:{line}" for line in (1, 2, 3)
    }, complaints
