"""The state of the network (``docs/verdicts.md``, *Network state*).

Decided by anchors: hosts on the open internet that answer with verified TLS or a signed answer, of enough networks
and classes that no single operator, and no list that a censor allows, decides alone.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from circumvent.diagnose.look import Look, best_proof, carried, counted
from circumvent.model import failure as failures
from circumvent.model.kinds import KINDS, is_satellite
from circumvent.model.option import is_address
from circumvent.model.words import NetworkState, Proof, Scope

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
#: Seconds between the two looks that ``national_only`` needs.
SECOND_LOOK: Final = 3.0
#: The states of a network with no way out; an option that carries shows that there is one.
LOWER: Final = frozenset(
    {
        NetworkState.NATIONAL_ONLY,
        NetworkState.LOCAL_ONLY,
        NetworkState.CAPTIVE_PORTAL,
        NetworkState.OFFLINE,
    }
)

#: Scopes whose options carry to somewhere else than their own endpoint.
_TUNNELS: Final = frozenset({Scope.SYSTEM, Scope.PROXY, Scope.APP})


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
        waiting=[one for one in mine if waiting(one)],
    )


def waiting(option: OptionReport) -> bool:
    """Tell whether an option was not tried yet, and nothing holds it back."""
    return not counted(option) and option.reason is None


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
    if look.fact("anchors", "off"):
        return NetworkState.UNKNOWN
    state = _by_anchors(look, filtering=filtering, final=final)
    # Through a terminal that loses its own pings hardly anything comes back: what is dark then shows no filter.
    if state is NetworkState.FILTERED and not filtering and any(map(_without_ground, look.options)):
        return NetworkState.UNKNOWN
    return state


def _by_anchors(look: Look, *, filtering: bool, final: bool) -> NetworkState:
    foreign = anchors(look, domestic=False)
    if foreign.answered:
        return _answered(look, foreign, filtering=filtering, final=final)
    lower = _no_way_out(look, foreign, final=final)
    if not any(_leads_out(look, option) for option in look.options):
        return lower
    if lower in LOWER or (not (foreign.waiting and not final) and _dark_enough(look, foreign)):
        return NetworkState.FILTERED
    return NetworkState.UNKNOWN


def _leads_out(look: Look, option: OptionReport) -> bool:
    """Tell whether an option that carries shows a way out.

    What goes through a tunnel or a proxy is proven at controls abroad. A resolver or a page proves that it can be
    reached itself, which is no way out if it stands where this network's own resolver or a domestic host stands.
    """
    if option.baseline or not carried(option):
        return False
    return KINDS[option.kind].scope in _TUNNELS or look.place_of[option.id] not in look.remember(
        "home", lambda: {look.place_of[one.id] for one in look.options if _at_home(one)}
    )


def _at_home(option: OptionReport) -> bool:
    anchor = option.detail.get("anchor")
    return bool(option.detail.get("system_resolver")) or (
        isinstance(anchor, dict) and bool(anchor.get("domestic"))
    )


def _no_way_out(look: Look, foreign: Anchors, *, final: bool) -> NetworkState:
    """Return the state if nothing carries: no anchor abroad answered."""
    if look.fact("portal", "caught"):
        return NetworkState.CAPTIVE_PORTAL
    if _without_network(look, final=final):
        return NetworkState.OFFLINE
    if foreign.waiting and not final:
        return NetworkState.UNKNOWN
    return _nothing_abroad(look, foreign)


def _without_network(look: Look, *, final: bool) -> bool:
    """Tell whether this machine has no network: no route and nothing that could be tried, or no link.

    A laboratory has no default route and still reaches what it needs: what could be tried outweighs the routing
    table.
    """
    tried = [
        attempt
        for option in look.options
        for attempt in counted(option)
        if attempt.failure is None or attempt.failure.error not in failures.LOCAL_FAILURES
    ]
    if look.fact("routes", "online") is False and not tried:
        return final or not any(waiting(option) for option in look.options)
    unplugged = look.fact("routes", "carrier") is False and look.fact("vpn", "interface") not in (None, "lo")
    return unplugged and not any(attempt.proof is not Proof.NONE for attempt in tried)


def _enough(options: Sequence[OptionReport]) -> bool:
    """Tell whether the counting rule is met."""
    return len(options) >= ANCHORS and len(networks(options)) >= NETWORKS and len(classes(options)) >= CLASSES


def _dark_enough(look: Look, foreign: Anchors) -> bool:
    """Tell whether so many anchors failed that a way round them shows a filter."""
    if look.fact("anchors", "by_hand"):
        return bool(foreign.failed)
    return _enough(foreign.failed)


def _answered(look: Look, foreign: Anchors, *, filtering: bool, final: bool) -> NetworkState:
    if filtering:
        return NetworkState.FILTERED
    if look.fact("anchors", "by_hand"):
        if foreign.failed:
            return NetworkState.FILTERED if final else NetworkState.UNKNOWN
        return NetworkState.OPEN if final or not foreign.waiting else NetworkState.UNKNOWN
    if not _enough([*foreign.answered, *foreign.failed]):
        return NetworkState.UNKNOWN
    dark = networks(foreign.failed) - networks(foreign.answered)
    if len(dark) <= NETWORKS_THAT_MAY_FAIL:
        return NetworkState.OPEN
    return NetworkState.FILTERED


def _nothing_abroad(look: Look, foreign: Anchors) -> NetworkState:
    domestic = anchors(look, domestic=True)
    dark = [option for option in foreign.failed if _looked_again(option)]
    if (
        len([option for option in domestic.answered if _looked_again(option)]) >= DOMESTIC
        and len(dark) >= FOREIGN
        and len(networks(dark)) >= FOREIGN_NETWORKS
    ):
        return NetworkState.NATIONAL_ONLY
    heard = [option for option in look.options if best_proof(option) is not Proof.NONE]
    router = bool(look.fact("gateway", "answers")) or any(_in_the_house(option) for option in heard)
    if router and foreign.tried and all(_in_the_house(option) for option in heard):
        return NetworkState.LOCAL_ONLY
    return NetworkState.UNKNOWN


def second_look(look: Look) -> tuple[str, ...]:
    """Return the anchors that must be tried again before ``national_only`` may be said; none if it can't be."""
    foreign, domestic = anchors(look, domestic=False), anchors(look, domestic=True)
    tunnels = any(_leads_out(look, option) for option in look.options)
    if foreign.answered or foreign.waiting or tunnels or len(domestic.answered) < DOMESTIC:
        return ()
    if len(foreign.failed) < FOREIGN or len(networks(foreign.failed)) < FOREIGN_NETWORKS:
        return ()
    return tuple(one.id for one in (*domestic.answered, *foreign.failed) if not _looked_again(one))


def _without_ground(option: OptionReport) -> bool:
    """Tell whether it is a satellite terminal that says itself that its link to the ground is broken."""
    steps = {one.failure.step for one in counted(option) if one.failure is not None}
    return is_satellite(option.kind) and bool(steps & {"sky", "gateway"}) and not carried(option)


def _looked_again(option: OptionReport) -> bool:
    """Tell whether it came out the same twice, with some time between."""
    tries = counted(option)
    answered = {one.proof.at_least(Proof.HANDSHAKEN) for one in tries}
    return len(answered) == 1 and tries[-1].t0 - tries[0].t0 >= SECOND_LOOK


def _in_the_house(option: OptionReport) -> bool:
    """Tell whether it is this network's own at a private address: its resolver (the router, most often) or a terminal."""
    host = option.endpoint.rpartition(":")[0].strip("[]")
    own = bool(option.detail.get("system_resolver")) or is_satellite(option.kind)
    return own and is_address(host) and ipaddress.ip_address(host).is_private
