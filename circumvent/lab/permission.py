"""Whether this machine lets a laboratory be built, and what to do if not."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from circumvent.lab.namespace import Refused, contained
from circumvent.lab.wire import WireConfig, open_wire

_TUN: Final = Path("/dev/net/tun")
#: Switches of the kernel: the value that forbids, and the command that allows.
_SWITCHES: Final = (
    ("user.max_user_namespaces", "0", "sysctl user.max_user_namespaces=10000"),
    ("kernel.unprivileged_userns_clone", "0", "sysctl kernel.unprivileged_userns_clone=1"),
    (
        "kernel.apparmor_restrict_unprivileged_userns",
        "1",
        "sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
)


@dataclass(frozen=True, slots=True)
class Permission:
    """``linux`` and ``allowed``: there is a kernel that can, and it lets us. ``reason`` is its no, ``remedies`` commands."""

    linux: bool
    allowed: bool
    reason: str = ""
    remedies: tuple[str, ...] = ()


def permission() -> Permission:
    """Build the smallest laboratory, and say whether that was allowed."""
    if not sys.platform.startswith("linux"):
        return Permission(linux=False, allowed=False, reason=sys.platform)
    try:
        status = contained(_smallest)
    except (Refused, OSError) as exc:
        return Permission(linux=True, allowed=False, reason=str(exc), remedies=remedies())
    if status:
        return Permission(linux=True, allowed=False, reason="no TUN device", remedies=remedies())
    return Permission(linux=True, allowed=True)


def remedies() -> tuple[str, ...]:
    """Return the commands, for root, that allow what is forbidden here, as far as that can be read."""
    found = [command for name, value, command in _SWITCHES if _switch(name) == value]
    if not _TUN.exists():
        found.append("modprobe tun")
    elif not os.access(_TUN, os.R_OK | os.W_OK):
        found.append("chmod 666 /dev/net/tun")
    return tuple(found)


def _smallest() -> int:
    try:
        open_wire(WireConfig()).close()
    except (Refused, OSError):
        return 1
    return 0


def _switch(name: str) -> str | None:
    try:
        return Path("/proc/sys", *name.split(".", 1)).read_text("ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
