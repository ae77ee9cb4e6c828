"""Does a resolver tell the truth here: the comparison of what resolvers said. Pure; see ``docs/names``.

A valid root does not make an honest resolver: national resolvers lie about listed names alone, and those are mostly
unsigned. So what each said about the canary names is held against a *reference*: the first two encrypted resolvers
of different operators that proved a denial and agree with each other. Content networks answer everybody
differently, so answers are compared by address, prefix and owner, never byte for byte.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final, Literal

from circumvent.names.facts import inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from circumvent.names.facts import Address, Facts
    from circumvent.names.witness import Said, Witness

Word = Literal["honest", "lies", "alone", "unknown"]

#: Addresses within the same network of this length (bits) are one place: IPv4, IPv6.
PLACE_BITS: Final = {4: 16, 6: 32}
#: What filtering resolvers answer by policy, in place of an address.
SINKHOLES: Final = frozenset(map(ipaddress.ip_address, ("0.0.0.0", "127.0.0.1", "::", "::1")))
#: So many names with addresses that nobody else gives are no accident of a content network.
STRANGE_NAMES: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What is said of one resolver, and why. ``references`` are the ids that it was held against."""

    word: Word
    reasons: tuple[str, ...] = ()
    references: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirection:
    """A resolver behind whose address somebody else answers."""

    id: str
    reason: str


def judge(witnesses: Sequence[Witness], facts: Facts) -> dict[str, Judgement]:
    """Judge every resolver by what all of them said, in the order in which they were heard."""
    lies = {witness.id: tuple(_lies_by_itself(witness, facts)) for witness in witnesses}
    references = _references([witness for witness in witnesses if not lies[witness.id]], facts)
    return {witness.id: _judge(witness, lies[witness.id], references, facts) for witness in witnesses}


def _judge(witness: Witness, lies: tuple[str, ...], references: Sequence[Witness], facts: Facts) -> Judgement:
    ids = tuple(reference.id for reference in references)
    if lies:
        return Judgement(word="lies", reasons=lies)
    if witness.by_hand:
        word: Word = "honest" if any(control.right for control in witness.controls) else "unknown"
        return Judgement(word=word)
    if witness.id in ids:
        return Judgement(word="honest", references=tuple(other for other in ids if other != witness.id))
    if not any(said.answered for said in witness.canaries.values()):
        return Judgement(word="unknown")
    if not references:
        return Judgement(word="alone")
    comparison = _compare(witness, references, facts)
    if comparison.lies:
        return Judgement(word="lies", reasons=comparison.lies, references=ids)
    return Judgement(word="honest" if comparison.fitting else "unknown", references=ids)


# What an answer shows by itself.


def _lies_by_itself(witness: Witness, facts: Facts) -> Iterator[str]:
    if witness.dnssec == "bogus":
        yield "a proof that is false"
    for control in witness.controls:
        if control.right is False:
            yield f"{control.name}: not the address that it has"
    if witness.by_hand:  # the user said what is true, in a network that may have addresses of its own
        return
    for (name, _), said in witness.canaries.items():
        for address in said.addresses:
            if address in facts.injected:
                yield f"{name}: {address} is a known injected answer"
            elif facts.bogon(address) and not (witness.filtering and address in SINKHOLES):
                yield f"{name}: {address} is no address of the public internet"
    if not witness.filtering:
        yield from _one_for_all(witness, facts)


def _one_for_all(witness: Witness, facts: Facts) -> Iterator[str]:
    """Find one address that stands for names of different owners, and is none of theirs."""
    for (one, first), (other, second) in combinations(witness.names().items(), 2):
        for address in set(first.addresses) & set(second.addresses):
            owners = [facts.owners.get(one), facts.owners.get(other)]
            if _owner(one, facts) != _owner(other, facts) and not any(
                owner is not None and owner.has(address) for owner in owners
            ):
                yield f"{one} and {other}: one address for unrelated names"
                return


def _owner(name: str, facts: Facts) -> str:
    """Return who owns a name: its operator where known, else its last two labels."""
    known = facts.owners.get(name)
    return known.operator if known else ".".join(name.split(".")[-2:])


# What an answer shows beside others.


@dataclass(frozen=True, slots=True)
class _Comparison:
    fitting: int
    lies: tuple[str, ...]


def _references(candidates: Iterable[Witness], facts: Facts) -> tuple[Witness, ...]:
    """Return the first two encrypted resolvers of different operators that proved a denial and agree."""
    proved = [
        witness
        for witness in candidates
        if witness.encrypted
        and not witness.filtering
        and witness.dnssec == "proved"
        and not witness.by_hand
        and any(said.addresses for said in witness.canaries.values())
    ]
    for one, other in combinations(proved, 2):
        if one.operator != other.operator and _agree(one, other, facts):
            return one, other
    return ()


