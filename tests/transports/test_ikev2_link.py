"""Datagrams of IKE and ESP, repetition, and what a peer may ask of us."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import anyio
import pytest

from circumvent.net.clock import Clock
from circumvent.net.stream import Datagram
from circumvent.net.timeouts import Timeouts
from circumvent.net.trace import OpenStep, Trace
from circumvent.transports.ikev2_link import MARKER, Conversation, Frame, IkeLink, Repeater
from circumvent.vpn.ikev2.message import Payload
from circumvent.vpn.ikev2.numbers import Exchange, Kind, Notify
from circumvent.vpn.ikev2.payloads import notifications, pack_delete_ike, parse_notify
from tests.vpn.ikev2.responder import agreed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.vpn.ikev2.responder import Responder

pytestmark = pytest.mark.anyio


class Datagrams:
    """A socket that answers each datagram as a function says."""

    def __init__(self, answers: Callable[[bytes], list[bytes]] = lambda _: []) -> None:
        self.sent: list[bytes] = []
        self.waiting: deque[bytes] = deque()
        self.closed = False
        self._answers = answers

    async def send(self, data: bytes) -> None:
        self.sent.append(data)
        self.waiting.extend(self._answers(data))

    async def receive(self) -> Datagram:
        if not self.waiting:
            await anyio.sleep_forever()
        return Datagram(self.waiting.popleft(), 1.0)

    async def aclose(self) -> None:
        self.closed = True


def trace() -> Trace:
    return Trace("a1", clock=Clock(), timeouts=Timeouts(), limit=2.0)


def talk(
    answers: Callable[[Responder, bytes], list[bytes]],
) -> tuple[Conversation, Datagrams, Responder]:
    sa, responder = agreed()
    datagrams = Datagrams(lambda data: [MARKER + answer for answer in answers(responder, data[4:])])
    return Conversation(IkeLink(datagrams, 4500), sa, trace()), datagrams, responder


async def test_ike_has_a_marker_on_every_port_but_500() -> None:
    plain, marked = Datagrams(), Datagrams()
    await IkeLink(plain, 500).send(b"ike")
    await IkeLink(marked, 4500).send(b"ike")
    await IkeLink(marked, 4500).send_esp(b"esp")
    assert (plain.sent, marked.sent) == ([b"ike"], [MARKER + b"ike", b"esp"])
    plain.waiting.append(MARKER + b"ike")
    marked.waiting.extend([b"\xff", MARKER, MARKER + b"ike", b"\1esp!"])
    assert await IkeLink(plain, 500).receive() == Frame(MARKER + b"ike", 1.0, ike=True)
    link = IkeLink(marked, 4500)
    assert await link.receive() == Frame(b"", 1.0, ike=True)
    assert await link.receive() == Frame(b"ike", 1.0, ike=True)
    assert await link.receive() == Frame(b"\1esp!", 1.0, ike=False)


async def test_a_request_is_repeated_until_it_is_answered() -> None:
    seen: list[bytes] = []

    def answers(responder: Responder, data: bytes) -> list[bytes]:
        seen.append(data)
        return responder.seal([Payload(Kind.NONCE, bytes(16))]) if len(seen) == 3 else []

    conversation, _, _ = talk(answers)
    step = OpenStep("authenticate", 0.0)
    answer = await conversation.ask(Exchange.IKE_AUTH, [], step)
    assert answer.first(Kind.NONCE) == bytes(16)
    assert step.detail["sent"] == 3
    assert len(set(seen)) == 1  # the same message, byte for byte
    assert conversation.sa.request(Exchange.INFORMATIONAL, [])[0] == 2


async def test_silence_runs_out_of_time() -> None:
    conversation, _, _ = talk(lambda *_: [])
    conversation._trace.limit = 0.2
    with pytest.raises(TimeoutError):
        await conversation.ask(Exchange.IKE_AUTH, [], OpenStep("authenticate", 0.0))


async def test_what_is_no_answer_is_ignored_and_counted() -> None:
    _, stranger = agreed()

    def answers(responder: Responder, data: bytes) -> list[bytes]:
        other = responder.seal([], message_id=9)
        fragments = responder.seal([Payload(Kind.NONCE, bytes(40))], pieces=2)
        return [b"garbage", data, *stranger.seal([]), *other, *fragments]

    conversation, _, _ = talk(answers)
    step = OpenStep("authenticate", 0.0)
    answer = await conversation.ask(Exchange.IKE_AUTH, [], step)
    assert (answer.header.message_id, step.detail["ignored"]) == (1, 3)


async def test_a_sign_of_life_is_answered_and_a_rekey_declined() -> None:
    def answers(responder: Responder, data: bytes) -> list[bytes]:
        if data[19] & 0x20:  # our own response
            return []
        alive = responder.seal([], exchange=Exchange.INFORMATIONAL, flags=0, message_id=0)
        rekey = responder.seal([], exchange=Exchange.CREATE_CHILD_SA, flags=0, message_id=1)
        return [*alive, *rekey, *responder.seal([])]

    conversation, datagrams, responder = talk(answers)
    await conversation.ask(Exchange.IKE_AUTH, [], OpenStep("authenticate", 0.0))
    _, alive, declined = (data[4:] for data in datagrams.sent)
    assert (responder.open(alive), alive[18]) == ((), Exchange.INFORMATIONAL)
    (payload,) = responder.open(declined)
    assert parse_notify(payload.body).number == Notify.NO_ADDITIONAL_SAS
    assert not conversation.ended


async def test_an_end_by_the_peer_is_answered_and_remembered() -> None:
    conversation, datagrams, responder = talk(lambda *_: [])
    (data,) = responder.seal(
        [Payload(Kind.DELETE, pack_delete_ike())], exchange=Exchange.INFORMATIONAL, flags=0, message_id=0
    )
    message = conversation.opened(Frame(data, 1.0, ike=True))
    assert message is not None
    await conversation.respond(message)
    assert conversation.ended
    sent = len(datagrams.sent)
    await conversation.goodbye()
    assert len(datagrams.sent) == sent == 1


@pytest.mark.parametrize("established", [True, False])
async def test_the_last_word_is_said_once_and_not_waited_for(established: bool) -> None:
    conversation, datagrams, responder = talk(lambda *_: [])
    conversation.established = established
    await conversation.goodbye()
    await conversation.goodbye()
    (data,) = datagrams.sent
    (payload,) = responder.open(data[4:])
    if established:
        assert payload == Payload(Kind.DELETE, pack_delete_ike())
    else:
        assert parse_notify(payload.body).number == Notify.AUTHENTICATION_FAILED
    assert notifications is not None


async def test_a_round_trip_is_told_only_where_it_is_known() -> None:
    record = trace()
    record.limit = None
    repeater = Repeater(record, OpenStep("tunnel_handshake", 0.0))
    waits = [repeater.next_wait() for _ in range(4)]
    repeater.answered(record.clock.now())
    assert (waits, record.timeouts.round_trip) == ([0.5, 1.0, 1.0, 1.0], None)
    once = Repeater(record, OpenStep("tunnel_handshake", 0.0))
    once.next_wait()
    once.answered(record.clock.now() + 2.0)
    assert record.timeouts.round_trip == pytest.approx(2.0, abs=0.1)
    assert Repeater(record, OpenStep("authenticate", 0.0)).next_wait() == pytest.approx(4.0, abs=0.2)
