"""What to ask a resolver in one attempt. Pure data, made by the check."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random as random_module
    from collections.abc import Mapping, Sequence

    from circumvent.names.chain import RootKeys

#: Kinds whose questions anybody on the line can read.
CLEAR_KINDS: Final = frozenset({"dns-udp", "dns-tcp"})
#: Response codes that, without addresses, say "there is no such address"; SERVFAIL says nothing about a name.
DENIALS: Final = frozenset({"NOERROR", "NXDOMAIN", "REFUSED"})
#: Letters of a fresh name. Fifteen of them from 30: about 73 bits, so nobody has asked for it before.
FRESH_ALPHABET: Final = "abcdefghijkmnopqrstuvwxyz23456"
FRESH_LENGTH: Final = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlName:
    """A name that every honest resolver answers, and with which addresses (empty: any will do)."""

    name: str
    addresses: frozenset[str] = frozenset()

    @property
    def rdtypes(self) -> tuple[str, ...]:
        """Return what to ask for: the families of the addresses, A if there are none."""
        given = {"AAAA" if ":" in address else "A" for address in self.addresses}
        return tuple(sorted(given)) or ("A",)

    def right(self, rdtype: str, addresses: Sequence[str]) -> bool | None:
        """Tell whether an answer is what it must be; ``None`` if there is nothing to compare."""
        if not addresses or not self.addresses or rdtype not in self.rdtypes:
            return None
        return self.addresses.issuperset(addresses)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProbe:
    """A question whose answer tells who answered.

    ``operators`` are those for which it says something; empty means any resolver.
    """

    name: str
    rdtype: str = "TXT"
    rdclass: str = "IN"
    operators: frozenset[str] = frozenset()


@dataclass(slots=True, kw_only=True)
class Wanted:
    """A name to look up in place of a probe, and what was found: ``addresses``, or why there are none."""

    name: str
    addresses: list[str] = field(default_factory=list)
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamesPlan:
    """What to ask a resolver.

    ``root_keys`` is shared by all attempts of a check. ``controls`` are asked always; ``canaries`` are listed
    names, asked inside encrypted channels in any phase and over plain DNS only where ``clear`` is set, which
    the check does in the second phase alone. With ``by_hand`` the controls came from ``--dns-control``: they
    are control and canaries at once, their addresses are the truth, and no other name is asked.
    With ``wanted`` a session looks that name up and asks nothing else.
    ``resolvers`` are asked through a tunnel: of each operator its addresses, of either family; ``None``: the catalogue's.
    Without canaries and identity probes an attempt has no ``honesty`` step (later tries of an option).
    """

    root_keys: RootKeys
    controls: tuple[ControlName, ...] = ()
    canaries: tuple[str, ...] = ()
    identity: tuple[IdentityProbe, ...] = ()
    clear: bool = False
    by_hand: bool = False
    wanted: Wanted | None = None
    resolvers: tuple[tuple[str, ...], ...] | None = None

    @classmethod
    def builtin(cls, root_keys: RootKeys, canaries: Sequence[str]) -> NamesPlan:
        """Return the plan of a check without ``--dns-control``; ``canaries`` are those of the country."""
        from circumvent.names import facts  # noqa: PLC0415 - reads files; only a check that asks names needs them

        known = facts.load()
        return cls(
            root_keys=root_keys,
            controls=known.controls,
            canaries=tuple(canaries),
            identity=tuple(fact.probe for fact in known.identity),
        )

    @classmethod
    def given(cls, root_keys: RootKeys, controls: Mapping[str, Sequence[str]]) -> NamesPlan:
        """Return the plan for ``--dns-control``: names with their true addresses."""
        return cls(
            root_keys=root_keys,
            controls=tuple(
                ControlName(
                    name=name, addresses=frozenset(str(ipaddress.ip_address(one)) for one in addresses)
                )
                for name, addresses in controls.items()
            ),
            by_hand=True,
        )

    def canaries_for(self, kind: str) -> tuple[str, ...]:
        """Return the canary names that may be asked over ``kind`` now."""
        return () if kind in CLEAR_KINDS and not self.clear else self.canaries

    def in_clear(self) -> NamesPlan:
        """Return the plan for the second phase: canaries may go over plain DNS."""
        return replace(self, clear=True)

    def carry_only(self) -> NamesPlan:
        """Return the plan for later tries of an option: nothing but the denial and the controls."""
        return replace(self, canaries=(), identity=())

    def identity_for(self, operator: str | None) -> tuple[IdentityProbe, ...]:
        """Return the identity probes that say something about a resolver of ``operator``."""
        return tuple(probe for probe in self.identity if not probe.operators or operator in probe.operators)


def fresh_label(random: random_module.Random) -> str:
    """Return a label that nobody has asked for before; as a top-level name it can't exist.

    It begins with a letter and looks like no word, so that no search list or policy touches it.
    """
    first = random.choice(FRESH_ALPHABET[:24])
    return first + "".join(random.choice(FRESH_ALPHABET) for _ in range(FRESH_LENGTH - 1))
