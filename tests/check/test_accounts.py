"""Profiles and accounts: given what is known of clock, device and login, expect this to be tried, or not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from circumvent import catalog
from circumvent.check import services
from circumvent.check.accounts import BUILT, WAIT, logged_in
from circumvent.model.record import Step
from circumvent.model.secret import Secret
from circumvent.model.words import Proof, Reason, Status
from circumvent.net.errors import Refusal
from circumvent.net.own_use import OwnUse
from circumvent.net.trace import BUSY
from tests.check.fakes import Script, carries, fails, lasts, make, make_run_plan, play, silent, virtual
from tests.diagnose.build import attempt, refused, silence

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from circumvent.model.option import Option
    from circumvent.model.report import OptionReport, Report
    from circumvent.transport import Context

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual()


def profile(name: str = "home", kind: str = "openconnect", **fields: Any) -> Option:
    return make(name, kind, **fields)


def anchor(name: str) -> Option:
    return make(name, "https", user=False, baseline=True, operator=name)


def of(report: Report, name: str = "home") -> OptionReport:
    found = report.option(name)
    assert found is not None
    return found


def tells_the_time(skew: float, *, after: float = 0.1) -> Callable[[Option, Context], Awaitable[None]]:
    """A server that carries, and whose clock differs from ours."""

    async def act(option: Option, context: Context) -> None:
        trace = context.trace
        trace.address, trace.family = option.endpoint.known_addresses[0], "ipv4"
        trace.first_packet()
        async with trace.step("carry") as step:
            await anyio.sleep(after)
            step.detail["clock_skew_s"] = skew
            trace.carry_arrived()
            trace.prove(Proof.CARRIED)

    return act


async def signs_in_and_hangs(option: Option, context: Context) -> None:
    """The server answers, takes the password, and is silent."""
    trace = context.trace
    trace.address, trace.family = option.endpoint.known_addresses[0], "ipv4"
    trace.first_packet()
    async with trace.step("tunnel_handshake"):
        await anyio.sleep(0.1)
        trace.prove(Proof.REACHED)
    async with trace.step("authenticate"):
        await anyio.sleep_forever()


async def refuses(option: Option, context: Context) -> None:
    """The server says no to the password."""
    trace = context.trace
    trace.address, trace.family = option.endpoint.known_addresses[0], "ipv4"
    trace.first_packet()
    trace.prove(Proof.HANDSHAKEN)
    async with trace.step("authenticate"):
        await anyio.sleep(0.1)
        raise Refusal("auth_rejected", "AUTH_FAILED", authenticated=True)


def began(option: OptionReport) -> float:
    """When the first packet of an option could leave: the end of its wait for the time of day."""
    step = option.attempts[0].step("clock")
    assert step is not None
    return step.t


def clock_of(option: OptionReport) -> object:
    step = option.attempts[0].step("clock")
    return None if step is None else step.detail["clock"]


# One login


async def test_what_works_is_logged_in_to_once(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script({"home": [lasts], "proxy": [lasts]})
    report = await play(monkeypatch, script, make_run_plan(profile(), make("proxy", "socks5"), trials=5))
    assert (script.tries("home"), script.tries("proxy")) == (1, 5)
    assert (of(report).status, of(report).success.trials) == (Status.WORKS, 1)
    assert of(report).proof is Proof.SUSTAINED


async def test_nothing_follows_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script({"home": [refuses]})
    report = await play(monkeypatch, script, make_run_plan(profile()))
    assert script.tries("home") == 1
    assert (of(report).status, of(report).detail["authenticated"]) == (Status.REFUSED, True)


async def test_silence_before_a_login_is_looked_at_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script({"home": [silent]})
    report = await play(monkeypatch, script, make_run_plan(profile()))
    assert script.tries("home") == 2
    assert of(report).status is Status.UNREACHABLE


async def test_silence_after_a_login_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script({"home": [signs_in_and_hangs]})
    report = await play(monkeypatch, script, make_run_plan(profile()))
    assert script.tries("home") == 1
    assert of(report).status is Status.UNREACHABLE


async def test_a_reset_before_a_login_is_tried_once_more_and_then_works(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = Script({"home": [fails("connection_reset"), carries]})
    report = await play(monkeypatch, script, make_run_plan(profile()))
    assert script.tries("home") == 2
    assert of(report).status is Status.UNSTABLE


async def test_a_handshake_after_which_nothing_passes_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = Script({"home": [fails("generic_timeout_error", proof=Proof.HANDSHAKEN, step="carry")]})
    report = await play(monkeypatch, script, make_run_plan(profile()))
    assert script.tries("home") == 1
    assert (of(report).status, of(report).proof) == (Status.UNREACHABLE, Proof.HANDSHAKEN)


async def test_a_crowd_is_no_reason_for_a_second_login(monkeypatch: pytest.MonkeyPatch) -> None:
    crowded = fails("eof_error", after=0.15, proof=Proof.HANDSHAKEN, step="authenticate")
    script = Script({"home": [crowded], "other": [carries]})
    plan = make_run_plan(profile(host="127.9.9.9"), make("other", host="127.9.9.9"), trials=1)
    await play(monkeypatch, script, plan)
    assert script.tries("home") == 1


async def test_alone_counts_as_the_second_try_of_an_account(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script({"home": [fails("eof_error", after=0.15)], "other": [carries]})
    plan = make_run_plan(profile(host="127.9.9.9"), make("other", host="127.9.9.9"))
    await play(monkeypatch, script, plan)
    assert script.tries("home") == 2


async def test_no_profile_is_watched_while_triggers_run(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script({"home": [carries]}, {"plain": [fails("connection_reset")]})
    plan = make_run_plan(
        profile(), make("plain", "dns-udp", port=53), dns_control=["lab.example=127.0.0.1"], trials=1
    )
    await play(monkeypatch, script, plan)
    assert script.tries("home") == 1


async def test_one_account_at_one_server_has_one_session_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files for UDP and TCP of one provider: the second login would end the first session."""
    anna, ben = Secret("anna"), Secret("ben")
    udp, tcp = profile("udp", host="127.9.9.9", port=1194), profile("tcp", host="127.9.9.9", port=443)
    script = Script()
    report = await play(monkeypatch, script, make_run_plan(replace(udp, user=anna), replace(tcp, user=anna)))
    assert script.most_at_once == 1
    assert {of(report, name).status for name in ("udp", "tcp")} == {Status.WORKS}
    script = Script()
    await play(monkeypatch, script, make_run_plan(replace(udp, user=anna), replace(tcp, user=ben)))
    assert script.most_at_once == 2


