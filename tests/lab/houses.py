"""Houses with a satellite terminal: a client, perhaps a router, a dish, perhaps the internet behind it; each a network of its own.

``python -m tests.lab.houses HOUSE WORD...`` runs ``circumvent WORD...`` on the client's side and prints what came of it as JSON.
It needs no root: everything is in namespaces of its own, from which nothing leads anywhere.

``direct``
    The client is plugged into the dish.
``routed``, ``unrouted``
    It is behind somebody else's router, which knows the way to the dish, or sends what is for it into the void.
``none``
    A router, and no dish.
``beside``
    Two connections: ``wlan0``, by which packets go and where nothing comes back, and ``eth0``, where the dish is, and behind it the
    laboratory's world.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from circumvent.lab import scenario_dish
from circumvent.lab.laboratory import FOLDER, environment
from circumvent.lab.namespace import (
    Refused,
    any_address_is_ours,
    contained,
    furnish_network,
    inside,
    new_network,
    write,
)
from circumvent.lab.netlink import Netlink, RouteType
from circumvent.lab.world import arguments, process
from circumvent.lab.world.dish import State
from circumvent.lab.world.prepare import prepare
from circumvent.lab.world.standard import standard_world

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT: Final = Path(__file__).parent.parent.parent
REFUSED: Final = 77
#: Addresses: the client's at home and beside the dish, the router's at home and outside.
AT_HOME: Final = "10.0.0.2"
BESIDE_DISH: Final = "192.168.100.20"
ROUTER: Final = "10.0.0.1"
OUTSIDE: Final = "100.70.1.2"
#: Stands for the options of the laboratory's world, and for all that a check must be told of it.
WORLD: Final = "WORLD"
#: Kinds that are tried there.
KINDS: Final = ("dot", "socks5")

_RTM_NEWLINK: Final = 16
_CREATE_EXCLUSIVE: Final = 0x400 | 0x200
_IFLA_IFNAME: Final = 3
_IFLA_LINKINFO: Final = 18
_IFLA_NET_NS_FD: Final = 28
_IFLA_INFO_KIND: Final = 1
_IFLA_INFO_DATA: Final = 2
_VETH_INFO_PEER: Final = 1


@dataclass
class House:
    """Networks by name, made when they are first named."""

    networks: dict[str, int] = field(default_factory=dict)

    def network(self, name: str) -> int:
        """Return a network."""
        if name not in self.networks:
            self.networks[name] = new_network()
            with inside(self.networks[name]):
                furnish_network()
                with Netlink() as netlink:
                    netlink.link_up("lo")
        return self.networks[name]

    def cable(self, near: str, device: str, far: str, other: str) -> None:
        """Join two networks by a cable with a device at each end."""
        peer = self.network(far)
        with inside(self.network(near)), Netlink() as netlink:
            end = (
                bytes(16) + _text(_IFLA_IFNAME, other) + _attribute(_IFLA_NET_NS_FD, struct.pack("=I", peer))
            )
            pair = _text(_IFLA_INFO_KIND, "veth") + _attribute(
                _IFLA_INFO_DATA, _attribute(_VETH_INFO_PEER, end)
            )
            message = bytes(16) + _text(_IFLA_IFNAME, device) + _attribute(_IFLA_LINKINFO, pair)
            netlink._ask(_RTM_NEWLINK, _CREATE_EXCLUSIVE, message)
            netlink.link_up(device)
        with inside(peer), Netlink() as netlink:
            netlink.link_up(other)

    def address(self, network: str, device: str, address: str, around: str) -> None:
        """Give a device an address, and the way to what is around it."""
        with inside(self.network(network)), Netlink() as netlink:
            netlink.add_address(device, address)
            netlink.add_route(around, device=device)

    def default(self, network: str, device: str, gateway: str, metric: int = 0) -> None:
        """Send everything else to a gateway."""
        with inside(self.network(network)), Netlink() as netlink:
            netlink.add_route("0.0.0.0/0", device=device, gateway=gateway, metric=metric)

    def router(self, *, dish: bool, route: bool) -> None:
        """Put a router before the client; what it knows no way to vanishes."""
        self.cable("client", "wlan0", "router", "lan0")
        self.address("client", "wlan0", AT_HOME, "10.0.0.0/24")
        self.default("client", "wlan0", ROUTER)
        self.address("router", "lan0", ROUTER, "10.0.0.0/24")
        with inside(self.network("router")), Netlink() as netlink:
            write("/proc/sys/net/ipv4/ip_forward", "1")
            netlink.add_route("0.0.0.0/0", device=None, kind=RouteType.BLACKHOLE)
        if dish:
            self.cable("router", "wan0", "dish", "home0")
            self.address("router", "wan0", OUTSIDE, f"{OUTSIDE}/32")
            self.address("dish", "home0", scenario_dish.ADDRESS, f"{OUTSIDE}/32")
            self.default("dish", "home0", OUTSIDE)
        if route:
            with inside(self.network("router")), Netlink() as netlink:
                netlink.add_route(f"{scenario_dish.ADDRESS}/32", device="wan0")

    def dish_beside(self) -> None:
        """Plug the client into the dish."""
        self.cable("client", "eth0", "dish", "home0")
        self.address("client", "eth0", BESIDE_DISH, "192.168.100.0/24")
        self.address("dish", "home0", scenario_dish.ADDRESS, "192.168.100.0/24")
        self.default("client", "eth0", scenario_dish.ADDRESS, metric=600)

    def furnish(self, name: str) -> None:
        """Build a house."""
        if name in ("routed", "unrouted", "none", "beside"):
            self.router(dish=name in ("routed", "unrouted"), route=name == "routed")
        if name in ("direct", "beside"):
            self.dish_beside()


@contextlib.contextmanager
def world_in(house: House) -> Iterator[list[str]]:
    """Have the laboratory's world behind the dish; the words are what a check is told of it."""
    prepared = prepare(standard_world(), FOLDER)
    with inside(house.network("dish")):
        any_address_is_ours()
        with Netlink() as netlink:
            for address in prepared.world.addresses():
                netlink.add_address("lo", address)
        running = process.start(prepared)
    try:
        keywords = arguments.write_files(prepared)
        Path(keywords["named"][0]).write_text(arguments.options(prepared, kinds=KINDS), "utf-8")
        yield arguments.as_words(keywords)
    finally:
        running.stop()


