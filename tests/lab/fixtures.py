"""The fixtures of real servers. Each is started when the first test asks for it, and ended with the session.

The list, with what each handle offers, stands at the top of ``tests/lab/README.rst``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab import (
    conjure,
    dnstt,
    ikev2,
    names,
    openconnect,
    proxies,
    quic,
    snowflake,
    sstp,
    tor,
    tor_network,
    tor_site,
    voice,
    web,
    wireguard,
    zone,
)
from tests.lab import moat as moats
from tests.lab import openvpn as openvpn_servers
from tests.lab.daemon import find_program
from tests.lab.left_out import requires
from tests.lab.names import Character
from tests.lab.pki import Pki, make_pki

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.daemon import Daemon
    from tests.lab.namespace import Network
    from tests.lab.pki import Credentials

__all__ = [
    "amneziawg_peer",
    "caddy",
    "captive_portal",
    "conjure_registrar",
    "control_web",
    "control_web_2",
    "coturn",
    "daemons",
    "danted",
    "dnsdist",
    "dnstt_bridge",
    "gtlsserver",
    "knot_resolver",
    "lab_directory",
    "microsocks",
    "microsocks_password",
    "moat",
    "newer_obfs4",
    "ocserv",
    "openvpn",
    "pki",
    "resolver",
    "root_keys",
    "snowflake_bridge",
    "softether",
    "squid",
    "stranger_root_keys",
    "strongswan",
    "stunnel",
    "tinyproxy",
    "tinyproxy_password",
    "tor_bridge",
    "tor_net",
    "unbound",
    "v2ray",
    "webtunnel_site",
    "wireguard_peer",
]

#: The addresses on which each character of unbound listens.
_UNBOUND_ADDRESSES = {
    Character.HONEST: ("198.51.100.10", "2001:db8:100::10"),
    Character.HONEST_NSEC: ("198.51.100.12", "2001:db8:100::12"),
    Character.LYING: ("198.51.100.20",),
    Character.STRIPPING: ("198.51.100.21",),
    Character.FOREIGN: ("198.51.100.22",),
    Character.EXPIRED: ("198.51.100.23",),
    Character.FUTURE: ("198.51.100.24",),
}
_DAY = 86400.0


@pytest.fixture(scope="session")
def lab_directory(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make a directory for one server: configuration, log, state."""

    def make(name: str) -> Path:
        return tmp_path_factory.mktemp(name)

    return make


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """The trusted authority, a stranger, and every bad certificate; names are loopback's and ``lab.example``."""
    return make_pki(
        tmp_path_factory.mktemp("pki"), ("lab.example", "*.lab.example", "localhost", "127.0.0.1", "::1")
    )


@pytest.fixture(scope="session")
def root_keys() -> zone.RootKeys:
    """The keys of the laboratory's root; ``.anchor`` is what ``--trust-anchor`` takes."""
    return zone.RootKeys()


@pytest.fixture(scope="session")
def stranger_root_keys() -> zone.RootKeys:
    """Keys of a root that nobody trusts."""
    return zone.RootKeys()


@pytest.fixture(scope="session")
def daemons(network: Network) -> Iterator[list[Daemon]]:
    """All running servers; whatever is in the list is ended with the session."""
    running: list[Daemon] = []
    assert network.isolated is None
    yield running
    for daemon in reversed(running):
        daemon.stop()


def _credentials(pki: Pki, label: str, *addresses: str) -> Credentials:
    return pki.authority.issue(label, [f"{label}.lab.example", *addresses])


@pytest.fixture(scope="session")
def resolver(
    daemons: list[Daemon],
    pki: Pki,
    root_keys: zone.RootKeys,
    stranger_root_keys: zone.RootKeys,
    lab_directory: Callable[[str], Path],
) -> Callable[[Character], names.Resolver]:
    """Return the unbound of a :class:`~tests.lab.names.Character`, started when it is asked for."""
    running: dict[Character, names.Resolver] = {}

    def signed(character: Character) -> zone.SignedZone:
        match character:
            case Character.HONEST_NSEC:
                return root_keys.sign("nsec")
            case Character.STRIPPING:
                return root_keys.sign("none")
            case Character.FOREIGN:
                return stranger_root_keys.sign()
            case Character.EXPIRED:
                return root_keys.sign(begins=-10 * _DAY, ends=-2 * _DAY)
            case Character.FUTURE:
                return root_keys.sign(begins=2 * _DAY, ends=10 * _DAY)
            case _:
                return root_keys.sign()

    def get(character: Character) -> names.Resolver:
        requires("unbound")
        if character not in running:
            addresses = _UNBOUND_ADDRESSES[character]
            label = "dns" if character is Character.HONEST else character.value
            running[character] = names.start_unbound(
                lab_directory(f"unbound-{character.value}"),
                character=character,
                zone=signed(character),
                anchor=root_keys.anchor,
                addresses=addresses,
                name=f"{label}.lab.example",
                credentials=_credentials(pki, label, *addresses),
                ca_file=pki.ca_file,
            )
            daemons.append(running[character].daemon)
        return running[character]

    return get


