"""Rules by their words: given this table, expect this rule."""

from __future__ import annotations

import pytest

from circumvent.lab.actions import Drop, Reset
from circumvent.lab.blocking import Action, Blocking, Trigger
from circumvent.lab.rules.endpoint import AnyPacket
from circumvent.lab.rules.redirect import Redirect
from circumvent.lab.scenario_build import BuildError
from circumvent.lab.scenario_rules import build_rule, choices, rule_kinds, word_of


def test_words_are_names_of_classes() -> None:
    assert word_of(AnyPacket) == "any-packet"
    assert {"any-packet", "client-hello", "dns-question", "amount"} <= choices()[Trigger].classes.keys()
    assert {"drop", "reset", "forge-answer", "shape"} <= choices()[Action].classes.keys()
    assert {"blocking", "redirect"} <= rule_kinds().classes.keys()


def test_a_table_becomes_a_rule() -> None:
    rule = build_rule({"name": "a", "when": "any-packet", "then": {"action": "reset", "to_server": True}})
    assert rule == Blocking(name="a", when=AnyPacket(), then=Reset(to_server=True))
    assert build_rule({"name": "b", "when": "any-packet", "then": "drop", "lasts": 0.0}) == Blocking(
        name="b", when=AnyPacket(), then=Drop(), lasts=0.0
    )
    other = build_rule({"kind": "redirect", "name": "c", "scope": {"ports": [53]}, "ipv4": ["192.0.2.1", 53]})
    assert isinstance(other, Redirect)
    assert other.ipv4 == ("192.0.2.1", 53)


@pytest.mark.parametrize(
    "table",
    [
        {"name": "a", "when": "any-paket", "then": "drop"},
        {"name": "a", "when": "any-packet", "then": {"action": "drop", "spares": 1}},
        {"name": "a", "when": "any-packet", "then": {"action": "drop", "directions": ["sideways"]}},
        {"name": "a", "when": "any-packet", "then": "drop", "scope": {"protocols": ["sctp"]}},
        {"kind": "wish", "name": "a"},
    ],
)
def test_what_is_no_rule_is_refused(table: dict[str, object]) -> None:
    with pytest.raises(BuildError):
        build_rule(table)
