"""Diffie-Hellman: both sides agree, and values that would give the secret away are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.groups import _MODP_2048, key_exchange
from circumvent.vpn.ikev2.numbers import Group

#: Bytes of a public value (RFC 3526, RFC 5903, RFC 8031).
SIZES = {Group.MODP_2048: 256, Group.ECP_256: 64, Group.ECP_384: 96, Group.CURVE25519: 32}


@pytest.mark.parametrize("group", list(Group))
def test_both_sides_agree(group: Group) -> None:
    one, other = key_exchange(group), key_exchange(group)
    assert one.group is group
    assert len(one.public) == SIZES[group]
    assert one.shared(other.public) == other.shared(one.public)
    assert len(one.shared(other.public)) == {Group.MODP_2048: 256, Group.ECP_384: 48}.get(group, 32)
    assert one.public != other.public


@pytest.mark.parametrize("group", list(Group))
def test_values_that_give_the_secret_away_are_refused(group: Group) -> None:
    one = key_exchange(group)
    for value in (b"", bytes(SIZES[group]), b"\x01" * (SIZES[group] - 1)):
        with pytest.raises(IkeError):
            one.shared(value)


def test_the_prime_is_that_of_rfc_3526() -> None:
    # p = 2^2048 - 2^1984 - 1 + 2^64 * (n + 124476), with n the whole part of 2^1918 pi
    n = (_MODP_2048 - 2**2048 + 2**1984 + 1) // 2**64 - 124476
    assert (_MODP_2048 - 2**2048 + 2**1984 + 1) % 2**64 == 0
    assert n >> 1918 == 3
    assert (n >> (1918 - 48)) & (2**48 - 1) == 0x243F6A8885A3  # pi in hexadecimal: 3.243f6a8885a3...
    for value in (1, _MODP_2048 - 1, _MODP_2048, _MODP_2048 + 1):
        with pytest.raises(IkeError):
            key_exchange(Group.MODP_2048).shared(value.to_bytes(256, "big"))


@given(st.sampled_from(list(Group)), st.binary(max_size=100))
def test_any_bytes_give_a_secret_or_the_one_error(group: Group, data: bytes) -> None:
    try:
        key_exchange(group).shared(data.ljust(SIZES[group], b"\7"))
    except IkeError:
        return