@pytest.fixture(scope="session")
def unbound(resolver: Callable[[Character], names.Resolver]) -> names.Resolver:
    """The honest resolver, which is also what /etc/resolv.conf names: UDP, TCP, DoT, DoH, a root with NSEC3."""
    return resolver(Character.HONEST)


@pytest.fixture(scope="session")
def dnsdist(
    daemons: list[Daemon], pki: Pki, unbound: names.Resolver, lab_directory: Callable[[str], Path]
) -> names.Dnsdist:
    """A dnsdist in front of unbound: UDP, TCP, DoT, DoH, DNSCrypt."""
    requires("dnsdist")
    handle = names.start_dnsdist(
        lab_directory("dnsdist"),
        address="198.51.100.11",
        upstream=unbound,
        name="dnsdist.lab.example",
        credentials=_credentials(pki, "dnsdist", "198.51.100.11"),
    )
    daemons.append(handle.daemon)
    return handle


@pytest.fixture(scope="session")
def knot_resolver(
    daemons: list[Daemon], pki: Pki, unbound: names.Resolver, lab_directory: Callable[[str], Path]
) -> names.Resolver:
    """A Knot Resolver in front of unbound: UDP, TCP, DoT, DoH."""
    requires("kresd")
    handle = names.start_kresd(
        lab_directory("kresd"),
        address="198.51.100.13",
        upstream=unbound,
        name="knot.lab.example",
        credentials=_credentials(pki, "knot", "198.51.100.13"),
    )
    daemons.append(handle.daemon)
    return handle


@pytest.fixture(scope="session")
def danted(
    daemons: list[Daemon], unbound: names.Resolver, lab_directory: Callable[[str], Path]
) -> proxies.Proxy:
    """dante: SOCKS5 with UDP ASSOCIATE."""
    requires("danted")
    assert unbound.address
    handle = proxies.start_danted(lab_directory("danted"), address="198.51.100.28")
    daemons.append(handle.daemon)
    return handle


@pytest.fixture(scope="session")
def microsocks(
    daemons: list[Daemon], unbound: names.Resolver, lab_directory: Callable[[str], Path]
) -> proxies.Proxy:
    """microsocks: SOCKS5 without a password."""
    requires("microsocks")
    assert unbound.address
    handle = proxies.start_microsocks(lab_directory("microsocks"), address="198.51.100.29", password=False)
    daemons.append(handle.daemon)
    return handle


@pytest.fixture(scope="session")
def microsocks_password(
    daemons: list[Daemon], unbound: names.Resolver, lab_directory: Callable[[str], Path]
) -> proxies.Proxy:
    """microsocks: SOCKS5 with a password."""
    requires("microsocks")
    assert unbound.address
    handle = proxies.start_microsocks(lab_directory("microsocks"), address="198.51.100.29", password=True)
    daemons.append(handle.daemon)
    return handle


@pytest.fixture(scope="session")
def v2ray(
    daemons: list[Daemon], unbound: names.Resolver, lab_directory: Callable[[str], Path]
) -> proxies.Proxy:
    """v2ray: SOCKS4a, SOCKS5 with UDP ASSOCIATE."""
    requires("v2ray")
    assert unbound.address
    handle = proxies.start_v2ray(lab_directory("v2ray"), address="198.51.100.25")
    daemons.append(handle.daemon)
    return handle


@pytest.fixture(scope="session")
def tinyproxy(
    daemons: list[Daemon], unbound: names.Resolver, lab_directory: Callable[[str], Path]
) -> proxies.Proxy:
    """tinyproxy: HTTP CONNECT without a password."""
    requires("tinyproxy")
    assert unbound.address
    handle = proxies.start_tinyproxy(lab_directory("tinyproxy"), address="198.51.100.30", password=False)
    daemons.append(handle.daemon)
    return handle


