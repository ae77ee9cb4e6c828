"""What stands in a world: networks, servers, and what each serves. Pure data, and JSON between two processes."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

#: How many servers and names a description may have.
MOST: int = 1000


class DescriptionError(ValueError):
    """The text is no description of a world."""


class Half(StrEnum):
    """On which side of the border a network lies, seen from the client."""

    DOMESTIC = "domestic"
    FOREIGN = "foreign"


class Sort(StrEnum):
    """What is wrong with a server's certificate; ``GOOD``: nothing."""

    GOOD = "good"
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    SELF_SIGNED = "self-signed"
    UNKNOWN_AUTHORITY = "unknown-authority"
    WRONG_NAME = "wrong-name"


class Character(StrEnum):
    """How a resolver answers: honestly, or with exactly one fault."""

    HONEST = "honest"  # a signed root, NSEC3
    HONEST_NSEC = "honest-nsec"  # a signed root, NSEC
    LYING = "lying"  # listed names and all below them have the addresses of the lie
    NXDOMAIN = "nxdomain"  # listed names do not exist
    REFUSING = "refusing"  # listed names are REFUSED
    SILENT = "silent"  # listed names are never answered
    REDIRECTING = "redirecting"  # every name has the addresses of the lie, as a captive portal answers
    STRIPPING = "stripping"  # true answers without any signature
    FOREIGN = "foreign"  # signed by keys that nobody anchored
    EXPIRED = "expired"  # signatures that ran out two days ago
    FUTURE = "future"  # signatures that begin in two days


class _Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Common to all values here."""


class Names(_Value, frozen=True, tag="names"):
    """A resolver on the usual ports: 53, 853 (TCP: DoT, UDP: DoQ), 443 (TCP: DoH, UDP: DoH over HTTP/3)."""

    character: Character = Character.HONEST
    listed: tuple[str, ...] = ()
    lies: tuple[str, ...] = ()
    protocols: tuple[Literal["udp", "tcp", "dot", "doh", "doh3", "doq"], ...] = (
        "udp",
        "tcp",
        "dot",
        "doh",
        "doh3",
        "doq",
    )
    path: str = "/dns-query"


class Dnscrypt(_Value, frozen=True, tag="dnscrypt"):
    """A DNSCrypt server over UDP and TCP; ``constructions`` are the es-versions of its certificates."""

    port: int = 443
    constructions: tuple[Literal[1, 2], ...] = (1, 2)


class DnscryptRelay(_Value, frozen=True, tag="dnscrypt-relay"):
    """A relay for Anonymized DNSCrypt, for servers of this world only."""

    port: int = 443


class Odoh(_Value, frozen=True, tag="odoh"):
    """A target (``/dns-query``) or a relay (``/proxy``) of Oblivious DoH on port 443."""

    role: Literal["target", "relay"] = "target"


class Web(_Value, frozen=True, tag="web"):
    """A web server on ports 443 (HTTP/1.1, 2 and, with ``http3``, 3) and, with ``clear``, 80.

    ``pages``: the control paths, a portal's login page for everything, or a block page for everything; with a
    ``country`` (two letters) the block page has the mark that is documented for that country.
    Clients from ``shut_out`` prefixes get ``shut_out_status`` and a sentence, as a geo-fence answers.
    """

    pages: Literal["control", "portal", "block"] = "control"
    country: str | None = None
    http3: bool = True
    clear: bool = True
    shut_out: tuple[str, ...] = ()
    shut_out_status: Literal[403, 451] = 451


class Socks(_Value, frozen=True, tag="socks"):
    """A SOCKS proxy: version 5 with UDP ASSOCIATE, and 4a where no ``password`` is wanted."""

    port: int = 1080
    user: str | None = None
    password: str | None = None
    udp: bool = True


class Connect(_Value, frozen=True, tag="connect"):
    """An HTTP proxy that knows CONNECT; with ``tls`` inside TLS, with a ``password`` after Basic authentication."""

    port: int = 8080
    tls: bool = False
    user: str | None = None
    password: str | None = None


class Voice(_Value, frozen=True, tag="voice"):
    """STUN and TURN over UDP and TCP on ``port`` and over TLS on ``tls_port``; long-term credentials for TURN."""

    port: int = 3478
    tls_port: int = 5349
    realm: str = "lab.example"
    user: str = "lab"
    password: str = "lab-password"  # noqa: S105 - known to everybody in the laboratory


class Openvpn(_Value, frozen=True, tag="openvpn"):
    """An OpenVPN server over UDP with a password; echoes and DNS questions through it are answered."""

    port: int = 1194


class Wireguard(_Value, frozen=True, tag="wireguard"):
    """A WireGuard peer with one client; echoes and DNS questions through it are answered."""

    port: int = 51820


class Bridge(_Value, frozen=True, tag="bridge"):
    """A Tor bridge: tor itself on ``port``, obfs4proxy before it on ``obfs4_port`` (IPv4). No embedded server stands in.

    ``told`` is what its users were told of it: the truth, the fingerprint of another relay, or the cert of another
    obfs4 server.
    """

    port: int = 9001
    obfs4_port: int = 8443
    told: Literal["truth", "another-fingerprint", "another-cert"] = "truth"


class Silent(_Value, frozen=True, tag="silent"):
    """Accepts, shakes hands over TLS, and says nothing: beside a :class:`Bridge` it stands in the place of its tor."""

    port: int = 9001


class Disguise(_Value, frozen=True, tag="disguise"):
    """A web site, by nginx, that hands connections to the bridge of that server: by WebTunnel and by meek.

    ``path`` is WebTunnel's; ``meek_host`` is the host that meek's requests name behind this front.
    """

    bridge: str
    path: str = "/5m9yq0j4ghkz0fz7qmuw"
    meek_host: str = "meek-behind-the-front.example"


Service = (
    Names
    | Dnscrypt
    | DnscryptRelay
    | Odoh
    | Web
    | Socks
    | Connect
    | Voice
    | Wireguard
    | Openvpn
    | Bridge
    | Silent
    | Disguise
)


class Network(_Value, frozen=True):
    """One operator's network: a /24 and a /48. Servers of one network share their fate."""

    name: str
    operator: str
    half: Half
    ipv4: str
    ipv6: str


