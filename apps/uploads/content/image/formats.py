"""Which kinds of pictures can be read here, and as what they are published."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from uploads.core.sniffing import AVIF, GIF, HEIC, JPEG, PNG, WEBP, FileType
from uploads.errors import UploadError
from uploads.sentences import Sentence, one_of
from uploads.sentences import gettext_noop as _

_KINDS: Final = {kind.key: kind for kind in (JPEG, PNG, WEBP, GIF, AVIF, HEIC)}
_NAMES: Final = {"jpeg": "JPEG", "png": "PNG", "webp": "WebP", "gif": "GIF", "avif": "AVIF", "heic": "HEIC"}
# The module that decodes it, where it may be missing: Pillow can be built without, and pillow-heif is an option.
_DECODERS: Final = {"avif": "PIL._avif", "heic": "pillow_heif"}
# The names that file choosers are told; an `accept` has other spellings by itself.
_EXTENSIONS: Final = {"jpeg": (".jpg", ".jpeg"), "heic": (".heic", ".heif", ".hif")}


def is_readable(kind: str) -> bool:
    module = _DECODERS.get(kind)
    return module is None or find_spec(module) is not None


def check(kind: str) -> None:
    """Raises `UploadError` for a kind of pictures that can't be read here."""
    if not is_readable(kind):
        text = _("This kind of picture isn't supported. Choose a %(kind)s.")
        raise UploadError("bad_ext", Sentence(text, kind=readable(*_NAMES)))


def accept(*kinds: str) -> str:
    """An `accept` for those of these kinds of pictures that can be read here: `accept("jpeg", "heic")`."""
    readable = [kind for kind in kinds if is_readable(kind)]
    return ",".join(extension for kind in readable for extension in _EXTENSIONS.get(kind, (_KINDS[kind].extension,)))


def readable(*kinds: str) -> Sentence:
    """For people, what `accept` is for browsers: "JPEG, PNG or HEIC"."""
    return one_of([_NAMES[kind] for kind in kinds if is_readable(kind)])


def published(kind: str) -> str:
    """The kind that "same" is in a `Rendition`: WebP for what not every browser shows."""
    return "webp" if kind in _DECODERS else kind


def published_type(given: FileType) -> FileType:
    return _KINDS[published(given.key)]
