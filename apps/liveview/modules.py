"""ES modules as text: what one imports, and several as one.

Only the forms that our own modules are written in are understood; whatever else is met is an error, never a guess.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Collection, Iterator
from typing import Final

Read = Callable[[str], str]  # a module's text by its name, such as "liveview/client.js"

_IMPORT: Final = re.compile(
    r'^import\s+(?:(?P<what>\{[^}]*\}|\*\s+as\s+[\w$]+)\s+from\s+)?(?P<quote>["\'])(?P<path>\.[^"\']+)(?P=quote);[^\S\n]*',
    re.MULTILINE,
)
_LAZY: Final = re.compile(r'(?P<call>\bimport\(\s*)(?P<quote>["\'])(?P<path>\.[^"\']+)(?P=quote)')
_DECLARED: Final = re.compile(
    r"^export\s+(?P<declaration>(?:const|class|function\*?|async\s+function\*?)\s+(?P<name>[\w$]+))", re.MULTILINE
)
_LISTED: Final = re.compile(r"^export\s+\{(?P<names>[^}]*)\};[^\S\n]*", re.MULTILINE)
_OTHER: Final = re.compile(r"^(?:import\b(?!\s*\()|export\b).*", re.MULTILINE)
_AS: Final = re.compile(r"\s+as\s+")


def imports(name: str, text: str) -> list[str]:
    """The names of the modules that a module imports when it is loaded, in order."""
    return [_resolved(name, found["path"]) for found in _IMPORT.finditer(text)]


def graph(entry: str, read: Read) -> list[str]:
    """A module and all that it imports, each once, in the order in which a browser comes to know of them."""
    names = [entry]
    for name in names:
        names += [other for other in dict.fromkeys(imports(name, read(name))) if other not in names]
    return names


def on_demand(entry: str, read: Read) -> list[str]:
    """The modules that a module and all that it imports may import later, and those that these may, in that order."""
    entries = [entry]
    for start in entries:
        for name in graph(start, read):
            found = [_resolved(name, lazy["path"]) for lazy in _LAZY.finditer(read(name))]
            entries += [other for other in dict.fromkeys(found) if other not in entries]
    return entries[1:]


def relative(name: str, other: str) -> str:
    """How a module writes another's address in an import."""
    path = posixpath.relpath(other, posixpath.dirname(name) or ".")
    return path if path.startswith(".") else f"./{path}"


def flattened(entry: str, read: Read, apart: Collection[str] = ()) -> str:
    """A module with all that it imports as one text, to be served in its place. What is `apart` is still imported.

    Each module is a function that returns its exports, called once, after those that it imports. Raises `ValueError`
    for what it doesn't understand.
    """
    heads: dict[str, str] = {}
    parts: list[str] = []
    for name in _in_order(entry, read, apart):
        if name in apart and name != entry:
            heads[name] = f'import * as {_variable(name)} from "{relative(entry, name)}";\n'
            continue
        body = _LAZY.sub(
            lambda found, name=name: (  # type: ignore[misc]
                f'{found["call"]}"{relative(entry, _resolved(name, found["path"]))}"'
            ),
            _IMPORT.sub(lambda found, name=name: _taken(name, found), read(name)),  # type: ignore[misc]
        )
        if name != entry:
            body, exported = _without_exports(body)
            body = f"const {_variable(name)} = (() => {{\n{body}\nreturn {{ {', '.join(exported)} }};\n}})();\n"
        _refuse_others(name, body, own_exports=name == entry)
        parts.append(body)
    return _without_comments("".join([*heads.values(), *parts]))


def _in_order(entry: str, read: Read, apart: Collection[str]) -> Iterator[str]:
    """Each module after those that it imports."""
    done: dict[str, bool] = {}

    def visit(name: str) -> Iterator[str]:
        if name in done:
            if not done[name]:
                raise ValueError(f"{name} is imported by what it imports")
            return
        done[name] = False
        if name == entry or name not in apart:
            for other in imports(name, read(name)):
                yield from visit(other)
        done[name] = True
        yield name

    return visit(entry)


def _taken(name: str, found: re.Match[str]) -> str:
    """An import as a constant. Lines stay where they are."""
    variable, what = _variable(_resolved(name, found["path"])), found["what"]
    if what is None:
        return ""
    if what.startswith("*"):
        return f"const {_AS.split(what)[1]} = {variable};"
    return f"const {_AS.sub(': ', what)} = {variable};"


def _without_exports(body: str) -> tuple[str, list[str]]:
    """The body, and the properties of the object that holds what it exported."""
    exported = [found["name"] for found in _DECLARED.finditer(body)]
    for found in _LISTED.finditer(body):
        for one in filter(None, map(str.strip, found["names"].split(","))):
            inner, _, outer = one.partition(" as ")
            exported.append(f"{outer}: {inner}" if outer else inner)
    return _LISTED.sub("", _DECLARED.sub(lambda found: found["declaration"], body)), exported


def _refuse_others(name: str, body: str, *, own_exports: bool) -> None:
    for found in _OTHER.finditer(body):
        if not (own_exports and (_DECLARED.match(found[0]) or _LISTED.match(found[0]))):
            raise ValueError(f"{name} can't be put into one with others: {found[0]}")


def _without_comments(text: str) -> str:
    """Without lines that are empty or nothing but a comment, except within a template string."""
    kept: list[str] = []
    in_string = in_comment = False
    for line in text.splitlines(keepends=True):
        start = line.strip()
        if in_comment or (not in_string and (not start or start.startswith(("//", "/**")))):
            in_comment = (in_comment or start.startswith("/**")) and not start.endswith("*/")
            continue
        in_string ^= line.replace("\\`", "").count("`") % 2 == 1
        kept.append(line)
    return "".join(kept)


def _variable(name: str) -> str:
    return "$" + re.sub(r"\W", "_", name)


def _resolved(name: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
