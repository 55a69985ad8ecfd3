"""docs/protocol.md has every message and every error code."""

from __future__ import annotations

from pathlib import Path

import pytest

from uploads.core import messages
from uploads.core.names import parse_name
from uploads.core.slots import Accept, Slot
from uploads.entries.entry import UploadEntry
from uploads.errors import SENTENCES, UploadError


def test_every_message_and_error_code_is_documented() -> None:
    page = Path(__file__).resolve().parents[4] / "docs" / "protocol.md"
    if not page.exists():
        pytest.skip("this copy of the package came without the site's docs")
    text = page.read_text()
    slot = Slot(name="doc", accept=Accept.parse(""))
    entry = UploadEntry("0" * 32, "r", slot, parse_name("a.txt"), 1)
    sent = [
        messages.config({}, 1, 1),
        messages.registered(entry, 1),
        messages.resumed(entry, 1, "", 0),
        messages.not_resumed("r", UploadError("locked")),
        messages.progress([], 1, 1),
        messages.signed("r", {}),
        messages.ready(entry),
        messages.cancelled("r"),
        messages.consumed("r"),
        messages.delayed("r", UploadError("busy")),
        messages.stuck("r", UploadError("busy", lasts=True)),
        messages.error("r", UploadError("empty"), 1),
    ]
    types = {message["type"] for message in sent} | set(messages.CLIENT)
    builders = {name for name in vars(messages) if getattr(vars(messages)[name], "__module__", "") == messages.__name__}
    assert len(sent) == len(builders - {"ref", "numbers"}), "a message was added: list it here too"
    fields = {field for message in sent for field in message} | {f for kind in messages.CLIENT.values() for f in kind}
    for word in [*types, *fields, *slot.describe(), *SENTENCES]:
        assert f"`{word}`" in text, f"{word} is missing"
