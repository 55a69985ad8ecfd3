"""Headers, parsed strictly: ASCII digits within bounds, base64 as specified, nothing else."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any, Final

from uploads.http_errors import refusal

MOST: Final = 2**53 - 1  # the largest integer that is exact in JavaScript
MAX_METADATA: Final = 8000  # characters: Uppy sends a long name three times. It is stored in the upload's record

_BLANKS: Final = " \t"  # RFC 9110 §5.6.3; Python's own idea of white space goes further
_DIGITS: Final = re.compile(r"[0-9]{1,16}")
_KEY: Final = re.compile(r"[!-+\--~]{1,100}")  # visible ASCII without the comma


class Headers:
    """The headers of one request by lower-case name. A repeated one has its values joined, as HTTP allows."""

    def __init__(self, scope: dict[str, Any]) -> None:
        self._values: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1").strip(_BLANKS)
            self._values[name] = f"{self._values[name]}, {value}" if name in self._values else value

    def get(self, name: str) -> str | None:
        return self._values.get(name)

    def text(self, name: str) -> str:
        return self._values.get(name, "")

    def number(self, name: str) -> int | None:
        """None if it is absent. Raises `UploadError("bad_header")` for anything but a whole number up to 2⁵³ − 1."""
        value = self._values.get(name)
        if value is None:
            return None
        if not _DIGITS.fullmatch(value) or int(value) > MOST:
            raise refusal("bad_header")
        return int(value)

    def expect_number(self, name: str) -> int:
        number = self.number(name)
        if number is None:
            raise refusal("bad_header")
        return number

    @property
    def content_type(self) -> str:
        """Without parameters, in lower case."""
        return self.text("content-type").partition(";")[0].strip().lower()

    def refuse_coding(self) -> None:
        """Raises `UploadError("unsupported")` for a compressed body: offsets count the bytes of the file."""
        if self.text("content-encoding").lower() not in ("", "identity"):
            raise refusal("unsupported")


def parse_metadata(raw: str) -> dict[str, str]:
    """tus' `Upload-Metadata`: `key base64, key base64, key`. (tus 1.0, "Upload-Metadata".)

    Clients may leave a comma at the end, or more than one blank in between. Raises `UploadError`: `bad_header` for a
    repeated or invalid key, for a value that isn't base64 of UTF-8, and for anything but visible ASCII, as it is sent
    back as it came; `header_too_long` for more than is stored.
    """
    if len(raw) > MAX_METADATA:
        raise refusal("header_too_long")
    if not (raw.isascii() and raw.isprintable()):
        raise refusal("bad_header")
    found: dict[str, str] = {}
    for pair in filter(None, map(str.strip, raw.split(","))):
        key, _, value = pair.partition(" ")
        value = value.lstrip()
        if not _KEY.fullmatch(key) or key in found:
            raise refusal("bad_header")
        found[key] = _decode(value).decode(errors="replace") if key not in ("filename", "name") else _text(value)
    return found


@dataclass(frozen=True, slots=True)
class Checksum:
    """`Upload-Checksum: sha1 …`."""

    algorithm: str
    digest: bytes


ALGORITHMS: Final = ("sha1", "sha256")


def parse_checksum(raw: str | None) -> Checksum | None:
    """Raises `UploadError("unknown_algorithm")`, or `UploadError("bad_header")` for a value that isn't base64."""
    if raw is None:
        return None
    algorithm, _, value = raw.partition(" ")
    if algorithm not in ALGORITHMS:
        raise refusal("unknown_algorithm")
    return Checksum(algorithm, _decode(value))


def _text(value: str) -> str:
    try:
        return _decode(value).decode()
    except UnicodeDecodeError:
        raise refusal("bad_header") from None


def _decode(value: str) -> bytes:
    try:
        return base64.b64decode(value.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise refusal("bad_header") from None
