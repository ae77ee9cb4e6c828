"""STUN messages, against RFC 5769 and against aioice."""

from __future__ import annotations

import contextlib
import ipaddress
import json
from pathlib import Path
from typing import Any

import aioice.stun
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.net import stun
from circumvent.net.stun import Address, Attribute, Class, Message, Method, PasswordAlgorithm, StunError

VECTOR_FILES = Path(__file__).parent.parent / "vectors"
VECTORS: dict[str, Any] = json.loads((VECTOR_FILES / "rfc5769.json").read_text())
IDS = st.binary(min_size=12, max_size=12)
ADDRESSES = st.builds(Address, st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)), st.integers(0, 65535))
#: Types that have no rules of their own about where they stand.
PLAIN_TYPES = st.integers(0x8030, 0x80FF)
MESSAGES = st.builds(
    Message,
    method=st.integers(0, 0xFFF),
    kind=st.sampled_from(Class),
    transaction_id=IDS,
    attributes=st.lists(st.tuples(PLAIN_TYPES, st.binary(max_size=40)), max_size=6).map(tuple),
)


def message_of(name: str) -> Message:
    return stun.decode(bytes.fromhex(VECTORS[name]["message"]))


@pytest.mark.parametrize("name", ["request", "ipv4", "ipv6"])
def test_rfc5769_short_term(name: str) -> None:
    message = message_of(name)
    assert message.method == Method.BINDING
    assert message.transaction_id.hex() == "b7e7a701bc34d686fa87dfae"
    assert stun.verify(message, VECTORS[name]["password"].encode())
    assert not stun.verify(message, b"another password")


@pytest.mark.parametrize("name", ["ipv4", "ipv6"])
def test_rfc5769_addresses(name: str) -> None:
    expected = Address(ipaddress.ip_address(VECTORS[name]["address"]), VECTORS[name]["port"])
    message = message_of(name)
    assert message.kind is Class.SUCCESS
    assert message.address(Attribute.XOR_MAPPED_ADDRESS) == expected
    assert message.text(Attribute.SOFTWARE) == "test vector"
    assert stun.pack_xor_address(expected, message.transaction_id) == message.get(
        Attribute.XOR_MAPPED_ADDRESS
    )


def test_rfc5769_long_term() -> None:
    vector = VECTORS["long_term"]
    message = message_of("long_term")
    key = stun.long_term_key(vector["username"], vector["realm"], vector["password"])
    assert message.text(Attribute.USERNAME) == vector["username"]
    assert stun.verify(message, key)
    # The vector has no padding but NUL, so that the whole request can be written again, byte for byte.
    unsigned = Message(
        method=message.method,
        kind=message.kind,
        transaction_id=message.transaction_id,
        attributes=message.attributes[:-1],
    )
    assert stun.encode(unsigned, key=key) == message.raw


@given(
    message=MESSAGES, key=st.binary(min_size=1, max_size=32), sha256=st.booleans(), fingerprint=st.booleans()
)
def test_what_is_written_is_read_again(message: Message, key: bytes, sha256: bool, fingerprint: bool) -> None:
    algorithm = PasswordAlgorithm.SHA256 if sha256 else PasswordAlgorithm.MD5
    read = stun.decode(stun.encode(message, key=key, algorithm=algorithm, fingerprint=fingerprint))
    assert (read.method, read.kind, read.transaction_id) == (
        message.method,
        message.kind,
        message.transaction_id,
    )
    assert read.attributes[: len(message.attributes)] == message.attributes
    assert stun.verify(read, key)
    assert not stun.verify(read, key + b"x")


@given(address=ADDRESSES)
def test_another_address_of_a_server_stands_there_as_it_is(address: Address) -> None:
    """OTHER-ADDRESS (RFC 5780, section 7.4) has the form of MAPPED-ADDRESS, which is not disguised."""
    family = b"\0\1" if address.ip.version == 4 else b"\0\2"
    value = family + address.port.to_bytes(2, "big") + address.ip.packed
    message = Message(
        method=Method.BINDING,
        kind=Class.SUCCESS,
        transaction_id=bytes(12),
        attributes=((Attribute.OTHER_ADDRESS, value),),
    )
    assert stun.decode(stun.encode(message)).plain_address(Attribute.OTHER_ADDRESS) == address
    assert message.plain_address(Attribute.MAPPED_ADDRESS) is None


@pytest.mark.parametrize("value", ["", "0001", "00010d960102", "00030d9601020304", "00020d9601020304"])
def test_what_is_no_address(value: str) -> None:
    message = Message(
        method=Method.BINDING,
        kind=Class.SUCCESS,
        transaction_id=bytes(12),
        attributes=((Attribute.OTHER_ADDRESS, bytes.fromhex(value)),),
    )
    with pytest.raises(StunError):
        message.plain_address(Attribute.OTHER_ADDRESS)


