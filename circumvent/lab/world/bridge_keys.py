"""Keys of a Tor bridge, made before its daemons start, so that its lines are known: tor's identity, obfs4's keys."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Final

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

#: Bits and exponent of a relay's legacy identity key (tor-spec, "Keys and names").
_IDENTITY_BITS: Final = 1024
_EXPONENT: Final = 65537
_NODE_ID: Final = 20
#: The seed of obfs4's lengths and pauses. It is the same for all: left to chance, some are so short that nothing gets through.
_SEED: Final = "c76a7ed7a2db6f519eca0ea3473cb501409d71a22cd14430"


class BridgeKeys(msgspec.Struct, frozen=True, kw_only=True):
    """``identity`` is PEM, as tor keeps it; the others are hexadecimal. ``another_*`` are those of somebody else."""

    identity: str
    fingerprint: str
    node_id: str
    private_key: str
    public_key: str
    another_fingerprint: str
    another_cert: str

    @classmethod
    def fresh(cls) -> BridgeKeys:
        """Make new ones."""
        identity = rsa.generate_private_key(public_exponent=_EXPONENT, key_size=_IDENTITY_BITS)
        key, node_id = X25519PrivateKey.generate(), secrets.token_bytes(_NODE_ID)
        public = identity.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.PKCS1
        )
        return cls(
            identity=identity.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            ).decode("ascii"),
            fingerprint=hashlib.sha1(public, usedforsecurity=False).hexdigest().upper(),
            node_id=node_id.hex(),
            private_key=key.private_bytes_raw().hex(),
            public_key=key.public_key().public_bytes_raw().hex(),
            another_fingerprint=secrets.token_hex(_NODE_ID).upper(),
            another_cert=_cert(node_id, X25519PrivateKey.generate().public_key().public_bytes_raw()),
        )

    @property
    def cert(self) -> str:
        """The ``cert`` of its obfs4 line."""
        return _cert(bytes.fromhex(self.node_id), bytes.fromhex(self.public_key))

    @property
    def obfs4_state(self) -> str:
        """What obfs4proxy keeps in its ``obfs4_state.json``."""
        state = {
            "node-id": self.node_id,
            "private-key": self.private_key,
            "public-key": self.public_key,
            "drbg-seed": _SEED,
            "iat-mode": 0,
        }
        return json.dumps(state)


def _cert(node_id: bytes, public_key: bytes) -> str:
    return base64.b64encode(node_id + public_key).decode("ascii").rstrip("=")
