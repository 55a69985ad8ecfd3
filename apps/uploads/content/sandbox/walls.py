"""The walls between a child and everything that isn't its job: each is the kernel's, and of each it may have none.

| wall | keeps from a decoder that was taken over |
| --- | --- |
| landlock | files that the job didn't name, `/proc` and so the server's memory and environment among them |
| seccomp | sockets, other processes, and what of the kernel a decoder has no use for |
| network | a network: its namespace has no interfaces |

They overlap, so that most attempts meet two. Beside them stand the limits of `ChildLimits`, and that neither server nor
zygote can be looked into (`hide`). Run as a program it tries to put up each wall, and names those that it couldn't.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from uploads.content.sandbox import landlock, seccomp

WALLS: Final = ("network", "landlock", "seccomp")  # in the order in which they go up

_LINUX: Final = sys.platform == "linux"
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 4, 38
_CAPABILITIES: Final = 0x20080522, 0  # _LINUX_CAPABILITY_VERSION_3, of this process
_DAC_OVERRIDE: Final = 1 << 1


def isolate() -> None:
    """No network, and no way to more privileges: for the zygote, before its first child."""
    if _LINUX:
        _leave_network()
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        hide()


def confine(reads: Iterable[Path], writes: Iterable[Path], *, may_fork: bool, may_thread: bool = False) -> None:
    """This process reaches these files and nothing else. What the kernel has no wall for stays as it is.

    Raises `OSError` if a wall that it has can't be put up.
    """
    if _LINUX:
        _drop_capabilities()
        if landlock.version():
            landlock.restrict([*reads, *_code()], writes)
        if seccomp.is_there():
            seccomp.restrict(may_fork=may_fork, may_thread=may_thread)


def hide() -> None:
    """From now on no other process of the same user can read this one's memory or environment, or trace it.

    Nor does a crash write its memory to a file. Whoever has to debug it has to be root.
    """
    if _LINUX:
        _prctl(_PR_SET_DUMPABLE, 0)


def show() -> None:
    """Undoes `hide`, for as long as a process has to write to its own folder in /proc."""
    if _LINUX:
        _prctl(_PR_SET_DUMPABLE, 1)


def missing() -> list[str]:
    """Of `WALLS`, those that this process can't have. It has the others afterwards: for a process made to try."""
    if not _LINUX:
        return list(WALLS)
    found = {"network": _leave_network(), "landlock": landlock.version() > 0, "seccomp": seccomp.is_there()}
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    confine([], [], may_fork=False)
    return [wall for wall in WALLS if not found[wall]]


def _code() -> list[Path]:
    """Where a decoder may find modules that it imports late. There are no secrets in them."""
    packages = [getattr(sys.modules.get(name), "__file__", None) for name in ("os", "PIL", "pillow_heif", "av")]
    return [Path(file).parent for file in packages if file]


def _leave_network() -> bool:
    """Without root that takes a user namespace as well; a container may allow neither."""
    return not _libc().unshare(_CLONE_NEWNET if os.geteuid() == 0 else _CLONE_NEWUSER | _CLONE_NEWNET)


def _drop_capabilities() -> None:
    """Those of root, or of a namespace of one's own. The one that is left opens files of other users for root."""
    held = ctypes.create_string_buffer(24)
    _expect(_libc().capget(struct.pack("<Ii", *_CAPABILITIES), held))
    effective, permitted, *_ = struct.unpack("<6I", held.raw)
    kept = struct.pack("<6I", effective & _DAC_OVERRIDE, permitted & _DAC_OVERRIDE, 0, 0, 0, 0)
    _expect(_libc().capset(struct.pack("<Ii", *_CAPABILITIES), kept))


def _prctl(option: int, value: int) -> None:
    _expect(_libc().prctl(option, value, 0, 0, 0))


def _expect(result: int) -> None:
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


if __name__ == "__main__":
    print(*missing())  # noqa: T201
