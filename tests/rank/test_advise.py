"""Ranking and recommendations of options that have their verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from circumvent.model.words import Scope, Status
from circumvent.rank.advise import candidates, ranking, recommendations
from tests.diagnose.build import attempt, option

if TYPE_CHECKING:
    from circumvent.model.report import OptionReport


def works(name: str, kind: str = "socks5", *, ms: float = 100.0, **fields: Any) -> OptionReport:
    made = option(name, kind, attempt(latency_ms=ms), **fields)
    return msgspec.structs.replace(made, status=fields.get("status", Status.WORKS))


def told(*options: OptionReport) -> list[tuple[str, str | None, str]]:
    places = {one.id: one.place or "" for one in options}
    return [(one.id, one.backup, one.because) for one in recommendations(options, ranking(options), places)]


def test_the_fastest_is_first_and_ranks_restart_in_each_scope() -> None:
    ranked = ranking([works("slow", ms=900), works("fast", ms=50), works("names", "dot")])
    assert [(one.rank, one.id, one.scope) for one in ranked] == [
        (1, "fast", Scope.PROXY),
        (2, "slow", Scope.PROXY),
        (1, "names", Scope.NAMES),
    ]


def test_liars_baseline_rows_and_what_never_carried_are_not_ranked() -> None:
    rows = [
        works("liar", "dot", status=Status.UNSTABLE, detail={"lies": True}),
        works("limit", "dot", status=Status.DEGRADED, detail={"limit": "wrong_answer"}),
        works("row", "dot", baseline=True),
        works("dead", "dot", status=Status.UNREACHABLE),
    ]
    assert candidates(rows) == []
    assert ranking(rows) == ()
    assert told(*rows) == []


def test_a_backup_is_in_another_place_and_of_another_manner_if_one_is_there() -> None:
    best = works("best", ms=10, place="here", endpoint="a:1080")
    neighbour = works("neighbour", ms=20, place="here", endpoint="b:1080")
    same = works("same", ms=30, place="there", endpoint="c:1080")
    port = works("port", ms=40, place="yonder", endpoint="d:443")
    assert told(best, neighbour) == [("best", None, "best")]
    assert told(best, neighbour, same) == [("best", "same", "best")]
    assert told(best, neighbour, same, port) == [("best", "port", "best")]


def test_the_least_visible_is_told_when_it_is_another() -> None:
    fast = works("fast", "doq", ms=10)
    plain = works("plain", "doh", ms=900)
    assert told(fast, plain) == [("fast", "plain", "best"), ("plain", "fast", "least_visible")]
    assert told(plain) == [("plain", None, "best")]
    shaky = msgspec.structs.replace(plain, status=Status.UNSTABLE)
    assert [because for _, _, because in told(fast, shaky)] == ["best"]


def test_voice_is_ordered_by_loss_and_recommends_nothing() -> None:
    def call(name: str, lost: int, ms: float) -> OptionReport:
        made = attempt(step="sustain_up", detail={"sent": 50, "lost": lost}, latency_ms=ms)
        return msgspec.structs.replace(option(name, "stun", made), status=Status.WORKS)

    rows = [call("lossy", 10, 10.0), call("clean", 0, 300.0)]
    assert [one.id for one in ranking(rows)] == ["clean", "lossy"]
    assert told(*rows) == []


def test_a_vpn_that_works_comes_first_with_what_it_serves_and_shows() -> None:
    """It serves all apps; its backup stands elsewhere and goes another way."""
    home = works("home", "wireguard", ms=71, endpoint="203.0.113.9:51820")
    near = works("near", "wireguard", ms=80, endpoint="198.51.100.4:51820")
    other = works("other", "openvpn", ms=300, endpoint="198.51.100.77:443")
    rows = [works("proxy", ms=10), home, near, other]
    first = recommendations(rows, ranking(rows), {one.id: one.place or "" for one in rows})[0]
    assert (first.scope, first.id, first.backup) == (Scope.SYSTEM, "home", "other")
    assert first.text.startswith("Switch on home in the WireGuard app. It serves all apps (")
    assert first.visible == "a WireGuard VPN to one server: it is easy to recognise"
    assert first.next_step == "If it stops: other in the OpenVPN app."


def test_a_vpn_with_limits_is_told_with_them() -> None:
    shaky = works("shaky", "wireguard", status=Status.UNSTABLE)
    slow = works("slow", "openvpn", status=Status.DEGRADED, detail={"limit": "slow"})
    (one,) = recommendations([shaky], ranking([shaky]), {})
    assert "try twice before you give up on it" in one.text
    (one,) = recommendations([slow], ranking([slow]), {})
    assert "has a limit: works slowly. Good for messages, not for calls" in one.text
