"""The data channel: packets under AES-GCM, ChaCha20-Poly1305, or a block cipher with an HMAC (draft, section 6; ``crypto.c``).

::

    AEAD  first octet [peer id] packet id  tag  ciphertext      everything before the tag is authenticated (V1: the id)
    CBC   first octet [peer id] HMAC  IV  ciphertext of (packet id, packet)
"""

from __future__ import annotations

import hmac
import re
import secrets
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.decrepit.ciphers.algorithms import Blowfish
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from circumvent.vpn.openvpn.packet import Opcode, PacketError, first_octet, read_first_octet
from circumvent.vpn.openvpn.replay import ReplayWindow
from circumvent.vpn.openvpn.wrap import DIGESTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.vpn.openvpn.static_key import Direction, Pair

_TAG: Final = 16
_ID: Final = struct.Struct("!I")
#: Octets of the nonce that come from the key material (the packet id is the rest).
_IMPLICIT: Final = 8


class DataError(ValueError):
    """A packet of the data channel does not authenticate, was seen before, or is none."""


class _Sealing(Protocol):
    """A way to protect packets."""

    def seal(self, head: bytes, number: bytes, packet: bytes) -> bytes: ...

    def open(self, head: bytes, data: bytes) -> tuple[bytes, bytes]: ...


@dataclass(frozen=True, slots=True)
class _Algorithm:
    """A cipher of the data channel: octets of its key, and whether it authenticates itself."""

    key: int
    aead: type[AESGCM | ChaCha20Poly1305] | None
    block: type[algorithms.AES | Blowfish] = algorithms.AES


CIPHERS: Final = {
    "AES-256-GCM": _Algorithm(32, AESGCM),
    "AES-192-GCM": _Algorithm(24, AESGCM),
    "AES-128-GCM": _Algorithm(16, AESGCM),
    "CHACHA20-POLY1305": _Algorithm(32, ChaCha20Poly1305),
    "AES-256-CBC": _Algorithm(32, None),
    "AES-192-CBC": _Algorithm(24, None),
    "AES-128-CBC": _Algorithm(16, None),
    "BF-CBC": _Algorithm(16, None, Blowfish),  # the default until 2.4, and weak (64 bits a block)
}
#: What a client offers that says nothing else.
DEFAULT_CIPHERS: Final = ("AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305")


def spoken(cipher: str, digest: str) -> bool:
    """Tell whether a cipher is known, and the digest too if the cipher needs one."""
    return cipher in CIPHERS and (CIPHERS[cipher].aead is not None or digest in DIGESTS)


class CipherError(ValueError):
    """Server and profile share no cipher of the data channel. The message repeats nothing of the server's."""


def choose_cipher(pushed: str | None, options: str, offered: Sequence[str], fallback: str | None) -> str:
    """Return the cipher that both sides will use, as OpenVPN 2.6 chooses it (``ssl_ncp.c``).

    ``pushed`` counts if the profile allows it. A server that pushes none says in its ``options`` what it uses, which counts if we
    offered it; else the profile's own ``fallback`` does.

    :raises CipherError: when there is none.
    """
    if pushed is not None:
        if pushed not in (*offered, fallback):
            raise CipherError("the server wants a cipher that the profile does not allow")
        return pushed
    said = re.search(r"(?:^|,)cipher ([A-Za-z0-9-]{1,40})", options)
    if said is not None and said[1].upper() in offered:
        return said[1].upper()
    if fallback is None:
        raise CipherError("the server knows no negotiation of ciphers, and the profile names none for such")
    return fallback


class _Aead:
    """AEAD of one direction each: the nonce is the packet id and eight octets of the key material."""

    def __init__(self, algorithm: _Algorithm, keys: Pair) -> None:
        if algorithm.aead is None:
            raise ValueError("no AEAD")
        self._send = algorithm.aead(keys.send.cipher[: algorithm.key])
        self._receive = algorithm.aead(keys.receive.cipher[: algorithm.key])
        self._send_iv = keys.send.hmac[:_IMPLICIT]
        self._receive_iv = keys.receive.hmac[:_IMPLICIT]

    def seal(self, head: bytes, number: bytes, packet: bytes) -> bytes:
        known = (head if len(head) > 1 else b"") + number
        sealed = self._send.encrypt(number + self._send_iv, packet, known)
        return head + number + sealed[-_TAG:] + sealed[:-_TAG]

    def open(self, head: bytes, data: bytes) -> tuple[bytes, bytes]:
        number, tag, secret = data[: _ID.size], data[_ID.size : _ID.size + _TAG], data[_ID.size + _TAG :]
        if len(tag) < _TAG:
            raise DataError("too short")
        known = (head if len(head) > 1 else b"") + number
        try:
            return number, self._receive.decrypt(number + self._receive_iv, secret + tag, known)
        except InvalidTag:
            raise DataError("the tag is wrong") from None


