"""Every message of the runtime, in both directions; `static/liveview/messages.js` is its twin.

A message is a JSON object with a `type`. What a browser sends is checked here, strictly, before anything else sees it:
known type, exactly the known fields, exact JSON types, bounded sizes. docs/protocol.md describes them for other
clients.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

PROTOCOL: Final = 1

Message: TypeAlias = dict[str, Any]
Check: TypeAlias = Callable[[Any], bool]
Fields: TypeAlias = Mapping[str, Check]

MAX_SAFE_INTEGER: Final = 2**53 - 1
DEEPEST: Final = 20  # levels of lists and objects in an event's params
LONGEST_NUMBER: Final = 40  # characters


class BadMessage(Exception):
    """A message that breaks the protocol; the text says how, for the log.

    `ref` is the message's own, if it can be read: whoever asked is waiting for an answer.
    """

    def __init__(self, reason: str, ref: Any = None) -> None:
        super().__init__(reason)
        self.ref: int | str | None = ref if REF(ref) or EXTENSION_REF(ref) else None


class TooLong(BadMessage):
    """A message of more bytes than are taken. Nothing of it is read but its beginning."""


class CloseCode:
    """Why the server closes a socket. Daphne delivers 1000 and 3000 to 4999 only."""

    PROTOCOL = 4400  # violations, or a view that keeps failing
    SESSION_ENDED = 4401  # logged out, or the session is gone
    IDLE = 4408
    OVERRUN = 4413  # more bytes than credit
    RATE = 4429


# Checks
def text(most: int, least: int = 0) -> Check:
    """A string of `least` to `most` characters, valid as UTF-8 and without NUL, which PostgreSQL can't store."""
    return lambda value: (
        isinstance(value, str) and least <= len(value) <= most and "\0" not in value and _is_encodable(value)
    )


def raw_text(most: int) -> Check:
    """A string that may hold anything JSON can, including lone surrogates: for names that are checked later."""
    return lambda value: isinstance(value, str) and len(value) <= most


def integer(least: int, most: int = MAX_SAFE_INTEGER) -> Check:
    return lambda value: type(value) is int and least <= value <= most


def optional(check: Check) -> Check:
    return lambda value: value is None or check(value)


def mapping(value: Any) -> bool:
    return isinstance(value, dict) and _is_encodable_deep(value, DEEPEST)


def _is_encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_encodable_deep(value: Any, levels: int) -> bool:
    match value:
        case str():
            return _is_encodable(value)
        case list():
            return levels > 0 and all(_is_encodable_deep(item, levels - 1) for item in value)
        case dict():
            items = value.items()
            return levels > 0 and all(
                _is_encodable(key) and _is_encodable_deep(item, levels - 1) for key, item in items
            )
    return True


# From the browser
REF = integer(1)
EXTENSION_REF = text(64, 1)  # an extension numbers its questions as it likes

CLIENT: Final[dict[str, Fields]] = {
    "mount": {"protocol": integer(0), "url": text(4096, 1), "snapshot": optional(text(64))},
    "event": {"ref": REF, "name": text(100, 1), "params": mapping},
    "call": {"ref": REF, "name": text(100, 1), "params": mapping},
    "url": {"url": text(4096, 1)},
    "html": {},
    "heartbeat": {},
}


def parse(raw: str, grammar: Mapping[str, Fields], most: int) -> Message:
    """The message in a text frame of at most `most` bytes. Raises `BadMessage`."""
    if len(raw) > most or len(raw.encode("utf-8", "surrogatepass")) > most:
        raise TooLong("message too long", _first_ref(raw))
    try:
        message = json.loads(
            raw, parse_constant=_refuse, parse_int=_integer, parse_float=_finite, object_pairs_hook=_unique
        )
    except (ValueError, RecursionError):
        raise BadMessage("invalid JSON", _first_ref(raw)) from None
    if not isinstance(message, dict):
        raise BadMessage("not a JSON object")
    kind = message.get("type")
    fields = grammar.get(kind) if isinstance(kind, str) else None
    if fields is None:
        raise BadMessage("unknown message type", message.get("ref"))
    _check_fields(message, fields)
    return message


def _check_fields(message: Message, fields: Fields) -> None:
    for name in message:
        if name != "type" and name not in fields:
            raise BadMessage(f"unknown field in {message['type']}", message.get("ref"))
    for name, check in fields.items():
        if not check(message.setdefault(name, None)):
            raise BadMessage(f"invalid {name} in {message['type']}", message.get("ref"))


_FIRST_REF = re.compile(r'\s*\{\s*"type"\s*:\s*"(?:event|call)"\s*,\s*"ref"\s*:\s*([1-9]\d{0,15})\s*,')


def _first_ref(raw: str) -> int | None:
    """The ref of an event or a call that can't be read as a whole, if it stands where browsers put it."""
    found = _FIRST_REF.match(raw[:200])
    return int(found[1]) if found else None


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_NUMBER:
        raise ValueError("too many digits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("no finite number")
    return number


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate keys")
    return found


# To the browser
def mounted(version: int, html: str, title: str, snapshot: str, restored: bool, max_message: int) -> Message:
    """The view is mounted and this is its HTML; `snapshot` names the state to ask for after a reconnect.

    `max_message` is how many bytes a text message of the browser may have.
    """
    return {
        "type": "mounted",
        "protocol": PROTOCOL,
        "version": version,
        "html": html,
        "title": title,
        "snapshot": snapshot,
        "restored": restored,
        "max_message": max_message,
    }


def patch(version: int, splices: list[tuple[int, int, str]]) -> Message:
    """Turns the HTML of `version - 1` into that of `version`; offsets and lengths are UTF-16 units of the old HTML."""
    return {"type": "patch", "version": version, "splices": splices}


def html(version: int, html: str) -> Message:
    return {"type": "html", "version": version, "html": html}


def ack(ref: int) -> Message:
    """The event is done, and everything that it changed has already been sent."""
    return {"type": "ack", "ref": ref}


def result(ref: int, value: Any) -> Message:
    return {"type": "result", "ref": ref, "value": value}


def error(code: str, message: str, *, ref: int | str | None = None, error_id: str | None = None) -> Message:
    """`error_id` correlates a `server_error` with the server's log."""
    extra = {key: value for key, value in {"ref": ref, "id": error_id}.items() if value is not None}
    return {"type": "error", "code": code, "message": message, **extra}


def push(name: str, detail: Any) -> Message:
    return {"type": "push", "name": name, "detail": detail}


def stream(name: str, ops: list[list[Any]]) -> Message:
    """Changes the children of the element with `dj-stream=name`, in order.

    `["reset", [[id, html], …]]` replaces all of them; `["insert", id, at, html]` puts one element at an index (-1: the
    end), or in place of the one that has that `id` already; `["delete", id]` removes it.
    """
    return {"type": "stream", "name": name, "ops": ops}


def title(text: str) -> Message:
    return {"type": "title", "title": text}


def flash(level: str, text: str) -> Message:
    return {"type": "flash", "level": level, "text": text}


def url(url: str, replace: bool) -> Message:
    """The address bar changes; the view stays mounted."""
    return {"type": "url", "url": url, "replace": replace}


def redirect(url: str) -> Message:
    return {"type": "redirect", "url": url}


def reload() -> Message:
    """The page was made by another version of the software: load it again."""
    return {"type": "reload"}


def heartbeat() -> Message:
    return {"type": "heartbeat"}
