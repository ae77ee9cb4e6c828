"""Findings from certificates."""

from __future__ import annotations

from typing import Any

from circumvent.diagnose import rules_tls
from circumvent.diagnose.findings import NOT_SEEN
from circumvent.diagnose.look import Look
from circumvent.model.report import Finding, OptionReport
from circumvent.model.words import Proof
from tests.diagnose.build import attempt, option, tls


def met(name: str, issuer: str | None, operator: str, **fields: Any) -> OptionReport:
    detail = {"top_issuer": issuer, "os_trusted": fields.pop("os_trusted", False)}
    error = None if issuer is None else "ssl_unknown_authority"
    proof = Proof.CARRIED if issuer is None else Proof.REACHED
    made = attempt(proof, error, step="tls_handshake", detail=detail, fidelity=tls())
    return option(name, "doh", made, operator=operator, **fields)


def test_the_same_unknown_issuer_at_two_operators() -> None:
    found = rules_tls.tls_interception(Look([met("a", "State", "A"), met("b", "State", "B")], {}))
    assert isinstance(found, Finding)
    assert found.confidence == 0.95
    assert found.detail["issuer"] == "State"


def test_one_that_this_device_trusts_may_be_an_antivirus() -> None:
    rows = [met("a", "State", "A", os_trusted=True), met("b", "State", "B", os_trusted=True)]
    found = rules_tls.tls_interception(Look(rows, {}))
    assert isinstance(found, Finding)
    assert found.confidence == 0.8
    assert found.remaining == ("own antivirus",)


def test_a_mistake_of_one_operator_and_a_users_own_server_are_none() -> None:
    good = met("good", None, "C")
    assert rules_tls.tls_interception(Look([met("a", "X", "A"), met("b", "X", "A"), good], {})) == NOT_SEEN
    mine = [met("a", "X", "A", origin="user"), met("b", "X", "B", origin="user"), good]
    assert rules_tls.tls_interception(Look(mine, {})) == NOT_SEEN


def test_without_tls_there_is_nothing_to_look_at() -> None:
    assert rules_tls.tls_interception(Look([option("a", "dns-udp", attempt())], {})) is None
