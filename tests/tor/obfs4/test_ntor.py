"""ntor of obfs4: what obfs4proxy computed, and both ends of it."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from circumvent.tor.errors import TorError
from circumvent.tor.obfs4 import ntor
from circumvent.tor.obfs4.elligator import to_public
from tests.tor.obfs4.recorded import IDENTITY, KEY, NODE_ID, SEED, SERVER_FLIGHT


def test_obfs4proxy_computed_the_same() -> None:
    seed, auth = ntor.client(
        private=KEY.private,
        public=KEY.public,
        server=to_public(SERVER_FLIGHT[:32]),
        identity=IDENTITY,
        node_id=NODE_ID,
    )
    assert auth == SERVER_FLIGHT[32:64]
    assert seed == SEED


def test_both_ends_agree() -> None:
    ours, theirs, identity = (X25519PrivateKey.generate() for _ in range(3))
    x, y, b = (
        key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw) for key in (ours, theirs, identity)
    )
    shared = ntor.exchange(theirs, x) + ntor.exchange(identity, x)
    assert ntor.derive(shared, public=x, server=y, identity=b, node_id=NODE_ID) == ntor.client(
        private=ours, public=x, server=y, identity=b, node_id=NODE_ID
    )


def test_a_key_of_low_order_is_refused() -> None:
    with pytest.raises(TorError):
        ntor.exchange(KEY.private, bytes(32))


def test_key_material_has_the_length_that_is_asked_for() -> None:
    assert len(ntor.expand(SEED, 144)) == 144
    assert ntor.expand(SEED, 144)[:72] == ntor.expand(SEED, 72)
