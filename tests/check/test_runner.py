"""One attempt: given what its transport does, expect this record."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from circumvent.check.runner import Runner, Task
from circumvent.model.option import Endpoint
from circumvent.model.words import Proof, Reason
from circumvent.net.trace import Loser
from tests.check.fakes import (
    Script,
    carries,
    fails,
    install,
    make,
    make_run_plan,
    services_for,
    silent,
    virtual,
)

if TYPE_CHECKING:
    from circumvent.check.runner import Outcome
    from circumvent.model.option import Option
    from circumvent.model.record import Attempt
    from circumvent.transport import Context
    from tests.check.fakes import Act

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual()


def runner(monkeypatch: pytest.MonkeyPatch, script: Script, *options: Option, **settings: Any) -> Runner:
    install(monkeypatch, script)
    return Runner(services_for(make_run_plan(*options, **settings)))


def first(option: Option, **fields: Any) -> Task:
    return Task(option=option, number=1, goal=Proof.SUSTAINED, **fields)


async def test_a_failure_is_a_record_and_no_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script({"a": [fails("connection_reset")]})
    outcome = await runner(monkeypatch, script).run(first(make("a")))
    assert outcome.attempt.failure is not None
    assert (outcome.attempt.failure.step, outcome.attempt.failure.error) == ("connect", "connection_reset")
    assert outcome.attempt.counted
    assert outcome.cannot is None


async def test_bytes_are_counted_also_while_they_move(monkeypatch: pytest.MonkeyPatch) -> None:
    run = runner(monkeypatch, Script({"b": [silent]}))
    await run.run(first(make("a")))
    assert (run.used.sent, run.used.received) == (100, 400)
    async with anyio.create_task_group() as group:
        group.start_soon(run.run, first(make("b")))
        await anyio.sleep(1)
        assert run.used.sent == 160
        group.cancel_scope.cancel()
    assert run.used.sent == 160


async def test_losers_of_the_race_are_recorded_and_do_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    async def races(option: Option, context: Context) -> None:
        loser = Loser(address="2001:db8::1", family="ipv6", t0=0.0, t=0.2, failure=None)
        context.trace.losers.append(loser)
        await fails("connection_refused")(option, context)

    outcome = await runner(monkeypatch, Script({"a": [races]})).run(first(make("a")))
    (loser,) = outcome.losers
    assert (loser.counted, loser.why, loser.family) == (False, "lost the race between addresses", "ipv6")
    assert loser.id != outcome.attempt.id
    assert outcome.attempt.counted


async def two_at_one_address(monkeypatch: pytest.MonkeyPatch, script: Script) -> dict[str, Outcome]:
    run = runner(monkeypatch, script)
    outcomes: dict[str, Outcome] = {}

    async def attempt(name: str) -> None:
        outcomes[name] = await run.run(first(make(name, host="127.5.5.5")))

    async with anyio.create_task_group() as group:
        for name in ("a", "b"):
            group.start_soon(attempt, name)
    return outcomes


async def test_a_failure_beside_somebody_who_is_served_may_be_crowding(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = Script({"a": [fails("eof_error", after=0.2)], "b": [carries]})
    assert (await two_at_one_address(monkeypatch, script))["a"].shared


async def test_an_answer_of_somebody_else_on_the_way_serves_nobody_here(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An ODoH target answered, and its relay, which is the endpoint, never let anybody connect."""
    of_the_target = fails("generic_timeout_error", after=0.2, proof=Proof.REACHED)
    outcomes = await two_at_one_address(monkeypatch, Script({"a": [of_the_target], "b": [of_the_target]}))
    assert not any(one.shared for one in outcomes.values())


async def test_silence_to_everybody_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = await two_at_one_address(monkeypatch, Script({"a": [silent], "b": [silent]}))
    assert not any(one.shared for one in outcomes.values())


