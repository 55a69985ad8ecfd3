"""seccomp: the system calls that a decoder has no use for fail from here on, whatever it has become. See seccomp(2).

A list of what is forbidden, not of what is allowed: a decoder's libraries change what they call with each release. It
names whole families, and answers all that Linux has got since 5.1 as an older kernel would, so that nothing new slips
through. The filter is a few dozen instructions of classic BPF, written here: bindings aren't kept up to date.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from typing import Final

# Numbers on x86-64 and on arm64; None where the call doesn't exist.
_FORBIDDEN: Final[dict[str, tuple[int | None, int | None]]] = {
    # Sockets, of any family: the network, and the Unix sockets of databases
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
    # Other processes: their memory, their signals, their limits, and more of them
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "sched_setaffinity": (203, 122),
    "sched_setparam": (142, 118),
    "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "execve": (59, 221),
    "execveat": (322, 281),
    # Memory and messages that are shared with them
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "msgctl": (71, 187),
    "semget": (64, 190),
    "semop": (65, 193),
    "semctl": (66, 191),
    "semtimedop": (220, 192),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
    # What files are called, whose they are, and who may open them: Landlock has no word on the latter
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "truncate": (76, 45),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "link": (86, None),
    "linkat": (265, 37),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "rename": (82, None),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "unlink": (87, None),
    "unlinkat": (263, 35),
    "mkdir": (83, None),
    "mkdirat": (258, 34),
    "rmdir": (84, None),
    "inotify_init": (253, None),
    "inotify_init1": (294, 26),
    "fanotify_init": (300, 262),
    # The machine, and the parts of the kernel in which its faults are found
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "setns": (308, 268),
    "unshare": (272, 97),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "syslog": (103, 116),
    "iopl": (172, None),
    "ioperm": (173, None),
    "personality": (135, 92),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "adjtimex": (159, 171),
    "clock_adjtime": (305, 266),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
}
# Unless the limits allow more processes. Threads are made by `clone` as well: its flags, the first argument, tell.
_FORKING: Final[dict[str, tuple[int | None, int | None]]] = {"fork": (57, None), "vfork": (58, None)}
_CLONE: Final[dict[str, tuple[int, int]]] = {"clone": (56, 220)}
_CLONE_THREAD: Final = 0x10000
# Allowed if their first argument is this process: a crash is a signal to oneself, and a limit may be read.
_ON_ITSELF: Final[dict[str, tuple[int, int]]] = {"kill": (62, 129), "tgkill": (234, 131)}
_ON_NOBODY_ELSE: Final[dict[str, tuple[int, int]]] = {"prlimit64": (302, 261)}  # 0 is who calls
_FIRST_NEW: Final = 424  # from here on the numbers are the same everywhere
_HARMLESS_NEW: Final = (436, 437, 439)  # close_range, openat2, faccessat2
_X32: Final = 0x40000000  # x86-64's other table of calls

_MACHINES: Final = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # the column above, and AUDIT_ARCH_…

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, …
_HAS_BITS: Final = 0x45  # BPF_JMP|BPF_JSET|BPF_K
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data; the argument's low half
_ALLOW, _KILL, _FAIL = 0x7FFF0000, 0x80000000, 0x00050000
_PR_SET_SECCOMP, _MODE_FILTER = 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def is_there() -> bool:
    """Whether the kernel takes filters, and the numbers of this machine's calls are known here."""
    return platform.machine() in _MACHINES and _set(None) == errno.EFAULT  # and not EINVAL: it looked for the filter


def restrict(*, may_fork: bool, may_thread: bool = False) -> None:
    """Needs that it `is_there`, and no-new-privileges; can't be taken back."""
    code = program(platform.machine(), os.getpid(), may_fork=may_fork, may_thread=may_thread)
    if failure := _set(_Program(len(code) // 8, code)):
        raise OSError(failure, os.strerror(failure))


def _set(filter_: _Program | None) -> int:
    """The kernel's answer, 0 for success."""
    libc = ctypes.CDLL(None, use_errno=True)
    given = None if filter_ is None else ctypes.byref(filter_)
    return ctypes.get_errno() if libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_MODE_FILTER), given, 0, 0) else 0


def program(machine: str, pid: int, *, may_fork: bool, may_thread: bool = False) -> bytes:
    """The filter for the process `pid`, on one of the machines whose numbers are known."""
    column, architecture = _MACHINES[machine]
    forbidden = _FORBIDDEN if may_fork else _FORBIDDEN | _FORKING
    refused = [_FAIL | errno.EPERM, *_numbers(forbidden, column)]
    refused += [] if may_fork or may_thread else _numbers(_CLONE, column)
    return b"".join(
        [
            _step(_LOAD, _ARCHITECTURE),
            _step(_EQUAL, architecture, then=1),
            _step(_RETURN, _KILL),
            _step(_LOAD, _NUMBER),
            _step(_AT_LEAST, _X32, otherwise=1),
            _step(_RETURN, _FAIL | errno.ENOSYS),
            *_answer(_ALLOW, [*_HARMLESS_NEW, *((435,) if may_fork else ())]),  # clone3
            _step(_AT_LEAST, _FIRST_NEW, otherwise=1),
            _step(_RETURN, _FAIL | errno.ENOSYS),
            *_answer(refused[0], refused[1:]),
            *([] if may_fork else _only_threads(_CLONE["clone"][column])),
            *_only_about(pid, _numbers(_ON_ITSELF, column)),
            *_only_about(0, _numbers(_ON_NOBODY_ELSE, column)),
            _step(_RETURN, _ALLOW),
        ]
    )


def _numbers(calls: dict[str, tuple[int | None, int | None]] | dict[str, tuple[int, int]], column: int) -> list[int]:
    return [number for each in calls.values() if (number := each[column]) is not None]


def _answer(answer: int, numbers: list[int]) -> list[bytes]:
    return [step for number in numbers for step in (_step(_EQUAL, number, otherwise=1), _step(_RETURN, answer))]


def _only_threads(number: int) -> list[bytes]:
    check = [
        _step(_LOAD, _FIRST_ARGUMENT),
        _step(_HAS_BITS, _CLONE_THREAD, then=1),
        _step(_RETURN, _FAIL | errno.EPERM),
        _step(_RETURN, _ALLOW),
    ]
    return [_step(_EQUAL, number, otherwise=len(check)), *check]


def _only_about(pid: int, numbers: list[int]) -> list[bytes]:
    """Each answers, so that the number of the call may be overwritten."""
    check = [
        _step(_LOAD, _FIRST_ARGUMENT),
        _step(_EQUAL, pid, then=1),
        _step(_RETURN, _FAIL | errno.EPERM),
        _step(_RETURN, _ALLOW),
    ]
    return [step for number in numbers for step in (_step(_EQUAL, number, otherwise=len(check)), *check)]


def _step(code: int, operand: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    """One struct sock_filter; `then` and `otherwise` are how many instructions a comparison jumps over."""
    return struct.pack("<HBBI", code, then, otherwise, operand)
