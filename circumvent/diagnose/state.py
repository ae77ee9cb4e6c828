"""The state of the network (``docs/verdicts.md``, *Network state*).

Decided by anchors: hosts on the open internet that answer with verified TLS or a signed answer, of enough networks
and classes that no single operator, and no list that a censor allows, decides alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.diagnose.look import Look, best_proof, carried, counted
from circumvent.model.words import NetworkState, Proof

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.model.report import OptionReport

#: The counting rule: so many anchors, of so many networks, in so many classes.
ANCHORS: Final = 12
NETWORKS: Final = 8
CLASSES: Final = 4
#: ``open`` bears this many anchor networks failing: hosts die, and one run is one moment.
NETWORKS_THAT_MAY_FAIL: Final = 2
#: ``national_only``: so many domestic hosts answer, so many foreign ones of so many networks don't.
DOMESTIC: Final = 3
FOREIGN: Final = 8
FOREIGN_NETWORKS: Final = 6


@dataclass(frozen=True, slots=True)
class Anchors:
    """The anchors of a check and what became of them."""

    answered: Sequence[OptionReport]
    failed: Sequence[OptionReport]
    waiting: Sequence[OptionReport]

    @property
    def tried(self) -> int:
        """Return how many have a result."""
        return len(self.answered) + len(self.failed)


def anchors(look: Look, *, domestic: bool) -> Anchors:
    """Return the domestic or the international anchors, by result."""
    mine = [
        option
        for option in look.options
        if isinstance(option.detail.get("anchor"), dict)
        and bool(option.detail["anchor"].get("domestic")) is domestic
    ]
    return Anchors(
        answered=[one for one in mine if best_proof(one).at_least(Proof.HANDSHAKEN)],
        failed=[one for one in mine if counted(one) and not best_proof(one).at_least(Proof.HANDSHAKEN)],
        waiting=[one for one in mine if not counted(one)],
    )


def networks(options: Sequence[OptionReport]) -> set[str]:
    """Return the networks that these anchors belong to."""
    return {str(option.detail["anchor"].get("network") or option.place or option.id) for option in options}


def classes(options: Sequence[OptionReport]) -> set[str]:
    """Return the classes that these anchors belong to."""
    return {str(option.detail["anchor"].get("class") or "other") for option in options}


def decide_state(look: Look, *, filtering: bool, final: bool) -> NetworkState:
    """Return the state of the network.

    ``filtering`` tells that a finding or a ``blocked`` option shows filtering. Before the end (``final`` not set)
    the lower states are given only when nothing can raise them any more.
    """
    tunnels = [option for option in look.options if carried(option) and not option.baseline]
    foreign = anchors(look, domestic=False)
    if look.fact("portal", "caught") and not foreign.answered:
        return NetworkState.FILTERED if tunnels else NetworkState.CAPTIVE_PORTAL
    # A lab has no default route and still reaches what it needs: what answers outweighs the routing table.
    if look.fact("routes", "online") is False and not tunnels and not foreign.answered:
        return NetworkState.OFFLINE
    if look.fact("anchors", "off"):
        return NetworkState.UNKNOWN
    if foreign.answered:
        return _answered(look, foreign, filtering=filtering, final=final)
    if tunnels:
        return NetworkState.FILTERED
    if foreign.waiting and not final:
        return NetworkState.UNKNOWN
    return _nothing_abroad(look, foreign)


def _answered(look: Look, foreign: Anchors, *, filtering: bool, final: bool) -> NetworkState:
    if filtering:
        return NetworkState.FILTERED
    if look.fact("anchors", "by_hand"):
        if foreign.failed:
            return NetworkState.FILTERED if final else NetworkState.UNKNOWN
        return NetworkState.OPEN if final or not foreign.waiting else NetworkState.UNKNOWN
    everything = [*foreign.answered, *foreign.failed]
    enough = (
        len(everything) >= ANCHORS
        and len(networks(everything)) >= NETWORKS
        and len(classes(everything)) >= CLASSES
    )
    if not enough:
        return NetworkState.UNKNOWN
    dark = networks(foreign.failed) - networks(foreign.answered)
    if len(dark) <= NETWORKS_THAT_MAY_FAIL:
        return NetworkState.OPEN
    return NetworkState.FILTERED


def _nothing_abroad(look: Look, foreign: Anchors) -> NetworkState:
    domestic = anchors(look, domestic=True)
    looked_twice = [option for option in foreign.failed if len(counted(option)) > 1]
    if (
        len(domestic.answered) >= DOMESTIC
        and len(looked_twice) >= FOREIGN
        and len(networks(looked_twice)) >= FOREIGN_NETWORKS
    ):
        return NetworkState.NATIONAL_ONLY
    heard = any(best_proof(option) is not Proof.NONE for option in look.options)
    if not heard and not domestic.answered and foreign.tried and look.fact("gateway", "answers"):
        return NetworkState.LOCAL_ONLY
    return NetworkState.UNKNOWN
