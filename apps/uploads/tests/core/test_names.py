from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from uploads.core import names
from uploads.core.names import MAX_FOLDER_BYTES, MAX_FOLDERS, MAX_SAFE_BYTES, parse_folder, parse_name
from uploads.errors import UploadError
from uploads.tests.corpus import Corpus


@pytest.mark.parametrize(
    ("raw", "label"),
    [
        ("../../../../etc/passwd.png", "passwd.png"),
        ("C:\\Users\\me\\x.png", "x.png"),
        ("．．／etc／x.png", "x.png"),
        ("a\x01\x1b[31mred.png", "a[31mred.png"),
        ("zero\u200bwidth\ufeff.png", "zerowidth.png"),
        ("exe\u202egpj.jpg", "exegpj.jpg"),
        ("line\nbreak\r\n\u2028.jpg", "line break   .jpg"),
        ("photo.jpg...", "photo.jpg"),
        (" .hidden.jpg ", "hidden.jpg"),
        ("👩‍👩‍👧‍👦 family.jpg", "👩‍👩‍👧‍👦 family.jpg"),
        (unicodedata.normalize("NFD", "café.jpg"), "café.jpg"),
        ("%2e%2e%2fx.jpg", "%2e%2e%2fx.jpg"),
        ("<img src=x onerror=alert(1)>.jpg", "<img src=x onerror=alert(1)>.jpg"),
    ],
)
def test_a_label_is_the_last_part_of_the_name_without_what_can_not_be_seen(raw: str, label: str) -> None:
    assert parse_name(raw).label == label


@pytest.mark.parametrize(
    ("raw", "extension"),
    [
        ("x.PnG", ".png"),
        ("photo.png.exe", ".exe"),
        ("photo.svg ", ".svg"),
        ("photo.svg.", ".svg"),
        ("photo.png\u200d", ".png"),
        ("photo\u202egnp.exe", ".exe"),
        ("photo.png;.php", ".php"),
        ("photo.png::$DATA", ""),
        ("photo.png:stream", ""),
        ("photo.png/", ""),
        (".png", ""),
        (". .png", ""),
        ("\u200d.png", ""),
        (".htaccess", ""),
        ("noextension", ""),
        ("..", ""),
    ],
)
def test_the_extension_is_read_off_the_label(raw: str, extension: str) -> None:
    assert parse_name(raw).extension == extension


@pytest.mark.parametrize(
    "raw",
    ["", "   ", "\u200b", "a\0.png", "evil.exe\0.png", "bad\ud800.png", "n" * 252 + ".png", "\ufdfa" * 20 + ".png"],
    ids=["empty", "blank", "invisible", "nul", "nul before", "surrogate", "256 characters", "360 after folding"],
)
def test_a_name_that_is_none_is_refused(raw: str) -> None:
    with pytest.raises(UploadError) as refused:
        parse_name(raw)
    assert refused.value.code == "bad_name"


def test_folders_far_out_of_a_long_path_are_not_even_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Normalising may take eighteen times as long as the text: it is done for what is kept, not for what is sent."""
    read: list[str] = []
    monkeypatch.setattr(names, "parse_name", lambda raw: read.append(raw) or parse_name(raw))

    assert parse_folder("/".join(["\ufdfa" * 160] * 50) + "/near/x.png") == "near"
    assert sum(map(len, read)) <= names.MAX_FOLDER_CHARS


def test_255_characters_are_still_a_name() -> None:
    assert parse_name("n" * 251 + ".png").extension == ".png"


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("-rf --help.jpg", "rf_--help.jpg"),
        ("shell.php.jpg", "shell_php.jpg"),
        ("C:x.png", "C_x.png"),
        ("CON.jpg", "_CON.jpg"),
        ("lpt1.txt", "_lpt1.txt"),
        ("写真 – été 📷.JPG", "写真_été.jpg"),
        ("हिन्दी.png", "हिन्दी.png"),
        ("📷.png", "file.png"),
        (".png", "png"),
        ("..", "file"),
        ("x.png::$DATA", "x_png_DATA"),
        ("{{ 7|add:7 }}.jpg", "7_add_7.jpg"),
    ],
)
def test_a_safe_name_may_reach_a_path(raw: str, safe: str) -> None:
    assert parse_name(raw).safe_name == safe


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=255))
def test_no_safe_name_is_ever_a_path_an_option_or_too_long(raw: str) -> None:
    try:
        name = parse_name(raw)
    except UploadError:
        return
    safe = name.safe_name
    assert safe and safe[0] not in ".-" and safe.endswith(name.extension)
    assert len(safe) <= 100 and len(safe.encode()) <= MAX_SAFE_BYTES
    assert safe.count(".") <= 1
    assert not any(char in "/\\:\0" or unicodedata.category(char)[0] in "CZ" for char in safe)


def test_a_long_name_keeps_its_extension() -> None:
    assert parse_name("名" * 200 + ".jpeg").safe_name == "名" * 65 + ".jpeg"
    assert parse_name("x" * 200 + ".jpeg").safe_name == "x" * 94 + ".jpeg"


def test_every_name_of_the_corpus_gets_its_outcome(corpus: Corpus) -> None:
    limits = corpus.manifest["limits"]
    wrong = []
    for entry in corpus.entries("avatars", "gallery", "videos"):
        try:
            extension = parse_name(entry["client_name"]).extension
            got = None if extension in limits[entry["app"]]["ext"] else "bad_ext"
        except UploadError as error:
            got = error.code
        want = entry.get("code") if entry.get("code") in ("bad_name", "bad_ext") else None
        if got != want:
            wrong.append((entry["client_name"], want, got))
    assert not wrong


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("", ""),
        ("sea.jpg", ""),
        ("holiday/sea.jpg", "holiday"),
        ("holiday/beach/sea.jpg", "holiday/beach"),
        ("holiday\\beach\\sea.jpg", "holiday/beach"),
        ("../../etc/passwd", "etc"),
        ("/etc//./cron.d/x", "etc/cron.d"),
        ("a/\0/b\ud800/c\u202e/x", "a/c"),
        ("．．／etc/x", "etc"),
        ("x" * 256 + "/b/x", "b"),
        ("a" * 200 + "/" + "b" * 200 + "/" + "c" * 200 + "/x", "b" * 200 + "/" + "c" * 200),
    ],
)
def test_a_folder_is_made_of_labels(path: str, folder: str) -> None:
    assert parse_folder(path) == folder


@given(st.text(max_size=300))
def test_a_folder_never_leads_up_and_has_an_end(path: str) -> None:
    folder = parse_folder(path)
    assert len(folder.encode()) <= MAX_FOLDER_BYTES
    parts = folder.split("/") if folder else []
    assert len(parts) <= MAX_FOLDERS
    assert not {"", ".", ".."} & set(parts)