async def test_an_account_that_a_server_refused_is_not_shown_to_it_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    udp, tcp = profile("udp", host="127.9.9.9", port=1194), profile("tcp", host="127.9.9.9", port=443)
    both = [replace(one, user=Secret("anna")) for one in (udp, tcp)]
    elsewhere = replace(profile("far"), user=Secret("anna"))
    script = Script({name: [refuses] for name in ("udp", "tcp", "far")})
    report = await play(monkeypatch, script, make_run_plan(*both, elsewhere))
    assert script.tries("udp") + script.tries("tcp") == 1
    assert script.tries("far") == 1
    assert {of(report, name).status for name in ("udp", "tcp")} == {Status.REFUSED, Status.NOT_RUN}
    assert Reason.NEEDS_CONSENT in {of(report, name).reason for name in ("udp", "tcp")}
    script = Script(script.acts)
    await play(monkeypatch, script, make_run_plan(*both, anyway=True))
    assert (script.tries("udp"), script.tries("tcp")) == (1, 1)


def test_what_counts_as_a_login() -> None:
    assert not logged_in(silence())
    assert not logged_in(attempt(Proof.REACHED, "connection_reset", step="tunnel_handshake"))
    assert logged_in(attempt(Proof.NONE, "generic_timeout_error", step="authenticate"))
    assert logged_in(attempt(Proof.HANDSHAKEN, "generic_timeout_error", step="carry"))
    assert logged_in(attempt(Proof.CARRIED))
    assert logged_in(refused(authenticated=False))


# The clock


async def test_a_profile_waits_until_one_server_says_that_the_clock_is_right(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = Script({"A": [tells_the_time(0.4, after=1.0)]})
    report = await play(monkeypatch, script, make_run_plan(profile(), anchor("A")))
    assert clock_of(of(report)) == "right"
    assert began(of(report)) == pytest.approx(1.0, abs=0.05)
    assert of(report).status is Status.WORKS
    assert not report.notes


async def test_a_wrong_clock_that_two_operators_see_holds_profiles_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = Script({name: [tells_the_time(3600.0)] for name in "AB"})
    plan = make_run_plan(profile(), make("proxy", "socks5"), anchor("A"), anchor("B"))
    report = await play(monkeypatch, script, plan)
    assert script.tries("home") == 0
    assert (of(report).status, of(report).reason) == (Status.NOT_RUN, Reason.CLOCK)
    assert of(report, "proxy").status is Status.WORKS


async def test_one_operator_alone_makes_no_clock_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script({"A": [tells_the_time(3600.0)]})
    report = await play(monkeypatch, script, make_run_plan(profile(), anchor("A")))
    assert clock_of(of(report)) == "unknown"
    assert began(of(report)) == pytest.approx(WAIT, abs=0.05)
    assert of(report).status is Status.WORKS


async def test_anyway_tries_with_a_wrong_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float | None] = []

    async def looks_at_the_clock(option: Option, context: Context) -> None:
        seen.append(context.trace.clock.skew)
        await carries(option, context)

    script = Script({"home": [looks_at_the_clock], **{name: [tells_the_time(3600.0)] for name in "AB"}})
    plan = make_run_plan(profile(), anchor("A"), anchor("B"), anyway=True)
    report = await play(monkeypatch, script, plan)
    assert of(report).status is Status.WORKS
    assert clock_of(of(report)) == "wrong"
    assert seen == [3600.0]