@given(address=ADDRESSES, transaction_id=IDS)
def test_addresses_are_those_of_aioice(address: Address, transaction_id: bytes) -> None:
    packed = stun.pack_xor_address(address, transaction_id)
    assert packed == aioice.stun.pack_xor_address((str(address.ip), address.port), transaction_id)
    assert stun.unpack_xor_address(packed, transaction_id) == address


@given(user=st.text("abc", min_size=1), transaction_id=IDS, key=st.binary(min_size=1, max_size=20))
def test_aioice_reads_what_we_sign(user: str, transaction_id: bytes, key: bytes) -> None:
    message = Message(
        method=Method.ALLOCATE,
        kind=Class.REQUEST,
        transaction_id=transaction_id,
        attributes=((Attribute.USERNAME, user.encode()), (Attribute.LIFETIME, (600).to_bytes(4, "big"))),
    )
    read = aioice.stun.parse_message(stun.encode(message, key=key, fingerprint=True))
    assert read.attributes["USERNAME"] == user
    assert read.attributes["LIFETIME"] == 600
    assert read.check_message_integrity(key)


@given(transaction_id=IDS, key=st.binary(min_size=1, max_size=20))
def test_we_read_what_aioice_signs(transaction_id: bytes, key: bytes) -> None:
    theirs = aioice.stun.Message(
        aioice.stun.Method.ALLOCATE, aioice.stun.Class.ERROR, transaction_id=transaction_id
    )
    theirs.attributes["ERROR-CODE"] = (438, "Stale Nonce")
    theirs.add_message_integrity(key)
    theirs.add_fingerprint()
    read = stun.decode(bytes(theirs))
    assert (read.method, read.kind, read.error_code) == (Method.ALLOCATE, Class.ERROR, 438)
    assert stun.verify(read, key)


@given(st.binary(max_size=100))
def test_garbage_raises_only_stun_error(data: bytes) -> None:
    header = b"\x01\x01" + len(data).to_bytes(2, "big") + bytes.fromhex("2112a442") + bytes(12)
    for candidate in (data, header + data):
        with contextlib.suppress(StunError):
            message = stun.decode(candidate)
            stun.verify(message, b"key")
            for attribute in (Attribute.XOR_MAPPED_ADDRESS, Attribute.ERROR_CODE):
                with contextlib.suppress(StunError):
                    message.address(attribute)
            with contextlib.suppress(StunError):
                message.error_code  # noqa: B018 - reading it is the test
            message.text(Attribute.REALM)


def test_a_changed_bit_breaks_the_fingerprint() -> None:
    data = bytearray.fromhex(VECTORS["ipv4"]["message"])
    data[25] ^= 1
    with pytest.raises(StunError, match="FINGERPRINT"):
        stun.decode(bytes(data))


def test_attributes_after_the_integrity_do_not_count() -> None:
    message = Message(method=1, kind=Class.SUCCESS, transaction_id=bytes(12))
    data = stun.encode(message, key=b"key")
    late = bytes.fromhex("0020000800010000") + bytes(4)
    data = data[:2] + (len(data) - 20 + len(late)).to_bytes(2, "big") + data[4:] + late
    read = stun.decode(data)
    assert read.get(Attribute.XOR_MAPPED_ADDRESS) is None
    assert stun.verify(read, b"key")


@given(frames=st.lists(st.one_of(MESSAGES, st.binary(max_size=50)), max_size=5), data=st.data())
def test_a_stream_is_cut_into_the_frames_that_went_in(
    frames: list[Message | bytes], data: st.DataObject
) -> None:
    wire = [
        stun.encode(frame) if isinstance(frame, Message) else stun.channel_data(0x4001, frame, pad=True)
        for frame in frames
    ]
    rest = b"".join(wire)
    deframer = stun.Deframer(channel=0x4001)
    got = []
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        got += deframer.feed(rest[:size])
        rest = rest[size:]
    assert got == wire
    for frame, raw in zip(frames, got, strict=True):
        if isinstance(frame, bytes):
            assert stun.parse_channel_data(raw) == (0x4001, frame)


@pytest.mark.parametrize(
    "data", [b"HTTP/1.1 400 Bad Request", b"\x15\x03\x01\x00\x02\x02\x28", b"\x00\x01\x00\x00HTTP"]
)
def test_a_stream_of_something_else_is_no_stun(data: bytes) -> None:
    with pytest.raises(StunError):
        stun.Deframer().feed(data)


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_the_deframer_raises_only_stun_error(chunks: list[bytes]) -> None:
    deframer = stun.Deframer()
    with contextlib.suppress(StunError):
        for chunk in chunks:
            deframer.feed(chunk)
