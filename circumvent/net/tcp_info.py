"""What the Linux kernel knows about a TCP connection (``struct tcp_info`` of ``linux/tcp.h``), as plain facts.

Read at the moment of failure it tells a packet that the path dropped (never acknowledged, sent again) from a
server that stalls (acknowledged, silent), and a reset that came sooner than any peer could have answered.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from circumvent.model.record import Json

#: Bytes of ``struct tcp_info`` to ask for: up to and including ``tcpi_min_rtt``.
TCP_INFO_SIZE: Final = 152

#: ``tcpi_state``: the values of ``enum`` in ``net/tcp_states.h``.
STATES: Final = (
    "UNKNOWN",
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
    "NEW_SYN_RECV",
)

# The fields, in order: eight bytes of small ones, 24 of 32 bits, four of 64 bits, four of 32 bits.
_STATE_AND_RETRANSMITS: Final = struct.Struct("=BxB")
_COUNTERS: Final = struct.Struct("=8x24I")
_VOLUMES: Final = struct.Struct("=104x4Q")
_MIN_RTT: Final = struct.Struct("=148xI")
# Places in _COUNTERS.
_UNACKED, _LAST_DATA_RECV, _LAST_ACK_RECV, _RTT, _TOTAL_RETRANS = 4, 11, 12, 15, 23


def last_data_seconds(raw: bytes) -> float:
    """Return the seconds since the last data arrived, in steps of the kernel's tick (1 to 10 ms)."""
    return float(_COUNTERS.unpack_from(raw)[_LAST_DATA_RECV]) / 1000 if len(raw) >= _COUNTERS.size else 0.0


def parse_tcp_info(raw: bytes) -> dict[str, Json]:
    """Return the facts that ``getsockopt(TCP_INFO)`` gave; older kernels return fewer.

    ``state``; ``retransmits`` in a row now and ``total_retrans`` so far; ``unacked`` segments; ``rtt_ms`` as
    smoothed and ``min_rtt_ms`` (absent before the first sample); ``last_ack_ms`` since the last
    acknowledgement; ``bytes_acked`` (the SYN counts as one) and ``bytes_received``.
    """
    facts: dict[str, Json] = {}
    if len(raw) >= _STATE_AND_RETRANSMITS.size:
        state, retransmits = _STATE_AND_RETRANSMITS.unpack_from(raw)
        facts["state"] = STATES[state] if state < len(STATES) else STATES[0]
        facts["retransmits"] = retransmits
    if len(raw) >= _COUNTERS.size:
        counters = _COUNTERS.unpack_from(raw)
        facts["unacked"] = counters[_UNACKED]
        facts["last_ack_ms"] = counters[_LAST_ACK_RECV]
        facts["total_retrans"] = counters[_TOTAL_RETRANS]
        if counters[_RTT]:
            facts["rtt_ms"] = counters[_RTT] / 1000
    if len(raw) >= _VOLUMES.size:
        _, _, facts["bytes_acked"], facts["bytes_received"] = _VOLUMES.unpack_from(raw)
    if len(raw) >= _MIN_RTT.size:
        (min_rtt,) = _MIN_RTT.unpack_from(raw)
        if 0 < min_rtt < 0xFFFF_FFFF:  # all ones: no sample yet
            facts["min_rtt_ms"] = min_rtt / 1000
    return facts
