"""Long lists whose items are sent once and then kept by the browser alone.

A view names a stream and the template of one item; what it inserts is rendered, sent and forgotten. The children of the
element with `dj-stream="name"` are therefore not part of the HTML that is compared and patched. Only where there is no
socket, in a plain HTTP answer, does `{{ streams.name }}` hold them.
"""

from __future__ import annotations

import re
from html import unescape
from typing import Any, TypeAlias

from django.template.loader import get_template
from django.utils.safestring import SafeString, mark_safe

from liveview.core import messages
from liveview.core.effects import Delete, Effect, Fill, Insert, Send
from liveview.mounted import Mounted

Op: TypeAlias = list[Any]  # as in `messages.stream`

_FIRST_TAG = re.compile(r"<[A-Za-z][^\s>/]*[^>]*?\sid\s*=\s*[\"']([^\"'<>]+)[\"']")


def to_messages(mounted: Mounted, taken: list[Effect]) -> list[Effect]:
    """Turns changes of streams into messages, and keeps all other effects in their place."""
    done: list[Effect] = []
    for effect in taken:
        if not isinstance(effect, Fill | Insert | Delete):
            done.append(effect)
            continue
        ops = _ops(mounted, effect)
        last = done[-1].message if done and isinstance(done[-1], Send) else {}
        if last.get("type") == "stream" and last["name"] == effect.stream:
            last["ops"] += ops
        else:
            done.append(Send(messages.stream(effect.stream, ops)))
    return done


def contents(mounted: Mounted, taken: list[Effect]) -> dict[str, SafeString]:
    """What the streams hold after these effects: the children of their containers."""
    held: dict[str, dict[str, str]] = {}
    for effect in taken:
        if isinstance(effect, Fill | Insert | Delete):
            held[effect.stream] = _apply(held.get(effect.stream, {}), mounted, effect)
    return {name: mark_safe("".join(children.values())) for name, children in held.items()}  # noqa: S308  (rendered)


def _ops(mounted: Mounted, effect: Fill | Insert | Delete) -> list[Op]:
    match effect:
        case Fill(name, items):
            return [["reset", [[mounted.stream(name).dom_id(item), _render(mounted, name, item)] for item in items]]]
        case Insert(name, item, at):
            return [["insert", mounted.stream(name).dom_id(item), at, _render(mounted, name, item)]]
        case Delete(_, dom_id):
            return [["delete", dom_id]]


def _apply(held: dict[str, str], mounted: Mounted, effect: Fill | Insert | Delete) -> dict[str, str]:
    match effect:
        case Fill(name, items):
            stream = mounted.stream(name)
            return {stream.dom_id(item): _render(mounted, name, item) for item in items}
        case Insert(name, item, at):
            dom_id, html = mounted.stream(name).dom_id(item), _render(mounted, name, item)
            if dom_id not in held and 0 <= at < len(held):
                children = list(held.items())
                return dict([*children[:at], (dom_id, html), *children[at:]])
            held[dom_id] = html
        case Delete(_, dom_id):
            held.pop(dom_id, None)
    return held


def _render(mounted: Mounted, name: str, item: Any) -> str:
    stream = mounted.stream(name)
    dom_id = stream.dom_id(item)
    template: Any = get_template(stream.template)
    # Without the request as an argument: context processors would run for each of a thousand items.
    html: str = template.render(mounted.item_context(item, dom_id)).strip()
    first = _FIRST_TAG.match(html)
    if first is None or unescape(first[1]) != dom_id:
        raise ValueError(f'{stream.template} must be one element that has id="{{{{ dom_id }}}}".')
    return html