def _agree(one: Witness, other: Witness, facts: Facts) -> bool:
    there, back = _compare(one, (other,), facts), _compare(other, (one,), facts)
    return bool(there.fitting and back.fitting and not there.lies and not back.lies)


def _compare(witness: Witness, references: Sequence[Witness], facts: Facts) -> _Comparison:
    fitting = 0
    strange: list[str] = []
    lies: list[str] = []
    for (name, rdtype), said in witness.canaries.items():
        true = [
            reference.canaries[name, rdtype]
            for reference in references
            if (name, rdtype) in reference.canaries
        ]
        if not said.answered or not true or not all(each.answered for each in true):
            continue
        verdict = _held_against(name, rdtype, said, true, facts)
        if verdict == "denied" and not witness.filtering:
            lies.append(f"{name}: {said.rcode} without an address, where others have one")
        elif verdict == "invented":
            lies.append(f"{name}: an address, where others say that there is none")
        elif verdict == "strange" and not witness.filtering:
            strange.append(name)
            lies.extend(_of_another(name, said, facts))
        elif verdict == "fits":
            fitting += 1
    if len(strange) >= STRANGE_NAMES and len(strange) > fitting:
        lies.append(f"{', '.join(strange)}: addresses that nobody else gives")
    return _Comparison(fitting, tuple(lies))


def _held_against(
    name: str, rdtype: str, said: Said, true: Sequence[Said], facts: Facts
) -> Literal["fits", "denied", "invented", "strange", "silent"]:
    known = {address for each in true for address in each.addresses}
    if not known:
        if said.addresses:
            # The owner may have a wildcard in one place and none in another: only labels that nobody made count.
            return "invented" if name.startswith("*.") else "silent"
        return "fits"
    if not said.addresses:
        # Resolvers that leave AAAA out on a line without IPv6 do it for every name.
        return "denied" if rdtype == "A" and not name.startswith("*.") else "silent"
    owner = facts.owners.get(name.removeprefix("*."))
    if any(_near(address, known) or (owner is not None and owner.has(address)) for address in said.addresses):
        return "fits"
    return "strange"


def _of_another(name: str, said: Said, facts: Facts) -> Iterator[str]:
    """Find an address that belongs to the owner of quite another name."""
    mine = _owner(name.removeprefix("*."), facts)
    for owner in set(facts.owners.values()):
        if owner.operator != mine and any(owner.has(address) for address in said.addresses):
            yield f"{name}: an address of {owner.operator}"


def _near(address: Address, known: Iterable[Address]) -> bool:
    """Tell whether ``address`` lies beside one of ``known``."""
    place = ipaddress.ip_network((address, PLACE_BITS[address.version]), strict=False)
    return any(inside(other, (place,)) for other in known)


# Who answered.


def redirected(witnesses: Sequence[Witness], facts: Facts) -> tuple[Redirection, ...]:
    """Return plain resolvers behind whose address somebody else answers.

    Over an authenticated channel the certificate has said who it is, so those serve for comparison only.
    """
    found: dict[str, Redirection] = {}
    for witness in witnesses:
        if witness.encrypted or witness.operator is None:
            continue
        for reason in (*_not_theirs(witness, facts), *_same_as(witness, witnesses)):
            found.setdefault(witness.id, Redirection(id=witness.id, reason=reason))
    return tuple(found.values())


def _not_theirs(witness: Witness, facts: Facts) -> Iterator[str]:
    for fact in facts.identity:
        if not fact.networks or fact.operator != witness.operator:
            continue
        addresses = witness.identity_addresses(fact.probe.name)
        if addresses and not any(inside(address, fact.networks) for address in addresses):
            yield f"{addresses[0]} answers, which is not of {fact.operator}"


def _same_as(witness: Witness, witnesses: Sequence[Witness]) -> Iterator[str]:
    """Find another operator's resolver that asks from the same address.

    The system's own resolver (no operator) is left out: it may well pass everything on to this one.
    """
    mine = witness.egress()
    for other in witnesses:
        if other.operator not in {None, witness.operator} and not other.encrypted and mine & other.egress():
            yield f"the same server answers as for {other.id}"


def honesty_of(judgements: Mapping[str, Judgement], identifier: str) -> Word:
    """Return the word for one resolver; ``unknown`` if it was not heard."""
    judgement = judgements.get(identifier)
    return judgement.word if judgement is not None else "unknown"
