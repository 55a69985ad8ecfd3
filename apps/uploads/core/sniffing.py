"""What a file is, read off its first bytes. The name and the type a client claims decide nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from uploads.errors import UploadError
from uploads.sentences import Sentence
from uploads.sentences import gettext_noop as _

SNIFF_BYTES: Final = 4096  # how many leading bytes `sniff` may want; a shorter file is given whole


@dataclass(frozen=True, slots=True)
class FileType:
    """A type with a known signature: `extension` is the one we store, `aliases` are those that may name it.

    `called` is what a file of it is to a visitor.
    """

    key: str
    mime: str
    extension: str
    aliases: tuple[str, ...]
    called: str = _("a file of that kind")


JPEG: Final = FileType(
    "jpeg", "image/jpeg", ".jpg", (".jpg", ".jpeg", ".jpe", ".jfif", ".pjpeg", ".pjp"), _("a JPEG image")
)
PNG: Final = FileType("png", "image/png", ".png", (".png", ".apng"), _("a PNG image"))
GIF: Final = FileType("gif", "image/gif", ".gif", (".gif",), _("a GIF image"))
WEBP: Final = FileType("webp", "image/webp", ".webp", (".webp",), _("a WebP image"))
AVIF: Final = FileType("avif", "image/avif", ".avif", (".avif", ".avifs"), _("an AVIF image"))
HEIC: Final = FileType("heic", "image/heic", ".heic", (".heic", ".heif", ".hif", ".heics", ".heifs"), _("a HEIC image"))
MP4: Final = FileType("mp4", "video/mp4", ".mp4", (".mp4", ".m4v", ".mov", ".qt"), _("an MP4 or QuickTime video"))
WEBM: Final = FileType("webm", "video/webm", ".webm", (".webm",), _("a WebM video"))
PDF: Final = FileType("pdf", "application/pdf", ".pdf", (".pdf",), _("a PDF document"))
ZIP: Final = FileType(
    "zip",
    "application/zip",
    ".zip",
    (".zip", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".epub"),
)
FILE_TYPES: Final = (JPEG, PNG, GIF, WEBP, AVIF, HEIC, MP4, WEBM, PDF, ZIP)

# Run, or rendered with scripts, by a browser, a web server or a desktop: refused even by a slot that accepts `image/*`.
# fmt: off
ACTIVE_EXTENSIONS: Final = frozenset({
    ".svg", ".svgz", ".html", ".htm", ".xhtml", ".xht", ".shtml", ".shtm", ".stm", ".mht", ".mhtml", ".hta", ".htc",
    ".htaccess", ".htpasswd", ".xml", ".xsl", ".xslt", ".js", ".mjs", ".cjs", ".jse", ".css", ".wasm", ".swf",
    ".php", ".php3", ".php4", ".php5", ".php7", ".php8", ".pht", ".phtml", ".phar", ".inc", ".asp", ".aspx", ".asa",
    ".ashx", ".asmx", ".cer", ".config", ".jsp", ".jspx", ".jspf", ".war", ".jar", ".class", ".jnlp", ".cgi",
    ".fcgi", ".pl", ".py", ".pyc", ".pyw", ".rb", ".lua", ".sh", ".bash", ".zsh", ".csh", ".exe", ".com", ".dll",
    ".sys", ".scr", ".msi", ".msp", ".bat", ".cmd", ".ps1", ".psm1", ".vb", ".vbs", ".vbe", ".wsf", ".wsh", ".reg",
    ".lnk", ".url", ".desktop", ".cpl", ".pif", ".gadget", ".application", ".app", ".dmg", ".pkg", ".deb", ".rpm",
    ".apk", ".so", ".dylib", ".bin", ".elf", ".ini", ".eml", ".tpl",
})
# fmt: on

# Still pictures and their sequences in the same box format as video: of AV1, of HEVC or of what the items say, and of
# codecs that aren't offered here.
_AVIF_BRANDS: Final = frozenset(b"avif avis".split())
_HEIC_BRANDS: Final = frozenset(b"heic heix heim heis hevc hevx hevm hevs mif1 mif2 msf1".split())
_OTHER_BRANDS: Final = frozenset(b"avci avcs jpeg jpgs j2ki j2is".split())
_IMAGE_BRANDS: Final = _AVIF_BRANDS | _HEIC_BRANDS | _OTHER_BRANDS | {b"miaf"}
_EMPTY: Final = frozenset((b"free", b"skip", b"wide"))
_MARKUP: Final = re.compile(rb"<(?:!--|(?:!doctype|\?php|\?xml|body|head|html|iframe|script|svg)\b)", re.IGNORECASE)
_QUICKTIME: Final = _EMPTY | {b"pnot"}  # a preview
_EBML: Final = b"\x1a\x45\xdf\xa3"
_DOC_TYPE: Final = b"\x42\x82"


def sniff(head: bytes) -> FileType | None:
    """The type of a file that begins with `head` (its first `SNIFF_BYTES` bytes), or None for one we don't know."""
    head = head[:SNIFF_BYTES]
    return next((file_type for file_type, matches in _SIGNATURES if matches(head)), None)


