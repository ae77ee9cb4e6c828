"""The record of an attempt: steps close on every way out, proof only rises, our own waits are not the network's."""

from __future__ import annotations

import errno

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model import failure as failures
from circumvent.model.words import Proof, Reason
from circumvent.net.errors import CannotTry, Refusal, StepFailed
from tests.net.record import failure_of, last_step, new_trace

pytestmark = pytest.mark.anyio


async def test_a_step_that_ends_well_has_no_failure() -> None:
    trace = new_trace()
    async with trace.step("connect") as step:
        step.detail["local_port"] = 1234
    assert last_step(trace).failure is None
    assert last_step(trace).detail == {"local_port": 1234}
    assert trace.attempt().steps == trace.steps


async def test_any_error_becomes_the_failure_of_its_step_and_keeps_its_cause() -> None:
    trace = new_trace()
    with pytest.raises(StepFailed) as caught:
        async with trace.step("connect"):
            raise ConnectionResetError(errno.ECONNRESET, "reset")
    assert isinstance(caught.value.__cause__, ConnectionResetError)
    assert failure_of(trace).error == failures.CONNECTION_RESET
    assert last_step(trace).failure == failure_of(trace)


async def test_our_limit_is_a_timeout() -> None:
    trace = new_trace(limit=0.02)
    with pytest.raises(StepFailed, match=failures.GENERIC_TIMEOUT):
        async with trace.step("carry"):
            await anyio.sleep_forever()
    assert trace.attempt().counted


async def test_a_cancellation_from_outside_says_nothing_of_the_network() -> None:
    trace = new_trace()
    with anyio.CancelScope() as scope:
        async with trace.step("carry"):
            scope.cancel()
            await anyio.sleep_forever()
    assert last_step(trace).failure is None
    assert trace.failure is None


async def test_what_cannot_be_tried_passes_unchanged() -> None:
    trace = new_trace()
    with pytest.raises(CannotTry):
        async with trace.step("resolve"):
            raise CannotTry(Reason.NAME_PRIVATE)
    assert trace.failure is None


async def test_a_refusal_tells_whether_the_peer_had_proved_itself() -> None:
    trace = new_trace()
    with pytest.raises(StepFailed):
        async with trace.step("proxy_handshake"):
            raise Refusal(failures.AUTH_REJECTED, authenticated=True)
    assert last_step(trace).detail["refusal"] == {"authenticated": True}


async def test_a_failure_of_an_inner_step_is_the_outer_ones_too() -> None:
    trace = new_trace()
    with pytest.raises(StepFailed):
        async with trace.step("tunnel_handshake"), trace.step("connect"):
            raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")
    inner, outer = trace.steps
    assert (inner.name, outer.name) == ("connect", "tunnel_handshake")
    assert inner.failure == outer.failure == failure_of(trace)


@given(st.lists(st.sampled_from(Proof)))
def test_proof_only_rises_and_each_rise_is_told_once(proofs: list[Proof]) -> None:
    trace = new_trace()
    told: list[Proof] = []
    trace.on_proof = told.append
    for proof in proofs:
        trace.prove(proof)
    assert trace.proof == max(proofs, key=lambda one: one.rung, default=Proof.NONE)
    assert [one.rung for one in told] == sorted({one.rung for one in told})


def test_latency_needs_a_first_packet_and_an_answer() -> None:
    trace = new_trace()
    assert trace.latency_ms is None
    trace.first_packet()
    assert trace.latency_ms is None
    began = trace.clock.now()
    trace.carry_arrived(began + 0.5)
    trace.carry_arrived(began + 9.0)
    assert trace.latency_ms == pytest.approx(500, abs=20)


async def test_our_own_wait_is_left_out_of_the_latency() -> None:
    trace = new_trace()
    trace.first_packet()
    with trace.waiting():
        await anyio.sleep(0.1)
    trace.carry_arrived()
    assert trace.latency_ms is not None
    assert trace.latency_ms < 50


async def test_another_server_of_the_same_option_begins_with_nothing_held_against_it() -> None:
    trace = new_trace()
    trace.first_packet()
    await anyio.sleep(0.1)
    with pytest.raises(StepFailed):
        async with trace.step("tunnel_handshake"):
            raise ConnectionRefusedError(errno.ECONNREFUSED, "refused")
    trace.another_way()
    assert trace.attempt().failure is None
    assert len(trace.steps) == 1
    trace.first_packet()
    trace.carry_arrived()
    assert trace.latency_ms is not None
    assert trace.latency_ms < 50
