"""The contract between the check and a transport."""

from __future__ import annotations

import inspect

import pytest

from circumvent.model.kinds import KINDS
from circumvent.transport import Carrier, Triggering, load


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_a_transport_that_tries(kind: str) -> None:
    transport = load(kind)
    assert inspect.iscoroutinefunction(transport.attempt)
    assert load(kind) is transport, "one object without state serves all attempts"


def test_proxies_carry_others_and_plain_dns_has_a_second_phase() -> None:
    carriers = {kind for kind in KINDS if isinstance(load(kind), Carrier)}
    triggering = {kind for kind in KINDS if isinstance(load(kind), Triggering)}
    assert carriers == {"socks5", "socks4a", "http-connect"}
    assert triggering == {"dns-udp", "dns-tcp"}
