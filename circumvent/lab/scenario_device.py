"""Gives the client's network device another name, as a VPN program would have given it."""

from __future__ import annotations

import fcntl
import socket
import struct
from typing import TYPE_CHECKING, Final

from circumvent.lab.netlink import Netlink
from circumvent.lab.wire import DEVICE

if TYPE_CHECKING:
    from collections.abc import Sequence

# linux/sockios.h, linux/if.h
_SIOCSIFFLAGS: Final = 0x8914
_SIOCSIFNAME: Final = 0x8923
_LONGEST_NAME: Final = 15


def rename(name: str, addresses: Sequence[str], *, mtu: int) -> None:
    """Rename the wire's device in the network of this thread; it gets its addresses and routes again.

    :raises ValueError: when no device can have such a name.
    :raises OSError: when the kernel refuses.
    """
    if not (name.isascii() and name.isalnum() and len(name) <= _LONGEST_NAME):
        raise ValueError(f"{name!r} is no name of a network device")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        # A device is renamed while it is down, and then it has no addresses.
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH22x", DEVICE.encode(), 0))
        fcntl.ioctl(control, _SIOCSIFNAME, struct.pack("16s16s8x", DEVICE.encode(), name.encode()))
    with Netlink() as netlink:
        netlink.link_up(name, mtu=mtu)
        for address in addresses:
            netlink.add_address(name, address)
        for family, everything in ((".", "0.0.0.0/0"), (":", "::/0")):
            if any(family in address for address in addresses):
                netlink.add_route(everything, device=name)
