"""What a resolver said, read back from the record of its attempts. Pure.

A record may come from a file that somebody edited: whatever does not look as it must is passed over.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from circumvent.names.plan import CLEAR_KINDS, FRESH_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from circumvent.model.record import Attempt
    from circumvent.names.facts import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One answer: the response code, or the failure string where none came, and the addresses."""

    rcode: str
    addresses: tuple[Address, ...] = ()

    @property
    def answered(self) -> bool:
        """Tell whether the resolver said anything about the name."""
        return self.rcode in {"NOERROR", "NXDOMAIN", "REFUSED"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What was said about a control name; ``right`` is ``None`` where there was nothing to compare."""

    name: str
    right: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """What one resolver said in its counted attempts.

    ``canaries`` is keyed by name and type; the fresh label below a name stands as ``*`` (``*.example.com``), so that
    answers of different resolvers can be compared. ``identity`` is keyed by the name that was asked.
    """

    id: str
    operator: str | None
    encrypted: bool
    filtering: bool
    dnssec: str | None = None
    by_hand: bool = False
    controls: tuple[Control, ...] = ()
    canaries: Mapping[tuple[str, str], Said]
    identity: Mapping[str, tuple[str, ...]]

    def names(self) -> dict[str, Said]:
        """Return what was said about the A records of the canary names themselves."""
        return {
            name: said
            for (name, rdtype), said in self.canaries.items()
            if rdtype == "A" and not name.startswith("*.")
        }

    def identity_addresses(self, name: str) -> tuple[Address, ...]:
        """Return the addresses in the answer to an identity probe."""
        return tuple(_addresses(self.identity.get(name, ())))

    def egress(self) -> frozenset[Address]:
        """Return the addresses that the resolver asks others from, as those told us."""
        return frozenset(address for name in self.identity for address in self.identity_addresses(name))


def witness(
    identifier: str, kind: str, attempts: Sequence[Attempt], *, operator: str | None, filtering: bool
) -> Witness | None:
    """Read back what a resolver said; ``None`` if it was never heard. Later attempts add to earlier ones."""
    details = {"carry": dict[str, Any](), "honesty": dict[str, Any]()}
    canaries: dict[tuple[str, str], Said] = {}
    identity: dict[str, tuple[str, ...]] = {}
    for attempt in attempts:
        if attempt.poisoned:
            continue
        for step in attempt.steps:
            if step.name not in details or not step.detail:
                continue
            details[step.name] |= step.detail
            canaries.update(_canaries(step.detail.get("canaries")))
            identity.update(_identity(step.detail.get("identity")))
    carry = details["carry"]
    if not carry and not canaries:
        return None
    dnssec = carry.get("dnssec")
    return Witness(
        id=identifier,
        operator=operator,
        encrypted=kind not in CLEAR_KINDS,
        filtering=filtering,
        dnssec=dnssec if isinstance(dnssec, str) else None,
        by_hand=carry.get("by_hand") is True,
        controls=tuple(_controls(carry.get("controls"))),
        canaries=canaries,
        identity=identity,
    )


def _rows(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (row for row in value if isinstance(row, dict) and isinstance(row.get("name"), str))


def _controls(value: Any) -> Iterator[Control]:
    for row in _rows(value):
        right = row.get("right")
        yield Control(name=_plain(row["name"]), right=right if isinstance(right, bool) else None)


def _canaries(value: Any) -> Iterator[tuple[tuple[str, str], Said]]:
    for row in _rows(value):
        rcode, rdtype = row.get("rcode"), row.get("type")
        if isinstance(rcode, str) and isinstance(rdtype, str):
            yield (
                (_plain(row["name"]), rdtype),
                Said(rcode=rcode, addresses=tuple(_addresses(row.get("addresses")))),
            )


def _identity(value: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    for row in _rows(value):
        said = row.get("said")
        if isinstance(said, list):
            yield _plain(row["name"]), tuple(text for text in said if isinstance(text, str))


def _plain(name: str) -> str:
    """Return a name without its last dot and in lower case, with ``*`` in place of a fresh label."""
    plain = name.rstrip(".").lower()
    first, dot, rest = plain.partition(".")
    return f"*.{rest}" if dot and len(first) == FRESH_LENGTH and "." in rest else plain


def _addresses(values: Any) -> Iterator[Address]:
    for value in values if isinstance(values, (list, tuple)) else ():
        if isinstance(value, str):
            try:
                yield ipaddress.ip_address(value.strip())
            except ValueError:
                continue
