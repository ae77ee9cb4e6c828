"""What a server says inside TLS after the keys: options pushed, a refusal, or that it waits (OpenVPN ``push.c``).

Messages are text and end with a zero octet. Everything is hostile: sizes are bounded, and what is not one of the
options read here is left alone; nothing of a push is ever executed or set on this machine.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from circumvent.vpn.openvpn.framing import Compression

if TYPE_CHECKING:
    from collections.abc import Callable

#: What we ask for our options with.
PUSH_REQUEST: Final = b"PUSH_REQUEST\0"
#: Longest message, and most options of all messages together.
LONGEST: Final = 64 * 1024
MOST_OPTIONS: Final = 2000
_MOST_ADDRESSES: Final = 8
#: A message is text: printable, no control characters.
_TEXT: Final = re.compile(r"[\x20-\x7e\x80-\uffff]*")
_LARGEST_PEER_ID: Final = 0xFFFFFE


class PushError(ValueError):
    """The server's message is none of the protocol, or contradicts itself."""


class Denial(StrEnum):
    """The ways in which a server says no."""

    REJECTED = "rejected"
    CIPHER = "cipher"
    CHALLENGE = "challenge"
    TEMPORARY = "temporary"
    SESSION = "session"
    PENDING = "pending"
    HALT = "halt"
    RESTART = "restart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """Options of a ``PUSH_REPLY``, as far as they decide how packets look."""

    addresses: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()
    cipher: str | None = None
    digest: str | None = None
    peer_id: int | None = None
    compression: Compression | None = None
    mtu: int | None = None
    key_export: bool = False
    topology: str | None = None
    more: bool = False
    #: An option that changes packets and that we never said to understand.
    strange: str | None = None


class Messages:
    """Cuts the octets of TLS into messages."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[str]:
        """Take octets and return the messages that are whole.

        :raises PushError: when one is too long or no text.
        """
        self._held += data
        *whole, self._held = self._held.split(b"\0")
        if len(self._held) > LONGEST:
            raise PushError("an endless message")
        messages = [one.decode("utf-8", "replace").strip() for one in whole if one]
        if not all(_TEXT.fullmatch(one) for one in messages):
            raise PushError("a message that is no text")
        return messages


def denial(message: str) -> Denial | None:
    """Return how a message says no; ``None`` if it does not."""
    word, _, rest = message.partition(",")
    if word == "AUTH_FAILED":
        if rest.startswith("CRV1:"):
            return Denial.CHALLENGE
        if rest.startswith("TEMP"):
            return Denial.TEMPORARY
        if "cipher negotiation failed" in rest:
            return Denial.CIPHER
        return Denial.SESSION if rest.startswith("SESSION:") else Denial.REJECTED
    if word == "AUTH_PENDING" or (word == "INFO_PRE" and rest):
        return Denial.PENDING
    return {"HALT": Denial.HALT, "RESTART": Denial.RESTART, "EXIT": Denial.RESTART}.get(word)


def parse_push(message: str, before: Pushed | None = None) -> Pushed:
    """Read a ``PUSH_REPLY``; ``before`` is what an earlier part of it said.

    :raises PushError: when an option that decides how packets look is broken.
    """
    word, _, rest = message.partition(",")
    if word != "PUSH_REPLY":
        raise PushError("no PUSH_REPLY")
    options = rest.split(",")
    if len(options) > MOST_OPTIONS:
        raise PushError("too many options")
    pushed = replace(before or Pushed(), more=False)
    for option in options:
        words = option.replace('"', "").split()
        if words and (read := _READERS.get(words[0])) is not None:
            pushed = read(pushed, words[1:])
    return pushed


def _address(text: str) -> str:
    try:
        return ipaddress.ip_address(text.partition("/")[0]).compressed
    except ValueError:
        raise PushError("an address that is none") from None


def _added(old: tuple[str, ...], text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*old, _address(text))))[:_MOST_ADDRESSES]


def _number(words: list[str], low: int, high: int) -> int:
    if not words or not words[0].isascii() or not words[0].isdigit() or len(words[0]) > 9:
        raise PushError("a number that is none")
    number = int(words[0])
    if not low <= number <= high:
        raise PushError("a number out of its bounds")
    return number


