"""Run a command in a network namespace of its own that has only a loopback device.

``python tests/lab/isolated.py COMMAND ARGUMENT...``; its status is the command's. Needs no root and no package.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys
from pathlib import Path

_CLONE_NEWUSER_AND_NEWNET = 0x10000000 | 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP_RUNNING = 0x1 | 0x40


def isolate() -> None:
    """Leave the network.

    :raises OSError: where the kernel refuses.
    """
    uid, gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER_AND_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare: " + os.strerror(ctypes.get_errno()))
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{uid or 65534} {uid} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{gid or 65534} {gid} 1", encoding="ascii")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", _IFF_UP_RUNNING))


def main() -> None:
    """Leave the network, then become the command."""
    isolate()
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
