"""Two hundred obfs4 bridges at a round trip of 150 ms, half of them dead, on a wire of their own.

All that are alive are one obfs4proxy before one tor, at as many addresses, each in a network of its own.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

from circumvent.lab.actions import Drop
from circumvent.lab.blocking import Blocking
from circumvent.lab.engine import Path as Way
from circumvent.lab.engine import symmetric
from circumvent.lab.netlink import Netlink
from circumvent.lab.rules.endpoint import AnyPacket
from circumvent.lab.scope import Scope
from tests.bench.run import run
from tests.lab import tor
from tests.lab.daemon import find_program
from tests.lab_scenarios.vpn_world import vpn_world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bench.run import Run

#: Seconds in one direction.
DELAY: Final = 0.075
_BRIDGE: Final = "198.51.100.34"
#: Where nobody answers, and nothing says so.
_SILENT: Final = "198.19.0.0/16"


def check_bridges(folder: Path, *, alive: int = 100, dead: int = 100) -> Run:
    """Check so many bridges with ``--all --fast``: the usual number of tries, the usual limit of data.

    :raises RuntimeError: when the check prints no report.
    """
    rule = Blocking(name="dead", when=AnyPacket(), then=Drop(), scope=Scope(servers=(_SILENT,)))
    addresses = [f"198.18.{number + 1}.10" for number in range(alive)]
    (folder / "tor").mkdir()
    with vpn_world(folder, rule, way=Way(far=symmetric(delay=DELAY))) as world:
        with world.wire.in_world():
            with Netlink() as netlink:
                for address in (_BRIDGE, *addresses):
                    netlink.add_address("lo", address)
            bridge = tor.start_bridge(
                folder / "tor", address=_BRIDGE, obfs4proxy=find_program("obfs4proxy") or "", everywhere=True
            )
        world.daemons += [bridge.daemon, *(proxy.daemon for mode, proxy in bridge.obfs4.items() if mode)]
        line = bridge.line(tor.EVERYWHERE)
        places = [*addresses, *(f"198.19.{number + 1}.10" for number in range(dead))]
        lines = [line.replace(f" {_BRIDGE}:", f" {place}:") for place in places]
        random.Random(1).shuffle(lines)
        held = folder / "bridges.txt"
        held.write_text("\n".join(lines), encoding="ascii")
        with world.wire.in_client():
            return run(["check", str(held), *world.arguments, "--all"], directory=folder)