@pytest.fixture(scope="session")
def tinyproxy_password(
    daemons: list[Daemon], unbound: names.Resolver, lab_directory: Callable[[str], Path]
) -> proxies.Proxy:
    """tinyproxy: HTTP CONNECT with Basic authentication."""
    requires("tinyproxy")
    assert unbound.address
    handle = proxies.start_tinyproxy(lab_directory("tinyproxy"), address="198.51.100.30", password=True)
    daemons.append(handle.daemon)
    return handle


@pytest.fixture(scope="session")
def openvpn(
    daemons: list[Daemon], pki: Pki, unbound: names.Resolver, lab_directory: Callable[[str], Path]
) -> openvpn_servers.Servers:
    """OpenVPN servers in every wrapping, over UDP and TCP, each in a network of its own with a way to unbound."""
    requires("openvpn")
    return openvpn_servers.Servers(pki, unbound.address, lab_directory, daemons)


@pytest.fixture(scope="session")
def squid(
    daemons: list[Daemon], pki: Pki, unbound: names.Resolver, lab_directory: Callable[[str], Path]
) -> proxies.Proxy:
    """squid: HTTP CONNECT in clear and over TLS."""
    requires("squid")
    handle = proxies.start_squid(
        lab_directory("squid"),
        address="198.51.100.31",
        resolver=unbound.address,
        name="squid.lab.example",
        credentials=_credentials(pki, "squid", "198.51.100.31"),
        ca_file=pki.ca_file,
    )
    daemons.append(handle.daemon)
    return handle


@pytest.fixture(scope="session")
def tor_bridge(daemons: list[Daemon], lab_directory: Callable[[str], Path]) -> tor.Bridge:
    """A Tor bridge: a plain ORPort, and obfs4 in each ``iat-mode``."""
    requires("tor", "obfs4proxy")
    handle = tor.start_bridge(
        lab_directory("tor"),
        address="198.51.100.34",
        ipv6="2001:db8:100::34",
        obfs4proxy=find_program("obfs4proxy") or "",
    )
    daemons += [handle.daemon, *(proxy.daemon for mode, proxy in handle.obfs4.items() if mode)]
    return handle


@pytest.fixture(scope="session")
def tor_net(daemons: list[Daemon], lab_directory: Callable[[str], Path]) -> tor_network.TorNetwork:
    """A Tor network of its own: an authority, three relays, and a bridge with obfs4 in each ``iat-mode``."""
    requires("tor", "obfs4proxy")
    handle = tor_network.start_network(
        lab_directory("tor-network"), obfs4proxy=find_program("obfs4proxy") or ""
    )
    daemons += handle.daemons
    return handle


@pytest.fixture(scope="session")
def newer_obfs4(
    daemons: list[Daemon], tor_bridge: tor.Bridge, lab_directory: Callable[[str], Path]
) -> tor.Bridge:
    """The same bridge, with an obfs4proxy of 2023 before it, where that is on PATH."""
    requires("obfs4proxy-0.0.15")
    handle = tor.start_newer(lab_directory("obfs4"), tor_bridge, program="obfs4proxy-0.0.15")
    daemons += [proxy.daemon for proxy in handle.obfs4.values()]
    return handle


@pytest.fixture(scope="session")
def webtunnel_site(
    daemons: list[Daemon], pki: Pki, tor_bridge: tor.Bridge, lab_directory: Callable[[str], Path]
) -> tor_site.Site:
    """nginx with WebTunnel paths that lead to the bridge, and hosts of meek behind it."""
    requires("nginx")
    handle, servers = tor_site.start_site(
        lab_directory("webtunnel"),
        address="198.51.100.35",
        name="webtunnel.lab.example",
        bridge=tor_bridge,
        credentials=_credentials(pki, "webtunnel", "198.51.100.35"),
        ca_file=pki.ca_file,
    )
    daemons += [*servers, handle.daemon]
    return handle


@pytest.fixture(scope="session")
def moat(
    daemons: list[Daemon], pki: Pki, unbound: names.Resolver, lab_directory: Callable[[str], Path]
) -> moats.Moat:
    """Tor's circumvention-settings API behind nginx, and a front with meek's server; the test says what it answers."""
    requires("nginx")
    assert unbound.address  # who knows their names
    handle, servers = moats.start_moat(lab_directory("moat"), pki=pki)
    daemons += servers
    return handle


