"""Writes what the servers of a world need into a directory: certificates, zones, keys, the description itself."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from circumvent.lab.world import description
from circumvent.lab.world.authority import Authority
from circumvent.lab.world.bridge_keys import BridgeKeys
from circumvent.lab.world.description import (
    Bridge,
    Character,
    DescriptionError,
    Dnscrypt,
    Sort,
    Wireguard,
    World,
)
from circumvent.lab.world.wireguard import TunnelKeys
from circumvent.lab.world.zone import RootKeys

if TYPE_CHECKING:
    from circumvent.lab.world.authority import Credentials
    from circumvent.lab.world.description import Server

#: The file in the directory that tells the world's process everything.
DESCRIPTION: Final = "description.json"
AUTHORITY: Final = "laboratory root"
#: Signs certificates of a man in the middle; nobody trusts it.
INTERCEPTOR: Final = "laboratory interceptor"
_DAY: Final = 86400.0
_LONG: Final = " ".join(f'"{"0123456789" * 10}"' for _ in range(20))
#: Zones by name; each is a file.
ZONES: Final = ("nsec3", "nsec", "none", "foreign", "expired", "future")


class Pair(msgspec.Struct, frozen=True):
    """Names of two files in PEM form: certificate chain and key."""

    chain: str
    key: str


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A world with its files. ``pairs``, ``providers`` (public keys in hexadecimal), ``tunnels`` and ``bridges`` by names of servers.

    ``ca`` is what ``--ca`` takes, ``anchor`` what ``--trust-anchor`` takes; ``interceptor`` is the root of a man in
    the middle, whose key :class:`~circumvent.lab.world.authority.Authority` reads from the same directory.
    """

    world: World
    directory: str
    ca: str
    interceptor: str
    anchor: str
    resolv_conf: str
    pairs: dict[str, Pair]
    providers: dict[str, str]
    tunnels: dict[str, TunnelKeys] = {}
    bridges: dict[str, BridgeKeys] = {}

    def zone(self, name: str) -> Path:
        """Return the file of one of :data:`ZONES`."""
        return Path(self.directory) / f"root-{name}.zone"

    def provider_key(self, server: str) -> Ed25519PrivateKey:
        """Return the long-term key of a DNSCrypt server.

        :raises OSError: when it has none.
        """
        return Ed25519PrivateKey.from_private_bytes(_provider_file(Path(self.directory), server).read_bytes())

    @property
    def description(self) -> Path:
        """Return the file that the world's process reads."""
        return Path(self.directory) / DESCRIPTION


def zone_of(character: Character) -> str:
    """Return which of :data:`ZONES` a resolver answers from."""
    return {
        Character.HONEST_NSEC: "nsec",
        Character.STRIPPING: "none",
        Character.FOREIGN: "foreign",
        Character.EXPIRED: "expired",
        Character.FUTURE: "future",
    }.get(character, "nsec3")


def prepare(world: World, directory: Path) -> Prepared:
    """Write everything and return what was written where."""
    directory.mkdir(parents=True, exist_ok=True)
    authority = Authority(directory, AUTHORITY)
    stranger = Authority(directory, "laboratory stranger")
    interceptor = Authority(directory, INTERCEPTOR)
    pairs = {server.name: _pair(server, authority, stranger) for server in world.servers}
    anchor = _zones(world, directory)
    resolv_conf = directory / "resolv.conf"
    resolv_conf.write_text(
        f"nameserver {world.server(world.resolver).ipv4}\noptions edns0\n", encoding="ascii"
    )
    prepared = Prepared(
        world=world,
        directory=str(directory),
        ca=str(authority.pem_file),
        interceptor=str(interceptor.pem_file),
        anchor=str(anchor),
        resolv_conf=str(resolv_conf),
        pairs=pairs,
        providers={server.name: _provider(directory, server) for server, _ in world.serving(Dnscrypt)},
        tunnels={server.name: TunnelKeys.fresh() for server, _ in world.serving(Wireguard)},
        bridges={server.name: BridgeKeys.fresh() for server, _ in world.serving(Bridge)},
    )
    prepared.description.write_bytes(msgspec.json.format(msgspec.json.encode(prepared), indent=1))
    return prepared


def read(path: Path) -> Prepared:
    """Read what :func:`prepare` wrote.

    :raises DescriptionError: when the file is no description.
    :raises OSError: when it can't be read.
    """
    try:
        prepared = msgspec.json.decode(path.read_bytes(), type=Prepared)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise DescriptionError(str(exc)) from exc
    description.read(description.write(prepared.world))  # its rules hold for what is inside, too
    return prepared


def records(world: World) -> str:
    """Return the truth of a world's DNS in zone-file form."""
    first = world.server(world.resolver).name
    lines = [
        "$TTL 60",
        f". 3600 IN SOA {first}. host.{first}. 1 1800 900 604800 60",
        f". 3600 IN NS {first}.",
        'big.lab.example. IN TXT "0123456789" "0123456789"',
        f"huge.lab.example. IN TXT {_LONG}",
        f"alias.lab.example. IN CNAME {first}.",
    ]
    lines += [
        f"{name}. IN {'AAAA' if ':' in address else 'A'} {address}"
        for server in world.servers
        for name in server.names
        for address in server.addresses
    ]
    return "\n".join(lines) + "\n"


def _zones(world: World, directory: Path) -> Path:
    keys, stranger, truth = RootKeys(), RootKeys(), records(world)
    signed = {
        "nsec3": keys.sign("nsec3", records=truth),
        "nsec": keys.sign("nsec", records=truth),
        "none": keys.sign("none", records=truth),
        "foreign": stranger.sign("nsec3", records=truth),
        "expired": keys.sign("nsec3", records=truth, begins=-10 * _DAY, ends=-2 * _DAY),
        "future": keys.sign("nsec3", records=truth, begins=2 * _DAY, ends=10 * _DAY),
    }
    for name, zone in signed.items():
        (directory / f"root-{name}.zone").write_text(zone.text, encoding="ascii")
    anchor = directory / "root.anchor"
    anchor.write_text(keys.anchor + "\n", encoding="ascii")
    return anchor


def _pair(server: Server, authority: Authority, stranger: Authority) -> Pair:
    day = timedelta(days=1)
    names = [*server.names, *server.addresses]
    issued: Credentials
    match server.certificate:
        case Sort.EXPIRED:
            issued = authority.issue(server.name, names, begins=-30 * day, ends=-3 * day)
        case Sort.NOT_YET_VALID:
            issued = authority.issue(server.name, names, begins=3 * day, ends=30 * day)
        case Sort.SELF_SIGNED:
            issued = authority.issue(server.name, names, self_signed=True)
        case Sort.UNKNOWN_AUTHORITY:
            issued = stranger.issue(server.name, names)
        case Sort.WRONG_NAME:
            issued = authority.issue(server.name, ["another.example"])
        case _:
            issued = authority.issue(server.name, names)
    return Pair(chain=str(issued.chain), key=str(issued.key))


def _provider(directory: Path, server: Server) -> str:
    key, path = Ed25519PrivateKey.generate(), _provider_file(directory, server.name)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.private_bytes_raw())
    return key.public_key().public_bytes_raw().hex()


def _provider_file(directory: Path, server: str) -> Path:
    return directory / f"{server}.dnscrypt"
