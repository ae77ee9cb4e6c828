"""A wire with a delay between two network namespaces, and its own stopwatch.

::

    client namespace                      copier process                world namespace
    c0 10.78.0.2 fd78::2  <- TUN -  25 ms each way, drop rules  - TUN ->  w0, servers on lo
    default route

Needs no root. The copier notes when the first packet of each connection passed on the client's side, when its answer
was delivered there, and how many bytes went each way: times that no program under test had a hand in.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final

from circumvent.lab.namespace import CLONE_NEWNET, current_network, die_with_parent, inside, open_tun, unshare
from circumvent.lab.netlink import Netlink
from tests.lab import namespace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: The client's addresses on the wire.
CLIENT: Final = ("10.78.0.2", "fd78::2")
#: Seconds that a packet takes in one direction: a round trip of 50 ms.
DELAY: Final = 0.025
_CLIENT_PREFIXES: Final = ("10.78.0.0/24", "fd78::/64")
_CLIENT_DEVICE: Final = "c0"
_WORLD_DEVICE: Final = "w0"
_MTU: Final = 1500
_TCP: Final = 6
_UDP: Final = 17
_SYN: Final = 0x02
_SYN_ACK: Final = 0x12


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One connection, or one UDP flow, as the wire saw it; times are CLOCK_MONOTONIC in seconds.

    ``asked`` is when the first packet left the client, ``answered`` when the first answer reached it (TCP: the
    SYN-ACK), ``None`` if none did; ``sent`` and ``received`` count IP bytes, headers included.
    """

    protocol: str
    address: str
    port: int
    client_port: int
    asked: float
    answered: float | None
    sent: int
    received: int


@dataclass(slots=True)
class _Tally:
    asked: float
    answered: float | None = None
    sent: int = 0
    received: int = 0


class Wire:
    """The world, the client and the copier between them. Made by :func:`open_wire`; the caller is the client."""

    def __init__(self, world: int, copier: int, control: socket.socket) -> None:
        self._world = world
        self._copier = copier
        self._control = control

    @contextlib.contextmanager
    def in_world(self) -> Iterator[None]:
        """Move this thread into the world, to start servers there."""
        with inside(self._world):
            yield

    def flows(self) -> list[Flow]:
        """Return what passed since the last call."""
        self._control.send(b"?")
        (length,) = struct.unpack("=I", self._receive(4))
        rows: list[dict[str, Any]] = json.loads(self._receive(length))
        return [Flow(**row) for row in rows]

    def close(self) -> None:
        """End the copier."""
        self._control.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._copier, signal.SIGKILL)
        os.waitpid(self._copier, 0)

    def _receive(self, length: int) -> bytes:
        received = bytearray()
        while len(received) < length:
            piece = self._control.recv(length - len(received))
            if not piece:
                raise ConnectionResetError("the copier has ended")
            received += piece
        return bytes(received)


def open_wire(
    *, delay: float = DELAY, world: Sequence[str] = (), dropped: Sequence[str] = namespace.DROPPED
) -> Wire:
    """Make both namespaces and the wire; this process ends up in the client's.

    ``world`` are further addresses of the world; packets to ``dropped`` prefixes vanish on the way.

    :raises RuntimeError: where the kernel refuses namespaces.
    """
    reason = namespace.enter()
    if reason is not None:
        raise RuntimeError(f"there is no network namespace: {reason}")
    world_side = open_tun(_WORLD_DEVICE)
    with Netlink() as netlink:
        netlink.link_up(_WORLD_DEVICE, mtu=_MTU)
        for address in world:
            netlink.add_address("lo", address)
        for prefix in _CLIENT_PREFIXES:
            netlink.add_route(prefix, device=_WORLD_DEVICE)
    world_namespace = current_network()
    unshare(CLONE_NEWNET)
    client_side = open_tun(_CLIENT_DEVICE)
    with Netlink() as netlink:
        netlink.link_up("lo")
        netlink.link_up(_CLIENT_DEVICE, mtu=_MTU)
        for address in CLIENT:
            netlink.add_address(_CLIENT_DEVICE, address)
        netlink.add_route("0.0.0.0/0", device=_CLIENT_DEVICE)
        netlink.add_route("::/0", device=_CLIENT_DEVICE)
    ours, theirs = socket.socketpair()
    opener = os.getpid()
    copier = os.fork()
    if copier == 0:
        ours.close()
        die_with_parent(opener)
        _run_copier(client_side, world_side, theirs, delay, dropped)
    theirs.close()
    os.close(client_side)
    os.close(world_side)
    return Wire(world_namespace, copier, ours)


