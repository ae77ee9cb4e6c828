"""Baseline rows: given these settings, expect these rows and names."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from circumvent.check import baseline_rows
from circumvent.check.settings import CheckSettings, SettingsError
from circumvent.control import Control
from circumvent.ids import IdMaker
from circumvent.model.option import Endpoint
from circumvent.net.name import Resolver
from tests.check.fakes import make

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.model.option import Option

OWN = (Resolver("192.0.2.53"),)


def given(**settings: Any) -> CheckSettings:
    return CheckSettings.from_keywords(settings)


def rows(*chosen: Option, controls: tuple[Control, ...] = (), **settings: Any) -> list[Option]:
    made, _ = baseline_rows.rows(
        given(**settings), controls, OWN, ids=IdMaker(bytes(32)), random=Random(1), chosen=chosen
    )
    return list(made)


def named(host: str = "proxy.mine.example") -> Option:
    return replace(make("mine", "socks5"), endpoint=Endpoint(host=host, port=1080))


def test_anchors_are_enough_for_the_counting_rule_of_many_networks_and_classes() -> None:
    settings = given(builtin=True, country="IR")
    made, details = baseline_rows.rows(settings, (), OWN, ids=IdMaker(bytes(32)), random=Random(1), chosen=())
    anchors = [details[one.id]["anchor"] for one in made if "anchor" in details.get(one.id, {})]
    abroad = [one for one in anchors if not one["domestic"]]
    assert len(abroad) >= 12
    assert len({one["network"] for one in abroad}) >= 8
    assert len({one["class"] for one in abroad}) >= 4
    assert len([one for one in anchors if one["domestic"]]) >= 3
    assert all(one.baseline for one in made)
    assert len({one.id for one in made}) == len(made)


def test_anchors_none_leaves_nothing_to_contact() -> None:
    assert rows(named="x", anchors="none") == []
    assert rows(named(), named="x", anchors="none") == []


def test_controls_by_hand_are_the_anchors() -> None:
    controls = (Control.parse("https://a.example/#status=204"), Control.parse("http://b.example/#body=x"))
    made = rows(named="x", control=["unused"], controls=controls)
    assert [one.label for one in made] == ["a.example", "this network's resolver"]


def test_names_of_the_users_get_a_few_encrypted_resolvers_unless_others_may_see_them() -> None:
    def servers(*chosen: Option, **settings: Any) -> list[Option]:
        found = rows(*chosen, named="x", control=["unused"], **settings)
        return [one for one in found if one.kind in {"doh", "dot"}]

    three = servers(named())
    assert len(three) == 3
    assert len({one.operator for one in three}) == 3
    assert all(one.endpoint.known_addresses for one in three)
    assert servers(make("literal", "socks5")) == []
    assert servers(named(), make("own", "dot")) == []
    assert servers(named(), system_dns=True) == []
    assert servers(named(), resolver="192.0.2.1") == []
    (chosen,) = servers(named(), resolver="tls://192.0.2.1")
    assert chosen.baseline


@pytest.mark.parametrize(
    ("text", "address", "port"),
    [
        ("192.0.2.1", "192.0.2.1", 53),
        ("192.0.2.1:5353", "192.0.2.1", 5353),
        ("2001:db8::1", "2001:db8::1", 53),
        ("[2001:db8::1]:5353", "2001:db8::1", 5353),
    ],
)
def test_a_resolver_is_an_address_with_or_without_port(text: str, address: str, port: int) -> None:
    (found,) = baseline_rows.resolvers(given(named="x", resolver=text))
    assert (found.address, found.port) == (address, port)


@pytest.mark.parametrize("text", ["dns.example", "192.0.2.1:70000", "", "[::1"])
def test_another_is_a_mistake(text: str) -> None:
    with pytest.raises(SettingsError, match="--resolver"):
        baseline_rows.resolvers(given(named="x", resolver=text))


def test_names_by_hand_are_control_and_canary_at_once() -> None:
    found = baseline_rows.names(given(named="x", dns_control=["a.example=192.0.2.1,2001:db8::1"]))
    assert found.by_hand
    assert found.canaries == ("a.example",)
    assert found.controls[0].addresses == {"192.0.2.1", "2001:db8::1"}
    for wrong in ("a.example", "a.example=x", "a b=192.0.2.1"):
        with pytest.raises(SettingsError, match="--dns-control"):
            baseline_rows.names(given(named="x", dns_control=[wrong]))


def test_trust_anchors_are_those_of_iana_none_or_a_file(tmp_path: Path) -> None:
    assert "20326" in (baseline_rows.names(given(named="x")).anchors or "")
    assert baseline_rows.names(given(named="x", trust_anchor="none")).anchors is None
    for wrong in (tmp_path / "missing", tmp_path):
        with pytest.raises(SettingsError, match="--trust-anchor"):
            baseline_rows.names(given(named="x", trust_anchor=str(wrong)))


def test_the_country_is_given_or_guessed_and_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert baseline_rows.country(given(country="ma")) == "MA"
    monkeypatch.setenv("TZ", "Asia/Tehran")
    assert baseline_rows.country(given()) == "IR"
