"""Crypto binding: the proof that who signed in inside is who shook hands outside (MS-SSTP, section 3.2.5.2).

The client sends a MAC over its Call Connected message, under a key that both derive from the password exchange, with
the hash of the certificate that the client saw. A server behind a man in the middle sees another one.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from circumvent.vpn.sstp.message import (
    SHA256,
    AttributeId,
    BindingRequest,
    Control,
    MessageType,
    encode_control,
)

#: Bytes of the higher-layer authentication key; without one (PAP), as many zeros (section 3.2.5.2.4).
HLAK_BYTES: Final = 32
_SEED: Final = b"SSTP inner method derived CMK"
_FIELD_BYTES: Final = 32


def call_connected(request: BindingRequest, certificate: bytes, hlak: bytes) -> bytes:
    """Write the Call Connected message (section 2.2.11).

    :param certificate: the server's, in DER form.
    :param hlak: the higher-layer authentication key, 32 bytes.
    """
    name, bit = ("sha256", SHA256) if request.hashes & SHA256 else ("sha1", request.hashes & 1)
    fingerprint = hashlib.new(name, certificate).digest().ljust(_FIELD_BYTES, b"\0")
    value = bytes(3) + bytes([bit]) + request.nonce + fingerprint
    unsigned = _message(value + bytes(_FIELD_BYTES))
    mac = compound_mac(hlak, unsigned, name).ljust(_FIELD_BYTES, b"\0")
    return _message(value + mac)


def compound_mac(hlak: bytes, message: bytes, name: str) -> bytes:
    """Return the MAC of a Call Connected message whose MAC field is zero (sections 3.2.5.2.1 to 3.2.5.2.5).

    ``name`` is ``sha256`` or ``sha1``.
    """
    size = hashlib.new(name).digest_size
    key = hmac.digest(hlak, _SEED + size.to_bytes(2, "little") + b"\x01", name)
    return hmac.digest(key, message, name)


def _message(value: bytes) -> bytes:
    return encode_control(Control(MessageType.CALL_CONNECTED, ((AttributeId.CRYPTO_BINDING, value),)))
