"""wireguard-go and amneziawg-go: the real peer, with a network of its own behind it.

The program is configured as its tools do it (the cross-platform interface of WireGuard: lines over a socket), from inside
its own network; :func:`main` is what runs there.
"""

from __future__ import annotations

import base64
import json
import secrets
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface
from pathlib import Path
from typing import TYPE_CHECKING, Final

from circumvent.lab.namespace import write
from circumvent.lab.netlink import Netlink
from circumvent.vpn.wireguard.handshake import public_key
from tests.lab.daemon import LOOK_AGAIN, START_TIMEOUT, Daemon, DaemonFailed
from tests.lab.inner import DEVICE as UPLINK
from tests.lab.inner import DEVICE_PREFIX, start_inner

if TYPE_CHECKING:
    from collections.abc import Mapping

DEVICE: Final = "wg0"
PORT: Final = 51820
#: What the inner process writes once its peer may be spoken to.
READY: Final = "ready"
_RTM_NEWNEIGH: Final = 28
_CREATE: Final = 0x400
_NTF_PROXY: Final = 0x08
_NDA_DST: Final = 1

#: Everything that AmneziaWG 2.0 has.
AMNEZIA: Final = {
    "Jc": "4", "Jmin": "40", "Jmax": "70", "S1": "15", "S2": "23", "S3": "31", "S4": "12", "H1": "100-200",
    "H2": "300-400", "H3": "500", "H4": "4294967000-4294967295", "I1": "<b 0xc0ff><r 16><t><rd 5><rc 6>",
}  # fmt: skip