async def test_alone_means_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script()
    run = runner(monkeypatch, script)
    async with anyio.create_task_group() as group:
        for name in ("a", "b", "c"):
            group.start_soon(run.run, first(make(name, host="127.5.5.5"), alone=True))
    assert script.most_at_once == 1


async def test_four_at_once_to_one_address_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script()
    run = runner(monkeypatch, script)
    async with anyio.create_task_group() as group:
        for number in range(12):
            group.start_soon(run.run, first(make(f"o{number}", host="127.5.5.5")))
    assert script.most_at_once == 4


async def test_what_was_cut_off_is_kept_and_counts_only_if_it_carried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def then_hangs(option: Option, context: Context) -> None:
        await carries(option, context)
        await anyio.sleep_forever()

    run = runner(monkeypatch, Script({"a": [then_hangs], "b": [silent]}))
    async with anyio.create_task_group() as group:
        for name in ("a", "b"):
            group.start_soon(run.run, first(make(name)))
        await anyio.sleep(1)
        group.cancel_scope.cancel()
    kept = {option.id: attempt for option, attempt in run.stopped("the deadline came")}
    assert (kept["a"].counted, kept["a"].proof) == (True, Proof.CARRIED)
    assert (kept["b"].counted, kept["b"].why, kept["b"].failure) == (False, "the deadline came", None)


async def test_a_second_try_has_the_time_that_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    run = runner(monkeypatch, Script({"a": [silent]}))
    ordinary = (await run.run(first(make("a")))).attempt
    longer = (await run.run(first(make("a"), limit=5.0))).attempt
    assert ordinary.t - ordinary.t0 == pytest.approx(3.5)
    assert longer.t - longer.t0 == pytest.approx(5.0)


async def test_an_option_in_another_needs_one_that_can_carry(monkeypatch: pytest.MonkeyPatch) -> None:
    outer, proxy = make("outer"), make("proxy", "socks5", port=1080)
    inside, through = make("inside", via="outer"), make("through", via="proxy")
    run = runner(monkeypatch, Script(), outer, proxy, inside, through)
    cannot = (await run.run(first(inside))).cannot
    assert cannot is not None
    assert cannot.reason is Reason.UNSUPPORTED
    attempt = (await run.run(first(through))).attempt
    assert (attempt.proof, attempt.via) == (Proof.CARRIED, "proxy")


async def test_a_private_address_is_not_contacted_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script()
    run = runner(monkeypatch, script, allow_private=False)
    outcome = await run.run(first(make("a")))
    assert outcome.cannot is not None
    assert outcome.cannot.reason is Reason.UNSAFE
    assert script.seen == []


async def carries_and_is_asked(option: Option, context: Context) -> None:
    await carries(option, context)
    async with context.trace.step("honesty"):
        await anyio.lowlevel.checkpoint()


@pytest.mark.parametrize(
    ("kind", "act", "told_of"),
    [("socks5", carries, ["a"]), ("dot", carries, []), ("dot", carries_and_is_asked, ["a"])],
    ids=["tunnel", "resolver", "resolver after its canaries"],
)
async def test_that_it_carries_is_told_before_it_lasts_of_a_resolver_after_its_canaries(
    kind: str, act: Act, told_of: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, Attempt]] = []
    install(monkeypatch, Script({"a": [act]}))
    services = services_for(make_run_plan())
    run = Runner(services, on_carried=lambda option, attempt: told.append((option.id, attempt)))
    option = make("a", kind)
    await run.run(first(option))
    await run.run(replace(first(option), number=2))
    assert [(name, attempt.proof) for name, attempt in told] == [(name, Proof.CARRIED) for name in told_of]


async def test_a_name_of_the_users_that_nobody_may_see_is_not_looked_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = runner(monkeypatch, Script())
    run.services.resolver.look_at([])
    outcome = await run.run(first(replace(make("a"), endpoint=Endpoint(host="mine.example", port=443))))
    assert outcome.cannot is not None
    assert outcome.cannot.reason is Reason.NAME_PRIVATE
