"""The state of the network: given what the anchors did, expect this word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from circumvent.diagnose.look import Look
from circumvent.diagnose.state import decide_state
from circumvent.model.words import NetworkState, Proof, Reason
from tests.diagnose.build import attempt, option, silence

if TYPE_CHECKING:
    from circumvent.model.record import Attempt
    from circumvent.model.report import OptionReport

CLASSES = ("cdn", "updates", "cloud", "academic")
UP = (attempt(), attempt(t0=3.2, t=3.4))
DOWN = (silence(), silence(t0=3.5, t=8.5))


def anchor(number: int, *attempts: Attempt, domestic: bool = False) -> OptionReport:
    detail = {"anchor": {"class": CLASSES[number % 4], "network": f"AS{number}", "domestic": domestic}}
    name = f"{'home' if domestic else 'abroad'}-{number}"
    return option(name, "https", *attempts, baseline=True, detail=detail)


def state(
    *options: OptionReport, filtering: bool = False, final: bool = True, facts: dict[str, Any] | None = None
) -> NetworkState:
    return decide_state(Look(options, facts or {}), filtering=filtering, final=final)


def abroad(up: int, down: int) -> list[OptionReport]:
    return [anchor(n, *UP) for n in range(up)] + [anchor(n, *DOWN) for n in range(up, up + down)]


HOME = [anchor(n, *UP, domestic=True) for n in range(3)]


def test_twelve_anchors_of_eight_networks_in_four_classes_that_answer_are_open() -> None:
    assert state(*abroad(12, 0)) is NetworkState.OPEN


def test_two_dead_anchors_change_nothing() -> None:
    assert state(*abroad(11, 2)) is NetworkState.OPEN


def test_a_finding_of_filtering_is_filtered() -> None:
    assert state(*abroad(12, 0), filtering=True) is NetworkState.FILTERED


def test_many_dark_networks_are_filtered() -> None:
    assert state(*abroad(6, 7)) is NetworkState.FILTERED


def test_too_few_anchors_decide_nothing() -> None:
    assert state(*abroad(5, 0)) is NetworkState.UNKNOWN


def test_the_users_own_anchors_need_no_number() -> None:
    by_hand = {"anchors": {"by_hand": True}}
    assert state(anchor(0, *UP), facts=by_hand) is NetworkState.OPEN
    assert state(anchor(0, *UP), anchor(1, *DOWN), facts=by_hand) is NetworkState.FILTERED


def test_only_home_answers_and_abroad_was_looked_at_twice() -> None:
    assert state(*HOME, *abroad(0, 9)) is NetworkState.NATIONAL_ONLY


def test_one_look_abroad_is_not_enough() -> None:
    once = [anchor(n, silence()) for n in range(9)]
    assert state(*HOME, *once) is NetworkState.UNKNOWN


def test_two_looks_at_once_are_one_look() -> None:
    hasty = [anchor(n, silence(), silence(t0=1.0)) for n in range(9)]
    assert state(*HOME, *hasty) is NetworkState.UNKNOWN
    once_at_home = [anchor(n, attempt(), domestic=True) for n in range(3)]
    assert state(*once_at_home, *abroad(0, 9)) is NetworkState.UNKNOWN


def test_two_domestic_hosts_are_not_enough() -> None:
    assert state(*HOME[:2], *abroad(0, 9)) is NetworkState.UNKNOWN


def test_an_option_that_carries_raises_the_lower_states_to_filtered() -> None:
    way_out = option("proxy", "socks5", attempt())
    assert state(*HOME, *abroad(0, 9), way_out) is NetworkState.FILTERED
    offline = {"routes": {"online": False}}
    assert state(way_out, facts=offline | {"anchors": {"by_hand": True}}) is NetworkState.UNKNOWN


def test_a_page_or_a_resolver_at_home_is_no_way_out() -> None:
    own = {"place": "home"}
    home = [msgspec.structs.replace(one, **own) for one in HOME]
    page = msgspec.structs.replace(option("page", "https", attempt()), **own)
    assert state(*home, *abroad(0, 9), page) is NetworkState.NATIONAL_ONLY
    resolver = option("system", "dns-udp", attempt(), baseline=True, detail={"system_resolver": True})
    resolver = msgspec.structs.replace(resolver, place="router")
    same = msgspec.structs.replace(option("named", "dot", attempt()), place="router")
    portal = {"portal": {"caught": True}}
    assert state(*abroad(0, 12), resolver, same, facts=portal) is NetworkState.CAPTIVE_PORTAL
    proxy = msgspec.structs.replace(option("proxy", "socks5", attempt()), **own)
    assert state(*home, *abroad(0, 9), proxy) is NetworkState.FILTERED
    abroad_page = option("page", "https", attempt())
    assert state(*home, *abroad(0, 9), abroad_page) is NetworkState.FILTERED


def test_an_option_that_carries_leaves_unknown_alone() -> None:
    way_out = option("proxy", "socks5", attempt())
    assert state(way_out) is NetworkState.UNKNOWN
    assert state(*abroad(0, 5), way_out) is NetworkState.UNKNOWN


def test_twelve_dark_anchors_and_a_way_round_them_are_filtered() -> None:
    way_out = option("proxy", "socks5", attempt())
    assert state(*abroad(0, 12), way_out) is NetworkState.FILTERED


def test_no_route_is_offline() -> None:
    nothing = {"routes": {"online": False}}
    assert state(facts=nothing) is NetworkState.OFFLINE
    held = option("proxy", "socks5", reason=Reason.OFFLINE)
    assert state(held, facts=nothing, final=False) is NetworkState.OFFLINE


def test_offline_is_not_said_while_something_may_still_be_tried() -> None:
    nothing = {"routes": {"online": False}}
    assert state(option("proxy", "socks5"), facts=nothing, final=False) is NetworkState.UNKNOWN


def test_a_laboratory_without_a_default_route_is_not_offline() -> None:
    nothing = {"routes": {"online": False}}
    assert state(*abroad(0, 2), facts=nothing) is NetworkState.UNKNOWN


def test_what_this_machine_forbids_is_no_try() -> None:
    forbidden = option("proxy", "socks5", attempt(Proof.NONE, "network_down"))
    assert state(forbidden, facts={"routes": {"online": False}}) is NetworkState.OFFLINE


def test_no_link_is_offline_though_a_route_is_left() -> None:
    unplugged = {"routes": {"online": True, "carrier": False}, "vpn": {"interface": "eth0"}}
    assert state(*abroad(0, 12), facts=unplugged) is NetworkState.OFFLINE
    assert state(*abroad(0, 2), facts=unplugged | {"vpn": {"interface": "lo"}}) is NetworkState.UNKNOWN


def test_a_page_in_the_place_of_controls_is_a_portal() -> None:
    portal = {"portal": {"caught": True}}
    assert state(*abroad(0, 12), facts=portal) is NetworkState.CAPTIVE_PORTAL
    assert state(*abroad(12, 0), facts=portal) is NetworkState.OPEN


def test_only_the_router_answers() -> None:
    gateway = {"gateway": {"answers": True}}
    assert state(*abroad(0, 12), facts=gateway) is NetworkState.LOCAL_ONLY
    assert state(*abroad(0, 12)) is NetworkState.UNKNOWN


def test_only_the_routers_own_resolver_answers() -> None:
    servfail = attempt(Proof.REACHED, "dns_servfail_error")
    router = option(
        "router", "dns-udp", servfail, endpoint="192.168.1.1:53", detail={"system_resolver": True}
    )
    assert state(*abroad(0, 12), router) is NetworkState.LOCAL_ONLY
    far = option("far", "dns-udp", servfail, endpoint="9.9.9.9:53", detail={"system_resolver": True})
    assert state(*abroad(0, 12), far) is NetworkState.UNKNOWN


def test_without_anchors_nothing_is_decided() -> None:
    off = {"anchors": {"off": True}}
    assert state(*abroad(12, 0), facts=off) is NetworkState.UNKNOWN
    assert state(option("proxy", "socks5", attempt()), facts=off) is NetworkState.UNKNOWN


def test_before_the_end_the_lower_states_wait_for_the_last_anchor() -> None:
    waiting = [anchor(n, *DOWN) for n in range(9)] + [anchor(9)]
    assert state(*HOME, *waiting, final=False) is NetworkState.UNKNOWN
    assert state(*HOME, *waiting, final=True) is NetworkState.NATIONAL_ONLY


def test_a_terminal_without_a_link_to_the_ground_shows_no_filter() -> None:
    dish = option("dish", "starlink", attempt(Proof.HANDSHAKEN, step="gateway", error="packet_loss"))
    assert state(*abroad(6, 7), dish) is NetworkState.UNKNOWN
    assert state(*abroad(6, 7), dish, filtering=True) is NetworkState.FILTERED
    well = option("dish", "starlink", attempt())
    assert state(*abroad(6, 7), well) is NetworkState.FILTERED


def test_behind_a_terminal_that_answers_nothing_answers() -> None:
    no_sky = attempt(Proof.HANDSHAKEN, step="sky", error="network_unreachable")
    dish = option("dish", "starlink", no_sky, endpoint="192.168.100.1:9200")
    assert state(*abroad(0, 12), dish) is NetworkState.LOCAL_ONLY
    elsewhere = option("dish", "starlink", no_sky, endpoint="9.9.9.9:9200")
    assert state(*abroad(0, 12), elsewhere) is NetworkState.UNKNOWN
