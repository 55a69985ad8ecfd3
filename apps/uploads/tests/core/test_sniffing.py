from __future__ import annotations

import pytest

from uploads.core.names import parse_name
from uploads.core.sniffing import ACTIVE_EXTENSIONS, FILE_TYPES, SNIFF_BYTES, check_type, sniff
from uploads.errors import UploadError
from uploads.tests.corpus import Corpus


def ftyp(*brands: bytes, size: int | None = None) -> bytes:
    major, *compatible = brands
    body = b"ftyp" + major + bytes(4) + b"".join(compatible)
    return (len(body) + 4 if size is None else size).to_bytes(4, "big") + body


def box(kind: bytes, body: bytes = b"", size: int | None = None) -> bytes:
    return (len(body) + 8 if size is None else size).to_bytes(4, "big") + kind + body


def ebml(*elements: tuple[bytes, bytes]) -> bytes:
    body = b"".join(ident + bytes([0x80 | len(value)]) + value for ident, value in elements)
    return b"\x1a\x45\xdf\xa3" + bytes([0x80 | len(body)]) + body


@pytest.mark.parametrize(
    ("head", "key"),
    [
        (b"\xff\xd8\xff\xdb", "jpeg"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"GIF87a", "gif"),
        (b"GIF89a", "gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
        (ftyp(b"isom", b"isom", b"avc1"), "mp4"),
        (ftyp(b"qt  ", b"qt  "), "mp4"),
        (box(b"moov", box(b"mvhd", bytes(100))), "mp4"),
        (box(b"wide") + box(b"mdat", size=1_000_000), "mp4"),
        (box(b"mdat", (1 << 33).to_bytes(8, "big"), size=1), "mp4"),
        (box(b"free", bytes(600)) + box(b"skip") + ftyp(b"qt  "), "mp4"),
        (box(b"free", bytes(SNIFF_BYTES)), "mp4"),
        (box(b"pnot", bytes(12)) + box(b"PICT", bytes(50)), "mp4"),
        (ebml((b"\x42\x86", b"\x01"), (b"\x42\x82", b"webm")), "webm"),
        (b"%PDF-1.7", "pdf"),
        (b"PK\x03\x04", "zip"),
    ],
)
def test_the_first_bytes_name_the_type(head: bytes, key: str) -> None:
    found = sniff(head)
    assert found is not None and found.key == key


@pytest.mark.parametrize(
    ("brands", "key"),
    [
        ((b"avif", b"isom"), "avif"),
        ((b"avis", b"isom"), "avif"),
        ((b"mif1", b"avif", b"miaf"), "avif"),
        ((b"heic", b"mif1", b"isom"), "heic"),
        ((b"heix", b"isom"), "heic"),
        ((b"mif1", b"isom"), "heic"),
        ((b"msf1", b"isom"), "heic"),
        ((b"mif1", b"avci"), None),
        ((b"isom", b"miaf"), None),
    ],
)
def test_a_still_picture_in_a_video_container_is_no_video(brands: tuple[bytes, ...], key: str | None) -> None:
    found = sniff(ftyp(*brands))
    assert (found and found.key) == key


@pytest.mark.parametrize(
    "size", [0, 1, 8, SNIFF_BYTES + 1], ids=["to the end", "64 bit", "no brand", "beyond the head"]
)
def test_brands_can_not_hide_behind_an_odd_box_size(size: int) -> None:
    assert sniff(ftyp(b"isom", b"isom", size=size).ljust(2 * SNIFF_BYTES, b"\0")) is None
    assert sniff(box(b"free", size=0) + ftyp(b"isom")) is None


def test_matroska_is_not_webm_even_if_it_says_so_elsewhere() -> None:
    assert sniff(ebml((b"\x42\x82", b"matroska"))) is None
    assert sniff(ebml((b"\x42\x82", b"matroska"), (b"\xec", b"\x42\x82\x84webm"))) is None
    assert sniff(ebml((b"\xec", b"\x42\x82\x84webm"))) is None


@pytest.mark.parametrize("kind", [b"moov", b"mdat", b"free", b"wide", b"pnot", b"meta", b"text"])
def test_a_word_of_quicktimes_is_no_film(kind: bytes) -> None:
    """As in a text whose second word it happens to be."""
    assert sniff(b"\0\0\0\0" + kind + b", and more of it") is None
    assert sniff(b"\0\1\0\0" + kind[:3] + b"x, and more of it") is None


@pytest.mark.parametrize("markup", [b"<!DOCTYPE html>", b"<script>", b"<svg onload=alert(1)>", b"<?php"])
def test_a_page_in_front_of_a_film_is_no_film(markup: bytes) -> None:
    for kind in (b"free", b"mdat", b"skip"):
        assert sniff(box(kind, markup + bytes(100)) + ftyp(b"isom")) is None


@pytest.mark.parametrize("head", [b"", b"\x89", b"RIFF", b"\x1a\x45\xdf\xa3", b"\x1a\x45\xdf\xa3\x84\x42", b"ftyp"])
def test_too_few_bytes_are_no_type(head: bytes) -> None:
    assert sniff(head) is None


def test_an_extension_and_the_bytes_must_agree() -> None:
    with pytest.raises(UploadError) as refused:
        check_type(".jpg", b"\x89PNG\r\n\x1a\n")
    assert refused.value.code == "type_mismatch"


def test_mov_and_mp4_are_one_family() -> None:
    for extension in (".mp4", ".mov"):
        found = check_type(extension, ftyp(b"qt  ", b"qt  "))
        assert found is not None and found.extension == ".mp4"


def test_an_extension_without_a_signature_is_not_judged() -> None:
    assert check_type(".csv", b"\x89PNG\r\n\x1a\n") is None


def test_no_type_we_know_is_active_content() -> None:
    assert not ACTIVE_EXTENSIONS & {alias for file_type in FILE_TYPES for alias in file_type.aliases}
    assert all(file_type.extension in file_type.aliases for file_type in FILE_TYPES)


def test_active_content_is_listed() -> None:
    assert {".svg", ".svgz", ".html", ".htm", ".xhtml", ".xml", ".js", ".mjs"} <= ACTIVE_EXTENSIONS
    assert {".php", ".exe", ".shtml", ".jar", ".hta", ".swf", ".htaccess"} <= ACTIVE_EXTENSIONS


def test_every_file_of_the_corpus_is_known_by_its_first_bytes(corpus: Corpus) -> None:
    wrong = []
    for entry in corpus.entries("avatars", "gallery", "videos"):
        if entry.get("code") in ("bad_name", "bad_ext", "empty"):
            continue
        try:
            known = check_type(parse_name(entry["client_name"]).extension, corpus.data(entry)[:SNIFF_BYTES])
            got = None if known else "unknown"
        except UploadError as error:
            got = error.code
        if got != (entry["code"] if entry.get("code") == "type_mismatch" else None):
            wrong.append((entry["name"], entry.get("code"), got))
    assert not wrong
