"""Iran, January 2026, as seen from inside: nothing passes but questions to the provider's own resolver. What dnstt says then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from circumvent.lab.actions import Drop
from circumvent.lab.blocking import Blocking
from circumvent.lab.netlink import Netlink
from circumvent.lab.rules.endpoint import AnyPacket
from circumvent.lab.scope import Scope
from circumvent.model.words import Proof, Reason, Status
from circumvent.model.words import Scope as Reach
from circumvent.transports.dnstt import NO_DOMAIN, NO_KEY
from circumvent.transports.dnstt_keyless import LENGTHS, TYPES
from tests.lab import dnstt, tor
from tests.lab.daemon import find_program
from tests.lab_scenarios.vpn_world import RESOLVER, vpn_world

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from circumvent.model.report import OptionReport
    from tests.lab_scenarios.vpn_world import VpnWorld

pytestmark = [
    pytest.mark.daemons,
    pytest.mark.requires("tor", "obfs4proxy", "unbound"),
    pytest.mark.timeout(120),
]

BRIDGE: Final = "198.51.100.34"
#: A resolver of the provider's that knows the way to dnstt's server.
LEADING: Final = "198.51.102.21"
_RESOLVERS: Final = (*RESOLVER, LEADING)
#: Everything abroad is dropped, and of the provider's resolvers all but the questions.
SHUTDOWN: Final = (
    Blocking(name="abroad", when=AnyPacket(), then=Drop(), scope=Scope(spared_servers=_RESOLVERS)),
    Blocking(
        name="no-questions",
        when=AnyPacket(),
        then=Drop(),
        scope=Scope(servers=_RESOLVERS, ports=("1-52", "54-65535")),
    ),
)


def bridge(world: VpnWorld, folder: Path) -> tor.Bridge:
    """Start a bridge abroad."""
    (folder / "tor").mkdir()
    with world.wire.in_world():
        with Netlink() as netlink:
            netlink.add_address("lo", BRIDGE)
            netlink.add_address("lo", LEADING)
        held = tor.start_bridge(folder / "tor", address=BRIDGE, obfs4proxy=find_program("obfs4proxy") or "")
    world.daemons += [held.daemon, *(proxy.daemon for mode, proxy in held.obfs4.items() if mode)]
    return held


def detail(option: OptionReport, name: str) -> Mapping[str, object]:
    step = option.attempts[-1].step(name)
    assert step is not None
    return step.detail


def test_what_the_resolver_lets_pass_is_told_where_nothing_else_does(tmp_path: Path) -> None:
    """Nobody's bridge: that the questions go out, and come back unharmed, is proved by the root's signature."""
    with vpn_world(tmp_path, *SHUTDOWN) as world:
        held = bridge(world, tmp_path)
        found = world.check(
            {
                "obfs4.txt": held.line(0),
                "dot.txt": f"tls://{RESOLVER[0]}\n",
                "resolver.txt": f"dnstt 192.0.2.3:80 udp={RESOLVER[0]}:53",
            }
        )
        world.wire.check_fired()
    for name in ("obfs4", "dot"):
        assert (found[name].status, found[name].evidence) == (Status.UNREACHABLE, None)
    option = found["resolver"]
    assert (option.status, option.reason) == (Status.NOT_RUN, Reason.UNSUPPORTED)
    assert option.reason_detail == NO_DOMAIN
    assert [(one.proof, one.counted) for one in option.attempts] == [(Proof.REACHED, False)]
    assert detail(option, "recursion")["dnssec"] == "proved"
    assert detail(option, "questions") == {"types": list(TYPES), "names": list(LENGTHS)}
    assert world.last.recommendations == ()


@pytest.mark.requires("dnstt-server")
def test_a_bridge_in_questions_works_where_nothing_else_does(tmp_path: Path) -> None:
    """The one way out, and it is the one that is recommended."""
    with vpn_world(tmp_path, *SHUTDOWN) as world:
        held = bridge(world, tmp_path)
        (tmp_path / "dnstt").mkdir()
        with world.wire.in_world():
            server = dnstt.start_dnstt(
                tmp_path / "dnstt",
                address=LEADING,
                name="dnstt.lab.example",
                bridge=held,
                credentials=world.pki.good,
                ca_file=world.pki.ca_file,
            )
        world.daemons += [server.server, server.resolver]
        line = server.line()
        without = " ".join(word for word in line.split() if not word.startswith("pubkey="))
        found = world.check(
            {
                "plain.txt": held.line(),
                "obfs4.txt": held.line(0),
                "dot.txt": f"tls://{RESOLVER[0]}\n",
                "dnstt.txt": line,
                "keyless.txt": without,
            }
        )
        world.wire.check_fired()
    for name in ("plain", "obfs4", "dot"):
        assert (found[name].status, found[name].evidence) == (Status.UNREACHABLE, None)
    assert (found["dnstt"].status, found["dnstt"].proof) == (Status.WORKS, Proof.SUSTAINED)
    assert (found["keyless"].status, found["keyless"].reason_detail) == (Status.NOT_RUN, NO_KEY)
    assert detail(found["keyless"], "questions")["names"] == list(LENGTHS)
    (advice,) = [one for one in world.last.recommendations if one.scope is Reach.APP]
    assert advice.id == found["dnstt"].id
