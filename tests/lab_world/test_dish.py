"""The laboratory's dish: what it says in each state, held against Google's protobuf library, and how it says it."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import asdict

import anyio
import pytest

from circumvent.lab.world.dish import HISTORY, Dish, Grpc, GrpcWeb, State, history_of, serve_dish, status_of
from circumvent.lab.world.listen import Listeners
from circumvent.satellite.ask import METHOD
from circumvent.satellite.dish import GET_HISTORY, GET_STATUS, read_history, read_status
from circumvent.satellite.find import Candidate, find_terminals
from circumvent.satellite.grpc import UnaryCall
from tests.faults.dish import STATES
from tests.satellite.messages import history, make

#: States that the tests' own dish, which Google's library writes, has under another name.
SAME = {
    State.WELL: "well",
    State.NO_SKY: "no sky",
    State.NO_GATEWAY: "no gateway",
    State.JAMMING: "jamming",
    State.OBSTRUCTED: "obstructed",
    State.STOWED: "stowed",
    State.THERMAL: "thermal",
    State.SEARCHING: "searching",
    State.ACCOUNT_INACTIVE: "account inactive",
    State.BLOCKED_COUNTRY: "blocked country",
}


@pytest.mark.parametrize("state", State)
def test_googles_library_reads_every_answer(state: State) -> None:
    message = make("Response")
    assert message.MergeFromString(status_of(state)) == len(status_of(state))
    assert [field.name for field, _ in message.ListFields()] == ["dish_get_status"]
    past = history_of(state)
    if past is not None:
        message = make("Response")
        message.MergeFromString(past)
        (ring,) = [value for _, value in message.ListFields()]
        assert (ring.current, len(ring.pop_ping_drop_rate)) == (HISTORY, HISTORY)


@pytest.mark.parametrize(("state", "name"), SAME.items())
def test_both_dishes_say_the_same(state: State, name: str) -> None:
    ours, theirs = read_status(status_of(state)), read_status(STATES[name])
    assert ours is not None
    assert theirs is not None
    # What a dish without a link says of its last ping, and of its long search for GPS, the tests' own leaves out.
    left_out = {"drop_rate": 0, "gps_waited": 0}
    assert asdict(ours) | left_out == asdict(theirs) | left_out


def test_lost_pings_are_spread_over_the_minutes() -> None:
    seen = read_history(history_of(State.JAMMING) or b"")
    assert seen is not None
    assert (seen.seconds, seen.lost) == (120, round(120 * 0.83))
    assert read_history(history_of(State.WELL) or b"") == read_history(
        history([0.0] * 120, latencies=[31.5] * 120)
    )


def test_old_firmware_says_little_and_keeps_nothing() -> None:
    status = read_status(status_of(State.OLD_FIRMWARE))
    assert status is not None
    assert (status.drop_rate, status.gps_valid, status.obstructed) == (None, None, None)
    assert Dish.in_state(State.OLD_FIRMWARE).body(GET_HISTORY) is None


def ask(message: bytes, path: str = METHOD) -> UnaryCall:
    """One call of our client, carried to the dish byte by byte."""
    call, peer = UnaryCall("dish", path, message), Grpc(Dish.in_state(State.WELL))
    to_dish, to_us = call.start(), peer.start()
    while to_dish or to_us:
        to_us += peer.feed(to_dish)
        to_dish, to_us = call.feed(to_us), b""
    return call


def test_a_long_answer_waits_for_room() -> None:
    answer = ask(GET_HISTORY).result()
    assert answer == history_of(State.WELL)
    assert len(answer) > 7000


@pytest.mark.parametrize(
    ("message", "path"), [(b"\x92\x3f\x00", METHOD), (b"\xff", METHOD), (GET_STATUS, "/other")]
)
def test_it_knows_two_requests_and_no_other(message: bytes, path: str) -> None:
    with pytest.raises(Exception, match="turned down"):
        ask(message, path).result()


def test_grpc_web_in_pieces() -> None:
    peer = GrpcWeb(Dish.in_state(State.WELL))
    body = struct.pack(">BI", 0, len(GET_STATUS)) + GET_STATUS
    request = f"POST {METHOD} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    answers = [peer.feed(bytes([byte])) for byte in request]
    assert not any(answers[:-1])
    assert status_of(State.WELL) in answers[-1]
    assert peer.feed(b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize("make_peer", [Grpc, GrpcWeb])
def test_rubbish_ends_a_conversation(make_peer: type[Grpc | GrpcWeb]) -> None:
    with pytest.raises(ValueError, match=r"no HTTP/2|none of a dish's"):
        make_peer(Dish.in_state(State.WELL)).feed(b"\xff" * 70_000)


def test_it_is_found_as_a_dish() -> None:
    async def found() -> tuple[float | None, bool]:
        listeners = Listeners()
        await serve_dish(listeners, ["127.0.0.1"], Dish.in_state(State.JAMMING))
        try:
            (terminal,) = await find_terminals([Candidate("127.0.0.1")])
        finally:
            listeners.close()
        return terminal.status.drop_rate, terminal.history is not None

    drop_rate, kept = asyncio.run(found())
    assert drop_rate == pytest.approx(0.83)
    assert kept


def test_a_wire_breaks_nothing() -> None:
    """A client that leaves in the middle of an answer is no fault of the dish's."""

    async def leave() -> None:
        listeners = Listeners()
        await serve_dish(listeners, ["127.0.0.1"], Dish.in_state(State.WELL))
        try:
            async with await anyio.connect_tcp("127.0.0.1", 9200) as stream:
                await stream.send(UnaryCall("dish", METHOD, GET_HISTORY).start())
            (terminal,) = await find_terminals([Candidate("127.0.0.1")])
            assert terminal.status.stowed is False
        finally:
            listeners.close()

    asyncio.run(leave())
