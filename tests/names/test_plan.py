"""What is asked, and where it may be asked."""

from __future__ import annotations

import random

import dns.name
from hypothesis import given
from hypothesis import strategies as st

from circumvent.names.chain import RootKeys
from circumvent.names.plan import ControlName, IdentityProbe, NamesPlan, fresh_label

KEYS = RootKeys(None)


@given(st.integers())
def test_a_fresh_label_is_one_label_that_nobody_uses(seed: int) -> None:
    label = fresh_label(random.Random(seed))
    assert dns.name.from_text(label + ".").labels == (label.encode(), b"")
    assert label.isalnum()
    assert label[0].isalpha()


def test_fresh_labels_differ() -> None:
    source = random.Random(1)
    assert len({fresh_label(source) for _ in range(1000)}) == 1000


def test_canaries_go_over_plain_dns_only_where_it_is_allowed() -> None:
    plan = NamesPlan(root_keys=KEYS, canaries=("listed.example",))
    assert plan.canaries_for("dns-udp") == plan.canaries_for("dns-tcp") == ()
    assert plan.canaries_for("doh") == ("listed.example",)
    assert plan.in_clear().canaries_for("dns-udp") == ("listed.example",)


def test_later_tries_ask_no_more_than_they_must() -> None:
    plan = NamesPlan(root_keys=KEYS, canaries=("a",), identity=(IdentityProbe(name="b"),)).carry_only()
    assert plan.canaries_for("doh") == ()
    assert plan.identity_for(None) == ()


def test_identity_probes_are_for_their_operators() -> None:
    everybody, google = IdentityProbe(name="a"), IdentityProbe(name="b", operators=frozenset({"Google"}))
    plan = NamesPlan(root_keys=KEYS, identity=(everybody, google))
    assert plan.identity_for("Google") == (everybody, google)
    assert plan.identity_for(None) == plan.identity_for("Quad9") == (everybody,)


def test_control_names_given_by_hand_are_all_that_is_asked() -> None:
    plan = NamesPlan.given(KEYS, {"lab.example": ["198.51.100.16", "2001:DB8:0::16"]})
    assert plan.by_hand
    assert plan.canaries == ()
    assert plan.identity == ()
    (control,) = plan.controls
    assert control.rdtypes == ("A", "AAAA")
    assert control.right("AAAA", ["2001:db8::16"]) is True
    assert control.right("A", ["203.0.113.1"]) is False
    assert control.right("A", []) is None


def test_a_control_without_addresses_expects_nothing() -> None:
    assert ControlName(name="a").right("A", ["192.0.2.1"]) is None
    assert ControlName(name="a").rdtypes == ("A",)


def test_the_builtin_plan_has_controls_with_addresses() -> None:
    plan = NamesPlan.builtin(KEYS, ["listed.example"])
    assert len(plan.controls) >= 2
    assert all(control.addresses for control in plan.controls)
