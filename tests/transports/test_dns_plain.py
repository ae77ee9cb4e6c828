"""Plain DNS: given this server, expect this record."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import dns.rdatatype
import pytest

from circumvent.model.words import Proof
from circumvent.net.clock import Clock
from tests.faults.dns import (
    ADDRESS,
    Honest,
    another_id,
    another_question,
    first_then,
    garbage,
    losing,
    lying,
    refusing,
    serving,
    silent,
    stripping,
    truncating,
)
from tests.names.tries import attempt, context, detail, names_option, plan, trigger

if TYPE_CHECKING:
    from circumvent.model.record import Attempt
    from tests.faults.dns import Behaviour

pytestmark = pytest.mark.anyio
HONEST = Honest()
ZONE_TIME = Clock(started_wall=1_800_000_000.0)  # inside the validity of the zone
BOTH = pytest.mark.parametrize("kind", ["dns-udp", "dns-tcp"])


async def tried(kind: str, behave: Behaviour, *, limit: float | None = None, **more: object) -> Attempt:
    """Try a server that behaves so."""
    goal = more.pop("goal", Proof.SUSTAINED)
    anchor = more.pop("anchor", HONEST.anchor)
    names = plan(anchor, canaries=("blocked.example",), **more)  # type: ignore[arg-type] # text or None
    async with serving(behave) as server:
        given = context(names, limit=limit, goal=goal, clock=Clock(started_wall=ZONE_TIME.started_wall))  # type: ignore[arg-type] # a Proof
        return await attempt(names_option(kind, ADDRESS, server.port), given)


class TestWhatWorks:
    @BOTH
    async def test_an_honest_resolver_is_sustained(self, kind: str) -> None:
        record = await tried(kind, HONEST)
        assert (record.proof, record.failure) == (Proof.SUSTAINED, None)
        assert detail(record, "carry")["dnssec"] == "proved"
        assert record.latency_ms is not None

    async def test_it_stops_at_carried_when_no_more_is_wanted(self) -> None:
        record = await tried("dns-tcp", HONEST, goal=Proof.CARRIED)
        assert record.proof is Proof.CARRIED
        assert record.step("sustain_down") is None

    @BOTH
    async def test_without_signatures_the_control_decides(self, kind: str) -> None:
        record = await tried(kind, stripping(HONEST), goal=Proof.CARRIED)
        assert record.proof is Proof.CARRIED
        assert detail(record, "carry")["dnssec"] == "stripped"

    async def test_cut_answers_are_asked_for_again_over_tcp(self) -> None:
        record = await tried("dns-udp", truncating(HONEST), goal=Proof.CARRIED)
        assert record.proof is Proof.CARRIED
        assert detail(record, "carry")["dnssec"] == "proved"
        assert record.step("connect") is not None

    async def test_where_long_answers_do_not_come_through_the_control_decides(self) -> None:
        def behave(query: object, transport: str) -> list[bytes]:
            kind = query.question[0].rdtype  # type: ignore[attr-defined] # a message
            return [] if kind == dns.rdatatype.DNSKEY else HONEST(query, transport)  # type: ignore[arg-type] # a message

        record = await tried("dns-udp", behave, limit=1.0, goal=Proof.CARRIED)
        assert record.proof is Proof.CARRIED
        carried = detail(record, "carry")
        assert (carried["dnssec"], carried["why"]) == ("stripped", "no root keys (generic_timeout_error)")
        assert record.latency_ms is not None
        assert record.latency_ms < 400

    async def test_a_lost_datagram_is_asked_for_again(self) -> None:
        record = await tried("dns-udp", losing(HONEST, every=3), goal=Proof.CARRIED)
        assert record.proof is Proof.CARRIED

    async def test_one_lost_in_twenty_is_sustained(self) -> None:
        record = await tried("dns-udp", losing(HONEST, every=15))
        assert record.proof is Proof.SUSTAINED
        assert 0 < detail(record, "sustain_down")["loss"] <= 0.1


class TestWhatMustNotPass:
    @BOTH
    async def test_silence(self, kind: str) -> None:
        record = await tried(kind, silent, limit=0.3)
        assert record.failure is not None
        assert (record.failure.step, record.failure.error) == ("carry", "generic_timeout_error")
        assert record.proof is Proof.NONE

    @BOTH
    async def test_garbage(self, kind: str) -> None:
        record = await tried(kind, garbage)
        assert record.failure is not None
        assert record.failure.error in {"wrong_answer", "dns_reply_with_wrong_query_id"}
        assert record.proof is Proof.REACHED

    @BOTH
    async def test_an_answer_under_another_id(self, kind: str) -> None:
        record = await tried(kind, another_id(HONEST))
        assert record.failure is not None
        assert record.failure.error == "dns_reply_with_wrong_query_id"
        assert record.proof is Proof.REACHED

    @BOTH
    async def test_an_answer_to_another_question(self, kind: str) -> None:
        record = await tried(kind, another_question(HONEST))
        assert record.failure is not None
        assert record.failure.error == "wrong_answer"
        assert record.proof is Proof.REACHED

    @BOTH
    @pytest.mark.parametrize(
        ("rcode", "error"), [("REFUSED", "dns_refused_error"), ("SERVFAIL", "dns_servfail_error")]
    )
    async def test_a_resolver_that_resolves_nothing(self, kind: str, rcode: str, error: str) -> None:
        record = await tried(kind, refusing(rcode))
        assert record.failure is not None
        assert (record.failure.step, record.failure.error) == ("carry", error)
        assert record.proof is Proof.HANDSHAKEN

    @BOTH
    async def test_an_address_for_a_name_that_does_not_exist(self, kind: str) -> None:
        record = await tried(kind, lying(HONEST, ".", "192.0.2.99"))
        assert record.failure is not None
        assert record.failure.error == "wrong_answer"
        assert record.proof is Proof.HANDSHAKEN

    async def test_a_wrong_control_without_a_proof_is_a_wrong_answer(self) -> None:
        record = await tried("dns-tcp", lying(HONEST, "lab.example.", "192.0.2.99"), anchor=None)
        assert record.failure is not None
        assert record.failure.error == "wrong_answer"
        assert record.proof is Proof.HANDSHAKEN

    async def test_a_wrong_control_beside_a_proof_is_a_lie_of_one_that_carries(self) -> None:
        record = await tried("dns-tcp", lying(HONEST, "lab.example.", "192.0.2.99"), goal=Proof.CARRIED)
        assert record.proof is Proof.CARRIED
        (control,) = detail(record, "carry")["controls"]
        assert control["right"] is False

    async def test_a_root_copy_that_resolves_nothing_does_not_carry(self) -> None:
        def behave(query: object, transport: str) -> list[bytes]:
            answer = HONEST.message(query)  # type: ignore[arg-type] # a message
            if answer.answer and answer.answer[0].name.to_text() == "lab.example.":
                return refusing("SERVFAIL")(query, transport)  # type: ignore[arg-type] # a message
            return [answer.to_wire(max_size=65535)]

        record = await tried("dns-tcp", behave)
        assert detail(record, "carry")["dnssec"] == "proved"
        assert record.failure is not None
        assert record.failure.error == "dns_servfail_error"
        assert record.proof is Proof.HANDSHAKEN

    async def test_a_web_page_on_the_port(self) -> None:
        async with serving(HONEST) as server:
            server.greet = b"HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\n\r\n"
            record = await attempt(
                names_option("dns-tcp", ADDRESS, server.port), context(plan(HONEST.anchor))
            )
        assert record.failure is not None
        assert record.failure.error == "wrong_answer"
        assert record.proof is Proof.REACHED

    async def test_half_an_answer_and_the_end(self) -> None:
        async with serving(HONEST) as server:
            server.greet = b"\x00\x40" + bytes(20)
            record = await attempt(
                names_option("dns-tcp", ADDRESS, server.port), context(plan(HONEST.anchor))
            )
        assert record.failure is not None
        assert record.failure.error == "truncated_after_n_bytes"

    async def test_a_closed_port(self) -> None:
        async with serving(HONEST) as server:
            port = server.port
        for kind in ("dns-udp", "dns-tcp"):
            record = await attempt(names_option(kind, ADDRESS, port), context(plan(HONEST.anchor)))
            assert record.failure is not None
            assert record.failure.error == "connection_refused"
            assert record.proof is Proof.NONE


class TestWhatIsCutOrLossy:
    async def test_a_flow_cut_after_sixteen_kib_carries_and_says_where(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("circumvent.names.sustain.STREAM_LIMIT", 0.5)
        async with serving(HONEST) as server:
            server.cut_after = 16 * 1024
            given = context(plan(HONEST.anchor), clock=Clock(started_wall=ZONE_TIME.started_wall))
            record = await attempt(names_option("dns-tcp", ADDRESS, server.port), given)
        assert record.proof is Proof.CARRIED
        assert record.failure is not None
        assert (record.failure.step, record.failure.error) == ("sustain_down", "generic_timeout_error")
        assert record.cut_bytes is not None
        assert 8 * 1024 < record.cut_bytes <= 16 * 1024

    async def test_every_fifth_lost_is_not_sustained(self) -> None:
        record = await tried("dns-udp", losing(HONEST, every=5))
        assert record.proof is Proof.CARRIED
        assert record.failure is not None
        assert record.failure.error == "packet_loss"


class TestSecondAnswers:
    async def test_an_injected_answer_before_the_true_one_is_on_record(self) -> None:
        injected = lying(HONEST, "blocked.example.", "10.10.34.36")

        def behave(query: object, transport: str) -> list[bytes]:
            name = query.question[0].name.to_text()  # type: ignore[attr-defined] # a message
            both = first_then(injected, HONEST)
            return both(query, transport) if name == "blocked.example." else HONEST(query, transport)  # type: ignore[arg-type] # a message

        async with serving(behave) as server:
            given = context(plan(HONEST.anchor, canaries=("blocked.example",), clear=True))
            record = await trigger(names_option("dns-udp", ADDRESS, server.port), given)
        answers = detail(record, "late_answers")["second_answers"]
        assert [answer["first"]["addresses"] for answer in answers if answer["type"] == "A"] == [
            ["10.10.34.36"]
        ]
        assert [answer["second"]["addresses"] for answer in answers if answer["type"] == "A"] == [
            ["198.51.100.16"]
        ]

    async def test_a_duplicate_is_no_evidence(self) -> None:
        record = await tried("dns-udp", first_then(HONEST, HONEST), goal=Proof.CARRIED)
        late = detail(record, "late_answers")
        assert late["second_answers"] == []
        assert late["duplicates"] > 0

    async def test_the_window_is_no_part_of_the_latency(self) -> None:
        record = await tried("dns-udp", HONEST, goal=Proof.CARRIED)
        assert record.latency_ms is not None
        assert record.latency_ms < 400
        assert record.t - record.t0 >= 0.5


class TestWhatIsSent:
    async def test_canary_names_stay_out_of_the_first_phase(self) -> None:
        async with serving(HONEST) as server:
            names = plan(HONEST.anchor, canaries=("blocked.example",))
            await attempt(names_option("dns-udp", ADDRESS, server.port), context(names, goal=Proof.CARRIED))
            assert not any("blocked" in name for _, name in server.asked)
            await trigger(names_option("dns-udp", ADDRESS, server.port), context(names.in_clear()))
            assert any(name == "blocked.example." for _, name in server.asked)

    async def test_no_two_attempts_ask_for_the_same_fresh_name(self) -> None:
        async with serving(HONEST) as server:
            for _ in range(2):
                await attempt(
                    names_option("dns-tcp", ADDRESS, server.port),
                    context(plan(HONEST.anchor), goal=Proof.CARRIED),
                )
        fresh = [name for _, name in server.asked if name.count(".") == 1 and len(name) == 16]
        assert len(fresh) == len(set(fresh)) == 2

    async def test_a_deadline_cancels_without_a_trace_of_failure(self) -> None:
        async with serving(silent) as server:
            given = context(plan(HONEST.anchor))
            with anyio.move_on_after(0.1):
                await attempt(names_option("dns-udp", ADDRESS, server.port), given)
        assert given.trace.attempt().failure is None
