"""Which extension means which MIME type, on every machine: the system's own table differs from one to the next."""

from __future__ import annotations

import mimetypes
from typing import Final

# A line has the spellings of one extension.
_TABLE: Final = """
image/jpeg .jpg .jpeg .jpe .jfif .pjpeg .pjp
image/png .png
image/apng .apng
image/gif .gif
image/webp .webp
image/avif .avif
image/heic .heic
image/heif .heif .hif
image/avif .avifs
image/heic-sequence .heics
image/heif-sequence .heifs
image/tiff .tif .tiff
image/bmp .bmp .dib
image/jxl .jxl
image/jp2 .jp2
image/svg+xml .svg
image/vnd.microsoft.icon .ico
image/vnd.adobe.photoshop .psd
image/x-adobe-dng .dng
video/mp4 .mp4 .m4v
video/quicktime .mov .qt
video/webm .webm
video/mpeg .mpg .mpeg .mpe
video/ogg .ogv
video/3gpp .3gp .3gpp
video/x-matroska .mkv
video/x-msvideo .avi
video/x-ms-wmv .wmv
audio/mpeg .mp3
audio/mp4 .m4a .m4b
audio/aac .aac
audio/wav .wav .wave
audio/ogg .ogg .oga .opus
audio/flac .flac
audio/webm .weba
audio/aiff .aif .aiff .aifc
audio/midi .mid .midi
text/plain .txt .text
text/csv .csv
text/tab-separated-values .tsv
text/markdown .md .markdown
text/html .html .htm
text/calendar .ics
text/vcard .vcf .vcard
application/json .json
application/geo+json .geojson
application/gpx+xml .gpx
application/yaml .yaml .yml
application/pdf .pdf
application/rtf .rtf
application/epub+zip .epub
application/msword .doc
application/vnd.ms-excel .xls
application/vnd.ms-powerpoint .ppt
application/vnd.openxmlformats-officedocument.wordprocessingml.document .docx
application/vnd.openxmlformats-officedocument.spreadsheetml.sheet .xlsx
application/vnd.openxmlformats-officedocument.presentationml.presentation .pptx
application/vnd.oasis.opendocument.text .odt
application/vnd.oasis.opendocument.spreadsheet .ods
application/vnd.oasis.opendocument.presentation .odp
application/zip .zip
application/gzip .gz
application/gzip .tgz .tar.gz
application/x-tar .tar
application/x-7z-compressed .7z
application/vnd.rar .rar
application/x-bzip2 .bz2
application/x-xz .xz
font/ttf .ttf
font/otf .otf
font/woff .woff
font/woff2 .woff2
model/stl .stl
model/gltf-binary .glb
"""
_ROWS: Final = [line.split() for line in _TABLE.split("\n") if line]
_TYPES: Final = {extension: mime for mime, *extensions in _ROWS for extension in extensions}
_SPELLINGS: Final = [set(extensions) for _mime, *extensions in _ROWS]
# Other names of the same, as old servers, Windows and habit have them.
_ALIASES: Final = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/tif": "image/tiff",
    "image/x-icon": "image/vnd.microsoft.icon",
    "video/x-m4v": "video/mp4",
    "video/avi": "video/x-msvideo",
    "audio/mp3": "audio/mpeg",
    "audio/m4a": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/x-aiff": "audio/aiff",
    "text/rtf": "application/rtf",
    "application/csv": "text/csv",
    "application/x-pdf": "application/pdf",
    "application/x-gzip": "application/gzip",
    "application/x-zip-compressed": "application/zip",
    "application/x-rar-compressed": "application/vnd.rar",
}


def type_of(extension: str) -> str:
    """The MIME type that an extension (lower-case, with its dot) means, or "" for one that we don't know."""
    return _TYPES.get(extension) or mimetypes.types_map.get(extension, "")


def fits(mime: str, wanted: str) -> bool:
    """Whether a type is what an `accept` names: itself under any of its names, or one of `image/*`."""
    family = wanted.removesuffix("*")
    if family != wanted:
        return wanted == "*/*" or mime.startswith(family)
    return mime == _ALIASES.get(wanted, wanted)


def is_known(wanted: str) -> bool:
    """Whether there is an extension whose type is what an `accept` names."""
    return any(fits(mime, wanted) for mime in {*_TYPES.values(), *mimetypes.types_map.values()})


def is_spelling(extension: str, other: str) -> bool:
    """Whether two extensions are the same one, like `.jpg` and `.jpeg`."""
    return extension == other or any({extension, other} <= spellings for spellings in _SPELLINGS)
