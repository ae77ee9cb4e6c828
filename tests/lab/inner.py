"""A network inside the test network, for a server that must be root: :func:`start_inner`, and what runs in there.

The tests' process is nobody, and what it starts has no capabilities. A server that makes TUN devices is started by
this module as a program: it enters a user namespace of its own, in which it is root, and a network namespace with one
device, whose other end the tests hold. Whatever the server routes goes through that device, so that "beyond the
gateway" is truly beyond it. Nothing can leave from there either.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from circumvent.lab.namespace import (
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    MS_PRIVATE_RECURSIVE,
    die_with_parent,
    mount,
    unshare,
    write,
)
from circumvent.lab.netlink import Netlink
from tests.lab.daemon import Daemon, Ready, start

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT: Final = Path(__file__).parent.parent.parent
#: How all devices of the tests' side are called, with a number.
DEVICE_PREFIX: Final = "inner"
#: The device on the server's side.
DEVICE: Final = "uplink0"
_PID_FILE: Final = "inner.pid"
_TIMEOUT: Final = 20.0
_LOOK_AGAIN: Final = 0.01

_RTM_NEWLINK: Final = 16
_CREATE_EXCLUSIVE: Final = 0x400 | 0x200
_IFLA_IFNAME: Final = 3
_IFLA_LINKINFO: Final = 18
_IFLA_NET_NS_PID: Final = 19
_IFLA_INFO_KIND: Final = 1
_IFLA_INFO_DATA: Final = 2
_VETH_INFO_PEER: Final = 1


def start_inner(
    command: Sequence[str],
    *,
    number: int,
    directory: Path,
    addresses: Sequence[str],
    behind: Sequence[str] = (),
    forward: bool = True,
    own_folders: Sequence[str] = (),
    ready: Sequence[Ready] = (),
) -> Daemon:
    """Start a server as root of a network of its own, and wait until it answers.

    :param number: one for each server, for the name of its device.
    :param addresses: those of the server; the tests reach them through the device.
    :param behind: prefixes that the server routes, such as its clients' addresses.
    :param forward: whether its network passes packets on.
    :param own_folders: folders that it finds empty, and may write to; what else stands beside them is hidden.
    :raises DaemonFailed: when it does not come up.
    """
    pid_file = directory / _PID_FILE
    pid_file.unlink(missing_ok=True)
    plan = {"addresses": list(addresses), "forward": forward, "own_folders": list(own_folders)}
    daemon = start(
        [sys.executable, "-m", "tests.lab.inner", str(directory), json.dumps(plan), *command],
        directory=directory,
        environment={"PYTHONPATH": str(ROOT)},
        name=Path(command[0]).name,
    )
    try:
        _wait(pid_file.exists)
        device = f"{DEVICE_PREFIX}{number}"
        _join(device, int(pid_file.read_text()))
        with Netlink() as netlink:
            netlink.link_up(device)
            if any(":" in address for address in addresses):
                # Neighbours are asked for from an address of the device itself (RFC 4861, section 7.2.2).
                netlink.add_address(device, f"fd78:{number}::1")
            for prefix in (*(f"{address}/{128 if ':' in address else 32}" for address in addresses), *behind):
                netlink.add_route(prefix, device=device)
        daemon.wait_until(ready)
    except BaseException:
        daemon.stop()
        raise
    return daemon


def _join(device: str, pid: int) -> None:
    """Make a pair of devices: one here, the other in the network of a process."""
    peer = (
        bytes(16)
        + _attribute(_IFLA_IFNAME, DEVICE.encode() + b"\0")
        + _attribute(_IFLA_NET_NS_PID, struct.pack("=I", pid))
    )
    link = _attribute(_IFLA_INFO_KIND, b"veth") + _attribute(
        _IFLA_INFO_DATA, _attribute(_VETH_INFO_PEER, peer)
    )
    message = bytes(16) + _attribute(_IFLA_IFNAME, device.encode() + b"\0") + _attribute(_IFLA_LINKINFO, link)
    with Netlink() as netlink:
        netlink._ask(_RTM_NEWLINK, _CREATE_EXCLUSIVE, message)


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _wait(done: Callable[[], bool]) -> None:
    limit = time.monotonic() + _TIMEOUT
    while not done():
        if time.monotonic() > limit:
            raise TimeoutError("the inner network did not come up")
        time.sleep(_LOOK_AGAIN)


def _device_is_there() -> bool:
    return DEVICE in {name for _, name in socket.if_nameindex()}


def main(directory: str, plan: str, *command: str) -> None:
    """Enter the namespaces, wait for the device, furnish files and network, and become the server."""
    given = json.loads(plan)
    uid, gid = os.geteuid(), os.getegid()
    unshare(CLONE_NEWUSER)
    write("/proc/self/setgroups", "deny")
    write("/proc/self/uid_map", f"0 {uid} 1")
    write(
        "/proc/self/gid_map", f"{gid} {gid} 1"
    )  # not root's: who has that tries setgroups(2), which is denied
    unshare(CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID)
    mount("none", "/", MS_PRIVATE_RECURSIVE)
    for parent in {Path(folder).parent for folder in given["own_folders"]}:
        mount("tmpfs", str(parent), 0, kind="tmpfs")
    for folder in given["own_folders"]:
        Path(folder).mkdir()
    partial = Path(directory, _PID_FILE + ".part")
    partial.write_text(str(os.getpid()))
    partial.rename(Path(directory, _PID_FILE))
    _wait(_device_is_there)
    _furnish(given["addresses"], "1" if given["forward"] else "0")
    # Servers leave the process group by which they would be ended (ocserv does). What runs in a process namespace ends
    # with its first process, and that one with this.
    server = os.fork()
    if server == 0:
        die_with_parent(0)  # which lives outside and has no number in here
        os.execvp(command[0], command)
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(server, 0)[1]))


def _furnish(addresses: list[str], forward: str) -> None:
    write("/proc/sys/net/ipv4/ip_forward", forward)
    write("/proc/sys/net/ipv6/conf/all/forwarding", forward)
    write(f"/proc/sys/net/ipv4/conf/{DEVICE}/proxy_arp", "1")
    write(f"/proc/sys/net/ipv4/neigh/{DEVICE}/proxy_delay", "0")  # else up to 0.8 s pass before an answer
    with Netlink() as netlink:
        netlink.link_up("lo")
        netlink.link_up(DEVICE)
        for address in addresses:
            netlink.add_address(DEVICE, address)
        netlink.add_route("0.0.0.0/0", device=DEVICE)
        netlink.add_route("::/0", device=DEVICE)


if __name__ == "__main__":
    main(*sys.argv[1:])
