"""The tunnel's own messages: the CONNECT request, what its answer says, and packets (CSTP).

Section numbers are those of draft-mavrogiannopoulos-openconnect-04, 2.1.4 to 2.3.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from circumvent.vpn.http_head import ResponseHead

#: Where the tunnel is asked for (section 2.1.4).
TUNNEL_PATH: Final = "/CSCOSSLC/tunnel"
#: What AnyConnect gateways expect to hear; some serve nobody else.
USER_AGENT: Final = "Open AnyConnect VPN Agent v9.12"
HEADER_BYTES: Final = 8
#: The largest packet inside: two bytes of length.
LARGEST: Final = 0xFFFF
#: What we ask for: an IPv6 path's least, so that it passes inside anything.
MTU: Final = 1280
#: Answers that name more addresses or resolvers than this are cut.
MOST: Final = 8
#: First byte of a DISCONNECT that says that the user wants it: the gateway then forgets the session.
USER_DISCONNECT: Final = 0xB0
_MAGIC: Final = b"STF\x01"


class PacketType(enum.IntEnum):
    """The seventh byte of a packet (section 2.2)."""

    DATA = 0
    DPD_REQUEST = 3
    DPD_RESPONSE = 4
    DISCONNECT = 5
    KEEPALIVE = 7
    COMPRESSED = 8
    TERMINATE = 9


class CstpError(ValueError):
    """What came is no packet, or no answer, of this protocol."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet: an IP packet in ``payload`` if it is DATA. The type may be one that we do not know."""

    kind: int
    payload: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What the gateway assigns (section 2.1.5)."""

    addresses: tuple[str, ...]
    resolvers: tuple[str, ...]
    gateways: tuple[str, ...]
    mtu: int


def encode(kind: PacketType, payload: bytes = b"") -> bytes:
    """Frame a packet.

    :raises CstpError: when ``payload`` has more than 65535 bytes.
    """
    if len(payload) > LARGEST:
        raise CstpError("this packet is too large for the tunnel")
    return _MAGIC + struct.pack("!HBB", len(payload), kind, 0) + payload


class Deframer:
    """Cuts the stream into packets; holds less than one."""

    def __init__(self) -> None:
        self._received = b""

    def feed(self, data: bytes) -> list[Packet]:
        """Take in bytes and return the packets that are whole.

        :raises CstpError: when what comes does not begin as a packet does.
        """
        self._received += data
        packets = []
        start = 0
        while len(self._received) - start >= HEADER_BYTES:
            magic, length, kind = struct.unpack_from("!4sHB", self._received, start)
            if magic != _MAGIC:
                raise CstpError("this is no packet of the tunnel")
            end = start + HEADER_BYTES + length
            if len(self._received) < end:
                break
            packets.append(Packet(kind, self._received[start + HEADER_BYTES : end]))
            start = end
        self._received = self._received[start:]
        return packets


def connect_request(host: str, cookie: str) -> bytes:
    """Write the request for a tunnel: both address families, no compression, no DTLS.

    :raises ValueError: when ``cookie`` can't stand in a header.
    """
    if not cookie.isascii() or not cookie.isprintable():
        raise ValueError("the session cookie has characters that no cookie has")
    lines = (
        f"CONNECT {TUNNEL_PATH} HTTP/1.1",
        f"Host: {host}",
        f"User-Agent: {USER_AGENT}",
        f"Cookie: {cookie}",
        "X-CSTP-Version: 1",
        "X-CSTP-Hostname: localhost",
        f"X-CSTP-Base-MTU: {MTU + 220}",
        f"X-CSTP-MTU: {MTU}",
        "X-CSTP-Address-Type: IPv6,IPv4",
        "X-CSTP-Full-IPv6-Capability: true",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def read_configuration(head: ResponseHead) -> Configuration:
    """Read the answer to a CONNECT that was accepted.

    :raises CstpError: when it assigns no usable address, or asks for compression that we did not offer.
    """
    addresses, gateways = [], []
    for value in (*head.all("x-cstp-address"), *head.all("x-cstp-address-ip6")):
        address = _address(value)
        if address is not None and address not in addresses:
            addresses.append(address)
    if not addresses:
        raise CstpError("the gateway assigned no address")
    if head.get("x-cstp-content-encoding") not in (None, "", "identity"):
        raise CstpError("the gateway compresses, and was not asked to")
    netmask = head.get("x-cstp-netmask")
    gateway = _first_host(addresses[0], netmask) if netmask is not None else None
    if gateway is not None:
        gateways.append(gateway)
    resolvers = [_address(value) for name in ("x-cstp-dns", "x-cstp-dns-ip6") for value in head.all(name)]
    return Configuration(
        addresses=tuple(addresses[:MOST]),
        resolvers=tuple(dict.fromkeys(resolver for resolver in resolvers if resolver is not None))[:MOST],
        gateways=tuple(gateways),
        mtu=_mtu(head.get("x-cstp-mtu")),
    )


def _address(value: str) -> str | None:
    """Read an address, with or without prefix length; ``None`` where there is none."""
    try:
        parsed = ip_address(value.strip().partition("/")[0])
    except ValueError:
        return None
    return None if parsed.is_unspecified or parsed.is_multicast or "%" in str(parsed) else str(parsed)


def _first_host(address: str, netmask: str) -> str | None:
    """Return the first address of our network, where gateways usually sit, unless that is ours."""
    try:
        network = ip_interface(f"{address}/{netmask.strip()}").network
    except ValueError:
        return None
    if network.num_addresses < 4:
        return None
    first = str(network.network_address + 1)
    return None if first == address else first


def _mtu(value: str | None) -> int:
    number = (
        int(value) if value is not None and value.isascii() and value.isdigit() and len(value) < 6 else MTU
    )
    return min(max(number, 576), LARGEST)
