"""The stub client: what it survives, and whom it does not ask again."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import TYPE_CHECKING

import anyio
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model import failure as failures
from circumvent.net import stub
from circumvent.net.errors import PeerError
from circumvent.net.name import Resolver
from circumvent.net.stub import StubClient, addresses_in, echoes_case, make_query, read_answer
from tests.faults import tcp
from tests.faults.names import ADDRESSES, both, reply, until, well
from tests.net.record import new_trace, nothing_left

if TYPE_CHECKING:
    from tests.lab import names

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def client(*servers: tcp.DatagramServer | tcp.Server) -> StubClient:
    return StubClient([Resolver(server.host, server.port) for server in servers])


async def test_both_families_are_asked_and_found() -> None:
    trace = new_trace()
    with nothing_left(), tcp.serve_datagrams(well) as server:
        found = await client(server).lookup("www.example.", trace)
    assert sorted(found) == sorted(ADDRESSES.values())
    assert trace.bytes_sent > 0
    queries = [dns.message.from_wire(data) for data in server.received]
    assert {query.question[0].rdtype for query in queries} == set(ADDRESSES)


async def test_one_family_that_never_answers_is_not_waited_for() -> None:
    def only_a(data: bytes) -> list[bytes]:
        return well(data) if dns.message.from_wire(data).question[0].rdtype == dns.rdatatype.A else []

    with nothing_left(), tcp.serve_datagrams(only_a) as server, anyio.fail_after(0.9 * stub.LIMIT):
        assert await client(server).lookup("www.example.", new_trace()) == ["203.0.113.7"]


@pytest.mark.parametrize(
    ("rcode", "error"),
    [
        (dns.rcode.NXDOMAIN, failures.DNS_NXDOMAIN),
        (dns.rcode.SERVFAIL, failures.DNS_SERVFAIL),
        (dns.rcode.REFUSED, failures.DNS_REFUSED),
        (dns.rcode.NOTIMP, failures.DNS_MISBEHAVING),
    ],
)
async def test_response_codes_end_the_look_up_and_nobody_is_asked_again(
    rcode: dns.rcode.Rcode, error: str
) -> None:
    with tcp.serve_datagrams(lambda data: [reply(data, rcode=rcode).to_wire()]) as server:
        with pytest.raises(PeerError, match=error):
            await client(server).lookup("www.example.", new_trace())
        assert len(server.received) == 2


async def test_no_record_is_no_answer() -> None:
    with (
        tcp.serve_datagrams(lambda data: [reply(data, empty=True).to_wire()]) as server,
        pytest.raises(PeerError, match=failures.DNS_NO_ANSWER),
    ):
        await client(server).lookup("www.example.", new_trace())


async def test_a_truncated_answer_is_asked_again_over_tcp() -> None:
    def truncated(data: bytes) -> list[bytes]:
        answer = reply(data, empty=True)
        answer.flags |= dns.flags.TC
        return [answer.to_wire()]

    with nothing_left(), both(truncated, lambda data: reply(data).to_wire()) as server:
        assert sorted(await client(server).lookup("www.example.", new_trace())) == sorted(ADDRESSES.values())
        assert len(server.connections) == 2


async def test_an_answer_that_does_not_echo_the_letter_case_is_asked_again_over_tcp() -> None:
    def lower(data: bytes) -> bytes:
        return (
            reply(data).to_wire().replace(dns.message.from_wire(data).question[0].name.labels[1], b"example")
        )

    with nothing_left(), both(lambda data: [lower(data)], lower) as server:
        for _ in range(20):  # until chance has put a capital into the name
            found = await client(server).query("www.example.", dns.rdatatype.A, new_trace())
            assert addresses_in(found) == ["203.0.113.7"]
            if server.connections:
                return
    raise AssertionError("the case was never random")


async def test_strays_are_passed_over_and_the_true_answer_counts() -> None:
    def many(data: bytes) -> list[bytes]:
        other = reply(data)
        other.id ^= 1
        return [tcp.GARBAGE, other.to_wire(), data, data[:4], *well(data)]

    with nothing_left(), tcp.serve_datagrams(many) as server:
        assert len(await client(server).lookup("www.example.", new_trace())) == 2


async def test_a_flood_of_strays_is_bounded() -> None:
    with (
        nothing_left(),
        tcp.serve_datagrams(lambda _: [tcp.GARBAGE] * 40) as server,
        pytest.raises(PeerError, match="stray"),
    ):
        await client(server).query("www.example.", dns.rdatatype.A, new_trace())


async def test_the_second_resolver_is_asked_when_the_first_refuses_or_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stub, "TRY_INTERVAL", 0.05)
    with nothing_left(), tcp.serve_datagrams(well) as good:
        with tcp.refuse(kind=socket.SOCK_DGRAM) as closed:
            assert await client(closed, good).lookup("www.example.", new_trace())
        with tcp.serve_datagrams(tcp.silent_datagrams) as silent:
            assert await client(silent, good).lookup("www.example.", new_trace())


async def test_a_late_answer_to_the_first_try_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stub, "TRY_INTERVAL", 0.05)
    first: list[bytes] = []

    def late(data: bytes) -> list[bytes]:
        # The second try of a question brings the answer to the first, and none of its own.
        first.append(data)
        return []

    with nothing_left(), tcp.serve_datagrams(late) as server:

        async def ask() -> None:
            answer = await client(server).query("www.example.", dns.rdatatype.A, new_trace())
            assert addresses_in(answer) == ["203.0.113.7"]

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await until(lambda: len(first) >= 2)
            peer = server.peers[0]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                stranger.sendto(well(first[0])[0], peer)  # from elsewhere: the connected socket never sees it
            server.send(well(first[0])[0], peer)


async def test_silence_ends_in_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stub, "TRY_INTERVAL", 0.02)
    monkeypatch.setattr(stub, "LIMIT", 0.2)
    with nothing_left(), tcp.serve_datagrams(tcp.silent_datagrams) as server:
        with pytest.raises(TimeoutError):
            await client(server).query("www.example.", dns.rdatatype.A, new_trace())
        assert len(server.received) == stub.MOST_TRIES


@pytest.mark.daemons
@pytest.mark.requires("unbound")
async def test_unbound_answers_our_client_as_it_answers_anybody(unbound: names.Resolver) -> None:
    ours = StubClient([Resolver(unbound.address, unbound.port)])
    found = await ours.lookup("control.lab.example.", new_trace())
    assert found
    with pytest.raises(PeerError, match=failures.DNS_NXDOMAIN):
        await ours.lookup("nobody-has-this-name.", new_trace())


@given(st.binary(max_size=200))
def test_no_datagram_breaks_the_reader(data: bytes) -> None:
    query = make_query("www.example.", dns.rdatatype.A)
    for wire in (data, query.id.to_bytes(2) + data):
        answer = read_answer(wire, query)
        assert answer is None or answer.id == query.id


@given(st.data())
def test_no_damage_to_an_answer_breaks_the_reader(data: st.DataObject) -> None:
    query = make_query("www.example.", dns.rdatatype.A)
    wire = bytearray(reply(query.to_wire()).to_wire())
    for _ in range(data.draw(st.integers(1, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    answer = read_answer(bytes(wire), query)
    if answer is not None:
        echoes_case(answer, query)
        with suppress(PeerError):
            addresses_in(answer)
