"""Fate groups: which options fail together.

Two partitions, decided once before the first packet. *Place*: options that share an address, a /24 or /48, a CDN,
an operator or a registrable domain (transitively). *Manner*: kind and port. Findings count places; breadth-first
order takes one option of each (place, manner), manners in turn.
"""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from circumvent.model.option import is_address

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping, Sequence

    from circumvent.model.option import Option

#: Second-level labels under which names are sold in many countries (``example.co.uk``).
_SHARED_SECOND_LEVELS: Final = frozenset({"ac", "co", "com", "edu", "gov", "net", "nom", "or", "org"})

Manner = tuple[str, int]


def neighbourhood(address: str) -> str:
    """Return the /24 (IPv4) or /48 (IPv6) of an address.

    >>> neighbourhood("198.51.100.7")
    '198.51.100.0/24'
    """
    length = 24 if ipaddress.ip_address(address).version == 4 else 48
    return str(ipaddress.ip_network(f"{address}/{length}", strict=False))


def registrable_domain(name: str) -> str:
    """Return the part of a name that somebody registered, by a rule of thumb.

    >>> registrable_domain("dns.example.co.uk"), registrable_domain("a.b.example.org")
    ('example.co.uk', 'example.org')
    """
    labels = name.lower().rstrip(".").split(".")
    wide = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SHARED_SECOND_LEVELS
    return ".".join(labels[-3:] if wide else labels[-2:])


def marks(option: Option) -> frozenset[str]:
    """Return everything by which an option shares its fate with others."""
    found = {f"net {neighbourhood(address)}" for address in option.endpoint.known_addresses}
    if not is_address(option.endpoint.host):
        found.add(f"domain {registrable_domain(option.endpoint.host)}")
    if option.operator:
        found.add(f"operator {option.operator.casefold()}")
    if option.cdn:
        found.add(f"cdn {option.cdn.casefold()}")
    return frozenset(found)


def places(options: Iterable[Option]) -> dict[str, str]:
    """Return the place of each option id; the place is named after its smallest mark."""
    marked = {option.id: marks(option) for option in options}
    parent: dict[str, str] = {}

    def root(mark: str) -> str:
        parent.setdefault(mark, mark)
        while parent[mark] != mark:
            parent[mark] = parent[parent[mark]]
            mark = parent[mark]
        return mark

    for found in marked.values():
        first, *others = sorted(found)
        for other in others:
            a, b = sorted((root(first), root(other)))
            parent[b] = a
    return {option_id: root(min(found)) for option_id, found in marked.items()}


def manner(option: Option) -> Manner:
    """Return the manner of an option: its kind and port."""
    return option.kind, option.endpoint.port


def breadth_first(
    options: Sequence[Option], place_of: Mapping[str, str], shuffle: random.Random
) -> list[Option]:
    """Return the options in the order to try them first.

    One of each (place, manner) before a second of any, manners in turn; inside these rules the order is random,
    so that a run has no fixed signature on the wire.
    """
    pool = list(options)
    shuffle.shuffle(pool)
    depth: dict[tuple[str, Manner], int] = defaultdict(int)
    turn: dict[tuple[int, Manner], int] = defaultdict(int)
    keyed = []
    for option in pool:
        group = (place_of[option.id], manner(option))
        level = depth[group]
        depth[group] += 1
        slot = turn[level, manner(option)]
        turn[level, manner(option)] += 1
        keyed.append((level, slot, option))
    return [option for _, _, option in sorted(keyed, key=lambda one: one[:2])]
