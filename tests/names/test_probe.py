"""One probe over any session: what is asked, in which order, and what a session may be used for besides."""

from __future__ import annotations

import math
from dataclasses import replace

import anyio
import dns.message
import pytest

from circumvent.model import failure as failures
from circumvent.model.words import Proof
from circumvent.names.plan import NamesPlan, Wanted
from circumvent.names.probe import probe_names
from circumvent.net.clock import Clock
from circumvent.net.errors import StepFailed
from tests.faults.dns import Honest, refusing
from tests.names.tries import context, detail, names_option, plan

pytestmark = pytest.mark.anyio
HONEST = Honest()
OPTION = names_option("dot", "127.0.0.1", 853)


class Session:
    """A session without a network."""

    def __init__(self, says: object = HONEST) -> None:
        self.says = says
        self.asked: list[str] = []

    async def query(self, message: bytes) -> bytes:
        query = dns.message.from_wire(message)
        self.asked.append(query.question[0].to_text())
        (answer,) = self.says(query, "tcp")  # type: ignore[operator] # a Behaviour
        return bytes(answer)


def clock() -> Clock:
    return Clock(started_wall=1_800_000_000.0)


async def test_any_session_reaches_the_top() -> None:
    given = context(plan(HONEST.anchor), clock=clock())
    await probe_names(Session(), OPTION, given, datagram=False)
    assert [step.name for step in given.trace.steps] == ["carry", "honesty", "sustain_down"]
    assert given.trace.proof is Proof.SUSTAINED


async def test_later_tries_stop_at_the_proof() -> None:
    session = Session()
    given = context(plan(HONEST.anchor).carry_only(), clock=clock(), goal=Proof.CARRIED)
    await probe_names(session, OPTION, given, datagram=False)
    assert [step.name for step in given.trace.steps] == ["carry"]
    assert len(session.asked) == 3  # the fresh name, the root's keys, the control


async def test_names_by_hand_are_the_only_names() -> None:
    session = Session()
    names = NamesPlan.given(
        plan(HONEST.anchor).root_keys, {"lab.example": ["198.51.100.16", "2001:db8:100::16"]}
    )
    given = context(names, clock=clock(), goal=Proof.CARRIED)
    await probe_names(session, OPTION, given, datagram=False)
    controls = detail(given.trace.attempt(), "carry")["controls"]
    assert [control["right"] for control in controls] == [True, True]
    assert sum("lab.example" in asked for asked in session.asked) == 2


async def test_a_clock_that_is_put_right_proves_what_had_expired() -> None:
    names = plan(HONEST.anchor).carry_only()
    wrong = context(names, clock=Clock(started_wall=2_200_000_000.0), goal=Proof.CARRIED)
    await probe_names(Session(), OPTION, wrong, datagram=False)
    assert detail(wrong.trace.attempt(), "carry")["dnssec"] == "expired"
    right = context(names, clock=clock(), goal=Proof.CARRIED)
    await probe_names(Session(), OPTION, right, datagram=False)
    assert detail(right.trace.attempt(), "carry")["dnssec"] == "proved"


class Slow(Session):
    """Its paced questions are answered after so many seconds, in order; those without a number never."""

    def __init__(self, *seconds: float) -> None:
        super().__init__()
        self._seconds = list(seconds)

    async def query(self, message: bytes) -> bytes:
        answer = await super().query(message)
        if len(self.asked) > 3:  # the fresh name, the root's keys, the control
            await anyio.sleep(self._seconds.pop(0) if self._seconds else math.inf)
        return answer


async def test_answers_over_a_full_line_are_late_and_not_lost() -> None:
    """One comes after half a second, so the others are waited for: they take longer than a calm line would."""
    given = context(plan(HONEST.anchor).carry_only(), clock=clock())
    await probe_names(Slow(0.5, *[1.4] * 19), OPTION, given, datagram=True)
    assert detail(given.trace.attempt(), "sustain_down")["answered"] == 20


async def test_what_never_comes_is_lost() -> None:
    given = context(plan(HONEST.anchor).carry_only(), clock=clock())
    with pytest.raises(StepFailed, match=failures.PACKET_LOSS):
        await probe_names(Slow(*[0.01] * 15), OPTION, given, datagram=True)
    assert detail(given.trace.attempt(), "sustain_down")["answered"] == 15


class TestLookUp:
    async def looked_up(self, session: Session, name: str) -> Wanted:
        wanted = Wanted(name=name)
        names = replace(plan(HONEST.anchor), wanted=wanted)
        await probe_names(session, OPTION, context(names, goal=Proof.CARRIED), datagram=False)
        return wanted

    async def test_a_name_is_looked_up_in_both_families_and_nothing_else_is_asked(self) -> None:
        session = Session()
        wanted = await self.looked_up(session, "lab.example")
        assert sorted(wanted.addresses) == ["198.51.100.16", "2001:db8:100::16"]
        assert sorted(session.asked) == ["lab.example. IN A", "lab.example. IN AAAA"]

    async def test_a_name_that_does_not_exist_says_why(self) -> None:
        wanted = await self.looked_up(Session(), "nothing.")
        assert (wanted.addresses, wanted.failure) == ([], "dns_nxdomain_error")

    async def test_a_refusal_says_why(self) -> None:
        wanted = await self.looked_up(Session(refusing("REFUSED")), "lab.example")
        assert wanted.failure == "dns_refused_error"

    async def test_no_answer_fails_the_step(self) -> None:
        def broken(_query: object, _transport: str) -> list[bytes]:
            return [bytes(12)]

        with pytest.raises(StepFailed):
            await self.looked_up(Session(broken), "lab.example")
