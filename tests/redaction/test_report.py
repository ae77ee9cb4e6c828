"""A dump is safe to send: nothing of what the user holds is in it, and staff can still read it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model.record import Attempt, Failure, Fidelity, Step
from circumvent.model.report import (
    Finding,
    Latency,
    Network,
    OptionReport,
    Ranked,
    Recommendation,
    Report,
    RunSettings,
    Success,
    Target,
    Tool,
)
from circumvent.model.words import (
    Exposure,
    FindingKind,
    NetworkState,
    Proof,
    Reason,
    Redaction,
    Scope,
    Status,
)
from circumvent.redaction.report import LEFT_OUT, redact
from circumvent.redaction.text import host_of_url, to_the_hour

SECRET = "hunter2-password"
HOST = "my-own-server.example.org"
ADDRESS = "203.0.113.77"
LABEL = "Aunt Mina's proxy"
USER_ID = "socks5-k3v7q2ma"


def attempt(
    name: str, *, detail: dict[str, Any] | None = None, said: str | None = None, **more: Any
) -> Attempt:
    failure = Failure(step="carry", error="connection_reset", detail=said)
    step = Step(name="carry", t0=0.1, t=0.2, failure=failure, detail=detail or {})
    return Attempt(id=name, t0=0.1, t=0.3, proof=Proof.HANDSHAKEN, failure=failure, steps=(step,), **more)


def users_option(**more: Any) -> OptionReport:
    values: dict[str, Any] = {
        "id": USER_ID,
        "kind": "socks5",
        "label": LABEL,
        "scope": Scope.PROXY,
        "exposure": Exposure.NOTABLE,
        "endpoint": f"{HOST}:48231",
        "status": Status.WORKS,
        "proof": Proof.CARRIED,
        "success": Success(trials=1, ok=1, p=0.833, p_low=0.431),
        "latency_ms": Latency(median=70.0, min=69.0, max=71.0),
        "origin": "user",
        "text": f"works: {LABEL} at {HOST}",
        "place": f"name {HOST}",
        "reason_detail": HOST,
        "detail": {"limit": "slow", "server": HOST, "kbps": 100.0},
        "attempts": (
            attempt(
                "a1",
                detail={
                    "tcp": {"rtt_ms": 12.5, "state": "ESTABLISHED", "peer": ADDRESS},
                    "cipher": "TLS_AES_128_GCM_SHA256",
                    "alpn": SECRET,
                    HOST: 1,
                    "user": SECRET,
                    "controls": [{"host": HOST, "ok": True, "status": 200}],
                },
                said=f"the proxy at {ADDRESS} said {SECRET}",
                address=ADDRESS,
                why=f"{HOST} was busy",
                fidelity=Fidelity(tls="openssl", ja4="t13d1516h2_8daaf6152771_02713d6af862"),
            ),
        ),
    }
    return OptionReport(**(values | more))


def our_option(**more: Any) -> OptionReport:
    values: dict[str, Any] = {
        "id": "quad9-doh",
        "kind": "doh",
        "label": "Quad9",
        "scope": Scope.NAMES,
        "exposure": Exposure.ORDINARY,
        "endpoint": "9.9.9.9:443",
        "status": Status.WORKS,
        "operator": "Quad9",
        "attempts": (attempt("a2", detail={"canaries": [{"name": "x.com", "addresses": ["10.10.34.35"]}]}),),
    }
    return OptionReport(**(values | more))


def report(**more: Any) -> Report:
    values: dict[str, Any] = {
        "id": "r-1",
        "started": "2026-11-22T10:42:17Z",
        "duration_s": 6.2,
        "tool": Tool(version="0.1.0"),
        "settings": RunSettings(
            deadline_s=30.0, trials=3, control=("https://control.example.net/secret/path",)
        ),
        "network": Network(
            state=NetworkState.FILTERED,
            interface="wlan0",
            resolver="192.168.1.1",
            findings=(
                Finding(
                    id="f1",
                    kind=FindingKind.UDP_BLOCKED,
                    confidence=0.8,
                    summary=f"UDP to {HOST} is dropped",
                    evidence=("a1", "a2"),
                    detail={"servers": [HOST, "dns.quad9.net"], f"{HOST}:48231": 3},
                ),
            ),
        ),
        "options": (users_option(), our_option()),
        "ranking": (
            Ranked(rank=1, id=USER_ID, scope=Scope.PROXY, score_s=0.5, why=f"{LABEL}: 3 of 3 tries"),
        ),
        "recommendations": (
            Recommendation(
                scope=Scope.PROXY,
                id=USER_ID,
                backup=None,
                visible="random-looking traffic to one server",
                because="best",
                text=f"Set Firefox to use {LABEL}: {HOST} port 48231.",
                next_step=f"Open settings, enter {HOST}.",
            ),
        ),
        "notes": (f"{HOST} was resolved late",),
    }
    return Report(**(values | more))


def dumped(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False)


@pytest.mark.parametrize("level", ["default", "strict"])
def test_nothing_that_the_user_holds_is_in_a_dump(level: str) -> None:
    text = dumped(report().to_dict(redact=level))
    for private in (SECRET, HOST, ADDRESS, LABEL, "48231", "secret/path", "42:17"):
        assert private not in text, private


@pytest.mark.parametrize("level", ["default", "strict"])
def test_a_dump_is_a_report_and_reads_back(level: str) -> None:
    document = report().to_dict(redact=level)
    again = Report.from_dict(json.loads(dumped(document)))
    assert again.redaction == level
    mine = again.option(USER_ID)
    assert mine is not None
    assert mine.label == USER_ID
    assert mine.status is Status.WORKS
    assert mine.endpoint == "hidden"
    assert mine.place == "place-1"


def test_what_staff_needs_stays() -> None:
    document = report().to_dict(redact="default")
    mine, ours = document["options"]
    step = mine["attempts"][0]["steps"][0]
    assert step["failure"] == {"step": "carry", "error": "connection_reset", "detail": None}
    assert step["detail"] == {
        "tcp": {"rtt_ms": 12.5, "state": "ESTABLISHED"},
        "cipher": "TLS_AES_128_GCM_SHA256",
        "controls": [{"ok": True, "status": 200}],
    }
    assert mine["attempts"][0]["fidelity"]["ja4"] == "t13d1516h2_8daaf6152771_02713d6af862"
    assert mine["success"]["p"] == 0.833
    assert ours["endpoint"] == "9.9.9.9:443"
    assert ours["attempts"][0]["steps"][0]["detail"]["canaries"][0]["addresses"] == ["10.10.34.35"]
    assert document["network"]["interface"] == "wlan0"
    assert document["settings"]["control"] == ["https://control.example.net"]
    assert document["started"] == "2026-11-22T10:00:00Z"
    assert document["recommendations"][0]["text"] == LEFT_OUT
    assert document["ranking"][0]["why"] == "(hidden): 3 of 3 tries"


def test_why_an_attempt_does_not_count_stays_and_so_does_its_evidence() -> None:
    through = attempt("a5", counted=False, why="second vantage")
    other = attempt("a6", counted=False, why=f"{HOST} said so")
    facts = {"ended": "rst", "ended_after_ms": 1.5, "age_ms": 20.0, "state": "CLOSE", "sent": 517}
    direct = attempt("a7", detail={"tcp": facts})
    source = report(options=(users_option(attempts=(through, other, direct)),))
    kept = source.to_dict(redact="strict")["options"][0]["attempts"]
    assert [one["why"] for one in kept] == ["second vantage", None, None]
    assert kept[2]["steps"][0]["detail"]["tcp"] == facts


def test_why_a_target_was_not_tried_stays() -> None:
    target = Target(name="https://news.example/", direct=Status.NOT_RUN, reason=Reason.DEADLINE)
    assert report(targets=(target,)).to_dict(redact="default")["targets"][0]["reason"] == "deadline"


def test_strict_also_drops_interface_resolver_and_controls() -> None:
    found = Finding(id="f2", kind=FindingKind.VPN_ALREADY_ON, confidence=0.8, summary="wlan0 is a tunnel",
                    detail={"interface": "wlan0"})  # fmt: skip
    source = report(
        network=Network(state=NetworkState.OPEN, interface="wlan0", resolver="192.168.1.1", findings=(found,))
    )
    document = source.to_dict(redact="strict")
    assert document["network"]["interface"] is None
    assert document["network"]["resolver"] is None
    assert document["settings"]["control"] == []
    assert "wlan0" not in dumped(document)


def test_a_usual_port_stays_at_the_default_level() -> None:
    source = report(options=(users_option(endpoint="[2001:db8::7]:443"),))
    assert source.to_dict(redact="default")["options"][0]["endpoint"] == "hidden:443"
    assert source.to_dict(redact="strict")["options"][0]["endpoint"] == "hidden"


def test_an_id_that_is_no_keyed_hash_becomes_a_number() -> None:
    source = report(options=(users_option(id=HOST),), recommendations=(), ranking=())
    assert source.to_dict(redact="default")["options"][0]["id"] == "socks5-1"


def test_every_trace_of_a_satellite_link_is_gone() -> None:
    dish = users_option(id="starlink-k3v7q2ma", kind="starlink", label="Dish", attempts=(attempt("a9"),))
    document: dict[str, Any] = msgspec.to_builtins(report(options=(our_option(),)))
    document["options"] = [*document["options"], msgspec.to_builtins(dish)]
    network = document["network"]
    network["interface"] = "starlink0"
    network["findings"] = [
        {"id": "f7", "kind": "obstructed", "confidence": 0.8, "summary": "trees", "evidence": ["a9"]},
        {"id": "f8", "kind": "udp_lossy", "confidence": 0.8, "summary": "loss", "evidence": ["a9", "a2"]},
    ]
    network["not_seen"] = ["gps_denied", "quic_blocked"]
    network["not_tested"] = ["satellite", "voice"]
    document["ranking"] = [{"rank": 1, "id": dish.id, "scope": "system", "score_s": 1.0, "why": ""}]
    document["notes"] = ["the Starlink terminal answered"]
    clean = redact(document, "default")
    assert [row["id"] for row in clean["options"]] == ["quad9-doh"]
    assert [row["id"] for row in clean["network"]["findings"]] == ["f8"]
    assert clean["network"]["findings"][0]["evidence"] == ["a2"]
    assert clean["network"]["not_seen"] == ["quic_blocked"]
    assert clean["network"]["not_tested"] == ["voice"]
    assert clean["ranking"] == []
    assert clean["notes"] == []
    assert "starlink" not in dumped(clean).lower()


def test_the_users_own_address_is_gone_from_options_of_the_catalogue() -> None:
    seen = attempt("a3", detail={"mapped": "198.51.100.9", "mapped_family": "ipv4"}, said="from 198.51.100.9")
    document = report(options=(our_option(attempts=(seen,)),)).to_dict(redact="default")
    assert "198.51.100.9" not in dumped(document)
    assert document["options"][0]["attempts"][0]["steps"][0]["detail"] == {"mapped_family": "ipv4"}


def test_the_uptime_of_the_machine_is_gone() -> None:
    facts = {"tcp": {"last_ack_ms": 2_945_116, "rtt_ms": 1.5}}
    options = (
        users_option(attempts=(attempt("a1", detail=facts),)),
        our_option(attempts=(attempt("a2", detail=facts),)),
    )
    for row in report(options=options).to_dict(redact="default")["options"]:
        assert row["attempts"][0]["steps"][0]["detail"] == {"tcp": {"rtt_ms": 1.5}}


def test_login_pages_lose_paths_and_hardware_addresses() -> None:
    seen = attempt(
        "a3", detail={"page": "http://portal.example/login?mac=aa:bb:cc:dd:ee:ff"}, said="AA-BB-CC-DD-EE-FF"
    )
    text = dumped(report(options=(our_option(attempts=(seen,)),)).to_dict(redact="default"))
    assert "http://portal.example" in text
    assert "login" not in text
    assert "AA-BB" not in text


def test_targets_lose_path_and_under_strict_name() -> None:
    source = report(targets=(Target(name="https://news.example/article/7?user=me", direct=Status.BLOCKED),))
    assert source.to_dict(redact="default")["targets"][0]["name"] == "https://news.example"
    assert source.to_dict(redact="strict")["targets"][0]["name"] == "target 1"


def test_an_attempt_through_the_users_proxy_tells_nothing_of_it() -> None:
    through = attempt(
        "a4", detail={"proxy": HOST, "bytes": 5}, said=f"{HOST} closed", via=USER_ID, address=ADDRESS
    )
    document = report(options=(users_option(), our_option(attempts=(through,)))).to_dict(redact="default")
    assert document["options"][1]["attempts"][0]["steps"][0]["detail"] == {"bytes": 5}
    assert HOST not in dumped(document)


def test_evidence_that_everybody_sees_is_not_hidden_because_the_user_saw_it_too() -> None:
    canaries = [{"name": "x.com", "rcode": "NOERROR", "addresses": ["10.10.34.35"]}]
    mine = users_option(
        label="Quad9",
        attempts=(
            attempt(
                "a1",
                detail={
                    "canaries": canaries,
                    "top_issuer": "ISRG Root X1",
                    "controls": [{"host": "www.cloudflare.com", "operator": "Cloudflare"}],
                },
            ),
        ),
    )
    seen = attempt(
        "a2", detail={"canaries": canaries, "top_issuer": "ISRG Root X1", "host": "www.cloudflare.com"}
    )
    finding = Finding(
        id="f1",
        kind=FindingKind.DNS_INJECTION,
        confidence=0.95,
        summary="Quad9 says 10.10.34.35 for x.com",
        evidence=("a1", "a2"),
        detail={"addresses": ["10.10.34.35"]},
    )
    network = Network(state=NetworkState.FILTERED, findings=(finding,))
    document = report(options=(mine, our_option(attempts=(seen,))), network=network).to_dict(redact="default")
    assert document["network"]["findings"][0]["summary"] == "Quad9 says 10.10.34.35 for x.com"
    detail = document["options"][1]["attempts"][0]["steps"][0]["detail"]
    assert detail == {"canaries": canaries, "top_issuer": "ISRG Root X1", "host": "www.cloudflare.com"}
    users = document["options"][0]["attempts"][0]["steps"][0]["detail"]
    assert users == {"canaries": [{"rcode": "NOERROR", "addresses": []}], "controls": []}


def test_levels_only_go_up() -> None:
    strict = report().to_dict(redact="strict")
    assert redact(strict, "default") == redact(strict, "strict")
    assert redact(strict, "none")["redaction"] == "strict"
    assert redact(msgspec.to_builtins(report()), "none")["redaction"] == "none"


@pytest.mark.parametrize("level", list(Redaction)[1:])
def test_redacting_twice_changes_nothing(level: Redaction) -> None:
    once = redact(msgspec.to_builtins(report()), level)
    assert redact(once, level) == once


def test_an_unknown_origin_counts_as_the_users() -> None:
    document = msgspec.to_builtins(report())
    document["options"][0]["origin"] = "something new"
    assert HOST not in dumped(redact(document, "default"))


PLANTED = st.sampled_from([SECRET, HOST, ADDRESS, f"{HOST}:48231", f"socks5://u:{SECRET}@{HOST}"])
KEY = st.one_of(
    st.sampled_from(["tcp", "bytes", "alpn", "controls", "error", "cipher", "host", "x"]), PLANTED
)
VALUE = st.recursive(
    st.one_of(PLANTED, st.integers(-5, 5), st.none(), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEY, inner, max_size=3)),
    max_leaves=8,
)


@given(
    detail=st.dictionaries(KEY, VALUE, max_size=5),
    planted=st.lists(PLANTED, min_size=8, max_size=8),
    level=st.sampled_from(["default", "strict"]),
)
def test_secrets_planted_anywhere_in_an_option_are_not_found(
    detail: dict[str, Any], planted: list[str], level: str
) -> None:
    one = attempt("a1", detail=detail, said=planted[0], address=planted[1], why=planted[2])
    mine = users_option(
        attempts=(one,), detail=detail, text=planted[3], reason_detail=planted[4], place=planted[5],
        operator=planted[6], failure=Failure(step="carry", error="eof_error", detail=planted[7]),
    )  # fmt: skip
    text = dumped(report(options=(mine, our_option())).to_dict(redact=level))
    for private in (SECRET, HOST, ADDRESS):
        assert private not in text


@given(st.text())
def test_urls_and_times_never_raise(text: str) -> None:
    host_of_url(text)
    assert to_the_hour(text) == "" or to_the_hour(text).endswith(("Z", text[-6:]))


@given(st.recursive(st.none() | st.booleans() | st.text(max_size=8) | st.integers(), lambda inner: st.lists(inner, max_size=3)
       | st.dictionaries(st.sampled_from(["options", "network", "findings", "attempts", "steps", "detail", "id"]), inner)))  # fmt: skip
def test_damaged_documents_do_not_break_it(value: Any) -> None:
    document = value if isinstance(value, dict) else {"options": value, "network": value, "targets": value}
    json.dumps(redact(document, "strict"))