def check_type(extension: str, head: bytes) -> FileType | None:
    """Checks a file's first bytes against its extension (lower-case, with the dot).

    Raises `UploadError("type_mismatch")` if they differ; None means that no signature is known for that extension.
    """
    named = _BY_EXTENSION.get(extension)
    if named is not None and sniff(head) is not named:
        text = _("It is named %(extension)s, but it isn't %(kind)s.")
        raise UploadError("type_mismatch", Sentence(text, extension=extension, kind=Sentence(named.called)))
    return named


def _starts(*magics: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magics)


def _is_webp(head: bytes) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _is_avif(head: bytes) -> bool:
    return bool(_brands(head) & _AVIF_BRANDS)


def _is_heic(head: bytes) -> bool:
    brands = _brands(head)
    return bool(brands & _HEIC_BRANDS) and not brands & (_AVIF_BRANDS | _OTHER_BRANDS)


def _is_isom(head: bytes) -> bool:
    """ISO/IEC 14496-12 §4.3: a first `ftyp` box, none of whose brands is a picture's.

    QuickTime's files are older than `ftyp`: they may begin with their media, their index or their preview, and any of
    these may come after empty space. (QuickTime File Format, "Atom layout"; `ftyp` is optional there.) Such a file
    must not hold a page as well.
    """
    size, kind = _box(head)
    if kind != b"ftyp" and _MARKUP.search(head):
        return False
    while kind in _EMPTY and 8 <= size < len(head):
        head = head[size:]
        size, kind = _box(head)
    match kind:
        case b"ftyp":
            return bool(brands := _brands(head)) and not brands & _IMAGE_BRANDS
        case b"moov":
            return size >= 16 and head[12:16].isalpha()  # the box inside
        case b"mdat":
            return size >= 8 or size == 1 and int.from_bytes(head[8:16], "big") >= 16
    return kind in _QUICKTIME and size >= 8


def _brands(head: bytes) -> set[bytes]:
    """What a first `ftyp` box says that the file can be read as."""
    size, kind = _box(head)
    if kind != b"ftyp" or not 16 <= size <= len(head):
        return set()
    return {head[8:12], *(head[at : at + 4] for at in range(16, size, 4))}


def _box(head: bytes) -> tuple[int, bytes]:
    return int.from_bytes(head[:4], "big"), head[4:8]


def _is_webm(head: bytes) -> bool:
    """RFC 8794: an EBML header whose DocType is exactly "webm"; Matroska and the rest differ only there."""
    if not head.startswith(_EBML):
        return False
    length, at = _vint(head, 4)
    end = at + length
    while at < min(end, len(head)):
        width = _vint_width(head, at)
        ident, at = head[at : at + width], at + width
        length, at = _vint(head, at)
        if ident == _DOC_TYPE:
            return head[at : at + length].rstrip(b"\0") == b"webm"
        at += length
    return False


def _vint_width(data: bytes, at: int) -> int:
    """How many bytes (1 to 9) the EBML number at `at` takes: the leading zero bits say so."""
    return 9 - data[at].bit_length() if at < len(data) else 1


def _vint(data: bytes, at: int) -> tuple[int, int]:
    """An EBML length and the position after it."""
    width = _vint_width(data, at)
    value = int.from_bytes(data[at : at + width], "big")
    return value & ((1 << 7 * width) - 1), at + width


_SIGNATURES: Final[tuple[tuple[FileType, Callable[[bytes], bool]], ...]] = (
    (JPEG, _starts(b"\xff\xd8\xff")),
    (PNG, _starts(b"\x89PNG\r\n\x1a\n")),
    (GIF, _starts(b"GIF87a", b"GIF89a")),
    (WEBP, _is_webp),
    (AVIF, _is_avif),
    (HEIC, _is_heic),
    (MP4, _is_isom),
    (WEBM, _is_webm),
    (PDF, _starts(b"%PDF-")),
    (ZIP, _starts(b"PK\x03\x04", b"PK\x05\x06")),
)
_BY_EXTENSION: Final = {alias: file_type for file_type in FILE_TYPES for alias in file_type.aliases}
