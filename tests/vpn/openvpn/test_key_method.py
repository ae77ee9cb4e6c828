"""Key method 2 and the PRF of TLS 1.0."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.openvpn.key_method import (
    ClientKeys,
    KeyMethodError,
    ServerKeys,
    data_keys,
    decode_server,
    derive_by_prf,
    encode_client,
    options_text,
    peer_info,
    tls1_prf,
)

KEYS = ClientKeys.split(bytes(range(112)))


def test_vectors_of_the_prf() -> None:
    """The first is that of OpenVPN's own tests (tests/unit_tests/openvpn/test_crypto.c), the second is older than TLS 1.1."""
    seed = b"Quis aute iure reprehenderit in voluptate velit esse cillum dolore"
    secret = (
        b"Lorem ipsum dolor sit amet, consectetur adipisici elit, sed eiusmod tempor incidunt ut labore et dolore "
        b"magna aliqua."
    )
    expected = "d98c8518c85e946927916acfc2d592fbb1567e4b4b1459e6a904ac2ddab72d67"
    assert tls1_prf(secret, b"", seed, 32).hex() == expected
    made = tls1_prf(b"\xab" * 48, b"PRF Testvector", b"\xcd" * 64, 104)
    assert made.hex().startswith("d3d4d1e349b5d515044666d51de32bab258cb521b6b053463e354832fd976754")
    assert made.hex().endswith("8f1afbc655a8c9a013")


def test_our_message() -> None:
    data = encode_client(KEYS, options="V4", user="ab", password=None, peer_info="IV\n")
    assert data[:5] == b"\0\0\0\0\x02"
    assert data[5:117] == bytes(range(112))
    assert data[117:] == b"\0\x03V4\0" + b"\0\x03ab\0" + b"\0\0" + b"\0\x04IV\n\0"


def server_message(options: bytes = b"V4,cipher AES-256-GCM\0", after: bytes = b"\0\0\0\0\0\0") -> bytes:
    return b"\0\0\0\0\x02" + b"a" * 32 + b"b" * 32 + len(options).to_bytes(2, "big") + options + after


def test_the_servers_message_is_read_when_it_is_whole() -> None:
    whole = server_message()
    for size in range(len(whole) - 6):
        assert decode_server(whole[:size]) is None
    expected = ServerKeys(random1=b"a" * 32, random2=b"b" * 32, options="V4,cipher AES-256-GCM")
    assert decode_server(whole) == (expected, b"")
    assert decode_server(whole + b"PUSH_REPLY\0") == (expected, b"PUSH_REPLY\0")
    assert decode_server(server_message(after=b"") + b"AUTH_FAILED\0") == (expected, b"AUTH_FAILED\0")


@given(st.binary(max_size=300))
def test_any_octets_are_a_message_or_an_error(data: bytes) -> None:
    for each in (data, b"\0\0\0\0\x02" + data):
        with suppress(KeyMethodError):
            decode_server(each)


def test_another_method_is_an_error() -> None:
    with pytest.raises(KeyMethodError):
        decode_server(b"\0\0\0\0\x01")


def test_both_sides_make_the_same_keys_and_every_input_counts() -> None:
    server = ServerKeys(random1=b"a" * 32, random2=b"b" * 32)
    made = derive_by_prf(KEYS, server, b"client!!", b"server!!")
    assert len(made) == 256
    assert made != derive_by_prf(KEYS, server, b"client!!", b"server!?")
    assert made != derive_by_prf(
        KEYS, ServerKeys(random1=b"a" * 32, random2=b"c" * 32), b"client!!", b"server!!"
    )
    assert (data_keys(made).send.cipher, data_keys(made).receive.hmac) == (made[:64], made[192:])


def test_what_is_told_of_us() -> None:
    lines = peer_info(ciphers=("AES-256-GCM", "AES-128-GCM"), export=True).splitlines()
    assert "IV_CIPHERS=AES-256-GCM:AES-128-GCM" in lines
    assert "IV_NCP=2" in lines
    assert "IV_PROTO=334" in lines
    assert "IV_PROTO=326" in peer_info(ciphers=("AES-256-CBC",), export=False).splitlines()
    text = options_text(
        transport="tcp",
        family="ipv6",
        cipher="AES-256-CBC",
        digest="SHA1",
        key_direction=1,
        tls_auth=True,
        mtu=1500,
    )
    assert text == (
        "V4,dev-type tun,tun-mtu 1500,proto TCPv6_CLIENT,keydir 1,cipher AES-256-CBC,auth SHA1,tls-auth,key-method 2,"
        "tls-client"
    )


def test_randomness_has_a_size() -> None:
    with pytest.raises(ValueError, match="112"):
        ClientKeys.split(b"")
    assert "random" not in repr(KEYS)
