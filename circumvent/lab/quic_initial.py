"""What a censor reads in QUIC: versions, and the ClientHello in Initial packets. Pure.

An Initial is protected with keys that follow from the connection ID in it (RFC 9001 section 5.2, RFC 9369 section 3.3),
so that everybody on the path can read it. Versions 1 and 2.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VERSION_1: Final = 0x00000001
VERSION_2: Final = 0x6B3343CF

#: RFC 9001 section 5.2 and RFC 9369 section 3.3.1.
_SALTS: Final = {
    VERSION_1: bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"),
    VERSION_2: bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"),
}
_LABELS: Final = {VERSION_1: "quic", VERSION_2: "quicv2"}
#: The type bits of an Initial: RFC 9000 section 17.2.2, RFC 9369 section 3.2.
_INITIAL_TYPES: Final = {VERSION_1: 0x00, VERSION_2: 0x10}
_LONG_HEADER: Final = 0x80
_TYPE: Final = 0x30
_LONGEST_ID: Final = 20
_SAMPLE: Final = 16
#: Bytes of CRYPTO frames that are kept of one flow, and frames.
_MOST_CRYPTO: Final = 16384
_MOST_PIECES: Final = 256

_PADDING: Final = 0x00
_PING: Final = 0x01
_ACK: Final = 0x02
_ACK_ECN: Final = 0x03
_CRYPTO: Final = 0x06


class _Malformed(ValueError):
    """The bytes are no such packet."""


@dataclass(frozen=True, slots=True)
class Initial:
    """The unprotected part of an Initial: ``packet`` are its bytes, ``protected`` where its packet number begins."""

    version: int
    destination_id: bytes
    source_id: bytes
    packet: bytes
    protected: int


@dataclass(frozen=True, slots=True)
class _Keys:
    key: bytes
    iv: bytes
    header: bytes


def long_header_version(datagram: bytes) -> int | None:
    """Return the version of a long header packet (RFC 8999), ``None`` if the datagram does not begin with one."""
    if len(datagram) < 7 or not datagram[0] & _LONG_HEADER:
        return None
    return int.from_bytes(datagram[1:5])


def initials(datagram: bytes) -> list[Initial]:
    """Return the Initials at the start of a datagram; none for anything else."""
    found = []
    while datagram:
        try:
            initial = _initial(datagram)
        except _Malformed:
            break
        found.append(initial)
        datagram = datagram[len(initial.packet) :]
    return found


def _initial(datagram: bytes) -> Initial:
    version = long_header_version(datagram)
    if version not in _SALTS or datagram[0] & _TYPE != _INITIAL_TYPES[version]:
        raise _Malformed
    destination, position = _bytes(datagram, 5, 1, _LONGEST_ID)
    source, position = _bytes(datagram, position, 1, _LONGEST_ID)
    length, position = _integer(datagram, position)
    position += length  # token
    length, position = _integer(datagram, position)
    end = position + length
    if end > len(datagram) or position + 4 + _SAMPLE > end:
        raise _Malformed
    return Initial(version, destination, source, datagram[:end], position)


def _bytes(data: bytes, position: int, width: int, most: int) -> tuple[bytes, int]:
    if position + width > len(data):
        raise _Malformed
    length = int.from_bytes(data[position : position + width])
    begin, end = position + width, position + width + length
    if length > most or end > len(data):
        raise _Malformed
    return data[begin:end], end


def _integer(data: bytes, position: int) -> tuple[int, int]:
    """A variable-length integer (RFC 9000 section 16)."""
    if position >= len(data):
        raise _Malformed
    width = 1 << (data[position] >> 6)
    if position + width > len(data):
        raise _Malformed
    value = int.from_bytes(data[position : position + width]) & ((1 << (8 * width - 2)) - 1)
    return value, position + width


@lru_cache(maxsize=256)
def _client_keys(version: int, destination_id: bytes) -> _Keys:
    initial = hmac.digest(_SALTS[version], destination_id, "sha256")
    secret = _expand(initial, "client in", 32)
    label = _LABELS[version]
    return _Keys(
        key=_expand(secret, f"{label} key", 16),
        iv=_expand(secret, f"{label} iv", 12),
        header=_expand(secret, f"{label} hp", 16),
    )


def _expand(secret: bytes, label: str, length: int) -> bytes:
    """HKDF-Expand-Label of RFC 8446 section 7.1 with an empty context, for at most 32 bytes."""
    name = b"tls13 " + label.encode("ascii")
    info = length.to_bytes(2) + bytes((len(name),)) + name + b"\0"
    return hmac.new(secret, info + b"\x01", hashlib.sha256).digest()[:length]


def open_initial(initial: Initial, first_id: bytes | None = None) -> bytes | None:
    """Return the frames of a client's Initial; ``None`` if the keys do not fit.

    ``first_id`` is the destination connection ID of the client's first Initial, from which all its keys follow; that of
    this packet if ``None``.
    """
    keys = _client_keys(initial.version, initial.destination_id if first_id is None else first_id)
    packet, start = bytearray(initial.packet), initial.protected
    encryptor = Cipher(algorithms.AES(keys.header), modes.ECB()).encryptor()  # noqa: S305 - RFC 9001 section 5.4.3
    mask = encryptor.update(bytes(packet[start + 4 : start + 4 + _SAMPLE]))
    packet[0] ^= mask[0] & 0x0F
    width = (packet[0] & 0x03) + 1
    for index in range(width):
        packet[start + index] ^= mask[1 + index]
    number = int.from_bytes(packet[start : start + width])
    nonce = (int.from_bytes(keys.iv) ^ number).to_bytes(12)
    head = bytes(packet[: start + width])
    try:
        return AESGCM(keys.key).decrypt(nonce, bytes(packet[start + width :]), head)
    except (InvalidTag, ValueError):
        return None


def crypto_frames(frames: bytes) -> list[tuple[int, bytes]]:
    """Return offset and data of the CRYPTO frames of an Initial, up to the first frame that may not be in one."""
    found: list[tuple[int, bytes]] = []
    position = 0
    try:
        while position < len(frames):
            kind = frames[position]
            position += 1
            if kind in (_PADDING, _PING):
                continue
            if kind in (_ACK, _ACK_ECN):
                position = _skip_ack(frames, position, ecn=kind == _ACK_ECN)
                continue
            if kind != _CRYPTO:
                break
            offset, position = _integer(frames, position)
            length, position = _integer(frames, position)
            if position + length > len(frames):
                break
            found.append((offset, frames[position : position + length]))
            position += length
    except _Malformed:
        pass  # what came before counts
    return found


def _skip_ack(frames: bytes, position: int, *, ecn: bool) -> int:
    """An ACK frame (RFC 9000 section 19.3)."""
    _, position = _integer(frames, position)
    _, position = _integer(frames, position)
    ranges, position = _integer(frames, position)
    _, position = _integer(frames, position)
    for _ in range(min(ranges, len(frames)) * 2 + 3 * ecn):
        _, position = _integer(frames, position)
    return position


@dataclass(slots=True)
class CryptoStream:
    """The handshake bytes of a client, from its Initials. Of bytes that come twice the first ones count."""

    first_id: bytes | None = None
    pieces: dict[int, bytes] = field(default_factory=dict)
    size: int = 0

    def add(self, datagram: bytes) -> bool:
        """Take a datagram in; tell whether it brought anything."""
        brought = False
        for initial in initials(datagram):
            frames = open_initial(initial)
            if frames is None and self.first_id is not None:
                frames = open_initial(initial, self.first_id)
            if frames is None:
                continue
            if self.first_id is None:
                self.first_id = initial.destination_id
            for offset, data in crypto_frames(frames):
                if self.size + len(data) <= _MOST_CRYPTO and len(self.pieces) < _MOST_PIECES:
                    self.pieces.setdefault(offset, data)
                    self.size += len(data)
                    brought = True
        return brought

    def message(self) -> bytes:
        """Return the bytes from the beginning up to the first gap."""
        data = bytearray()
        for offset in sorted(self.pieces):
            if offset > len(data):
                break
            data += self.pieces[offset][len(data) - offset :]
        return bytes(data)
