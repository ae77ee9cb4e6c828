"""Findings about names."""

from __future__ import annotations

from typing import Any

from circumvent.diagnose import rules_names
from circumvent.diagnose.findings import NOT_SEEN
from circumvent.diagnose.look import Look
from circumvent.model.report import Finding, OptionReport
from circumvent.model.words import Proof
from tests.diagnose.build import attempt, option, silence

SITES = ("alpha", "beta", "gamma")


def false(**fields: Any) -> Any:
    return attempt(Proof.REACHED, "wrong_answer", step="carry", **fields)


def plain(name: str, *attempts: Any, **fields: Any) -> OptionReport:
    return option(name, "dns-udp", *attempts, **fields)


def doubled() -> OptionReport:
    late = attempt(step="late_answers", detail={"second_answers": [{"name": "a.example"}]})
    return plain("injected", late)


def test_forged_answers_behind_an_honest_resolver_are_evidence_if_seen_twice() -> None:
    assert rules_names.forged(Look([plain("a", false(), false())], {})) == {"a"}
    assert rules_names.forged(Look([plain("a", false())], {})) == frozenset()
    assert rules_names.forged(Look([plain("a", false(), false(), attempt())], {})) == frozenset()


def test_a_resolver_of_which_nobody_knows_that_it_is_honest_may_be_at_fault_itself() -> None:
    mine = plain("mine", false(), false(), origin="user")
    assert rules_names.forged(Look([mine], {})) == frozenset()
    assert rules_names.forged(Look([mine, doubled()], {})) == {"mine"}


def test_inside_an_encrypted_channel_it_is_the_resolver() -> None:
    assert rules_names.forged(Look([option("a", "dot", false(), false())], {})) == frozenset()


def test_two_answers_to_one_question_are_injection() -> None:
    assert isinstance(rules_names.dns_injection(Look([doubled()], {})), Finding)
    assert rules_names.dns_injection(Look([plain("a", attempt())], {})) == NOT_SEEN
    assert rules_names.dns_injection(Look([option("a", "dot", attempt())], {})) is None


def test_plain_dns_is_blocked_if_three_places_that_are_up_stay_silent() -> None:
    rows = [
        one
        for site in SITES
        for one in (
            option(f"{site}-dot", "dot", attempt(), place=site),
            plain(site, silence(), silence(), place=site),
        )
    ]
    own = plain("own", attempt(), detail={"system_resolver": True})
    found = rules_names.dns_blocked(Look([*rows, own], {}))
    assert isinstance(found, Finding)
    assert found.confidence == 0.95
    without = rules_names.dns_blocked(Look(rows, {}))
    assert isinstance(without, Finding)
    assert without.confidence == 0.8
    assert rules_names.dns_blocked(Look(rows[:4], {})) is None


def test_nobody_is_redirected_who_did_not_say_who_he_is() -> None:
    assert rules_names.dns_redirected(Look([plain("a", attempt())], {})) is None
