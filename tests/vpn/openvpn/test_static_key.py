"""Key files: those that openvpn makes are read, and nothing else raises anything but the documented error."""

from __future__ import annotations

import base64
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.openvpn.static_key import KeyTextError, directed, halves, parse_client_key, parse_static
from tests.vpn.openvpn.recorded import RECORDED

if TYPE_CHECKING:
    from collections.abc import Callable


def test_keys_made_by_openvpn_are_read() -> None:
    assert len(parse_static(RECORDED["static_key"])) == 256
    key, wrapped = parse_client_key(RECORDED["client_key_v2"])
    assert len(key) == 256
    assert int.from_bytes(wrapped[-2:], "big") == len(wrapped)


@pytest.mark.parametrize("parse", [parse_static, parse_client_key])
@given(text=st.text(max_size=100))
def test_other_texts_are_errors(parse: Callable[[str], object], text: str) -> None:
    for kind in ("Static key V1", "tls-crypt-v2 client key"):
        with suppress(KeyTextError):
            parse(f"-----BEGIN OpenVPN {kind}-----\n{text}\n-----END OpenVPN {kind}-----")
    with pytest.raises(KeyTextError):
        parse(text)


def test_keys_that_are_cut_short() -> None:
    with pytest.raises(KeyTextError, match="2048"):
        parse_static("-----BEGIN OpenVPN Static key V1-----\n00\n-----END OpenVPN Static key V1-----")
    text = base64.b64encode(bytes(256 + 200) + (200).to_bytes(2, "big")).decode()
    with pytest.raises(KeyTextError, match="cut"):
        parse_client_key(
            f"-----BEGIN OpenVPN tls-crypt-v2 client key-----\n{text}\n-----END OpenVPN tls-crypt-v2 client key-----"
        )


def test_directions() -> None:
    key = bytes(range(256))
    first, second = halves(key)
    assert (first.cipher[0], first.hmac[0], second.cipher[0], second.hmac[0]) == (0, 64, 128, 192)
    assert (directed(key, 0).send, directed(key, 0).receive) == (first, second)
    assert (directed(key, 1).send, directed(key, 1).receive) == (second, first)
    assert directed(key, None).send == directed(key, None).receive == first
    assert "cipher" not in repr(first)
    with pytest.raises(ValueError, match="2048"):
        halves(b"")
