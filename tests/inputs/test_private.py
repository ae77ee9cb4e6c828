"""Ranges that belong to nobody in particular, and options that point into them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from circumvent.inputs.private import range_of
from circumvent.net.address import is_public

if TYPE_CHECKING:
    import ipaddress


@given(st.ip_addresses())
def test_every_address_is_public_or_in_a_range_with_a_name(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    found = range_of(str(address))
    assert (found is None) == is_public(str(address))
    assert found is None or found[0]