async def test_where_nobody_tells_the_time_profiles_begin_after_three_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    report = await play(monkeypatch, Script({"A": [silent]}), make_run_plan(profile(), anchor("A")))
    assert began(of(report)) == pytest.approx(WAIT, abs=0.05)
    assert clock_of(of(report)) == "unknown"
    assert any("by this device's own clock" in note for note in report.notes)


async def test_where_nobody_is_asked_nobody_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    report = await play(monkeypatch, Script(), make_run_plan(profile()))
    assert began(of(report)) == pytest.approx(0.0, abs=0.05)
    assert of(report).status is Status.WORKS


async def test_a_clock_from_before_this_package_is_wrong_without_a_witness(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tests.check import fakes

    class Behind(fakes.LoopClock):
        def local(self, at: float) -> float:
            return BUILT.timestamp() - 86400 + at

    monkeypatch.setattr(fakes, "LoopClock", Behind)
    report = await play(monkeypatch, Script(), make_run_plan(profile()))
    assert (of(report).status, of(report).reason) == (Status.NOT_RUN, Reason.CLOCK)
    assert of(report).reason_detail == "it shows a day before 2026-11-22"


def test_no_fact_of_the_catalogue_is_younger_than_the_package() -> None:
    assert max(fact.date for fact in catalog.facts().values()) <= BUILT.date()


# In use on this device


def in_use(monkeypatch: pytest.MonkeyPatch, own: OwnUse) -> None:
    monkeypatch.setattr(services, "read_own_use", lambda: own)


async def test_a_profile_that_is_up_here_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    busy, free = profile(port=1194), profile("free", port=1194)
    peers = frozenset({(busy.endpoint.host, 1194)})
    in_use(monkeypatch, OwnUse(peers=peers))
    script = Script()
    report = await play(monkeypatch, script, make_run_plan(busy, free))
    assert script.tries("home") == 0
    assert (of(report).status, of(report).reason) == (Status.NOT_RUN, Reason.IN_USE)
    assert of(report, "free").status is Status.WORKS


async def test_anyway_tries_it_and_says_what_that_may_have_done(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = profile(port=1194)
    in_use(monkeypatch, OwnUse(routed=frozenset({busy.endpoint.host})))
    report = await play(monkeypatch, Script(), make_run_plan(busy, anyway=True))
    assert of(report).status is Status.WORKS
    assert any("may have ended the first" in note for note in report.notes)


async def test_other_kinds_have_nothing_to_do_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = make("proxy", "socks5", port=1080)
    in_use(monkeypatch, OwnUse(peers=frozenset({(proxy.endpoint.host, 1080)})))
    report = await play(monkeypatch, Script(), make_run_plan(proxy))
    assert of(report, "proxy").status is Status.WORKS


async def test_a_busy_machine_is_no_reason_for_a_second_login(monkeypatch: pytest.MonkeyPatch) -> None:
    from circumvent.net.timeouts import Timeouts

    monkeypatch.setattr(Timeouts, "fair", lambda *_args, **_kwargs: False)
    script = Script({"home": [signs_in_and_hangs]})
    report = await play(monkeypatch, script, make_run_plan(profile()))
    assert script.tries("home") == 1
    assert of(report).attempts[0].why == BUSY
    assert (of(report).status, of(report).reason_detail) == (Status.NOT_RUN, "this machine was too busy")


def test_the_step_before_a_login_may_stay_in_a_dump() -> None:
    from circumvent.redaction.detail import STEPS, public_detail

    step = Step(name="clock", t0=0.0, t=0.1, detail={"clock": "unknown", "in_use": True})
    assert step.name in STEPS
    assert public_detail(step.detail) == step.detail
