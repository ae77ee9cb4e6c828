"""Key method 2: randomness, options, account and peer information, each way once; and the keys made of it.

draft-openvpn-wire-protocol, sections 4 and 5; OpenVPN ``ssl.c``. Keys come from the exporter of TLS where both sides
have it (RFC 5705, :data:`EXPORTER_LABEL`), else from the PRF of TLS 1.0 (RFC 2246, section 5) with MD5 and SHA-1 over
what this message carries.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass, field
from typing import Final

from circumvent.vpn.openvpn.static_key import KEY, Pair, halves

#: Octets of the pre-master secret and of each random value.
PRE_MASTER: Final = 48
RANDOM: Final = 32
#: The label under which TLS exports the keys of the data channel.
EXPORTER_LABEL: Final = b"EXPORTER-OpenVPN-datakeys"
#: The message begins with four zero octets and the number of the method.
_BEGIN: Final = b"\0\0\0\0\x02"
_MASTER: Final = b"OpenVPN master secret"
_EXPANSION: Final = b"OpenVPN key expansion"

#: Bits of ``IV_PROTO`` (OpenVPN ``ssl.h``): what of the protocol's later parts we understand.
PROTO_DATA_V2: Final = 1 << 1
PROTO_REQUEST_PUSH: Final = 1 << 2
PROTO_KEY_EXPORT: Final = 1 << 3
PROTO_DNS_OPTION: Final = 1 << 6
PROTO_AUTH_FAIL_TEMP: Final = 1 << 8
#: The version that we say to be: a current one, so that nothing marks us.
_VERSION: Final = "2.6.14"


class KeyMethodError(ValueError):
    """The server's message is none of key method 2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKeys:
    """Our randomness."""

    pre_master: bytes = field(repr=False)
    random1: bytes = field(repr=False)
    random2: bytes = field(repr=False)

    @classmethod
    def split(cls, data: bytes) -> ClientKeys:
        """Cut :data:`PRE_MASTER` and two times :data:`RANDOM` random octets into the three values."""
        if len(data) != PRE_MASTER + 2 * RANDOM:
            raise ValueError("112 octets of randomness are wanted")
        return cls(
            pre_master=data[:PRE_MASTER],
            random1=data[PRE_MASTER : PRE_MASTER + RANDOM],
            random2=data[PRE_MASTER + RANDOM :],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerKeys:
    """The server's randomness, and its options as it states them (for old servers; nobody relies on them)."""

    random1: bytes = field(repr=False)
    random2: bytes = field(repr=False)
    options: str = ""


def encode_client(
    keys: ClientKeys, *, options: str, user: str | None, password: str | None, peer_info: str
) -> bytes:
    """Return our message."""
    account = _text(user) + _text(password)
    values = keys.pre_master + keys.random1 + keys.random2
    return _BEGIN + values + _text(options) + account + _text(peer_info)


def decode_server(data: bytes) -> tuple[ServerKeys, bytes] | None:
    """Return the server's message and what follows it; ``None`` while it is not whole.

    :raises KeyMethodError: when it can't become one.
    """
    begin = data[: len(_BEGIN)]
    if begin != _BEGIN[: len(begin)]:
        raise KeyMethodError("the server's message is none of key method 2")
    place = len(_BEGIN) + 2 * RANDOM
    if len(data) < place + 2:
        return None
    random1, random2 = data[len(_BEGIN) : len(_BEGIN) + RANDOM], data[len(_BEGIN) + RANDOM : place]
    (length,) = struct.unpack_from("!H", data, place)
    end = place + 2 + length
    if len(data) < end:
        return None
    options = data[place + 2 : end].rstrip(b"\0").decode("ascii", "replace")
    return ServerKeys(random1=random1, random2=random2, options=options), _after(data[end:])


def _after(rest: bytes) -> bytes:
    """Return what follows the message: the server's empty account and peer information are part of it."""
    for _ in range(3):
        if len(rest) < 2 or rest[0] >= 0x20:  # the next thing is text: a message of its own
            return rest
        rest = rest[2 + int.from_bytes(rest[:2], "big") :]
    return rest


def _text(value: str | None) -> bytes:
    """Return a text behind its length, which counts the zero octet at its end; nothing is of length 0."""
    if value is None:
        return b"\0\0"
    data = value.encode() + b"\0"
    return struct.pack("!H", len(data)) + data


def options_text(
    *,
    transport: str,
    family: str,
    cipher: str,
    digest: str,
    key_direction: int | None,
    tls_auth: bool,
    mtu: int,
) -> str:
    """Return our options as old servers compare them (OpenVPN ``options_string``); newer ones only log a difference."""
    proto = {"udp": "UDPv4", "tcp": "TCPv4_CLIENT"}[transport].replace(
        "v4", "v6" if family == "ipv6" else "v4"
    )
    parts = ["V4", "dev-type tun", f"tun-mtu {mtu}", f"proto {proto}"]
    if key_direction is not None:
        parts.append(f"keydir {key_direction}")
    parts += [f"cipher {cipher}", f"auth {digest}"]
    if tls_auth:
        parts.append("tls-auth")
    return ",".join([*parts, "key-method 2", "tls-client"])


def peer_info(*, ciphers: tuple[str, ...], export: bool, platform: str = "linux") -> str:
    """Return what a client tells of itself in lines (OpenVPN ``push_peer_info``): as little as pushes need."""
    proto = PROTO_DATA_V2 | PROTO_REQUEST_PUSH | PROTO_DNS_OPTION | PROTO_AUTH_FAIL_TEMP
    if export:
        proto |= PROTO_KEY_EXPORT
    ncp = ["IV_NCP=2"] if {"AES-128-GCM", "AES-256-GCM"} <= set(ciphers) else []
    lines = [
        f"IV_VER={_VERSION}",
        f"IV_PLAT={platform}",
        "IV_TCPNL=1",
        "IV_MTU=1600",
        *ncp,
        f"IV_CIPHERS={':'.join(ciphers)}",
        f"IV_PROTO={proto}",
        "IV_LZO_STUB=1",
        "IV_COMP_STUB=1",
        "IV_COMP_STUBv2=1",
    ]
    return "".join(f"{line}\n" for line in lines)


def tls1_prf(secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """Return octets of the pseudorandom function of TLS 1.0 and 1.1 (RFC 2246, section 5)."""
    half = (len(secret) + 1) // 2
    md5 = _p_hash("md5", secret[:half], label + seed, length)
    sha1 = _p_hash("sha1", secret[len(secret) - half :], label + seed, length)
    return bytes(one ^ other for one, other in zip(md5, sha1, strict=True))


def _p_hash(digest: str, secret: bytes, seed: bytes, length: int) -> bytes:
    """Return octets of ``P_hash``."""
    size = hashlib.new(digest, usedforsecurity=False).digest_size
    made, chain = b"", seed
    for _ in range(-(-length // size)):
        chain = hmac.digest(secret, chain, digest)
        made += hmac.digest(secret, chain + seed, digest)
    return made[:length]


def derive_by_prf(
    client: ClientKeys, server: ServerKeys, client_session: bytes, server_session: bytes
) -> bytes:
    """Return the 256 octets of the data channel's keys, made of both sides' randomness."""
    master = tls1_prf(client.pre_master, _MASTER, client.random1 + server.random1, PRE_MASTER)
    seed = client.random2 + server.random2 + client_session + server_session
    return tls1_prf(master, _EXPANSION, seed, KEY)


def data_keys(material: bytes) -> Pair:
    """Return who uses which keys of the data channel: a client sends with the first pair."""
    first, second = halves(material)
    return Pair(first, second)
