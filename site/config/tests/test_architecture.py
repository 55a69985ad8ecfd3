"""ARCHITECTURE.md says what is: the tree, layers and names, the states of an upload, what a process remembers."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from uploads.core.machine import TRANSITIONS, State, Step

ROOT = Path(settings.ROOT)
APPS = ROOT / "apps"
PACKAGES = ("liveview", "uploads")
MAP = (ROOT / "ARCHITECTURE.md").read_text()

UNMAPPED = {"tests", "migrations", "static", "templates"}  # folders whose modules need no line
SUFFIXES = (".js", ".md", ".py", ".toml", ".txt")

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TREES = [block for language, block in FENCE.findall(MAP) if not language]
PROSE = FENCE.sub("", MAP)

# `uploads/core/machine.py` `advance`, `Upload.progress`
NAMES = re.compile(r"`([\w./]+\.(?:js|py))`\s+((?:`[\w.]+`(?:,\s+)?)+)")


def _section(title: str) -> str:
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", MAP, re.MULTILINE | re.DOTALL)[1]  # type: ignore[index]


def _rows(section: str) -> list[list[str]]:
    """The cells of its first table, without the line below the head."""
    table = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert table
    head, _line, *rows = [[cell.strip() for cell in row.strip("| ").split("|")] for row in table[0].splitlines()]
    return [head, *rows]


def _find(path: str) -> Path | None:
    return next((folder / path for folder in (ROOT, APPS) if (folder / path).exists()), None)


def _modules() -> Iterator[Path]:
    """Those of both packages, from the root."""
    for package in PACKAGES:
        for path in sorted((APPS / package).rglob("*.py")):
            if not UNMAPPED & set(path.relative_to(APPS).parts):
                yield path.relative_to(ROOT)


# -- The tree


def _tree() -> list[Path]:
    """Every line's path from the root; each level is indented by two spaces."""
    found: list[Path] = []
    for block in TREES:
        above: list[str] = []
        for line in block.splitlines():
            level = (len(line) - len(line.lstrip())) // 2
            above[level:] = [line.split()[0].rstrip("/")]
            found.append(Path(*above))
    return found


def test_what_the_tree_names_is_there() -> None:
    tree = _tree()

    assert len(tree) > 100
    assert [str(path) for path in tree if not (ROOT / path).exists()] == []


def test_the_tree_has_a_line_for_every_module_or_its_room() -> None:
    """A room with lines below it must have one for each of its modules."""
    tree = set(_tree())
    opened = {path.parent for path in tree}

    def is_mapped(module: Path) -> bool:
        named = module.parent if module.name == "__init__.py" else module
        return named in tree or any(room in tree and room not in opened for room in named.parents)

    assert [str(module) for module in _modules() if not is_mapped(module)] == []


def test_the_tree_names_nothing_twice() -> None:
    tree = [path for path in _tree() if path.suffix]

    assert len(tree) == len(set(tree))


# -- What the text names


def _paths() -> set[str]:
    """What looks like a path, of all that is set as code."""
    codes = re.findall(r"`([\w.-]+(?:/[\w.-]*)*)`", PROSE)
    return {code for code in codes if "/" in code or code.endswith(SUFFIXES)}


def test_the_paths_in_the_text_are_there() -> None:
    def exists(path: str) -> bool:
        return _find(path) is not None or ("/" not in path and any(APPS.glob(f"*/**/{path}")))

    assert len(_paths()) > 50
    assert sorted(path for path in _paths() if not exists(path)) == []


def test_the_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", MAP)

    assert links
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def _defines(source: Path, name: str) -> bool:
    if source.suffix == ".py":
        pattern = rf"^\s*(?:async )?(?:def|class) {name}\b|^{name}\b.* = "
    else:
        pattern = rf"^\s*(?:export |async |function |class |const )*{name}(?: = |\(.*\{{$| \{{$)"
    return re.search(pattern, source.read_text(), re.MULTILINE) is not None


@pytest.mark.parametrize(("path", "names"), NAMES.findall(PROSE), ids=lambda value: "")
def test_the_names_after_a_path_are_defined_in_that_file(path: str, names: str) -> None:
    source = _find(path)
    assert source is not None, path

    wanted = [name for dotted in re.findall(r"`([\w.]+)`", names) for name in dotted.split(".")]  # class and method
    assert [name for name in wanted if not _defines(source, name)] == [], path


def test_the_journeys_name_modules_and_functions() -> None:
    journeys = re.split(r"^### .*\n", _section("Four journeys"), flags=re.MULTILINE)[1:]

    assert [len(NAMES.findall(journey)) > 7 for journey in journeys] == [True] * 4


# -- The layers


@pytest.mark.parametrize("package", PACKAGES)
def test_the_layers_are_those_of_the_contracts(package: str) -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [contract["layers"] for contract in contracts if contract["id"] == package]

    head, *rows = _rows(_section("Who imports whom"))
    told = [set(row[head.index(package)].partition(":")[0].split(", ")) for row in rows]

    assert told == [set(re.findall(r"\w+", layer)) for layer in layers]


# -- The states


def test_the_table_of_states_is_the_machines() -> None:
    head, *rows = _rows(_section("The states of an upload"))
    steps = [Step(step) for step in head]  # the corner is empty
    told = {
        (State(row[0]), step): State(cell)
        for row in rows
        for step, cell in zip(steps, [*row[1:], *[""] * len(steps)], strict=False)
        if cell
    }

    assert set(steps) == set(Step)
    assert [row[0] for row in rows] == list(State)
    assert told == TRANSITIONS


# -- What a process remembers


def _asked_for(module: Path) -> Iterator[str]:
    """The classes of `here(Class)`."""
    for node in ast.walk(ast.parse((ROOT / module).read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "here":
            yield ast.unparse(node.args[0])


def test_every_class_that_a_process_remembers_is_named() -> None:
    _head, *rows = _rows(_section("What a process remembers"))
    told = {name.strip("`"): path.strip("`") for name, path, _what in rows}

    assert set(told) == {kind for module in _modules() for kind in _asked_for(module)}
    assert [name for name, path in told.items() if f"class {name}" not in (APPS / path).read_text()] == []


# -- How it is found


def test_the_readme_leads_to_it() -> None:
    assert "](ARCHITECTURE.md)" in (ROOT / "README.md").read_text()
