"""SOCKS on the wire: version 5 (RFC 1928, passwords RFC 1929) and version 4a. Bytes in, values out, no sockets.

::

    client                                      server
    05 n METHODS            ->
                            <-                  05 METHOD                     (FF: none acceptable)
    01 len USER len PASSWD  ->                                                (only after METHOD 02)
                            <-                  01 STATUS                     (00: accepted)
    05 CMD 00 ADDRESS PORT  ->
                            <-                  05 REP 00 ADDRESS PORT

Every decoder raises :class:`~circumvent.net.errors.PeerError` (or its :class:`~circumvent.net.errors.Refusal`)
and nothing else, whatever the bytes. A SOCKS server cannot prove who it is: no refusal here is authenticated.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError, Refusal
from circumvent.net.protocol_codes import socks4_reply_failure, socks5_reply_failure

VERSION: Final = 5
#: Version of the password sub-negotiation (RFC 1929 section 2).
PASSWORD_VERSION: Final = 1
#: Lengths of user name, password and domain name have one byte.
LONGEST_FIELD: Final = 255
#: A domain name in SOCKS 4a has no length on the wire; DNS has this limit.
LONGEST_NAME: Final = 255


class Method(IntEnum):
    """Authentication methods (RFC 1928 section 3)."""

    NONE = 0x00
    PASSWORD = 0x02
    NOT_ACCEPTABLE = 0xFF


class Command(IntEnum):
    """What the client wants (RFC 1928 section 4)."""

    CONNECT = 0x01
    UDP_ASSOCIATE = 0x03


class AddressType(IntEnum):
    """How an address is written (RFC 1928 section 5)."""

    IPV4 = 0x01
    NAME = 0x03
    IPV6 = 0x04


SUCCEEDED: Final = 0x00
NOT_ALLOWED: Final = 0x02

#: Bytes of a reply that say yes or no, and bytes up to and with the first of its address.
REPLY_START: Final = 2
REPLY_HEAD: Final = 5
METHOD_REPLY: Final = 2
PASSWORD_REPLY: Final = 2
SOCKS4_REPLY: Final = 8

# SOCKS 4 (Y.-D. Lee, "SOCKS: A protocol for TCP proxy across firewalls").
_SOCKS4_GRANTED: Final = 90


@dataclass(frozen=True, slots=True)
class Address:
    """A host (a name, or an address without brackets) and a port."""

    host: str
    port: int


def encode_greeting(*, password: bool) -> bytes:
    """Return the greeting; the password method is offered only by who has one."""
    methods = bytes([Method.NONE, Method.PASSWORD] if password else [Method.NONE])
    return bytes([VERSION, len(methods)]) + methods


def decode_method(reply: bytes, *, password: bool) -> Method:
    """Return the method that the server chose among those offered.

    :raises Refusal: when none is acceptable to it.
    :raises PeerError: when it is no answer to the greeting.
    """
    _require_version(reply, METHOD_REPLY)
    if reply[1] == Method.NOT_ACCEPTABLE:
        had = "a password was offered" if password else "no password was offered"
        raise Refusal(failures.SOCKS_NO_ACCEPTABLE_METHOD, had, authenticated=False)
    if reply[1] == Method.NONE or (password and reply[1] == Method.PASSWORD):
        return Method(reply[1])
    raise PeerError(failures.PROXY_PROTOCOL_ERROR, f"it chose method {reply[1]}, which was not offered")


def encode_password(user: str, password: str) -> bytes:
    """Return the password message (RFC 1929 section 2).

    :raises ValueError: when one of them does not fit; neither is repeated.
    """
    fields = user.encode(), password.encode()
    if any(len(part) > LONGEST_FIELD for part in fields):
        raise ValueError(f"SOCKS5 takes user names and passwords of at most {LONGEST_FIELD} bytes")
    return bytes([PASSWORD_VERSION]) + b"".join(bytes([len(part)]) + part for part in fields)


def decode_password_status(reply: bytes) -> None:
    """Return if the password was accepted.

    :raises Refusal: when it was not.
    :raises PeerError: when it is no answer to a password.
    """
    # Some servers answer with the version of SOCKS in place of that of the sub-negotiation.
    if len(reply) != PASSWORD_REPLY or reply[0] not in (PASSWORD_VERSION, VERSION):
        raise PeerError(failures.PROXY_PROTOCOL_ERROR, "the answer to the password is malformed")
    if reply[1] != SUCCEEDED:
        raise Refusal(failures.AUTH_REJECTED, "user name or password rejected", authenticated=False)


def encode_request(command: Command, host: str, port: int) -> bytes:
    """Return the request; a name goes as a name, so that the proxy resolves it.

    :raises ValueError: when the host does not fit.
    """
    return bytes([VERSION, command, 0]) + encode_address(host, port)


def decode_reply_start(start: bytes) -> None:
    """Return if the first two bytes of a reply say yes. Some servers end a reply that says no right there.

    :raises Refusal: when the rules of the proxy do not allow it.
    :raises PeerError: when it is no reply, or with a ``socks_*`` word.
    """
    _require_version(start, REPLY_START)
    if start[1] == SUCCEEDED:
        return
    error, detail = socks5_reply_failure(start[1])
    if start[1] == NOT_ALLOWED:
        raise Refusal(error, "its rules do not allow this", authenticated=False)
    raise PeerError(error, detail)


def decode_reply_head(head: bytes) -> int:
    """Read the first five bytes of a reply that says yes; return how many are still to come.

    :raises PeerError: when it is no reply, or says no.
    """
    _require_version(head, REPLY_HEAD)
    decode_reply_start(head[:REPLY_START])
    if head[3] == AddressType.IPV4:
        return 4 + 2 - 1
    if head[3] == AddressType.IPV6:
        return 16 + 2 - 1
    if head[3] == AddressType.NAME:
        return head[4] + 2
    raise PeerError(failures.PROXY_PROTOCOL_ERROR, f"address type {head[3]} does not exist")


def decode_reply(reply: bytes) -> Address:
    """Return the address that a successful reply is bound to.

    :raises PeerError: when it is malformed, or says no.
    """
    if len(reply) < REPLY_HEAD or len(reply) != REPLY_HEAD + decode_reply_head(reply[:REPLY_HEAD]):
        raise PeerError(failures.PROXY_PROTOCOL_ERROR, "the reply is malformed")
    address, rest = decode_address(reply[3:])
    assert not rest  # noqa: S101 - the length was just checked
    return address


def encode_address(host: str, port: int) -> bytes:
    """Return ATYP, address and port (RFC 1928 section 5).

    :raises ValueError: when the name is empty, longer than 255 bytes or not ASCII.
    """
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("ascii")
        if not 1 <= len(name) <= LONGEST_FIELD:
            raise ValueError(f"SOCKS5 takes names of 1 to {LONGEST_FIELD} bytes") from None
        return bytes([AddressType.NAME, len(name)]) + name + port.to_bytes(2, "big")
    kind = AddressType.IPV4 if literal.version == 4 else AddressType.IPV6
    return bytes([kind]) + literal.packed + port.to_bytes(2, "big")


def decode_address(data: bytes) -> tuple[Address, bytes]:
    """Return the address at the start of ``data`` and what follows it.

    :raises PeerError: when it is malformed.
    """
    kind = data[0] if data else None
    if kind == AddressType.NAME and len(data) > 1:
        start, end = 2, 2 + data[1]
    elif kind in (AddressType.IPV4, AddressType.IPV6):
        start, end = 1, 1 + (4 if kind == AddressType.IPV4 else 16)
    else:
        raise PeerError(failures.PROXY_PROTOCOL_ERROR, "the address is malformed")
    if len(data) < end + 2:
        raise PeerError(failures.PROXY_PROTOCOL_ERROR, "the address is cut short")
    raw = data[start:end]
    # A name is for comparing only: every byte stands for itself, and nothing is looked up.
    host = raw.decode("latin-1") if kind == AddressType.NAME else str(ipaddress.ip_address(raw))
    return Address(host, int.from_bytes(data[end : end + 2], "big")), data[end + 2 :]


def encode_datagram(host: str, port: int, data: bytes) -> bytes:
    """Return a datagram for the relay (RFC 1928 section 7), not fragmented.

    :raises ValueError: as :func:`encode_address`.
    """
    return b"\0\0\0" + encode_address(host, port) + data


def decode_datagram(datagram: bytes) -> tuple[Address, bytes]:
    """Return whom a datagram of the relay is from, and what it carries.

    :raises PeerError: when it is malformed, or a fragment (which a client may drop).
    """
    if len(datagram) < 4 or datagram[:2] != b"\0\0":
        raise PeerError(failures.PROXY_PROTOCOL_ERROR, "the datagram has no SOCKS5 header")
    if datagram[2]:
        raise PeerError(failures.PROXY_PROTOCOL_ERROR, "the datagram is a fragment")
    return decode_address(datagram[3:])


def encode_socks4a(host: str, port: int, user: str = "") -> bytes:
    """Return a SOCKS 4 CONNECT; a name goes as SOCKS 4a has it, after the address 0.0.0.1.

    :raises ValueError: for an IPv6 address, and for what holds a NUL byte or does not fit.
    """
    identity = user.encode()
    if b"\0" in identity or len(identity) > LONGEST_FIELD:
        raise ValueError(f"SOCKS4a takes user names of at most {LONGEST_FIELD} bytes, without NUL")
    start = bytes([4, Command.CONNECT]) + port.to_bytes(2, "big")
    try:
        literal = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("ascii")
        if not 1 <= len(name) <= LONGEST_NAME or b"\0" in name:
            raise ValueError(f"SOCKS4a takes names of 1 to {LONGEST_NAME} bytes, without NUL") from None
        return start + b"\0\0\0\x01" + identity + b"\0" + name + b"\0"
    if literal.version == 6:
        raise ValueError("SOCKS4a knows no IPv6 addresses")
    return start + literal.packed + identity + b"\0"


def decode_socks4_reply(reply: bytes) -> None:
    """Return if the request was granted.

    :raises Refusal: when the user name was not accepted.
    :raises PeerError: when it is malformed, or says no without a reason.
    """
    if len(reply) != SOCKS4_REPLY or reply[0] != 0:
        raise PeerError(failures.PROXY_PROTOCOL_ERROR, _what_it_is(reply, "SOCKS4"))
    code = reply[1]
    if code == _SOCKS4_GRANTED:
        return
    error, detail = socks4_reply_failure(code)
    if error == failures.AUTH_REJECTED:
        raise Refusal(error, "it wants an ident service that knows us", authenticated=False)
    raise PeerError(error, detail)


def _require_version(data: bytes, length: int) -> None:
    if len(data) != length or data[0] != VERSION:
        raise PeerError(failures.PROXY_PROTOCOL_ERROR, _what_it_is(data, "SOCKS5"))


def _what_it_is(data: bytes, wanted: str) -> str:
    """Say what the peer speaks, as far as its first bytes tell, in words of our own."""
    if data.startswith(b"HT"):
        return f"it speaks HTTP, not {wanted}"
    if data.startswith((b"\x15\x03", b"\x16\x03")):
        return f"it speaks TLS, not {wanted}"
    if data.startswith(b"\x05"):
        return "it speaks SOCKS5" if wanted != "SOCKS5" else "the answer is cut short"
    return f"it does not speak {wanted}"
