"""Host names and resolver addresses as data: what may be asked at all, and of whom. Pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from circumvent.model.option import join_host_port
from circumvent.model.words import Reason
from circumvent.net.errors import CannotTry

#: RFC 1035, section 2.3.4, without the final dot.
_LONGEST_NAME: Final = 253
_LABEL: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
#: Names that no resolver of the internet answers for (RFC 6761, 6762, 7686, 8375; ICANN for ``internal``).
_NOT_ON_THE_INTERNET: Final = ("local", "onion", "internal", "invalid", "home.arpa")
_MOST_RESOLVERS: Final = 3
_LONGEST_LINE: Final = 512


@dataclass(frozen=True, slots=True)
class Resolver:
    """The address of a plain resolver."""

    address: str
    port: int = 53

    def __post_init__(self) -> None:
        ipaddress.ip_address(self.address)
        if not 1 <= self.port <= 65535:
            raise ValueError(f"port {self.port} does not exist. Ports go from 1 to 65535.")

    def __str__(self) -> str:
        return join_host_port(self.address, self.port)


def qualify(host: str) -> str:
    """Return ``host`` as an absolute name: lower case, ASCII (IDNA), with its final dot.

    :raises CannotTry: if it is no name of the internet, or none at all.
    """
    try:
        ascii_host = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError as exc:
        raise CannotTry(Reason.UNSUPPORTED, "the host is no valid name") from exc
    name = ascii_host.removesuffix(".").lower()
    labels = name.split(".")
    if len(name) > _LONGEST_NAME or not all(_LABEL.fullmatch(label) for label in labels):
        raise CannotTry(Reason.UNSUPPORTED, "the host is no valid name")
    if len(labels) == 1:
        raise CannotTry(
            Reason.UNSAFE, "a name without a dot means something inside this network; it is not asked"
        )
    if any(f".{name}".endswith(f".{suffix}") for suffix in _NOT_ON_THE_INTERNET):
        raise CannotTry(Reason.UNSAFE, "the name is not one of the internet; it is not asked")
    return name + "."


def is_localhost(host: str) -> bool:
    """Tell whether ``host`` is this machine by definition (RFC 6761, section 6.3)."""
    name = host.removesuffix(".").lower()
    return name == "localhost" or name.endswith(".localhost")


def parse_resolv_conf(text: str) -> tuple[Resolver, ...]:
    """Return the name servers of a ``resolv.conf``, as many as the C library would use. Other lines are ignored."""
    found: list[Resolver] = []
    for line in text.splitlines():
        words = line[:_LONGEST_LINE].split()
        if len(words) >= 2 and words[0] == "nameserver" and len(found) < _MOST_RESOLVERS:
            try:
                found.append(Resolver(words[1]))
            except ValueError:
                continue
    return tuple(found)
