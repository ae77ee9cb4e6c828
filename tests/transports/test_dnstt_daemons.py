"""dnstt bridges against the real dnstt-server before a real tor, through a real unbound: expect this record."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from circumvent.model.words import Proof
from tests.lab.dnstt import DEAD_DOMAIN, NO_DOMAIN
from tests.transports.tor_context import bridge, context, detail_of, failure_of, try_once

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from tests.lab.dnstt import DnsttBridge

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.daemons,
    pytest.mark.requires("tor", "obfs4proxy", "unbound", "dnstt-server"),
]


def option(given: DnsttBridge, line: str) -> Option:
    """Return the option of a line, where names lead to the bridge's resolver."""
    made = bridge(line)
    if made.endpoint.literal:
        return made
    place = replace(made.endpoint, addresses=(given.address,))
    return replace(made, endpoint=place, ca=given.ca_file.read_text(encoding="ascii"))


@pytest.mark.parametrize("resolver", ["udp", "dot", "doh"])
async def test_it_works_and_lasts(dnstt_bridge: DnsttBridge, resolver: str) -> None:
    attempt = await try_once(option(dnstt_bridge, dnstt_bridge.line(resolver)), context())
    assert attempt.failure is None
    assert attempt.proof is Proof.SUSTAINED
    assert "TXT" in detail_of(attempt, "recursion")["types"]
    assert detail_of(attempt, "tunnel_handshake")["authenticated"] is True
    assert detail_of(attempt, "sustain_down")["bytes"] >= 65536
    assert detail_of(attempt, "sustain_up")["bytes"] >= 16384


async def test_its_server_asked_without_a_resolver(dnstt_bridge: DnsttBridge) -> None:
    attempt = await try_once(option(dnstt_bridge, dnstt_bridge.line("direct")), context(goal=Proof.CARRIED))
    assert attempt.failure is None
    assert attempt.proof is Proof.CARRIED


async def test_another_key_meets_silence(dnstt_bridge: DnsttBridge) -> None:
    """Its server does not answer who shakes hands with another key."""
    line = dnstt_bridge.line(key=bytes.fromhex("09" + "00" * 31))
    attempt = await try_once(option(dnstt_bridge, line), context(limit=2.0))
    assert failure_of(attempt) == ("noise_handshake", "generic_timeout_error")
    assert attempt.proof is Proof.REACHED


async def test_another_bridge_behind_it(dnstt_bridge: DnsttBridge) -> None:
    line = dnstt_bridge.line().replace(dnstt_bridge.bridge.fingerprint, "0" * 40)
    attempt = await try_once(option(dnstt_bridge, line), context())
    assert failure_of(attempt) == ("tunnel_handshake", "wrong_key")


async def test_a_resolver_that_finds_no_server(dnstt_bridge: DnsttBridge) -> None:
    """It tries for a long time, and we do not wait so long."""
    attempt = await try_once(option(dnstt_bridge, dnstt_bridge.line(domain=DEAD_DOMAIN)), context(limit=2.0))
    assert failure_of(attempt) == ("recursion", "generic_timeout_error")
    assert attempt.proof is Proof.NONE


async def test_a_domain_that_nobody_has(dnstt_bridge: DnsttBridge) -> None:
    attempt = await try_once(option(dnstt_bridge, dnstt_bridge.line(domain=NO_DOMAIN)), context())
    assert failure_of(attempt) == ("recursion", "dns_nxdomain_error")
    assert attempt.proof is Proof.NONE