def run(name: str, words: Sequence[str]) -> dict[str, Any]:
    """Build a house, run the command line on the client's side, and return what came of it."""
    house = House()
    house.furnish(name)
    FOLDER.mkdir(exist_ok=True)
    with contextlib.ExitStack() as stack:
        if name != "none":
            with inside(house.network("dish")):
                stack.enter_context(scenario_dish.standing(State.WELL))
        more = stack.enter_context(world_in(house)) if WORLD in words else []
        given = [word for word in words if word != WORLD] + more
        with inside(house.network("client")):
            began = time.monotonic()
            done = subprocess.run(
                [
                    sys.executable,
                    "-c",
                    "from circumvent.cli.app import main; raise SystemExit(main())",
                    *given,
                ],
                capture_output=True,
                text=True,
                check=False,
                stdin=subprocess.DEVNULL,
                env={"PATH": os.environ["PATH"], "HOME": str(FOLDER), "TZ": "UTC", "LANG": "C.UTF-8"}
                | environment(),
            )
            seconds = time.monotonic() - began
    return {"status": done.returncode, "out": done.stdout, "err": done.stderr, "seconds": seconds}


def main(name: str, *words: str) -> int:
    """Be the program."""

    def within() -> int:
        sys.stdout.write(json.dumps(run(name, words)) + "\n")
        return 0

    try:
        return contained(
            within, resolv_conf=f"nameserver {standard_world().server(standard_world().resolver).ipv4}\n"
        )
    except Refused as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED


def _attribute(kind: int, value: bytes) -> bytes:
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _text(kind: int, value: str) -> bytes:
    return _attribute(kind, value.encode() + b"\0")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