class Server(_Value, frozen=True):
    """One host: its name and other names, its addresses, its network, its services, its certificate.

    ``anchor`` is the class under which it serves as an anchor, ``None`` for no anchor. ``real`` names the programs
    that serve in the place of the embedded servers (:mod:`circumvent.lab.world.real`).
    """

    name: str
    network: str
    addresses: tuple[str, ...]
    services: tuple[Service, ...]
    aliases: tuple[str, ...] = ()
    certificate: Sort = Sort.GOOD
    anchor: str | None = None
    real: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return every name that this server answers for."""
        return (self.name, *self.aliases)

    @property
    def ipv4(self) -> str:
        """Return the first IPv4 address."""
        return next(address for address in self.addresses if ":" not in address)


class World(_Value, frozen=True):
    """Everything behind the wire. ``resolver`` names the server that the client's network gives it.

    ``clock`` are the seconds by which the clocks of its embedded servers are ahead; those of daemons are right.
    """

    networks: tuple[Network, ...]
    servers: tuple[Server, ...]
    resolver: str
    clock: float = 0.0

    def server(self, name: str) -> Server:
        """Return a server by any of its names.

        :raises KeyError: when there is none.
        """
        for server in self.servers:
            if name in server.names:
                return server
        raise KeyError(name)

    def network(self, server: Server) -> Network:
        """Return the network that a server stands in."""
        return next(network for network in self.networks if network.name == server.network)

    def half(self, server: Server) -> Half:
        """Return the half in which a server stands."""
        return self.network(server).half

    def addresses(self) -> tuple[str, ...]:
        """Return every address that the world side must have."""
        return tuple(address for server in self.servers for address in server.addresses)

    def prefixes(self, half: Half | None = None) -> tuple[str, ...]:
        """Return the prefixes of a half, or of all networks."""
        return tuple(
            prefix
            for network in self.networks
            if half in (None, network.half)
            for prefix in (network.ipv4, network.ipv6)
        )

    def serving(self, service: type[Service], half: Half | None = None) -> Iterator[tuple[Server, Service]]:
        """Return the servers with a service of this type, and the service."""
        for server in self.servers:
            for one in server.services:
                if isinstance(one, service) and half in (None, self.half(server)):
                    yield server, one

    def with_server(self, server: Server) -> World:
        """Return a world in which ``server`` stands in the place of the one of its name, or beside the others."""
        if all(one.name != server.name for one in self.servers):
            return msgspec.structs.replace(self, servers=(*self.servers, server))
        servers = tuple(server if one.name == server.name else one for one in self.servers)
        return msgspec.structs.replace(self, servers=servers)

    def with_character(
        self,
        name: str,
        character: Character,
        *,
        listed: tuple[str, ...] = (),
        lies: tuple[str, ...] = (),
    ) -> World:
        """Return a world in which the resolver ``name`` answers as another character.

        :raises KeyError: when there is no such resolver.
        """
        server = self.server(name)
        if not any(isinstance(service, Names) for service in server.services):
            raise KeyError(f"{name} is no resolver")
        services = tuple(
            msgspec.structs.replace(service, character=character, listed=listed, lies=lies)
            if isinstance(service, Names)
            else service
            for service in server.services
        )
        return self.with_server(msgspec.structs.replace(server, services=services))


def write(world: World) -> bytes:
    """Return a world as JSON."""
    return msgspec.json.format(msgspec.json.encode(world), indent=1)


def read(text: bytes) -> World:
    """Read a world.

    :raises DescriptionError: when the text is none, or names stand in it twice or nowhere.
    """
    try:
        world = msgspec.json.decode(text, type=World)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise DescriptionError(str(exc)) from exc
    names = [name for server in world.servers for name in server.names]
    networks = {network.name for network in world.networks}
    if len(names) != len(set(names)) or len(world.networks) != len(networks) or len(names) > MOST:
        raise DescriptionError("a name stands for two servers or networks, or there are too many")
    if world.resolver not in names or any(server.network not in networks for server in world.servers):
        raise DescriptionError("a server or a network is named that is not described")
    if any(not server.addresses or ":" in server.addresses[0] for server in world.servers):
        raise DescriptionError("every server needs an IPv4 address, before others")
    return world
