"""What the network is and does, and how that was seen."""

from __future__ import annotations

import msgspec
import pytest

from circumvent.model.words import NetworkState, UdpState
from circumvent.say.network import (
    device_points,
    finding_short,
    how_seen,
    line_facts,
    network_points,
    not_decided,
    seen_so_far,
)
from tests.say.reports import filtered, local_only, national_only, offline, portal, report, unknown


def test_the_device_is_told_apart_from_the_network() -> None:
    network = unknown().network
    assert [point.lead for point in device_points(network)] == ["clear", "likely"]
    assert network_points(network) == ()
    assert len(network_points(filtered().network)) == 2


def test_a_finding_below_possible_is_not_shown() -> None:
    network = filtered().network
    weak = tuple(msgspec.structs.replace(one, confidence=0.4) for one in network.findings)
    assert network_points(msgspec.structs.replace(network, findings=weak)) == ()


def test_what_the_first_line_says_is_not_said_again() -> None:
    assert network_points(portal().network) == ()
    assert seen_so_far(portal().network.findings) == ()


@pytest.mark.parametrize(
    ("summary", "short"),
    [
        ("Drops QUIC (0 of 6 places answered).", "drops QUIC"),
        ("IPv6 is announced and does not work (3 hosts).", "IPv6 is announced and does not work"),
        ("A VPN is on (wg0): results are those of the VPN.", "A VPN is on"),
    ],
)
def test_a_finding_in_a_few_words(summary: str, short: str) -> None:
    assert finding_short(msgspec.structs.replace(filtered().network.findings[0], summary=summary)) == short


def test_how_it_was_seen() -> None:
    assert [point.text for point in how_seen(national_only())] == [
        "5 of 5 sites answered",
        "0 of 12 addresses in 7 networks answered",
    ]
    assert "no cable" in how_seen(offline())[0].text
    assert "2 of 2 test pages" in how_seen(portal())[0].text
    assert [point.lead for point in how_seen(local_only())] == ["router", "beyond"]


def test_facts_of_another_version_do_no_harm() -> None:
    for state in (NetworkState.OFFLINE, NetworkState.CAPTIVE_PORTAL):
        strange = report(state, (), facts={"routes": 3, "portal": [1]})
        assert how_seen(strange)


def test_why_the_state_is_unknown() -> None:
    assert not_decided(unknown()) == "1 of 2 hosts asked for comparison answered; that is too little to tell."
    assert not_decided(report(NetworkState.UNKNOWN, ())) == "No host was asked for comparison."


def test_the_line_in_one_line() -> None:
    network = filtered().network
    assert line_facts(network) == "IPv4 yes, IPv6 no, UDP yes, clock right"
    other = msgspec.structs.replace(network, ipv4=None, udp=UdpState.UNKNOWN, clock_skew_s=7200.0)
    assert line_facts(other) == "IPv6 no, clock wrong"