def _ifconfig(pushed: Pushed, words: list[str]) -> Pushed:
    """Our address, and a netmask or (where the second word is no mask) the peer's address."""
    if len(words) < 2:
        raise PushError("ifconfig without addresses")
    pushed = replace(pushed, addresses=_added(pushed.addresses, words[0]))
    second = ipaddress.ip_address(_address(words[1]))
    if second.version == 4 and int(second) >> 24 != 255 and pushed.topology == "p2p":
        pushed = replace(pushed, gateways=_added(pushed.gateways, words[1]))
    return pushed


def _ifconfig_ipv6(pushed: Pushed, words: list[str]) -> Pushed:
    if not words:
        raise PushError("ifconfig-ipv6 without an address")
    pushed = replace(pushed, addresses=_added(pushed.addresses, words[0]))
    return replace(pushed, gateways=_added(pushed.gateways, words[1])) if len(words) > 1 else pushed


def _route_gateway(pushed: Pushed, words: list[str]) -> Pushed:
    if not words or words[0] == "dhcp":
        return pushed
    return replace(pushed, gateways=tuple(dict.fromkeys((_address(words[0]), *pushed.gateways))))


def _route(pushed: Pushed, words: list[str]) -> Pushed:
    """With the topology ``net30`` the server itself is told of as a route to one host."""
    if len(words) == 1 or (len(words) > 1 and words[1] == "255.255.255.255"):
        try:
            return replace(pushed, gateways=_added(pushed.gateways, words[0]))
        except PushError:
            return pushed  # a name, or a word such as vpn_gateway
    return pushed


def _dhcp_option(pushed: Pushed, words: list[str]) -> Pushed:
    if len(words) > 1 and words[0] in ("DNS", "DNS6"):
        return replace(pushed, resolvers=_added(pushed.resolvers, words[1]))
    return pushed


def _dns(pushed: Pushed, words: list[str]) -> Pushed:
    """``dns server N address A [A…]``; ports beside 53 are not followed."""
    if len(words) > 3 and words[0] == "server" and words[2] == "address":
        for text in words[3:]:
            host, _, port = text.rpartition(":") if text.count(":") == 1 else (text, "", "")
            if port in ("", "53"):
                pushed = replace(pushed, resolvers=_added(pushed.resolvers, (host or text).strip("[]")))
    return pushed


def _cipher(pushed: Pushed, words: list[str]) -> Pushed:
    return replace(pushed, cipher=words[0].upper()[:40]) if words else pushed


def _auth(pushed: Pushed, words: list[str]) -> Pushed:
    return replace(pushed, digest=words[0].upper()[:40]) if words else pushed


def _compress(pushed: Pushed, words: list[str]) -> Pushed:
    known = {
        "": Compression.STUB,
        "stub": Compression.STUB,
        "lz4": Compression.STUB,
        "stub-v2": Compression.STUB_V2,
        "lz4-v2": Compression.STUB_V2,
        "migrate": Compression.NONE,
        "lzo": Compression.LZO,
    }
    found = known.get(words[0] if words else "")
    return replace(pushed, strange="compress") if found is None else replace(pushed, compression=found)


def _comp_lzo(pushed: Pushed, _words: list[str]) -> Pushed:
    return replace(pushed, compression=Compression.LZO)


def _protocol_flags(pushed: Pushed, words: list[str]) -> Pushed:
    for word in words:
        if word == "tls-ekm":
            pushed = replace(pushed, key_export=True)
        elif word in ("aead-epoch", "dyn-tls-crypt"):
            pushed = replace(pushed, strange=word)
    return pushed


def _key_derivation(pushed: Pushed, words: list[str]) -> Pushed:
    return replace(pushed, key_export=True) if words[:1] == ["tls-ekm"] else pushed


_READERS: Final[dict[str, Callable[[Pushed, list[str]], Pushed]]] = {
    "ifconfig": _ifconfig,
    "ifconfig-ipv6": _ifconfig_ipv6,
    "route-gateway": _route_gateway,
    "route": _route,
    "dhcp-option": _dhcp_option,
    "dns": _dns,
    "cipher": _cipher,
    "auth": _auth,
    "compress": _compress,
    "comp-lzo": _comp_lzo,
    "protocol-flags": _protocol_flags,
    "key-derivation": _key_derivation,
    "peer-id": lambda pushed, words: replace(pushed, peer_id=_number(words, 0, _LARGEST_PEER_ID)),
    "tun-mtu": lambda pushed, words: replace(pushed, mtu=_number(words, 68, 65535)),
    "topology": lambda pushed, words: replace(pushed, topology=words[0] if words else None),
    "push-continuation": lambda pushed, words: replace(pushed, more=words[:1] == ["2"]),
}
