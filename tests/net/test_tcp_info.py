"""The kernel's facts, from the bytes of ``struct tcp_info``."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from circumvent.net.tcp_info import TCP_INFO_SIZE, parse_tcp_info

#: A connection whose ClientHello was dropped: never acknowledged, sent again twice (linux/tcp.h, 6.1).
DROPPED = (
    struct.pack("=8B", 1, 4, 2, 0, 2, 7, 0x77, 0)
    + struct.pack("=24I", 0, 40000, 1400, 536, 1, 0, 1, 1, 0, 900, 0, 900, 950, 1400, 65535, 51400, 25700, 7, 1, 1400, 3, 0, 14600, 2)
    + struct.pack("=4Q", 0, 0, 1, 0)
    + struct.pack("=4I", 4, 1, 0, 51200)
)  # fmt: skip


def test_a_hello_that_the_path_dropped() -> None:
    assert len(DROPPED) == TCP_INFO_SIZE
    assert parse_tcp_info(DROPPED) == {
        "state": "ESTABLISHED",
        "retransmits": 2,
        "total_retrans": 2,
        "unacked": 1,
        "last_ack_ms": 950,
        "rtt_ms": 51.4,
        "min_rtt_ms": 51.2,
        "bytes_acked": 1,
        "bytes_received": 0,
    }


def test_older_kernels_tell_less() -> None:
    assert set(parse_tcp_info(DROPPED[:104])) == {
        "state",
        "retransmits",
        "unacked",
        "last_ack_ms",
        "total_retrans",
        "rtt_ms",
    }
    assert parse_tcp_info(b"") == {}


@given(st.binary(max_size=300))
def test_any_bytes_are_read(raw: bytes) -> None:
    parse_tcp_info(raw)
