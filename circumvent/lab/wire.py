"""Two network namespaces, a TUN device in each, and the process that copies packets between them.

::

    with open_wire(WireConfig(rules=(...,), world=("198.51.100.10",))) as wire:
        with wire.in_world():
            ...  # start servers
        with wire.in_client():
            ...  # start clients
        wire.report()

Opening one needs CAP_SYS_ADMIN in the current user namespace: run inside :func:`circumvent.lab.namespace.contained`.
The thread that opens a wire stays in its own network namespace; several wires can be open at once. The engine's
process dies with the one that opened the wire; the devices go with it, and the namespaces with the last process inside.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from dataclasses import asdict, dataclass
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Final, Self

from circumvent.lab.censor import Censor
from circumvent.lab.engine import Engine, Path, Place
from circumvent.lab.namespace import (
    FOR_US_ALONE,
    Refused,
    any_address_is_ours,
    die_with_parent,
    furnish_network,
    inside,
    new_network,
    open_tun,
)
from circumvent.lab.netlink import Netlink, RouteType
from circumvent.lab.pcap import PcapWriter
from circumvent.lab.tally import Passed, Tally

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType

    from circumvent.lab.rule import Rule

#: The client's addresses, unless a configuration says otherwise.
CLIENT: Final = ("10.78.0.2", "fd78::2")
#: The device on either side.
DEVICE: Final = "wire0"
#: Packets that wait in a device until the engine reads them.
_QUEUE: Final = 4000
#: Packets that are read from one device before the other has its turn.
_BATCH: Final = 32
_LONGEST_ANSWER: Final = 64 << 20
#: Seconds that an engine may take to end by itself.
_LAST_WORDS: Final = 1.0
#: What whoever opens a wire may have handlers for.
_HANDLED: Final = (signal.SIGINT, signal.SIGTERM, FOR_US_ALONE)
#: Fall-back devices that appear in every namespace where their module is loaded; they are down and lead nowhere.
_FALL_BACK: Final = frozenset(
    {"sit0", "tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "ip6tnl0", "ip6gre0"}
)


class RulesNeverFired(Exception):
    """Rules were laid on a wire and never fired: what was tried was not what was meant to be tried."""


class WireBroke(Exception):
    """The engine's process has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireConfig:
    """What to build.

    ``client`` are the client's own addresses; without one of a family it has no route in that family. ``world`` are
    the world's: addresses or whole prefixes. ``beyond`` are prefixes, beside the client's addresses, that the world
    reaches over the wire: the addresses of a censor's probers. ``seed`` decides all chance. ``record`` is a file for
    the packets that the client sends and gets (pcap). ``middle`` are addresses of programs at the censor's own place,
    in a third namespace: boxes that split TCP or stand in the middle of TLS, see :mod:`circumvent.lab.rules.redirect`.
    ``tally``: times and bytes of each connection are kept for :meth:`Wire.passed`.
    """

    path: Path = Path()  # noqa: RUF009 - frozen
    rules: Sequence[Rule] = ()
    client: tuple[str, ...] = CLIENT
    world: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()
    middle: tuple[str, ...] = ()
    mtu: int = 1500
    seed: int = 0
    defragment: bool = True
    record: pathlib.Path | None = None
    tally: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What the engine counted: its own packets, each rule's, each link's."""

    engine: dict[str, int]
    rules: dict[str, dict[str, int]]
    links: dict[str, dict[str, int]]

    @property
    def silent(self) -> tuple[str, ...]:
        """Rules that never fired."""
        return tuple(name for name, counter in self.rules.items() if not counter["fired"])

    def fired(self, rule: str) -> int:
        """How many packets ``rule`` fired on."""
        return self.rules[rule]["fired"]


class Wire:
    """An open wire; a context manager. Made by :func:`open_wire`."""

    def __init__(
        self, networks: Mapping[Place, int], engine: int, control: socket.socket, opened: float
    ) -> None:
        self._networks = dict(networks)
        #: The engine's process.
        self.engine = engine
        #: When its time began, on CLOCK_MONOTONIC.
        self.opened = opened
        self._control = control
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def in_client(self) -> AbstractContextManager[None]:
        """Move this thread to the client side for a while."""
        return inside(self._networks[Place.CLIENT])

    def in_world(self) -> AbstractContextManager[None]:
        """Move this thread to the world side for a while."""
        return inside(self._networks[Place.WORLD])

    def in_middle(self) -> AbstractContextManager[None]:
        """Move this thread to the censor's place for a while; there is one if the configuration has addresses for it."""
        return inside(self._networks[Place.MIDDLE])

    def report(self) -> Report:
        """Return what was counted so far.

        :raises WireBroke: when the engine's process has ended.
        """
        return Report(**self._ask({"ask": "report"}))

    def passed(self) -> tuple[Passed, ...]:
        """Return the connections that passed since the last call; the configuration must have asked for a tally.

        :raises WireBroke: when the engine's process has ended.
        """
        return tuple(Passed(**row) for row in self._ask({"ask": "passed"}))

    def check_fired(self, *, allowed: Sequence[str] = ()) -> None:
        """Fail if a rule never fired, save those in ``allowed``.

        :raises RulesNeverFired: if so.
        """
        silent = sorted(set(self.report().silent) - set(allowed))
        if silent:
            raise RulesNeverFired(f"rules that never fired: {', '.join(silent)}")

    def close(self) -> None:
        """End the engine and let go of both namespaces."""
        if self._closed:
            return
        self._closed = True
        self._control.close()
        _bury(self.engine)
        for network in self._networks.values():
            os.close(network)

    def _ask(self, request: dict[str, Any]) -> Any:
        try:
            self._control.send(json.dumps(request).encode())
            length = struct.unpack("=I", self._receive(4))[0]
            if length > _LONGEST_ANSWER:
                raise WireBroke("the engine's answer is too long")
            return json.loads(self._receive(length))
        except OSError as error:
            raise WireBroke(str(error)) from error

    def _receive(self, length: int) -> bytes:
        received = bytearray()
        while len(received) < length:
            piece = self._control.recv(length - len(received))
            if not piece:
                raise WireBroke("the engine's process has ended")
            received += piece
        return bytes(received)


