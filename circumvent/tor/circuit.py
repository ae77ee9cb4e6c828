"""A circuit of one hop: CREATE_FAST, the encryption of its relay cells, and its flow control.

Sources: tor-spec, "CREATE_FAST/CREATED_FAST cells", "KDF-TOR", "Relay cells", "Flow control", and proposal 289 for
SENDME cells that prove what was received. CREATE_FAST proves no identity: it stands inside a TLS connection whose other
end has already proved its own.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES128
from cryptography.hazmat.primitives.ciphers.modes import CTR

from circumvent.tor.cells import PAYLOAD_BYTES
from circumvent.tor.errors import TorError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import CipherContext

# Specification.
HASH_BYTES: Final = 20  #: SHA-1
KEY_BYTES: Final = 16  #: AES-128
_HEAD: Final = struct.Struct("!BHH4sH")
DATA_BYTES: Final = PAYLOAD_BYTES - _HEAD.size  #: 498 in each relay cell
CIRCUIT_INCREMENT: Final = 100  #: DATA cells that one SENDME of the circuit acknowledges
STREAM_INCREMENT: Final = 50  #: likewise for a stream
STREAM_WINDOW: Final = 500  #: DATA cells of a stream that may be unacknowledged
CIRCUIT_WINDOW: Final = 1000
_SENDME_VERSION: Final = 1


class Relay(IntEnum):
    """Commands of relay cells (tor-spec, "Relay cells")."""

    DATA = 2
    END = 3
    CONNECTED = 4
    SENDME = 5
    DROP = 10
    BEGIN_DIR = 13


#: The reason with which a client ends a stream that it is done with (tor-spec, "Closing streams").
END_DONE: Final = 6


def kdf_tor(secret: bytes, length: int) -> bytes:
    """Stretch a secret with SHA-1 and a counter of one byte (tor-spec, "KDF-TOR")."""
    blocks = -(-length // HASH_BYTES)
    return b"".join(_sha1(secret + bytes((number,))) for number in range(blocks))[:length]


def _sha1(data: bytes) -> bytes:
    return hashlib.sha1(data, usedforsecurity=False).digest()


@dataclass(frozen=True, slots=True)
class RelayCell:
    """A relay cell as it was meant for us. ``command`` may be one that we do not know."""

    command: int
    stream: int
    data: bytes


def open_fast(sent: bytes, answer: bytes) -> Circuit:
    """Complete a CREATE_FAST handshake: ``sent`` is our 20 bytes, ``answer`` the payload of CREATED_FAST.

    :raises TorError: when the relay does not know what we sent.
    """
    theirs, proof = answer[:HASH_BYTES], answer[HASH_BYTES : 2 * HASH_BYTES]
    keys = kdf_tor(sent + theirs, 3 * HASH_BYTES + 2 * KEY_BYTES)
    if len(answer) < 2 * HASH_BYTES or not hmac.compare_digest(keys[:HASH_BYTES], proof):
        raise TorError("the relay's answer does not fit our key")
    seeds, aes = keys[HASH_BYTES : 3 * HASH_BYTES], keys[3 * HASH_BYTES :]
    return Circuit(
        forward_seed=seeds[:HASH_BYTES],
        backward_seed=seeds[HASH_BYTES:],
        forward_key=aes[:KEY_BYTES],
        backward_key=aes[KEY_BYTES:],
    )


class Circuit:
    """Both directions of a circuit of one hop: payloads of RELAY cells to relay cells, and back.

    Acknowledgements that are due after a received DATA cell stand in :attr:`due`; the caller sends them.
    """

    def __init__(
        self, *, forward_seed: bytes, backward_seed: bytes, forward_key: bytes, backward_key: bytes
    ) -> None:
        """Begin with keys from the handshake."""
        self._forward_digest = hashlib.sha1(forward_seed, usedforsecurity=False)
        self._backward_digest = hashlib.sha1(backward_seed, usedforsecurity=False)
        self._forward = _counter_mode(forward_key)
        self._backward = _counter_mode(backward_key)
        self._received = 0
        self._received_on: dict[int, int] = {}
        self.due: list[RelayCell] = []

    def seal(self, cell: RelayCell) -> bytes:
        """Return the payload of a RELAY cell.

        :raises ValueError: when the data do not fit.
        """
        if len(cell.data) > DATA_BYTES:
            raise ValueError(f"a relay cell holds {DATA_BYTES} bytes")
        plain = _layout(cell, bytes(4))
        self._forward_digest.update(plain)
        return self._forward.update(_layout(cell, self._forward_digest.digest()[:4]))

    def open(self, payload: bytes) -> RelayCell:
        """Decrypt the payload of a RELAY cell and check its digest.

        :raises TorError: when it was not sealed for us; the circuit is then of no more use.
        """
        plain = self._backward.update(payload)
        command, recognised, stream, digest, length = _HEAD.unpack_from(plain)
        self._backward_digest.update(plain[:5] + bytes(4) + plain[9:])
        running = self._backward_digest.digest()
        if recognised or length > DATA_BYTES or not hmac.compare_digest(running[:4], digest):
            raise TorError("a relay cell that was not sealed with the circuit's key")
        cell = RelayCell(command, stream, plain[_HEAD.size : _HEAD.size + length])
        if command == Relay.DATA:
            self._acknowledge(stream, running)
        return cell

    def close(self, stream: int) -> None:
        """Forget a stream that has ended."""
        self._received_on.pop(stream, None)

    def _acknowledge(self, stream: int, running: bytes) -> None:
        """Note a DATA cell; every 50th of a stream and every 100th of the circuit is acknowledged."""
        self._received += 1
        count = self._received_on[stream] = self._received_on.get(stream, 0) + 1
        if self._received % CIRCUIT_INCREMENT == 0:
            proof = struct.pack("!BH", _SENDME_VERSION, HASH_BYTES) + running
            self.due.append(RelayCell(Relay.SENDME, 0, proof))
        if count % STREAM_INCREMENT == 0:
            self.due.append(RelayCell(Relay.SENDME, stream, b""))


def _layout(cell: RelayCell, digest: bytes) -> bytes:
    head = _HEAD.pack(cell.command, 0, cell.stream, digest, len(cell.data))
    return (head + cell.data).ljust(PAYLOAD_BYTES, b"\0")


def _counter_mode(key: bytes) -> CipherContext:
    return Cipher(AES128(key), CTR(bytes(16))).encryptor()
