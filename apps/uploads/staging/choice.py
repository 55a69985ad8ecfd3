"""Where plain slots stage: on this machine's disk, or where an optional folder offers, as `UPLOADS["STAGING"]` says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO, Final, Protocol, TypeAlias

from django.core.exceptions import ImproperlyConfigured

from uploads.conf import conf
from uploads.core.contracts import Entry, Presigner, Sink
from uploads.errors import UploadError
from uploads.staging.files import StagingFile

SinkFactory: TypeAlias = Callable[[Entry], Sink]


class Chunks(Protocol):
    """A file that comes in numbered chunks, in any order and several at a time. All methods block."""

    @property
    def is_on_disk(self) -> bool:
        """Whether they are on this machine's disk."""

    def has(self, index: int) -> bool:
        """Whether a chunk is here already."""

    def place(self, index: int, chunk_size: int, chunk: IO[bytes]) -> int:
        """Places a chunk unless it is here already; how many are here now.

        Raises `UploadError`: `bad_body` if the others have another size, `unknown_ref` if there is no such file.
        """

    def place_last(self, index: int, length: int, most: int, chunk: IO[bytes]) -> int:
        """The same for the last chunk of a file whose size nobody has told: with its `length` bytes the file ends.

        Raises `UploadError("too_large")` as well, if that would be more than `most` bytes.
        """

    def seal(self) -> int:
        """No more are placed; the bytes of the file. Raises `UploadError("unknown_ref")` unless every chunk is here."""

    def pieces(self, offset: int) -> Iterator[bytes]:
        """What has to be written to the upload's sink from there on: nothing, if the chunks are in its place."""

    def remove(self) -> None:
        """They have been put together, or nobody wants them any more."""


ChunksFactory: TypeAlias = Callable[[str, int, int, float], Chunks]
"""Called with an upload's id, the number of its chunks, the bytes of each, and the time when it began."""

DISK: Final = "disk"


def _on_disk(entry: Entry) -> Sink:
    return StagingFile(entry.upload.id, entry.upload.size)


_places: Final[dict[str, SinkFactory]] = {DISK: _on_disk}


_chunks: Final[dict[str, ChunksFactory]] = {}
_presigners: Final[dict[str, Callable[[], Presigner]]] = {}


def register(name: str, make: SinkFactory, make_chunks: ChunksFactory, make_presigner: Callable[[], Presigner]) -> None:
    """Offers another place under `name`. A declaration, for the `ready` of a folder."""
    _places[name], _chunks[name], _presigners[name] = make, make_chunks, make_presigner


def names() -> list[str]:
    return sorted(_places)


def presigner_for(slot: str) -> Presigner | None:
    """If browsers send such a slot's files straight to where it stages, as `UPLOADS["DIRECT"]` says."""
    make = _presigners.get(conf().staging)
    return make() if make is not None and slot in conf().direct else None


def chunks_at(place: str) -> ChunksFactory:
    """Raises `UploadError("unknown_ref")` if there is no such place (any more)."""
    if place not in _chunks:
        raise UploadError("unknown_ref")
    return _chunks[place]


def sink_for(entry: Entry) -> Sink:
    """Raises `ImproperlyConfigured` if there is no such place."""
    make = _places.get(conf().staging)
    if make is None:
        raise ImproperlyConfigured(f"UPLOADS['STAGING'] is {conf().staging!r}, and there is only {', '.join(names())}.")
    return make(entry)


def is_remote() -> bool:
    """Whether what plain slots take may have to wait for something other than this machine's disk."""
    return conf().staging != DISK
