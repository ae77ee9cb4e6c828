"""From a row to options: one for each protocol that it names, with a slug that says which."""

from __future__ import annotations

import datetime as dt

from circumvent.catalog import entries, rows
from circumvent.model.option import Endpoint, VoiceSettings, WebSettings
from circumvent.model.words import Exposure

DAY = dt.date(2026, 11, 22)


def test_a_resolver_of_every_protocol() -> None:
    row = rows.ResolverRow(
        source="test", date=DAY, slug="x", label="X", operator="X Inc", large=True, filtering=True,
        addresses=("203.0.114.1",), doh="https://dns.example:8443/q", doh3=True, dot="dot.example", doq="doq.example",
        plain="203.0.114.2",
    )  # fmt: skip
    made = {option.id: option for option in entries.resolver_options(row)}
    assert list(made) == ["x-doh", "x-doh3", "x-dot", "x-doq", "x-dns-udp", "x-dns-tcp"]
    assert made["x-doh"].endpoint == Endpoint(host="dns.example", port=8443, addresses=("203.0.114.1",))
    assert made["x-doh"].settings == WebSettings(url="https://dns.example:8443/q")
    assert str(made["x-dot"].endpoint) == "dot.example:853"
    assert str(made["x-dns-tcp"].endpoint) == "203.0.114.2:53"
    assert all(option.filtering and option.operator == "X Inc" for option in made.values())
    assert made["x-doh"].exposure is Exposure.ORDINARY


def test_a_small_operator_is_notable() -> None:
    row = rows.ResolverRow(
        source="test", date=DAY, slug="x", label="X", operator="X", doh="https://dns.example/q"
    )
    (option,) = entries.resolver_options(row)
    assert option.exposure is Exposure.NOTABLE


def test_packets_for_a_target_behind_a_relay_go_to_the_relay() -> None:
    row = rows.OdohRow(
        source="test", date=DAY, slug="x", label="X", operator="X", url="https://target.example/q",
        relay="https://relay.example:8443/proxy",
    )  # fmt: skip
    assert str(entries.odoh_option(row).endpoint) == "relay.example:8443"


def test_a_stun_server_gives_an_option_for_each_transport() -> None:
    row = rows.StunRow(
        source="test", date=DAY, slug="x", label="X", operator="X", host="stun.example", port=3478,
        transports=("udp", "tcp"),
    )  # fmt: skip
    assert [(option.id, option.settings) for option in entries.stun_options(row)] == [
        ("x-stun", VoiceSettings(transport="udp")),
        ("x-stun-tcp", VoiceSettings(transport="tcp")),
    ]


def test_an_address_in_a_url_needs_no_other() -> None:
    row = rows.ResolverRow(
        source="test", date=DAY, slug="x", label="X", operator="X", doh="https://203.0.114.1/q",
        addresses=("203.0.114.2",),
    )  # fmt: skip
    (option,) = entries.resolver_options(row)
    assert option.endpoint.addresses == ()


def test_a_public_bridge_is_marking_and_named_by_its_row() -> None:
    row = rows.BridgeRow(
        slug="somebody",
        label="Somebody",
        operator="somebody",
        line="9.9.9.9:443 0123456789ABCDEF0123456789ABCDEF01234567",
        source="a test",
        date=DAY,
    )
    option = entries.bridge_option(row)
    assert (option.id, option.kind, option.operator) == ("somebody-tor", "tor", "somebody")
    assert option.exposure is Exposure.MARKING
    assert not option.held_by_user