@pytest.fixture(scope="session")
def conjure_registrar(
    daemons: list[Daemon], pki: Pki, lab_directory: Callable[[str], Path]
) -> conjure.Registrar:
    """nginx as a front, an AMP cache and the web server before a conjure registrar."""
    requires("nginx")
    address, name = "198.51.102.20", "conjure.lab.example"
    cache = f"{conjure.LABEL}.{conjure.CACHE}"
    handle = conjure.start_registrar(
        lab_directory("conjure"),
        address=address,
        name=name,
        credentials=pki.authority.issue("conjure", [name, f"registrar.{name}", cache, address]),
        ca_file=pki.ca_file,
    )
    daemons += handle.daemons
    return handle


@pytest.fixture(scope="session")
def snowflake_bridge(
    daemons: list[Daemon],
    pki: Pki,
    tor_bridge: tor.Bridge,
    lab_directory: Callable[[str], Path],
) -> snowflake.Snowflake:
    """Broker, proxy and server of snowflake before the bridge, where they are on PATH, behind a front."""
    requires(*snowflake.PROGRAMS)
    handle = snowflake.start_snowflake(
        lab_directory("snowflake"),
        address="198.51.102.10",
        name="snowflake.lab.example",
        bridge=tor_bridge,
        stun=("198.51.102.11", "198.51.102.12"),
        credentials=_credentials(pki, "snowflake", "198.51.102.10"),
        ca_file=pki.ca_file,
    )
    daemons += [*handle.others, handle.proxy]
    return handle


@pytest.fixture(scope="session")
def dnstt_bridge(
    daemons: list[Daemon], pki: Pki, tor_bridge: tor.Bridge, lab_directory: Callable[[str], Path]
) -> dnstt.DnsttBridge:
    """dnstt-server before the bridge, where it is on PATH, behind an unbound of its own."""
    requires("dnstt-server", "unbound")
    handle = dnstt.start_dnstt(
        lab_directory("dnstt"),
        address="198.51.100.39",
        name="dnstt.lab.example",
        bridge=tor_bridge,
        credentials=_credentials(pki, "dnstt", "198.51.100.39"),
        ca_file=pki.ca_file,
    )
    daemons += [handle.server, handle.resolver]
    return handle


@pytest.fixture(scope="session")
def ocserv(
    daemons: list[Daemon], pki: Pki, unbound: names.Resolver, lab_directory: Callable[[str], Path]
) -> openconnect.Gateways:
    """Return the ocserv of a character, started when it is asked for."""
    requires("ocserv", "ocpasswd")
    return openconnect.Gateways(pki, unbound.address, lab_directory, daemons)


@pytest.fixture(scope="session")
def strongswan(
    daemons: list[Daemon], pki: Pki, unbound: names.Resolver, lab_directory: Callable[[str], Path]
) -> ikev2.StrongSwan:
    """strongSwan: IKEv2 with every sort of login, each on an address of its own, with a way to unbound."""
    ikev2.require_strongswan()
    assert unbound.address == ikev2.RESOLVER
    handle = ikev2.start_strongswan(lab_directory("strongswan"), pki)
    daemons.append(handle.daemon)
    return handle


@pytest.fixture(scope="session")
def wireguard_peer(
    daemons: list[Daemon], unbound: names.Resolver, lab_directory: Callable[[str], Path]
) -> wireguard.Server:
    """wireguard-go with a preshared key, with a network of its own and a way to unbound."""
    requires("wireguard-go")
    handle = wireguard.start_peer(
        lab_directory("wireguard"), number=1, resolver=unbound.address, resolver_ipv6=unbound.address_ipv6
    )
    daemons.append(handle.daemon)
    return handle


@pytest.fixture(scope="session")
def amneziawg_peer(
    daemons: list[Daemon], unbound: names.Resolver, lab_directory: Callable[[str], Path]
) -> wireguard.Server:
    """amneziawg-go with everything that AmneziaWG 2.0 has, where it is on PATH."""
    requires("amneziawg-go")
    handle = wireguard.start_peer(
        lab_directory("amneziawg"),
        number=2,
        resolver=unbound.address,
        program="amneziawg-go",
        awg=wireguard.AMNEZIA,
    )
    daemons.append(handle.daemon)
    return handle


@pytest.fixture(scope="session")
def softether(
    daemons: list[Daemon], pki: Pki, unbound: names.Resolver, lab_directory: Callable[[str], Path]
) -> sstp.SstpServer:
    """SoftEther VPN Server: SSTP. Debian 12 packages one that answers no SSTP client."""
    requires("vpnserver", "vpncmd")
    handle = sstp.start_softether(
        lab_directory("softether"),
        number=80,
        address="198.51.100.149",
        name="sstp.lab.example",
        credentials=pki.rsa,
        ca_file=pki.ca_file,
        resolver=unbound.address,
    )
    daemons.append(handle.daemon)
    return handle