def open_wire(config: WireConfig) -> Wire:
    """Make both namespaces and start the engine.

    :raises Refused: when the kernel says no.
    :raises OSError: likewise, or when there is no ``/dev/net/tun``.
    """
    with contextlib.ExitStack() as undo:
        places = (Place.CLIENT, Place.WORLD, *((Place.MIDDLE,) if config.middle else ()))
        sides = {place: _side(undo, config, place) for place in places}
        ours, theirs = socket.socketpair()
        opened = time.monotonic()
        engine = _fork_engine(config, {place: device for place, (_, device) in sides.items()}, theirs, opened)
        theirs.close()
        undo.pop_all()
    for _, device in sides.values():
        os.close(device)
    return Wire({place: network for place, (network, _) in sides.items()}, engine, ours, opened)


def _side(undo: contextlib.ExitStack, config: WireConfig, place: Place) -> tuple[int, int]:
    """Make one namespace and its end of the wire; return descriptors of the namespace and of the device."""
    network = new_network()
    undo.callback(os.close, network)
    with inside(network):
        furnish_network()
        device = open_tun(DEVICE)
        undo.callback(os.close, device)
        with Netlink() as netlink:
            netlink.link_up("lo")
            netlink.link_up(DEVICE, mtu=config.mtu, queue=_QUEUE)
            if place is Place.WORLD:
                _furnish_world(netlink, config)
            else:
                _furnish_leaf(netlink, config.client if place is Place.CLIENT else config.middle)
        check_isolated()
    return network, device


def _furnish_leaf(netlink: Netlink, addresses: tuple[str, ...]) -> None:
    """Give a side its addresses, and a way to everywhere else over the wire in the families that it has."""
    for address in addresses:
        netlink.add_address(DEVICE, address)
    if any("." in address for address in addresses):
        netlink.add_route("0.0.0.0/0", device=DEVICE)
    if any(":" in address for address in addresses):
        netlink.add_route("::/0", device=DEVICE)


def _furnish_world(netlink: Netlink, config: WireConfig) -> None:
    any_address_is_ours()
    for text in config.world:
        network = ip_network(text)
        if network.num_addresses == 1:
            netlink.add_address("lo", str(network.network_address))
        else:
            netlink.add_route(text, device="lo", kind=RouteType.LOCAL)
    for text in (*config.client, *config.beyond, *config.middle):
        netlink.add_route(str(ip_network(text)), device=DEVICE)


