"""A handshake with a real obfs4proxy, as a file says it went (``tests/vectors/obfs4proxy-0.0.14.json``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from circumvent.tor.obfs4.elligator import KeyPair

RECORDED: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "obfs4proxy-0.0.14.json").read_text(encoding="ascii")
)
NODE_ID: Final = bytes.fromhex(RECORDED["node_id"])
IDENTITY: Final = bytes.fromhex(RECORDED["server_public"])
NOW: Final = float(RECORDED["now"])
SERVER_FLIGHT: Final = bytes.fromhex(RECORDED["server_flight"])
SEED: Final = bytes.fromhex(RECORDED["seed"])
KEY: Final = KeyPair(
    X25519PrivateKey.from_private_bytes(bytes.fromhex(RECORDED["private"])),
    bytes.fromhex(RECORDED["public"]),
    bytes.fromhex(RECORDED["representative"]),
)