#: Where each program keeps its socket.
SOCKETS: Final = {"wireguard-go": "/run/wireguard", "amneziawg-go": "/run/amneziawg"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running peer, and what its client holds. ``awg`` are the fields of AmneziaWG, as a profile writes them."""

    daemon: Daemon
    address: str
    address_ipv6: str
    private: bytes = field(repr=False)
    client: bytes = field(repr=False)
    preshared: bytes | None = field(repr=False)
    addresses: tuple[str, ...]
    gateways: tuple[str, ...]
    resolver: str
    port: int = PORT
    awg: Mapping[str, str] = field(default_factory=dict)

    @property
    def public(self) -> bytes:
        """The peer's public key."""
        return public_key(self.private)

    def profile(self, *, endpoint: str | None = None, **more: str) -> str:
        """Return the file that its client holds; ``more`` are further fields of ``[Interface]``."""
        lines = [
            "[Interface]",
            f"PrivateKey = {_text(self.client)}",
            f"Address = {', '.join(self.addresses)}",
            f"DNS = {self.resolver}",
            *(f"{name} = {value}" for name, value in {**self.awg, **more}.items()),
            "",
            "[Peer]",
            f"PublicKey = {_text(self.public)}",
            *([] if self.preshared is None else [f"PresharedKey = {_text(self.preshared)}"]),
            "AllowedIPs = 0.0.0.0/0, ::/0",
            f"Endpoint = {endpoint or f'{self.address}:{self.port}'}",
        ]
        return "\n".join(lines) + "\n"


def start_peer(
    directory: Path,
    *,
    number: int,
    resolver: str,
    resolver_ipv6: str | None = None,
    program: str = "wireguard-go",
    preshared: bool = True,
    forward: bool = True,
    mtu: int | None = None,
    awg: Mapping[str, str] | None = None,
) -> Server:
    """Start a peer that knows one client.

    :param number: one for each, from 1 to 40: its device, its addresses and its client's.
    :param forward: without, the tunnel comes up and nothing passes beyond the peer.
    :param awg: the fields of AmneziaWG.
    """
    private, client = secrets.token_bytes(32), secrets.token_bytes(32)
    shared = secrets.token_bytes(32) if preshared else None
    addresses = f"198.51.100.{200 + number}", f"2001:db8:100::{200 + number}"
    inside = f"10.66.{number}.1", f"fd66:{number}::1"
    lines = {
        "private_key": private.hex(),
        "listen_port": str(PORT),
        **{name.lower(): value for name, value in (awg or {}).items()},
        "public_key": public_key(client).hex(),
        **({"preshared_key": shared.hex()} if shared is not None else {}),
        "allowed_ip": f"10.66.{number}.2/32",
    }
    plan = {
        "program": program,
        "configuration": "".join(f"{name}={value}\n" for name, value in lines.items())
        + f"allowed_ip=fd66:{number}::2/128\n",
        "inside": inside,
        "client": f"fd66:{number}::2",
        "mtu": mtu,
        "ready": str(directory / READY),
    }
    daemon = start_inner(
        [sys.executable, "-m", "tests.lab.wireguard", json.dumps(plan)],
        number=number + 200,
        directory=directory,
        addresses=addresses,
        behind=[f"10.66.{number}.0/24", f"fd66:{number}::/64"],
        forward=forward,
        own_folders=[SOCKETS[program]],
    )
    try:
        if (
            resolver_ipv6 is not None
        ):  # to its neighbours only who has an address on the device itself answers
            with Netlink() as netlink:
                netlink.add_address(f"{DEVICE_PREFIX}{number + 200}", resolver_ipv6)
        _wait_for(directory / READY, daemon)
    except BaseException:
        daemon.stop()
        raise
    return Server(
        daemon=daemon,
        address=addresses[0],
        address_ipv6=addresses[1],
        private=private,
        client=client,
        preshared=shared,
        addresses=(f"10.66.{number}.2/24", f"fd66:{number}::2/64"),
        gateways=inside,
        resolver=resolver,
        awg=awg or {},
    )


def _wait_for(path: Path, daemon: Daemon) -> None:
    limit = time.monotonic() + START_TIMEOUT
    while not path.exists():
        if time.monotonic() > limit:
            raise DaemonFailed(f"the peer did not come up:\n{daemon.log_tail()}")
        time.sleep(LOOK_AGAIN)


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def main(text: str) -> int:
    """Run the program, configure it, and stay until it ends."""
    plan = json.loads(text)
    process = subprocess.Popen([plan["program"], "-f", DEVICE])
    try:
        _configure(Path(SOCKETS[plan["program"]]) / f"{DEVICE}.sock", plan["configuration"])
        with Netlink() as netlink:
            netlink.link_up(DEVICE, mtu=plan["mtu"])
            for address in plan["inside"]:
                netlink.add_address(DEVICE, address)
                prefix = ip_interface(f"{address}/{64 if ':' in address else 24}").network
                netlink.add_route(str(prefix), device=DEVICE)
            _answer_for(netlink, plan["client"])
        Path(plan["ready"]).touch()
        return process.wait()
    finally:
        process.kill()


def _answer_for(netlink: Netlink, address: str) -> None:
    """Answer for the client's IPv6 address where its neighbours are asked (a proxy of RFC 4389)."""
    write(f"/proc/sys/net/ipv6/conf/{UPLINK}/proxy_ndp", "1")
    header = struct.pack("=BxxxiHBB", socket.AF_INET6, socket.if_nametoindex(UPLINK), 0, _NTF_PROXY, 0)
    attribute = struct.pack("=HH", 4 + 16, _NDA_DST) + ip_address(address).packed
    netlink._ask(_RTM_NEWNEIGH, _CREATE, header + attribute)


def _configure(path: Path, configuration: str) -> None:
    limit = time.monotonic() + START_TIMEOUT
    while not path.exists() and time.monotonic() < limit:
        time.sleep(LOOK_AGAIN)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
        control.connect(str(path))
        control.sendall(b"set=1\n" + configuration.encode() + b"\n")
        answer = control.makefile().readline().strip()
    if answer != "errno=0":
        raise RuntimeError(f"the peer refuses its configuration: {answer}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
