"""ICMP errors: right checksums, the offending packet quoted, no errors about errors."""

from __future__ import annotations

import pytest

from circumvent.lab.icmp import Unreachable, is_error, time_exceeded, too_big, unreachable
from circumvent.lab.packet import ICMP, ICMPV6, Endpoint, build_ip, build_udp, checksum, parse, pseudo_sum

ENDS = {4: ("10.0.0.1", "10.0.0.2", "10.0.0.9"), 6: ("fd00::1", "fd00::2", "fd00::9")}


@pytest.mark.parametrize("what", ["unreachable", "exceeded", "big"])
def test_errors(family: int, what: str) -> None:
    source, destination, router = (Endpoint.of(text, 5).address for text in ENDS[family])
    cause = parse(build_udp(Endpoint(source, 1), Endpoint(destination, 2), bytes(1400)))
    raw = {
        "unreachable": lambda: unreachable(cause, router, Unreachable.PORT),
        "exceeded": lambda: time_exceeded(cause, router),
        "big": lambda: too_big(cause, router, 1280),
    }[what]()
    error = parse(raw)
    assert (error.source, error.destination) == (router, source)
    assert error.protocol == (ICMP if family == 4 else ICMPV6)
    kinds = {"unreachable": (3, 1), "exceeded": (11, 3), "big": (3, 2)}
    assert error.payload[0] == kinds[what][family == 6]
    assert error.payload[8:].startswith(cause.raw[:48])
    assert len(raw) <= (576 if family == 4 else 1280)
    if what == "big":
        assert int.from_bytes(error.payload[4:8]) == 1280
    summand = 0 if family == 4 else pseudo_sum(error.source, error.destination, ICMPV6, error.payload_length)
    assert checksum(error.payload, summand) == 0
    assert is_error(error)
    assert not is_error(cause)


def test_an_echo_request_is_no_error(family: int) -> None:
    source, destination, _ = (Endpoint.of(text).address for text in ENDS[family])
    echo = bytes((8 if family == 4 else 128,)) + bytes(7)
    packet = parse(build_ip(source, destination, ICMP if family == 4 else ICMPV6, echo))
    assert not is_error(packet)
    assert not is_error(parse(build_ip(source, destination, ICMP, b"")))