class _Cbc:
    """A block cipher in CBC mode, then an HMAC over the IV and the ciphertext."""

    def __init__(self, algorithm: _Algorithm, digest: str, keys: Pair) -> None:
        self._digest = DIGESTS[digest]
        self._length = hmac.new(b"", digestmod=self._digest).digest_size
        self._algorithm = algorithm
        self._block = algorithm.block.block_size // 8
        self._keys = keys

    def seal(self, head: bytes, number: bytes, packet: bytes) -> bytes:
        iv = secrets.token_bytes(self._block)
        clear = number + packet
        pad = self._block - len(clear) % self._block
        cipher = self._cipher(self._keys.send, iv).encryptor()
        secret = iv + cipher.update(clear + bytes((pad,)) * pad) + cipher.finalize()
        return head + self._tag(self._keys.send, secret) + secret

    def open(self, head: bytes, data: bytes) -> tuple[bytes, bytes]:
        del head  # it is not authenticated with these ciphers
        tag, secret = data[: self._length], data[self._length :]
        if len(secret) < 2 * self._block or len(secret) % self._block:
            raise DataError("too short")
        if not hmac.compare_digest(tag, self._tag(self._keys.receive, secret)):
            raise DataError("the tag is wrong")
        cipher = self._cipher(self._keys.receive, secret[: self._block]).decryptor()
        clear = cipher.update(secret[self._block :]) + cipher.finalize()
        pad = clear[-1]
        if not 1 <= pad <= self._block or len(clear) < pad + _ID.size:
            raise DataError("the padding is wrong")
        return clear[: _ID.size], clear[_ID.size : -pad]

    def _cipher(self, keys: Direction, iv: bytes) -> Cipher[modes.CBC]:
        return Cipher(self._algorithm.block(keys.cipher[: self._algorithm.key]), modes.CBC(iv))

    def _tag(self, keys: Direction, secret: bytes) -> bytes:
        return hmac.digest(keys.hmac[: self._length], secret, self._digest)


class DataChannel:
    """Packets both ways under one set of keys."""

    def __init__(self, cipher: str, keys: Pair, *, digest: str = "SHA1", peer_id: int | None = None) -> None:
        """Use ``cipher``; with a ``peer_id`` packets are of the second version.

        :raises ValueError: for a cipher that is not known, or a digest that is not and is needed.
        """
        algorithm = CIPHERS.get(cipher)
        if algorithm is None or not spoken(cipher, digest):
            raise ValueError("this cipher of the data channel is not known")
        self._sealing: _Sealing = (
            _Cbc(algorithm, digest, keys) if algorithm.aead is None else _Aead(algorithm, keys)
        )
        self._number = 0
        self._window = ReplayWindow()
        if peer_id is None:
            self._head = bytes((first_octet(Opcode.DATA_V1, 0),))
        else:
            self._head = bytes((first_octet(Opcode.DATA_V2, 0),)) + peer_id.to_bytes(3, "big")

    def seal(self, packet: bytes) -> bytes:
        """Return a datagram with ``packet`` in it."""
        self._number += 1
        return self._sealing.seal(self._head, _ID.pack(self._number), packet)

    def open(self, data: bytes) -> bytes:
        """Return what a datagram holds.

        :raises DataError: when it does not authenticate, was seen before, or is none.
        """
        try:
            opcode, key_id = read_first_octet(data[0]) if data else (Opcode.ACK, 0)
        except PacketError as exc:
            raise DataError(str(exc)) from None
        if opcode not in (Opcode.DATA_V1, Opcode.DATA_V2) or key_id != 0:
            raise DataError("not of this data channel")
        place = 4 if opcode is Opcode.DATA_V2 else 1
        number, packet = self._sealing.open(data[:place], data[place:])
        (packet_id,) = _ID.unpack(number)
        if not self._window.fresh(packet_id):
            raise DataError("seen before")
        self._window.note(packet_id)
        return packet
