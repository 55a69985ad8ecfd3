"""Landlock: from here on, this process reaches no files but those it names. Linux 5.13 and later; see landlock(7).

Python has no binding, and none is needed: it is three system calls, which nobody has to have permission for. Later
kernels let it shut off more: TCP, abstract Unix sockets, and signals to processes outside.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # on every architecture
_VERSION: Final = 1  # a flag: asks which version the kernel has
_PATH_BENEATH: Final = 1

_WRITE_FILE, _READ_FILE, _READ_DIR, _TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 14
_ALL_FILES: Final = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}  # rights, since a version
_ALL_TCP, _ALL_SCOPES = 0b11, 0b11  # since versions 4 and 6


class _Ruleset(ctypes.Structure):
    """What is forbidden unless a rule allows it."""

    _pack_ = 1
    _fields_ = (("files", ctypes.c_uint64), ("tcp", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("path", ctypes.c_int32))


def version() -> int:
    """Which version the kernel has; 0 if it has none, if it is switched off, or if a container forbids it."""
    try:
        return _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    except OSError:
        return 0


def restrict(reads: Iterable[Path], writes: Iterable[Path]) -> None:
    """Leaves these files and folders to read, and these files to read and write; nothing else, and nobody to signal.

    A path that isn't there is passed over. Needs a `version`, and no-new-privileges; can't be taken back.
    """
    here = version()
    files = _ALL_FILES[max(since for since in _ALL_FILES if since <= here)]
    ruleset = _Ruleset(files, _ALL_TCP if here >= 4 else 0, _ALL_SCOPES if here >= 6 else 0)
    size = 8 if here < 4 else 16 if here < 6 else 24  # an older kernel knows the first fields only
    rules = _call(_CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for path in reads:
            _allow(rules, path, files & (_READ_FILE | _READ_DIR))
        for path in writes:
            _allow(rules, path, files & (_READ_FILE | _WRITE_FILE | _TRUNCATE))
        _call(_RESTRICT_SELF, ctypes.c_int(rules), ctypes.c_uint32(0))
    finally:
        os.close(rules)


def _allow(rules: int, path: Path, rights: int) -> None:
    try:
        found = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        if not path.is_dir():
            rights &= ~_READ_DIR
        rule = _Beneath(rights, found)
        _call(_ADD_RULE, ctypes.c_int(rules), ctypes.c_int(_PATH_BENEATH), ctypes.byref(rule), ctypes.c_uint32(0))
    finally:
        os.close(found)


def _call(number: int, *arguments: object) -> int:
    """glibc has no names for these."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    result = int(libc.syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
