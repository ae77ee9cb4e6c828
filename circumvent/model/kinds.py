"""The kinds of option, and what is true of each.

A kind's module is named as a string and imported when the first option of that kind is tried, so that a check
without QUIC never loads a QUIC stack.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from circumvent.model.words import Exposure, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What is true of every option of one kind.

    ``name`` is the word in reports and ``--only``; ``title`` is what people read; ``module`` holds a
    ``TRANSPORT`` object (:class:`circumvent.transport.Transport`); ``family`` is the word of ``--include``;
    ``port`` is the default; ``datagram`` tells that it travels over UDP, ``quic`` that it speaks QUIC;
    ``account`` tells that an option is a profile of the user's, under the rules on accounts (one login, not before the time
    of day is known); ``connections`` is how many connections to its endpoint one attempt has open at once.
    """

    name: str
    title: str
    module: str
    family: str
    scope: Scope
    exposure: Exposure
    port: int
    datagram: bool = False
    quic: bool = False
    account: bool = False
    connections: int = 1


def _table(*kinds: Kind) -> Mapping[str, Kind]:
    return MappingProxyType({kind.name: kind for kind in kinds})


_T: Final = "circumvent.transports."
_ORDINARY, _NOTABLE, _MARKING = Exposure.ORDINARY, Exposure.NOTABLE, Exposure.MARKING

