"""The world that scenarios begin with: twelve foreign networks, four domestic ones, some seventy servers.

Every network is an operator of its own with a /24, a /48 and a domain, so that each is a fate group. The addresses
are those of long-known infrastructure (root servers, AS112): they look public to every program, as an address of a
real service does, and inside the laboratory they lead nowhere else. Documentation ranges would need
``--allow-private``, which changes how a check behaves.
"""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from circumvent.lab.world.description import (
    Bridge,
    Character,
    Connect,
    Disguise,
    Dnscrypt,
    DnscryptRelay,
    Half,
    Names,
    Network,
    Odoh,
    Openvpn,
    Server,
    Silent,
    Socks,
    Sort,
    Voice,
    Web,
    Wireguard,
    World,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.lab.world.description import Service

USER: Final = "lab"
PASSWORD: Final = "lab-password"  # noqa: S105 - known to everybody in the laboratory

#: Operator, /24, /48, class of its anchor.
_FOREIGN: Final = (
    ("anvil", "198.41.0.0/24", "2001:503:ba3e::/48", "resolver"),
    ("birch", "170.247.170.0/24", "2801:1b8:10::/48", "resolver"),
    ("cedar", "192.33.4.0/24", "2001:500:2::/48", "cdn"),
    ("delta", "192.5.5.0/24", "2001:500:2f::/48", "updates"),
    ("ember", "192.36.148.0/24", "2001:7fe::/48", "cloud"),
    ("fjord", "193.0.14.0/24", "2001:7fd::/48", "academic"),
    ("grove", "199.7.83.0/24", "2001:500:9f::/48", "exchange"),
    ("heron", "202.12.27.0/24", "2001:dc3::/48", "cloud"),
    ("iris", "192.203.230.0/24", "2001:500:a8::/48", "cdn"),
    ("jasper", "192.112.36.0/24", "2001:500:12::/48", "academic"),
    ("krill", "199.7.91.0/24", "2001:500:2d::/48", "updates"),
    ("larch", "198.97.190.0/24", "2001:500:1::/48", "exchange"),
)
_DOMESTIC: Final = (
    ("homeline", "192.58.128.0/24", "2001:503:c27::/48", "domestic"),
    ("homecloud", "192.175.48.0/24", "2620:4f:8000::/48", "domestic"),
    ("homebank", "192.31.196.0/24", "2a01:5700::/48", "domestic"),
    ("homenews", "192.52.193.0/24", "2a01:5701::/48", "domestic"),
)
#: Sites that people want to reach, all on one server of a content network. Each has a domain of its own.
SITES: Final = ("social.example", "video.example", "messenger.example", "news.example", "wiki.example", "search.example")  # fmt: skip
#: Where a lie leads: the block page.
BLOCK_PAGE: Final = "block.homeline.example"
PORTAL: Final = "portal.homeline.example"
SYSTEM_RESOLVER: Final = "dns.homeline.example"
#: Names that a check may be told as ``--dns-control``: one that nobody touches, and the sites.
CONTROL_NAME: Final = "www.anvil.example"

_SOCKS_PORT: Final = 1080
_OPEN_PORT: Final = 8080
_CLOSED_PORT: Final = 8443


class _Builder:
    """Gives every server the next address of its network, the same in both families."""

    def __init__(self) -> None:
        self.networks: list[Network] = []
        self.servers: list[Server] = []
        self._next: dict[str, int] = {}

    def network(self, name: str, ipv4: str, ipv6: str, half: Half) -> None:
        self.networks.append(Network(name=name, operator=name.title(), half=half, ipv4=ipv4, ipv6=ipv6))
        self._next[name] = 10

    def server(
        self,
        network: str,
        label: str,
        *services: Service,
        aliases: Sequence[str] = (),
        certificate: Sort = Sort.GOOD,
        anchor: str | None = None,
    ) -> str:
        """Add a server and return its name."""
        number, place = self._next[network], next(one for one in self.networks if one.name == network)
        self._next[network] += 1
        name = f"{label}.{network}.example"
        addresses = (str(ip_network(place.ipv4)[number]), str(ip_network(place.ipv6)[int(str(number), 16)]))
        self.servers.append(
            Server(
                name=name,
                network=network,
                addresses=addresses,
                services=services,
                aliases=tuple(aliases),
                certificate=certificate,
                anchor=anchor,
            )
        )
        return name


def standard_world(*, shut_out: Sequence[str] = ()) -> World:
    """Return the standard world; geo-fences shut out the domestic networks and the prefixes of ``shut_out``."""
    builder = _Builder()
    for rows, half in ((_FOREIGN, Half.FOREIGN), (_DOMESTIC, Half.DOMESTIC)):
        for name, ipv4, ipv6, anchor in rows:
            builder.network(name, ipv4, ipv6, half)
            builder.server(name, "www", Web(), anchor=anchor)
    _resolvers(builder)
    _pages(builder, shut_out)
    _proxies(builder)
    for network in ("heron", "iris", "jasper"):
        builder.server(network, "turn", Voice())
    for network in ("birch", "larch"):
        builder.server(network, "vpn", Wireguard(), Openvpn())
    _bridges(builder)
    return World(networks=tuple(builder.networks), servers=tuple(builder.servers), resolver=SYSTEM_RESOLVER)


def _resolvers(builder: _Builder) -> None:
    for network in ("anvil", "cedar", "delta", "homeline", "homecloud"):
        builder.server(network, "dns", Names())
    builder.server("birch", "dns", Names(character=Character.HONEST_NSEC))
    for network in ("anvil", "birch", "cedar"):
        builder.server(network, "crypt", Dnscrypt())
    builder.server("fjord", "crypt-relay", DnscryptRelay())
    for network in ("delta", "ember", "grove"):
        builder.server(network, "odoh", Odoh())
    builder.server("heron", "odoh-relay", Odoh(role="relay"))
    lie = (builder.server("homeline", "block", Web(pages="block")),)
    lies = next(server.addresses for server in builder.servers if server.name in lie)
    for character in Character:
        if character not in (Character.HONEST, Character.HONEST_NSEC):
            builder.server("krill", character.value, Names(character=character, listed=SITES, lies=lies))


def _pages(builder: _Builder, shut_out: Sequence[str]) -> None:
    for network in ("ember", "fjord", "grove", "jasper"):
        builder.server(network, "control", Web())
    builder.server("iris", "sites", Web(), aliases=[*SITES, *(f"www.{site}" for site in SITES)])
    builder.server("homeline", "portal", Web(pages="portal"))
    domestic = tuple(prefix for row in _DOMESTIC for prefix in row[1:3])
    for status in (403, 451):
        fence = Web(shut_out=(*domestic, *shut_out), shut_out_status=403 if status == 403 else 451)
        builder.server("krill", f"fenced-{status}", fence)
    for sort in Sort:
        if sort is not Sort.GOOD:
            builder.server("larch", sort.value, Web(), certificate=sort)


def _bridges(builder: _Builder) -> None:
    """Tor bridges at four places, odd ones, and a web site before the first."""
    first, *_ = [
        builder.server(network, "bridge", Bridge()) for network in ("delta", "heron", "iris", "larch")
    ]
    builder.server("grove", "site", Disguise(bridge=first))
    builder.server("krill", "another-relay", Bridge(told="another-fingerprint"))
    builder.server("krill", "another-cert", Bridge(told="another-cert"))
    builder.server("krill", "stalled", Bridge(), Silent())


def _proxies(builder: _Builder) -> None:
    for network in ("ember", "fjord", "jasper"):
        open_proxy = Connect(port=_OPEN_PORT)
        builder.server(
            network, "proxy", Socks(port=_SOCKS_PORT), open_proxy, Connect(port=_CLOSED_PORT, tls=True)
        )
    builder.server(
        "grove",
        "proxy",
        Socks(port=_SOCKS_PORT, user=USER, password=PASSWORD),
        Connect(port=_OPEN_PORT, user=USER, password=PASSWORD),
        Connect(port=_CLOSED_PORT, tls=True, user=USER, password=PASSWORD),
    )
    builder.server("homecloud", "proxy", Socks(port=_SOCKS_PORT), Connect(port=_OPEN_PORT))
