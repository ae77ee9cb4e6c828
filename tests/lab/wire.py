"""The bench's line: a wire with a delay, this process on its client side, and the wire's own stopwatch.

The packets are carried by :mod:`circumvent.lab.wire`. Times are those of CLOCK_MONOTONIC, so that they can be laid
beside what programs under test say of themselves.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from circumvent.lab import wire
from circumvent.lab.actions import Drop
from circumvent.lab.blocking import Blocking
from circumvent.lab.engine import Path, symmetric
from circumvent.lab.namespace import Refused
from circumvent.lab.rules.endpoint import AnyPacket
from circumvent.lab.scope import Scope
from circumvent.lab.tally import Passed as Flow
from circumvent.lab.wire import CLIENT, WireConfig
from tests.lab import namespace

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

#: Seconds that a packet takes in one direction: a round trip of 50 ms.
DELAY: Final = 0.025

__all__ = ["CLIENT", "DELAY", "Flow", "Wire", "open_wire"]


class Wire:
    """The world, the client and the line between them. Made by :func:`open_wire`; the caller is the client."""

    def __init__(self, carrier: wire.Wire) -> None:
        self._carrier = carrier
        self._here = ExitStack()
        self._here.enter_context(carrier.in_client())

    def in_world(self) -> AbstractContextManager[None]:
        """Move this thread into the world, to start servers there."""
        return self._carrier.in_world()

    def flows(self) -> list[Flow]:
        """Return what passed since the last call, at times of CLOCK_MONOTONIC."""
        opened = self._carrier.opened
        return [
            replace(
                one,
                asked=one.asked + opened,
                answered=None if one.answered is None else one.answered + opened,
            )
            for one in self._carrier.passed()
        ]

    def close(self) -> None:
        """Take the line down, and leave the client's side."""
        self._here.close()
        self._carrier.close()


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
    vanish = Blocking(
        name="dropped",
        when=AnyPacket(),
        then=Drop(),
        scope=Scope(servers=tuple(str(ip_network(prefix)) for prefix in dropped)),
    )
    config = WireConfig(
        path=Path(far=symmetric(delay=delay)),
        rules=(vanish,) if dropped else (),
        world=(
            *namespace.SERVERS_IPV4,
            *namespace.SERVERS_IPV6,
            *namespace.WELL_KNOWN,
            *world,
        ),
        tally=True,
    )
    try:
        return Wire(wire.open_wire(config))
    except (Refused, OSError) as error:
        raise RuntimeError(f"there is no wire: {error}") from error