def _run_copier(
    client: int, world: int, control: socket.socket, delay: float, dropped: Sequence[str]
) -> None:
    """Copy until the control socket closes; never returns."""
    status = 1
    try:
        Copier(client, world, control, delay, [ip_network(prefix) for prefix in dropped]).run()
        status = 0
    except BaseException as error:  # noqa: BLE001 - a forked child must not run the parent's code after this
        print(f"the wire broke: {error!r}", file=sys.stderr)  # noqa: T201 - the only voice a child has here
    finally:
        os._exit(status)


class Copier:
    """Carries packets between two TUN devices, each after the delay, in order."""

    def __init__(
        self,
        client: int,
        world: int,
        control: socket.socket,
        delay: float,
        dropped: Sequence[IPv4Network | IPv6Network],
    ) -> None:
        self._client = client
        self._world = world
        self._control = control
        self._delay = delay
        self._dropped = dropped
        self._waiting: list[tuple[float, int, int, bytes]] = []
        self._count = 0
        self._tallies: dict[tuple[int, bytes, int, int], _Tally] = {}
        self._vanishes: dict[bytes, bool] = {}

    def run(self) -> None:
        """Copy until the control socket closes."""
        while True:
            wait = self._waiting[0][0] - time.monotonic() if self._waiting else None
            sources: list[int | socket.socket] = [self._client, self._world, self._control]
            ready, _, _ = select.select(sources, [], [], None if wait is None else max(0.0, wait))
            for descriptor in ready:
                if isinstance(descriptor, socket.socket):
                    if not self._control.recv(16):
                        return
                    self._report()
                else:
                    self._take(descriptor)
            self._deliver()

    def _take(self, descriptor: int) -> None:
        packet = os.read(descriptor, 65536)
        now = time.monotonic()
        if descriptor == self._client:
            if self._leaves(packet, now):
                self._push(now + self._delay, self._world, packet)
        else:
            self._push(now + self._delay, self._client, packet)

    def _push(self, due: float, target: int, packet: bytes) -> None:
        self._count += 1
        heapq.heappush(self._waiting, (due, self._count, target, packet))

    def _deliver(self) -> None:
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            _, _, target, packet = heapq.heappop(self._waiting)
            with contextlib.suppress(OSError):
                os.write(target, packet)
            if target == self._client:
                self._arrived(packet, time.monotonic())

    def _leaves(self, packet: bytes, now: float) -> bool:
        """Count a packet of the client; tell whether it goes on."""
        parsed = _parse(packet)
        if parsed is None:
            return True
        protocol, _, target, source_port, port, flags = parsed
        key = (protocol, target, port, source_port)
        if key not in self._tallies or (
            protocol == _TCP and flags & _SYN_ACK == _SYN and not self._known(key)
        ):
            self._tallies[key] = _Tally(asked=now)
        self._tallies[key].sent += len(packet)
        if target not in self._vanishes:
            address = ip_address(target)
            self._vanishes[target] = any(
                address.version == prefix.version and address in prefix for prefix in self._dropped
            )
        return not self._vanishes[target]

    def _known(self, key: tuple[int, bytes, int, int]) -> bool:
        """Tell whether a SYN is a repetition: its connection has had no answer yet."""
        return self._tallies[key].answered is None

    def _arrived(self, packet: bytes, now: float) -> None:
        parsed = _parse(packet)
        if parsed is None:
            return
        protocol, source, _, port, client_port, _ = parsed
        tally = self._tallies.get((protocol, source, port, client_port))
        if tally is not None:
            tally.received += len(packet)
            if tally.answered is None:
                tally.answered = now

    def _report(self) -> None:
        rows = [
            {
                "protocol": "tcp" if protocol == _TCP else "udp",
                "address": str(ip_address(target)),
                "port": port,
                "client_port": client_port,
                "asked": tally.asked,
                "answered": tally.answered,
                "sent": tally.sent,
                "received": tally.received,
            }
            for (protocol, target, port, client_port), tally in self._tallies.items()
        ]
        self._tallies.clear()
        body = json.dumps(rows).encode()
        self._control.sendall(struct.pack("=I", len(body)) + body)


def _parse(packet: bytes) -> tuple[int, bytes, bytes, int, int, int] | None:
    """Return protocol, source, destination, both ports and the TCP flags; ``None`` for anything but TCP and UDP."""
    if len(packet) < (28 if packet[0] >> 4 == 4 else 48):
        return None
    if packet[0] >> 4 == 4:
        protocol, source, target, start = packet[9], packet[12:16], packet[16:20], (packet[0] & 15) * 4
    else:
        protocol, source, target, start = packet[6], packet[8:24], packet[24:40], 40
    if protocol not in (_TCP, _UDP) or len(packet) < start + 8:
        return None
    source_port, target_port = struct.unpack_from("!HH", packet, start)
    flags = packet[start + 13] if protocol == _TCP and len(packet) > start + 13 else 0
    return protocol, source, target, source_port, target_port, flags