def check_isolated() -> None:
    """Make sure that nothing leads out of this network namespace: there is no device that is not ours.

    :raises Refused: when there is one.
    """
    strangers = {name for _, name in socket.if_nameindex()} - {"lo", DEVICE} - _FALL_BACK
    if strangers:
        raise Refused(f"the namespace has devices that it should not have: {sorted(strangers)}")


def _fork_engine(
    config: WireConfig, devices: Mapping[Place, int], control: socket.socket, opened: float
) -> int:
    parent = os.getpid()
    before = signal.pthread_sigmask(
        signal.SIG_BLOCK, _HANDLED
    )  # no handler of the parent's runs in the child
    child = os.fork()
    if child:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return child
    status = 1
    try:
        for each in _HANDLED:
            signal.signal(each, signal.SIG_IGN if each == signal.SIGINT else signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        die_with_parent(parent)
        _close_others({0, 1, 2, *devices.values(), control.fileno()})
        gc.disable()  # packets and flows make no cycles
        with contextlib.ExitStack() as stack:
            writer = None
            if config.record is not None:
                writer = PcapWriter(stack.enter_context(config.record.open("wb")))
            censor = Censor(config.rules, seed=config.seed, defragment=config.defragment)
            engine = Engine(
                config.path,
                censor,
                seed=config.seed,
                middle=config.middle,
                clients=tuple(str(ip_network(each)) for each in config.client),
                tap=None if writer is None else writer.tap,
            )
            Copier(devices, control, engine, opened, Tally() if config.tally else None).run()
        status = 0
    except BaseException as error:  # noqa: BLE001 - a forked child must not run the parent's code after this
        sys.excepthook(type(error), error, error.__traceback__)
    finally:
        os._exit(status)


def _close_others(kept: set[int]) -> None:
    """Close what was inherited: a server's socket that its owner closes must not live on here."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names are all that is wanted
        if int(name) not in kept:
            with contextlib.suppress(OSError):
                os.close(int(name))


def _bury(process: int) -> None:
    """Give the engine, which was told to end, a moment for its last packets on file; then kill it."""
    with contextlib.suppress(OSError), os.fdopen(os.pidfd_open(process), "rb", closefd=True) as ending:
        select.select([ending], [], [], _LAST_WORDS)
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


class Copier:
    """Drives an engine with packets and time until the control socket closes."""

    def __init__(
        self,
        devices: Mapping[Place, int],
        control: socket.socket,
        engine: Engine,
        opened: float,
        tally: Tally | None,
    ) -> None:
        self._devices = dict(devices)
        self._control = control
        self._engine = engine
        self._opened = opened
        self._tally = tally
        for device in devices.values():
            os.set_blocking(device, False)

    def run(self) -> None:
        """Copy."""
        engine, devices, control, tally = self._engine, self._devices, self._control.fileno(), self._tally
        places = {device: place for place, device in devices.items()}
        watched = (*places, control)
        opened, clock = self._opened, time.monotonic
        while True:
            due = engine.next_time()
            wait = None if due is None else max(0.0, due - (clock() - opened))
            ready, _, _ = select.select(watched, (), (), wait)
            if due is not None:
                engine.counters.was_late(clock() - opened - due)
            for descriptor in ready:
                if descriptor == control:
                    if not self._serve():
                        return
                    continue
                place = places[descriptor]
                for raw in _read(descriptor):
                    now = clock() - opened
                    engine.take(place, raw, now)
                    if tally is not None and place is Place.CLIENT:
                        tally.left(raw, now)
            for place, raw in engine.deliver(clock() - opened):
                # The kernel refuses what it could not route; a router would drop it.
                with contextlib.suppress(OSError):
                    os.write(devices[place], raw)
                if tally is not None and place is Place.CLIENT:
                    tally.arrived(raw, clock() - opened)

    def _serve(self) -> bool:
        """Answer a request; tell whether to go on."""
        request = self._control.recv(4096)
        if not request:
            return False
        if json.loads(request)["ask"] == "passed":
            rows = () if self._tally is None else self._tally.take()
            body = json.dumps([asdict(row) for row in rows]).encode()
        else:
            body = json.dumps(self._engine.report()).encode()
        self._control.sendall(struct.pack("=I", len(body)) + body)
        return True


def _read(descriptor: int) -> Iterator[bytes]:
    for _ in range(_BATCH):
        try:
            yield os.read(descriptor, 65535)
        except BlockingIOError:
            return
