"""All rules together."""

from __future__ import annotations

from circumvent.diagnose.look import Look
from circumvent.diagnose.rules import RULES, all_findings
from circumvent.model.words import FindingKind


def test_every_kind_of_finding_has_its_rule() -> None:
    assert set(RULES) == set(FindingKind)


def test_findings_are_numbered_the_surest_first_and_the_rest_is_told_apart() -> None:
    facts = {
        "vpn": {"on": True, "interface": "tun0"},
        "portal": {"caught": True, "pages": 1},
        "tcp_proxied": False,
    }
    seen, absent = all_findings(Look([], facts))
    assert [one.id for one in seen] == [f"f{number}" for number in range(1, len(seen) + 1)]
    assert [one.confidence for one in seen] == sorted((one.confidence for one in seen), reverse=True)
    assert {one.kind for one in seen} == {FindingKind.VPN_ALREADY_ON, FindingKind.CAPTIVE_PORTAL}
    assert FindingKind.TCP_PROXIED in absent
    assert {one.confidence for one in seen} <= {0.95, 0.8, 0.6}
