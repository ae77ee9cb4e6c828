"""Facts about false answers, names and operators, from the package's own catalogue.

Loaded when the first comparison is made, never at import. Every row of the files has a source and a date.
"""

from __future__ import annotations

import functools
import ipaddress
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any

from circumvent.names.plan import ControlName, IdentityProbe

if TYPE_CHECKING:
    from collections.abc import Mapping

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who owns canary names, and which networks are theirs: any address in them is plausible for those names."""

    operator: str
    networks: tuple[Network, ...] = ()

    def has(self, address: Address) -> bool:
        """Tell whether ``address`` is in one of the owner's networks."""
        return inside(address, self.networks)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityFact:
    """A question that tells who answers.

    Where ``networks`` are given, a resolver of ``operator`` answers with its own address, and it lies in them.
    """

    operator: str
    probe: IdentityProbe
    networks: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that the comparison of answers rests on besides the answers.

    ``resolvers`` are public plain ones: of each large operator that does not filter one address of either family.
    """

    injected: frozenset[Address]
    bogons: tuple[Network, ...]
    owners: Mapping[str, Owner]
    controls: tuple[ControlName, ...]
    identity: tuple[IdentityFact, ...]
    resolvers: tuple[tuple[str, ...], ...]

    def bogon(self, address: Address) -> bool:
        """Tell whether no public name can have ``address``."""
        return inside(address, self.bogons)


def inside(address: Address, networks: tuple[Network, ...]) -> bool:
    """Tell whether ``address`` lies in one of ``networks``."""
    return any(address.version == network.version and address in network for network in networks)


@functools.cache
def load() -> Facts:
    """Return the facts of the package."""
    interference, names = _read("interference.toml"), _read("names.toml")
    return Facts(
        injected=frozenset(
            ipaddress.ip_address(address) for row in interference["injected"] for address in row["answers"]
        ),
        bogons=_networks(interference["bogon"]["prefixes"]),
        owners={name: _owner(row) for row in names["owner"] for name in row["names"]},
        controls=tuple(
            ControlName(name=row["name"], addresses=frozenset(row["addresses"])) for row in names["control"]
        ),
        identity=tuple(_identity(row) for row in names["identity"]),
        resolvers=tuple(tuple(row["addresses"]) for row in names["resolver"]),
    )


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("circumvent.catalog").joinpath("data", name).read_text("utf-8"))


def _networks(prefixes: list[str]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(prefix) for prefix in prefixes)


def _owner(row: dict[str, Any]) -> Owner:
    return Owner(operator=row["operator"], networks=_networks(row["networks"]))


def _identity(row: dict[str, Any]) -> IdentityFact:
    operator = row["operator"]
    probe = IdentityProbe(
        name=row["name"],
        rdtype=row.get("type", "TXT"),
        rdclass=row.get("class", "IN"),
        operators=frozenset({operator} if operator != "*" else ()),
    )
    return IdentityFact(operator=operator, probe=probe, networks=_networks(row.get("networks", [])))