#: Every kind that can be tried, in the order in which ``list --kinds`` shows them.
KINDS: Final[Mapping[str, Kind]] = _table(
    Kind(
        name="doh",
        title="DNS over HTTPS",
        module=_T + "doh",
        family="names",
        scope=Scope.NAMES,
        exposure=_ORDINARY,
        port=443,
    ),
    Kind(
        name="doh3",
        title="DNS over HTTP/3",
        module=_T + "doh3",
        family="names",
        scope=Scope.NAMES,
        exposure=_ORDINARY,
        port=443,
        datagram=True,
        quic=True,
    ),
    Kind(
        name="dot",
        title="DNS over TLS",
        module=_T + "dot",
        family="names",
        scope=Scope.NAMES,
        exposure=_ORDINARY,
        port=853,
    ),
    Kind(
        name="doq",
        title="DNS over QUIC",
        module=_T + "doq",
        family="names",
        scope=Scope.NAMES,
        exposure=_NOTABLE,
        port=853,
        datagram=True,
        quic=True,
    ),
    Kind(
        name="dnscrypt",
        title="DNSCrypt",
        module=_T + "dnscrypt",
        family="names",
        scope=Scope.NAMES,
        exposure=_NOTABLE,
        port=443,
        datagram=True,
    ),
    Kind(
        name="odoh",
        title="Oblivious DoH",
        module=_T + "odoh",
        family="names",
        scope=Scope.NAMES,
        exposure=_NOTABLE,
        port=443,
    ),
    Kind(
        name="dns-udp",
        title="plain DNS over UDP",
        module=_T + "dns_plain",
        family="names",
        scope=Scope.NAMES,
        exposure=_NOTABLE,
        port=53,
        datagram=True,
    ),
    Kind(
        name="dns-tcp",
        title="plain DNS over TCP",
        module=_T + "dns_plain",
        family="names",
        scope=Scope.NAMES,
        exposure=_NOTABLE,
        port=53,
    ),
    Kind(
        name="https",
        title="HTTPS without a tunnel",
        module=_T + "web",
        family="direct",
        scope=Scope.DIRECT,
        exposure=_ORDINARY,
        port=443,
    ),
    Kind(
        name="h3",
        title="HTTP/3 without a tunnel",
        module=_T + "web",
        family="direct",
        scope=Scope.DIRECT,
        exposure=_ORDINARY,
        port=443,
        datagram=True,
        quic=True,
    ),
    Kind(
        name="socks5",
        title="SOCKS5",
        module=_T + "socks5",
        family="proxy",
        scope=Scope.PROXY,
        exposure=_NOTABLE,
        port=1080,
        connections=2,
    ),
    Kind(
        name="socks4a",
        title="SOCKS4a",
        module=_T + "socks4a",
        family="proxy",
        scope=Scope.PROXY,
        exposure=_NOTABLE,
        port=1080,
        connections=2,
    ),
    Kind(
        name="http-connect",
        title="HTTP proxy",
        module=_T + "http_connect",
        family="proxy",
        scope=Scope.PROXY,
        exposure=_NOTABLE,
        port=8080,
        connections=2,
    ),
    Kind(
        name="openconnect",
        title="OpenConnect",
        module=_T + "openconnect",
        family="vpn",
        scope=Scope.SYSTEM,
        exposure=_NOTABLE,
        port=443,
        account=True,
    ),
    Kind(
        name="sstp",
        title="SSTP",
        module=_T + "sstp",
        family="vpn",
        scope=Scope.SYSTEM,
        exposure=_NOTABLE,
        port=443,
        account=True,
    ),
    Kind(
        name="wireguard",
        title="WireGuard",
        module=_T + "wireguard",
        family="vpn",
        scope=Scope.SYSTEM,
        exposure=_NOTABLE,
        port=51820,
        datagram=True,
        account=True,
    ),
    Kind(
        name="amneziawg",
        title="AmneziaWG",
        module=_T + "wireguard",
        family="vpn",
        scope=Scope.SYSTEM,
        exposure=_NOTABLE,
        port=51820,
        datagram=True,
        account=True,
    ),
    Kind(
        name="stun",
        title="STUN",
        module=_T + "stun",
        family="voice",
        scope=Scope.VOICE,
        exposure=_NOTABLE,
        port=3478,
        datagram=True,
    ),
    Kind(
        name="turn",
        title="TURN",
        module=_T + "turn",
        family="voice",
        scope=Scope.VOICE,
        exposure=_NOTABLE,
        port=3478,
        datagram=True,
    ),
    Kind(
        name="ikev2",
        title="IKEv2",
        module=_T + "ikev2",
        family="vpn",
        scope=Scope.SYSTEM,
        exposure=_NOTABLE,
        port=500,
        datagram=True,
        account=True,
        connections=2,
    ),
    Kind(
        name="l2tp",
        title="L2TP",
        module=_T + "l2tp",
        family="vpn",
        scope=Scope.SYSTEM,
        exposure=_NOTABLE,
        port=500,
        datagram=True,
    ),
    Kind(
        name="openvpn",
        title="OpenVPN",
        module=_T + "openvpn",
        family="vpn",
        scope=Scope.SYSTEM,
        exposure=_NOTABLE,
        port=1194,
        datagram=True,
        account=True,
    ),
    Kind(
        name="tor",
        title="Tor without a disguise",
        module=_T + "tor",
        family="tor",
        scope=Scope.APP,
        exposure=_MARKING,
        port=443,
    ),
    Kind(
        name="obfs4",
        title="obfs4 bridge",
        module=_T + "obfs4",
        family="tor",
        scope=Scope.APP,
        exposure=_MARKING,
        port=443,
    ),
    Kind(
        name="meek",
        title="meek bridge",
        module=_T + "meek",
        family="tor",
        scope=Scope.APP,
        exposure=_MARKING,
        port=443,
    ),
    Kind(
        name="dnstt",
        title="dnstt bridge",
        module=_T + "dnstt",
        family="tor",
        scope=Scope.APP,
        exposure=_MARKING,
        port=53,
    ),
    Kind(
        name="conjure",
        title="conjure bridge",
        module=_T + "conjure",
        family="tor",
        scope=Scope.APP,
        exposure=_MARKING,
        port=443,
    ),
    Kind(
        name="snowflake",
        title="snowflake bridge",
        module=_T + "snowflake",
        family="tor",
        scope=Scope.APP,
        exposure=_MARKING,
        port=443,
    ),
    Kind(
        name="webtunnel",
        title="WebTunnel bridge",
        module=_T + "webtunnel",
        family="tor",
        scope=Scope.APP,
        exposure=_MARKING,
        port=443,
    ),
    Kind(
        name="starlink",
        title="Starlink terminal",
        module=_T + "starlink",
        family="satellite",
        scope=Scope.SYSTEM,
        exposure=_MARKING,
        port=9200,
        connections=2,
    ),
    Kind(
        name="satellite-terminal",
        title="satellite terminal",
        module=_T + "satellite_terminal",
        family="satellite",
        scope=Scope.SYSTEM,
        exposure=_MARKING,
        port=80,
        connections=2,
    ),
)

#: The words of ``--include``, ``--only`` and ``--skip`` beside the kinds themselves.
FAMILIES: Final = frozenset(kind.family for kind in KINDS.values())
#: The family of satellite links: never part of a check unless it is named, never in a dump, never kept.
SATELLITE: Final = "satellite"


def is_satellite(kind: str) -> bool:
    """Tell whether options of this kind are satellite links; of kinds of another version nothing is known."""
    return kind in KINDS and KINDS[kind].family == SATELLITE
