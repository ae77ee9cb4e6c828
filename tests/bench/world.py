"""The servers of a measurement, and the options that point at them.

Every option has an address in a network of its own (198.18.0.0/15, RFC 2544), so that no two share a fate group:
198.18.1.10 to 198.18.40.10 DoT, 41 to 60 DoH, 61 to 100 HTTP/3, 101 to 115 SOCKS5. Addresses below 198.19 are silent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.lab import names, proxies, web, zone
from tests.lab.names import Character
from tests.lab.pki import make_pki

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from tests.lab.daemon import Daemon
    from tests.lab.pki import Pki
    from tests.lab.wire import Wire

DOT: Final = tuple(f"198.18.{number}.10" for number in range(1, 41))
DOH: Final = tuple(f"198.18.{number}.10" for number in range(41, 61))
H3: Final = tuple(f"198.18.{number}.10" for number in range(61, 101))
SOCKS5: Final = tuple(f"198.18.{number}.10" for number in range(101, 116))
#: What ``open_wire`` must give the world.
ADDRESSES: Final = DOT + DOH + H3 + SOCKS5
DROPPED: Final = "198.19.0.0/16"

_RESOLVER: Final = "198.51.100.10"
_NAME: Final = "bench.lab.example"
_CONTROL: Final = "control.lab.example"
_CONTROL_ADDRESSES: Final = ("198.51.100.40", "2001:db8:100::40")
#: The name leads to the first HTTP/3 server: ngtcp2's client sends a server name only if it resolved one.
_RECORDS: Final = zone.RECORDS + f"{_NAME}. IN A {H3[0]}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One option of a measurement."""

    kind: str
    address: str

    @property
    def label(self) -> str:
        """Its label in the report, unique in a run."""
        return f"{self.kind}-{self.address}"

    @property
    def port(self) -> int:
        """Its port."""
        return {"dot": 853, "doh": 443, "h3": 443, "socks5": 1080}[self.kind]

    @property
    def table(self) -> str:
        """Its ``[[option]]`` table."""
        fields = {"kind": self.kind, "label": self.label}
        match self.kind:
            case "dot":
                fields |= {"host": _NAME, "address": self.address}
            case "doh":
                fields |= {"url": f"https://{_NAME}/dns-query", "address": self.address}
            case "h3":
                fields |= {"url": f"https://{_NAME}/nonce/{{nonce}}", "address": self.address}
            case _:
                fields |= {"host": self.address}
        lines = [f'{name} = "{value}"' for name, value in fields.items()]
        return "\n".join(["[[option]]", *lines, ""])


def working(count_each: int = 15) -> list[Entry]:
    """As many options of each kind, every one of which works."""
    kinds = {"dot": DOT, "doh": DOH, "h3": H3, "socks5": SOCKS5}
    return [
        Entry(kind=kind, address=address)
        for kind, addresses in kinds.items()
        for address in addresses[:count_each]
    ]


def crowd() -> list[Entry]:
    """A hundred handshakes: 40 DoT, 20 DoH, 40 HTTP/3."""
    kinds = {"dot": DOT, "doh": DOH, "h3": H3}
    return [Entry(kind=kind, address=address) for kind, addresses in kinds.items() for address in addresses]


def silent(count: int = 60) -> list[Entry]:
    """Options behind which nothing answers, the kinds in turn."""
    kinds = ("dot", "doh", "h3", "socks5")
    return [Entry(kind=kinds[number % 4], address=f"198.19.{number + 1}.10") for number in range(count)]


def write_options(path: Path, entries: Iterable[Entry]) -> Path:
    """Write the entries as the project's own TOML."""
    path.write_text("\n".join(entry.table for entry in entries), encoding="ascii")
    return path


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The running servers, and what a check must be told about them."""

    daemons: Sequence[Daemon]
    pki: Pki
    arguments: Sequence[str]
    name: str = _NAME
    control: str = _CONTROL

    def stop(self) -> None:
        """End all servers."""
        for daemon in self.daemons:
            daemon.stop()


def start_world(wire: Wire, directory: Path) -> World:
    """Start every server on the far side of the wire."""
    pki = make_pki(directory / "pki", (_NAME, _CONTROL, "lab.example"))
    keys = zone.RootKeys()
    daemons: list[Daemon] = []

    def place(name: str) -> Path:
        folder = directory / name
        folder.mkdir()
        return folder

    with wire.in_world():
        resolver = names.start_unbound(
            place("unbound"),
            character=Character.HONEST,
            zone=keys.sign(records=_RECORDS),
            anchor=keys.anchor,
            addresses=(_RESOLVER, *DOT, *DOH),
            name=_NAME,
            credentials=pki.good,
            ca_file=pki.ca_file,
        )
        daemons.append(resolver.daemon)
        site = web.start_caddy(
            place("caddy"), addresses=H3, name=_NAME, credentials=pki.good, ca_file=pki.ca_file
        )
        daemons.append(site.daemon)
        socks = proxies.start_microsocks(place("microsocks"), address="0.0.0.0", password=False)
        daemons.append(socks.daemon)
        control = web.start_control(
            place("control"),
            addresses=_CONTROL_ADDRESSES,
            name=_CONTROL,
            credentials=pki.good,
            ca_file=pki.ca_file,
        )
        daemons.append(control.daemon)
    anchor = directory / "root.anchor"
    anchor.write_text(keys.anchor + "\n", encoding="ascii")
    arguments = (
        "--ca", str(pki.ca_file),
        "--trust-anchor", str(anchor),
        "--dns-control", "lab.example=198.51.100.16,2001:db8:100::16",
        "--dns-control", "canary-one.example=198.51.100.43",
        "--resolver", _RESOLVER,
        "--system-dns",
        "--control", control.nonce_url,
        "--bulk", control.bulk_url,
    )  # fmt: skip
    return World(daemons=daemons, pki=pki, arguments=arguments)
