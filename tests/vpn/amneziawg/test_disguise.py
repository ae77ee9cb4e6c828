"""What AmneziaWG does to datagrams: what one side makes, the other finds."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from circumvent.model.wireguard import Disguise
from circumvent.vpn.amneziawg.disguise import Disguised
from circumvent.vpn.wireguard.framing import Plain

HEADERS = ((100, 200), (300, 300), (0x10000, 0x20000), (0xFFFFFF00, 0xFFFFFFFF))
SIZES = {1: 148, 2: 92, 3: 64, 4: 96}


def disguised(disguise: Disguise, *, reserved: bytes | None = None, seed: int = 1) -> Disguised:
    return Disguised(disguise, Plain(reserved), random.Random(seed))


def message(framing: Disguised, kind: int) -> bytes:
    return framing.number(kind).to_bytes(4, "little") + bytes([kind]) * (SIZES[kind] - 4)


@given(st.tuples(*[st.integers(0, 300)] * 4), st.integers(0, 100))
def test_every_message_is_found_behind_its_padding(paddings: tuple[int, int, int, int], seed: int) -> None:
    framing = disguised(Disguise(paddings=paddings, headers=HEADERS), seed=seed)
    for kind, padding in zip(SIZES, paddings, strict=True):
        sent = message(framing, kind)
        first, last = HEADERS[kind - 1]
        assert first <= int.from_bytes(sent[:4], "little") <= last
        datagram = framing.wrap(sent)
        assert len(datagram) == padding + SIZES[kind]
        found = framing.unwrap(datagram)
        assert found is not None
        assert found[:4] == kind.to_bytes(4, "little")
        assert found[4:] == sent[4:]


def test_the_defaults_change_nothing_and_leave_room_for_warp() -> None:
    framing = disguised(Disguise(), reserved=b"\1\2\3")
    sent = message(framing, 1)
    assert framing.wrap(sent) == b"\1\1\2\3" + sent[4:]
    assert framing.unwrap(b"\2\1\2\3" + bytes(88)) == b"\2\0\0\0" + bytes(88)
    assert framing.before(0.0) == []


def test_signature_packets_leave_before_the_junk() -> None:
    framing = disguised(Disguise(junk_count=5, junk_least=40, junk_most=42, packets=("<b 0x01>", "", "<c>")))
    signature, counter, *junk = framing.before(0.0)
    assert (signature, counter) == (b"\1", (3).to_bytes(8))
    assert len(junk) == 5
    assert all(40 <= len(packet) <= 42 for packet in junk)
    assert framing.before(0.0)[1] == (6).to_bytes(8)


@given(st.binary(max_size=300))
def test_arbitrary_datagrams_hold_a_message_of_a_known_type_or_none(data: bytes) -> None:
    found = disguised(Disguise(paddings=(1, 2, 3, 4), headers=HEADERS)).unwrap(data)
    assert found is None or found[:4] in {kind.to_bytes(4, "little") for kind in SIZES}
