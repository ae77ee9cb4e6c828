"""ntor as obfs4 speaks it: B stands twice in the common input (unlike in the paper), and the node id at its end.

Source: obfs4-spec, section 4, and the order of fields on the wire.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from circumvent.tor.errors import TorError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

PROTOCOL: Final = b"ntor-curve25519-sha256-1"
_MAC: Final = PROTOCOL + b":mac"
_EXTRACT: Final = PROTOCOL + b":key_extract"
_VERIFY: Final = PROTOCOL + b":key_verify"
_EXPAND: Final = PROTOCOL + b":key_expand"
AUTH_BYTES: Final = 32


def client(
    *, private: X25519PrivateKey, public: bytes, server: bytes, identity: bytes, node_id: bytes
) -> tuple[bytes, bytes]:
    """Return key seed and the AUTH that the server must have sent.

    ``private`` and ``public`` (as the server knows it) are ours (x, X), ``server`` is its ephemeral key (Y),
    ``identity`` its long-term one (B).

    :raises TorError: when the server's key is of low order.
    """
    shared = exchange(private, server) + exchange(private, identity)
    return derive(shared, public=public, server=server, identity=identity, node_id=node_id)


def derive(
    shared: bytes, *, public: bytes, server: bytes, identity: bytes, node_id: bytes
) -> tuple[bytes, bytes]:
    """Return key seed and AUTH from both Diffie-Hellman secrets."""
    common = identity + identity + public + server + PROTOCOL + node_id
    seed = _hmac(_EXTRACT, shared + common)
    verify = _hmac(_VERIFY, shared + common)
    return seed, _hmac(_MAC, verify + common + b"Server")


def expand(seed: bytes, length: int) -> bytes:
    """Return key material from a key seed."""
    return HKDF(algorithm=SHA256(), length=length, salt=_EXTRACT, info=_EXPAND).derive(seed)


def exchange(private: X25519PrivateKey, public: bytes) -> bytes:
    """Return the Diffie-Hellman secret.

    :raises TorError: when it is all zeros: the key is of low order.
    """
    try:
        return private.exchange(X25519PublicKey.from_public_bytes(public))
    except ValueError as exc:
        raise TorError("a key of low order") from exc


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, hashlib.sha256)