@pytest.fixture(scope="session")
def coturn(daemons: list[Daemon], pki: Pki, lab_directory: Callable[[str], Path]) -> voice.Turn:
    """coturn: STUN and TURN over UDP, TCP, TLS."""
    requires("turnserver")
    handle = voice.start_coturn(
        lab_directory("coturn"),
        address="198.51.100.36",
        name="turn.lab.example",
        credentials=_credentials(pki, "turn", "198.51.100.36"),
        ca_file=pki.ca_file,
    )
    daemons.append(handle.daemon)
    return handle


@pytest.fixture(scope="session")
def control_web(daemons: list[Daemon], pki: Pki, lab_directory: Callable[[str], Path]) -> web.Web:
    """The control server: nonce, bytes, status, upload; HTTP/1.1 over TLS and in clear."""
    addresses = ("198.51.100.40", "2001:db8:100::40")
    handle = web.start_control(
        lab_directory("control"),
        addresses=addresses,
        name="control.lab.example",
        credentials=_credentials(pki, "control", *addresses),
        ca_file=pki.ca_file,
    )
    daemons.append(handle.daemon)
    return handle


@pytest.fixture(scope="session")
def control_web_2(daemons: list[Daemon], pki: Pki, lab_directory: Callable[[str], Path]) -> web.Web:
    """A second control server, of another operator as it were."""
    addresses = ("198.51.100.41", "2001:db8:100::41")
    handle = web.start_control(
        lab_directory("control2"),
        addresses=addresses,
        name="control2.lab.example",
        credentials=_credentials(pki, "control2", *addresses),
        ca_file=pki.ca_file,
    )
    daemons.append(handle.daemon)
    return handle


@pytest.fixture(scope="session")
def captive_portal(daemons: list[Daemon], pki: Pki, lab_directory: Callable[[str], Path]) -> web.Web:
    """A portal: 200 and a login page to every request, in clear and over (validly certified) TLS."""
    address = "198.51.100.42"
    credentials = pki.authority.issue("portal", ["portal.lab.example", "control.lab.example", address])
    handle = web.start_control(
        lab_directory("portal"),
        addresses=(address,),
        name="portal.lab.example",
        credentials=credentials,
        ca_file=pki.ca_file,
        portal=True,
    )
    daemons.append(handle.daemon)
    return handle


@pytest.fixture(scope="session")
def caddy(daemons: list[Daemon], pki: Pki, lab_directory: Callable[[str], Path]) -> web.Web:
    """caddy: the control paths over HTTP/1.1, HTTP/2 and HTTP/3."""
    requires("caddy")
    addresses = ("198.51.100.16", "2001:db8:100::16")
    handle = web.start_caddy(
        lab_directory("caddy"),
        addresses=addresses,
        name="caddy.lab.example",
        credentials=_credentials(pki, "caddy", *addresses),
        ca_file=pki.ca_file,
    )
    daemons.append(handle.daemon)
    return handle


@pytest.fixture(scope="session")
def gtlsserver(daemons: list[Daemon], pki: Pki, lab_directory: Callable[[str], Path]) -> quic.QuicServer:
    """gtlsserver of ngtcp2: HTTP/3 files on UDP port 4433."""
    requires("gtlsserver")
    handle = quic.start_gtlsserver(
        lab_directory("gtlsserver"),
        address="198.51.100.48",
        name="quic.lab.example",
        credentials=_credentials(pki, "quic", "198.51.100.48"),
        ca_file=pki.ca_file,
    )
    daemons.append(handle.daemon)
    return handle


@pytest.fixture(scope="session")
def stunnel(
    daemons: list[Daemon], pki: Pki, control_web: web.Web, lab_directory: Callable[[str], Path]
) -> web.Stunnel:
    """stunnel in front of the control server's plain port: TLS by OpenSSL's own record layer."""
    requires("stunnel4")
    handle = web.start_stunnel(
        lab_directory("stunnel"),
        address="198.51.100.32",
        target=f"{control_web.address}:80",
        name="stunnel.lab.example",
        credentials=_credentials(pki, "stunnel", "198.51.100.32"),
        ca_file=pki.ca_file,
    )
    daemons.append(handle.daemon)
    return handle
