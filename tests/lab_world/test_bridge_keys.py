"""Keys of Tor bridges, in the forms in which tor and obfs4proxy keep them."""

from __future__ import annotations

import re

import msgspec

from circumvent.lab.world.bridge_keys import BridgeKeys


def test_keys_are_what_tor_keeps() -> None:
    keys = BridgeKeys.fresh()
    assert keys.identity.startswith("-----BEGIN RSA PRIVATE KEY-----")
    assert re.fullmatch("[0-9A-F]{40}", keys.fingerprint)
    assert len(keys.cert) == 70
    assert BridgeKeys.fresh() != keys
    assert msgspec.json.decode(keys.obfs4_state)["public-key"] == keys.public_key
