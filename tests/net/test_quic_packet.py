"""What anybody on the path can read of QUIC."""

from __future__ import annotations

from aioquic.quic.packet import encode_quic_version_negotiation
from hypothesis import given
from hypothesis import strategies as st

from circumvent.net.quic_packet import VersionNegotiation, starts_with_initial, version_negotiation


@given(
    destination=st.binary(max_size=20),
    source=st.binary(max_size=20),
    versions=st.lists(st.integers(1, 0xFFFFFFFF), min_size=1, max_size=20),
)
def test_version_negotiation_is_read_as_aioquic_writes_it(
    destination: bytes, source: bytes, versions: list[int]
) -> None:
    packet = encode_quic_version_negotiation(
        source_cid=source, destination_cid=destination, supported_versions=versions
    )

    assert version_negotiation(packet) == VersionNegotiation(destination, source, tuple(versions))
    assert not starts_with_initial(packet)


@given(st.binary(max_size=80))
def test_garbage_is_none_of_it_or_whole(data: bytes) -> None:
    found = version_negotiation(data)

    assert found is None or (found.versions and data[1:5] == bytes(4))
    starts_with_initial(data)


def test_initial_packets_are_known_in_both_versions() -> None:
    assert starts_with_initial(bytes.fromhex("c000000001"))
    assert starts_with_initial(bytes.fromhex("d06b3343cf"))
    assert not starts_with_initial(bytes.fromhex("e000000001"))  # Handshake
    assert not starts_with_initial(bytes.fromhex("c06b3343cf"))  # Retry in version 2
    assert not starts_with_initial(bytes.fromhex("4000000001"))  # 1-RTT
