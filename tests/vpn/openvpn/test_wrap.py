"""Wrappings against what OpenVPN's own client sent, and against themselves with the sides exchanged."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circumvent.vpn.openvpn.packet import Opcode, decode
from circumvent.vpn.openvpn.static_key import Pair, parse_client_key, parse_static
from circumvent.vpn.openvpn.wrap import (
    EARLY_NEGOTIATION,
    Plain,
    TlsAuth,
    TlsCrypt,
    TlsCryptV2,
    WrapError,
    Wrapping,
)
from tests.vpn.openvpn.recorded import PACKETS, RECORDED

STATIC = parse_static(RECORDED["static_key"])
CLIENT, WRAPPED = parse_client_key(RECORDED["client_key_v2"])
HEAD = bytes((Opcode.CONTROL << 3,)) + bytes(8)


def other_side(wrapping: TlsAuth | TlsCrypt) -> TlsAuth | TlsCrypt:
    """Make it the server's."""
    wrapping._pair = Pair(wrapping._pair.receive, wrapping._pair.send)
    return wrapping


def servers() -> dict[str, TlsAuth | TlsCrypt | Plain]:
    """What opens each of the recorded packets."""
    return {
        "plain": Plain(),
        "tls-auth, key-direction 1, SHA1": TlsAuth(STATIC, direction=0, digest="SHA1", second=0),
        "tls-auth, no direction, SHA256": TlsAuth(STATIC, direction=None, digest="SHA256", second=0),
        "tls-auth, key-direction 0, SHA512": TlsAuth(STATIC, direction=1, digest="SHA512", second=0),
        "tls-crypt": other_side(TlsCrypt(STATIC, second=0)),
        "tls-crypt-v2": other_side(TlsCrypt(CLIENT, second=0)),
    }


@pytest.mark.parametrize("name", sorted(PACKETS))
def test_what_openvpn_sends_is_opened(name: str) -> None:
    data, server = PACKETS[name], servers()[name]
    if name == "tls-crypt-v2":
        assert data.endswith(WRAPPED)
        assert int.from_bytes(data[9:13], "big") == EARLY_NEGOTIATION + 1
        data = data.removesuffix(WRAPPED)
    packet = decode(*server.unwrap(data))
    v2 = name == "tls-crypt-v2"
    assert packet.opcode is (Opcode.RESET_CLIENT_V3 if v2 else Opcode.RESET_CLIENT)
    assert (packet.packet_id, packet.acks, packet.payload) == (0, (), b"")


@pytest.mark.parametrize("name", sorted(PACKETS))
def test_what_openvpn_sends_is_what_we_send(name: str) -> None:
    """With the same session id, time and count, both make the same octets."""
    data = PACKETS[name]
    head, second = data[:9], 0
    if name.startswith("tls-auth"):
        size = {"SHA1": 20, "SHA256": 32, "SHA512": 64}[name.rpartition(" ")[2]]
        second = int.from_bytes(data[9 + size + 4 : 9 + size + 8], "big")
    elif name != "plain":
        second = int.from_bytes(data[13:17], "big")
    clients: dict[str, Wrapping] = {
        "plain": Plain(),
        "tls-auth, key-direction 1, SHA1": TlsAuth(STATIC, direction=1, digest="SHA1", second=second),
        "tls-auth, no direction, SHA256": TlsAuth(STATIC, direction=None, digest="SHA256", second=second),
        "tls-auth, key-direction 0, SHA512": TlsAuth(STATIC, direction=0, digest="SHA512", second=second),
        "tls-crypt": TlsCrypt(STATIC, second=second),
        "tls-crypt-v2": TlsCryptV2(CLIENT, WRAPPED, second=second),
    }
    assert clients[name].wrap(head, bytes(5)) == data


@pytest.mark.parametrize("name", ["tls-auth, key-direction 1, SHA1", "tls-crypt"])
def test_nothing_passes_that_was_changed_or_seen(name: str) -> None:
    data = PACKETS[name]
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises(WrapError):
            servers()[name].unwrap(bytes(changed))
    server = servers()[name]
    server.unwrap(data)
    with pytest.raises(WrapError, match="before"):
        server.unwrap(data)


@pytest.mark.parametrize("name", sorted(PACKETS))
@settings(deadline=None)
@given(data=st.binary(max_size=120))
def test_any_octets_are_a_packet_or_an_error(name: str, data: bytes) -> None:
    with suppress(WrapError):
        servers()[name].unwrap(data)


@settings(deadline=None)
@given(st.binary(max_size=100))
def test_both_sides_understand_each_other(body: bytes) -> None:
    client = TlsCrypt(STATIC, second=1)
    server = other_side(TlsCrypt(STATIC, second=1))
    assert server.unwrap(client.wrap(HEAD, body)) == (HEAD, body)
    assert client.unwrap(server.wrap(HEAD, body)) == (HEAD, body)


def test_the_wrapped_key_goes_with_two_kinds_of_packet_only() -> None:
    client = TlsCryptV2(CLIENT, WRAPPED, second=1)
    assert client.wrapped_key_size == len(WRAPPED)
    assert not client.wrap(HEAD, b"").endswith(WRAPPED)
    for opcode in (Opcode.RESET_CLIENT_V3, Opcode.CONTROL_WKC):
        assert client.wrap(bytes((opcode << 3,)) + bytes(8), b"").endswith(WRAPPED)
