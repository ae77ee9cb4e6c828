"""Diffie-Hellman: both sides agree, and values that would give the secret away are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.groups import key_exchange, prime
from circumvent.vpn.ikev2.numbers import Group

#: Bytes of a public value (RFC 3526, RFC 5903, RFC 8031).
SIZES = {
    Group.MODP_1024: 128,
    Group.MODP_1536: 192,
    Group.MODP_2048: 256,
    Group.MODP_3072: 384,
    Group.MODP_4096: 512,
    Group.ECP_256: 64,
    Group.ECP_384: 96,
    Group.ECP_521: 132,
    Group.CURVE25519: 32,
}
FIELDS = [group for group in Group if group.name.startswith("MODP")]


@pytest.mark.parametrize("group", list(Group))
def test_both_sides_agree(group: Group) -> None:
    one, other = key_exchange(group), key_exchange(group)
    assert one.group is group
    assert len(one.public) == SIZES[group]
    assert one.shared(other.public) == other.shared(one.public)
    half = SIZES[group] // 2
    assert len(one.shared(other.public)) == (half if group.name.startswith("ECP") else SIZES[group])
    assert one.public != other.public


@pytest.mark.parametrize("group", list(Group))
def test_values_that_give_the_secret_away_are_refused(group: Group) -> None:
    one = key_exchange(group)
    for value in (b"", bytes(SIZES[group]), b"\x01" * (SIZES[group] - 1)):
        with pytest.raises(IkeError):
            one.shared(value)


#: RFC 3526, section 3.
MODP_2048 = """
    FFFFFFFF FFFFFFFF C90FDAA2 2168C234 C4C6628B 80DC1CD1 29024E08 8A67CC74 020BBEA6 3B139B22 514A0879 8E3404DD
    EF9519B3 CD3A431B 302B0A6D F25F1437 4FE1356D 6D51C245 E485B576 625E7EC6 F44C42E9 A637ED6B 0BFF5CB6 F406B7ED
    EE386BFB 5A899FA5 AE9F2411 7C4B1FE6 49286651 ECE45B3D C2007CB8 A163BF05 98DA4836 1C55D39A 69163FA8 FD24CF5F
    83655D23 DCA3AD96 1C62F356 208552BB 9ED52907 7096966D 670C354E 4ABC9804 F1746C08 CA18217C 32905E46 2E36CE3B
    E39E772C 180E8603 9B2783A2 EC07A28F B5C55DF0 6F4C52C9 DE2BCBF6 95581718 3995497C EA956AE5 15D22618 98FA0510
    15728E5A 8AACAA68 FFFFFFFF FFFFFFFF
"""


def test_the_prime_of_2048_bits_is_that_of_rfc_3526() -> None:
    assert prime(Group.MODP_2048) == int("".join(MODP_2048.split()), 16)


@pytest.mark.parametrize("group", FIELDS)
def test_every_field_is_one_and_every_value_at_its_edge_is_refused(group: Group) -> None:
    p = prime(group)
    assert p.bit_length() == 8 * SIZES[group]
    assert pow(3, p - 1, p) == 1  # Fermat: what is no prime fails this
    assert pow(3, p // 2 - 1, p // 2) == 1  # and so is (p - 1) / 2
    for value in (0, 1, p - 1, p):
        with pytest.raises(IkeError):
            key_exchange(group).shared(value.to_bytes(SIZES[group], "big"))
    with pytest.raises(IkeError):
        key_exchange(group).shared(b"\2" * (SIZES[group] - 1))


@given(st.sampled_from(list(Group)), st.binary(max_size=100))
def test_any_bytes_give_a_secret_or_the_one_error(group: Group, data: bytes) -> None:
    try:
        key_exchange(group).shared(data.ljust(SIZES[group], b"\7"))
    except IkeError:
        return
