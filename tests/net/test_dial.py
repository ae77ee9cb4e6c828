"""Dialling: names, happy eyeballs over ::1 and 127.x, private addresses, and machines without a route."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import anyio
import pytest

from circumvent.model import failure as failures
from circumvent.model.option import Endpoint
from circumvent.model.words import Reason
from circumvent.net import dial
from circumvent.net.dial import DirectDialer, Policy
from circumvent.net.errors import CannotTry, PeerError, StepFailed
from circumvent.net.sock import Source
from tests.faults import tcp
from tests.net.record import failure_of, last_step, new_trace, nothing_left, number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.net.trace import Trace

pytestmark = pytest.mark.anyio
HERE = Policy(allow_private=True)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Names:
    """A name service that knows one answer."""

    def __init__(self, *addresses: str, error: Exception | None = None) -> None:
        self.addresses = addresses
        self.error = error
        self.asked: list[tuple[str, bool]] = []

    async def resolve(self, host: str, trace: Trace, *, private: bool) -> Sequence[str]:
        self.asked.append((host, private))
        await anyio.lowlevel.checkpoint()
        assert trace.latency_ms is None
        if self.error is not None:
            raise self.error
        return self.addresses


NOBODY = Names(error=AssertionError("no name was to be looked up"))


async def test_a_known_address_is_dialled_without_a_look_up() -> None:
    trace = new_trace()
    with nothing_left(), tcp.serve(tcp.echo) as server:
        stream = await DirectDialer(NOBODY, policy=HERE).stream(
            Endpoint(host="127.0.0.1", port=server.port), trace
        )
        await stream.aclose()
    assert [step.name for step in trace.steps] == ["connect"]
    assert last_step(trace).detail["local_port"] == stream.local_port
    assert number(last_step(trace).detail, "loop_ms") > 0
    assert (trace.address, trace.family, trace.losers) == ("127.0.0.1", "ipv4", [])


async def test_a_name_is_resolved_in_a_step_of_its_own() -> None:
    trace = new_trace()
    names = Names("127.0.0.1")
    with tcp.serve(tcp.echo) as server:
        stream = await DirectDialer(names, policy=HERE).stream(
            Endpoint(host="proxy.test", port=server.port), trace
        )
        await stream.aclose()
    assert [step.name for step in trace.steps] == ["resolve", "connect"]
    assert trace.steps[0].detail == {"ipv4": 1}
    assert names.asked == [("proxy.test", True)]


async def test_the_next_address_starts_at_once_when_the_first_refuses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dial, "ATTEMPT_DELAY", 10)
    trace = new_trace(limit=5)
    with nothing_left(), tcp.serve(tcp.echo, "127.0.0.1") as server:
        endpoint = Endpoint(host="two.test", port=server.port, addresses=("127.0.0.1", "::1"))
        stream = await DirectDialer(NOBODY, policy=HERE).stream(endpoint, trace)
        await stream.aclose()
    (loser,) = trace.losers
    assert (loser.address, loser.family) == ("::1", "ipv6")
    assert loser.failure is not None
    assert loser.failure.error == failures.CONNECTION_REFUSED
    assert (trace.address, trace.family, trace.failure) == ("127.0.0.1", "ipv4", None)


async def test_a_silent_first_address_costs_a_quarter_second_and_is_recorded_without_failure() -> None:
    trace = new_trace()
    with nothing_left(), tcp.silence("::1") as dead, tcp.serve(tcp.echo, "127.0.0.1", dead.port):
        endpoint = Endpoint(host="two.test", port=dead.port, addresses=("127.0.0.1", "::1"))
        stream = await DirectDialer(NOBODY, policy=HERE).stream(endpoint, trace)
        await stream.aclose()
    (loser,) = trace.losers
    assert (loser.address, loser.failure) == ("::1", None)
    assert loser.t >= loser.t0 + dial.ATTEMPT_DELAY
    step = last_step(trace)
    # The winner's own time, not the race's.
    assert number(step.detail, "loop_ms") <= (step.t - step.t0 - dial.ATTEMPT_DELAY) * 1000


async def test_ipv6_wins_where_both_answer() -> None:
    trace = new_trace()
    with tcp.serve(tcp.echo, "::1") as server, tcp.serve(tcp.echo, "127.0.0.1", server.port) as other:
        endpoint = Endpoint(host="two.test", port=server.port, addresses=("127.0.0.1", "::1"))
        stream = await DirectDialer(NOBODY, policy=HERE).stream(endpoint, trace)
        await stream.aclose()
        assert not other.connections
    assert (trace.family, trace.losers) == ("ipv6", [])


async def test_when_all_refuse_the_failure_is_one_and_the_others_are_losers() -> None:
    trace = new_trace()
    with nothing_left(), tcp.refuse() as server:
        endpoint = Endpoint(
            host="x.test", port=server.port, addresses=("127.0.0.1", "127.0.0.2", "127.0.0.3")
        )
        with pytest.raises(StepFailed):
            await DirectDialer(NOBODY, policy=HERE).stream(endpoint, trace)
    assert failure_of(trace).error == failures.CONNECTION_REFUSED
    assert failure_of(trace).step == "connect"
    assert trace.address == "127.0.0.1"
    assert {loser.address for loser in trace.losers} == {"127.0.0.2", "127.0.0.3"}


async def test_silence_ends_by_our_limit_and_a_refusal_beside_it_is_a_loser() -> None:
    silent, mixed = new_trace(limit=0.1), new_trace(limit=1)
    with nothing_left(), tcp.silence("127.0.0.1") as server:
        endpoint = Endpoint(host="127.0.0.1", port=server.port)
        with pytest.raises(StepFailed):
            await DirectDialer(NOBODY, policy=HERE).stream(endpoint, silent)
        both = Endpoint(host="x.test", port=server.port, addresses=("127.0.0.1", "127.0.0.2"))
        with pytest.raises(StepFailed):
            await DirectDialer(NOBODY, policy=HERE).stream(both, mixed)
    assert failure_of(silent).error == failures.GENERIC_TIMEOUT
    assert silent.address == "127.0.0.1"
    facts = last_step(silent).detail["tcp"]
    assert isinstance(facts, dict)
    assert facts.get("state", "SYN_SENT") == "SYN_SENT"
    assert failure_of(mixed).error == failures.GENERIC_TIMEOUT
    assert mixed.address == "127.0.0.1"
    (loser,) = mixed.losers
    assert loser.failure is not None
    assert (loser.address, loser.failure.error) == ("127.0.0.2", failures.CONNECTION_REFUSED)


async def test_a_deadline_leaves_the_step_without_failure_and_nothing_open() -> None:
    trace = new_trace()
    with nothing_left(), tcp.silence() as server:
        endpoint = Endpoint(host="x.test", port=server.port, addresses=("127.0.0.1", "127.0.0.1"))
        with anyio.move_on_after(0.05) as deadline:
            await DirectDialer(NOBODY, policy=HERE).stream(endpoint, trace)
    assert deadline.cancelled_caught
    assert (trace.failure, last_step(trace).failure) == (None, None)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "::ffff:192.168.1.1", "169.254.1.1", "fe80::1", "fd00::1"]
)
async def test_private_addresses_are_refused(address: str) -> None:
    with pytest.raises(CannotTry) as caught:
        await DirectDialer(NOBODY).stream(Endpoint(host=address, port=80), new_trace())
    assert caught.value.reason is Reason.UNSAFE


async def test_a_users_name_that_leads_into_this_network_is_unsafe_and_a_catalogue_name_a_forgery() -> None:
    endpoint = Endpoint(host="router.test", port=80)
    with pytest.raises(CannotTry) as caught:
        await DirectDialer(Names("192.168.1.1")).stream(endpoint, new_trace())
    assert caught.value.reason is Reason.UNSAFE
    trace = new_trace()
    with pytest.raises(StepFailed):
        await DirectDialer(Names("10.10.34.36"), policy=Policy(private_names=False)).stream(endpoint, trace)
    assert (failure_of(trace).step, failure_of(trace).error) == ("resolve", failures.DNS_BOGON)


async def test_what_the_name_service_says_ends_the_resolve_step() -> None:
    endpoint = Endpoint(host="gone.test", port=80)
    trace = new_trace()
    with pytest.raises(StepFailed):
        await DirectDialer(Names(error=PeerError(failures.DNS_NXDOMAIN))).stream(endpoint, trace)
    assert (failure_of(trace).step, failure_of(trace).error) == ("resolve", failures.DNS_NXDOMAIN)
    with pytest.raises(CannotTry):
        await DirectDialer(Names(error=CannotTry(Reason.NAME_PRIVATE))).stream(endpoint, new_trace())
    with pytest.raises(StepFailed, match=failures.DNS_NO_ANSWER):
        await DirectDialer(Names()).stream(endpoint, new_trace())


async def test_a_family_without_a_route_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    routes(monkeypatch, ipv6=False)
    trace = new_trace()
    with tcp.serve(tcp.echo, "127.0.0.1") as server:
        endpoint = Endpoint(host="two.test", port=server.port, addresses=("::1", "127.0.0.1"))
        stream = await DirectDialer(NOBODY, policy=HERE).stream(endpoint, trace)
        await stream.aclose()
    assert (trace.family, trace.losers) == ("ipv4", [])


async def test_no_route_at_all_is_offline_and_none_of_that_family_is_said_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endpoint = Endpoint(host="::1", port=443)
    routes(monkeypatch, ipv6=False)
    with pytest.raises(CannotTry, match="no IPv6") as caught:
        await DirectDialer(NOBODY, policy=HERE).stream(endpoint, new_trace())
    assert caught.value.reason is Reason.NO_FAMILY
    routes(monkeypatch, ipv4=False, ipv6=False)
    with pytest.raises(CannotTry) as caught:
        await DirectDialer(NOBODY, policy=HERE).datagram(endpoint, new_trace())
    assert caught.value.reason is Reason.OFFLINE


def routes(monkeypatch: pytest.MonkeyPatch, *, ipv4: bool = True, ipv6: bool = True) -> None:
    """Pretend that the kernel has these routes."""

    def route_error(address: str, _: Source | None = None) -> OSError | None:
        there = ipv6 if ":" in address else ipv4
        return None if there else OSError(101, "Network is unreachable")

    monkeypatch.setattr(dial, "route_error", route_error)


async def test_datagrams_take_the_first_address_that_has_a_route() -> None:
    trace = new_trace()
    with nothing_left(), tcp.serve_datagrams(tcp.echo_datagrams) as server:
        endpoint = Endpoint(host="x.test", port=server.port, addresses=("127.0.0.1", "127.0.0.2"))
        datagrams = await DirectDialer(NOBODY, policy=HERE).datagram(endpoint, trace)
        await datagrams.send(b"x")
        assert (await datagrams.receive()).data == b"x"
        await datagrams.aclose()
    assert (trace.address, trace.family) == ("127.0.0.1", "ipv4")
    assert last_step(trace).detail["local_port"] == datagrams.local_port


async def test_at_most_four_addresses_of_a_name_are_tried() -> None:
    trace = new_trace()
    with tcp.refuse() as server:
        endpoint = Endpoint(
            host="many.test", port=server.port, addresses=tuple(f"127.0.0.{last}" for last in range(1, 40))
        )
        with pytest.raises(StepFailed):
            await DirectDialer(NOBODY, policy=HERE).stream(endpoint, trace)
    assert len(trace.losers) + 1 == dial.MOST_ADDRESSES


async def test_two_silent_addresses_are_all_that_is_open_at_once() -> None:
    trace = new_trace(limit=0.8)
    with nothing_left(), ExitStack() as stack:
        port = stack.enter_context(tcp.silence("127.0.0.1")).port
        stack.enter_context(tcp.silence("127.0.0.2", port))
        stack.enter_context(tcp.serve(tcp.echo, "127.0.0.3", port))
        endpoint = Endpoint(host="x.test", port=port, addresses=("127.0.0.1", "127.0.0.2", "127.0.0.3"))
        with pytest.raises(StepFailed):
            await DirectDialer(NOBODY, policy=HERE).stream(endpoint, trace)
    assert (trace.address, [loser.address for loser in trace.losers]) == ("127.0.0.1", ["127.0.0.2"])


async def test_addresses_can_be_asked_for_before_dialling() -> None:
    trace, names = new_trace(), Names("127.0.0.1", "::1")
    dialer = DirectDialer(names, policy=HERE)
    found = await dialer.locate(Endpoint(host="two.test", port=443), trace)
    assert found == ["::1", "127.0.0.1"]
    assert [step.name for step in trace.steps] == ["resolve"]


async def test_both_families_connecting_in_one_turn_leave_one_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dial, "ATTEMPT_DELAY", 0)
    trace = new_trace()
    with nothing_left(), tcp.serve(tcp.echo, "::1") as server, tcp.serve(tcp.echo, "127.0.0.1", server.port):
        endpoint = Endpoint(host="two.test", port=server.port, addresses=("127.0.0.1", "::1"))
        stream = await DirectDialer(NOBODY, policy=HERE).stream(endpoint, trace)
        await stream.send(b"x")
        assert await stream.receive() == b"x"
        await stream.aclose()


def test_the_source_decides_which_families_have_a_route() -> None:
    with pytest.raises(CannotTry):
        dial.with_route(["::1"], Source(address="127.0.0.1"))
    assert dial.with_route(["127.0.0.1"], Source(address="127.0.0.1")) == ["127.0.0.1"]
    assert socket.has_ipv6


@pytest.mark.skipif(not hasattr(socket, "TCP_INFO"), reason="only the kernel of Linux tells its round trip")
async def test_a_busy_loop_does_not_lengthen_the_connect_step() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        trace = new_trace()
        endpoint = Endpoint(host="127.0.0.1", port=server.getsockname()[1])
        async with anyio.create_task_group() as group:

            async def hold() -> None:
                while True:
                    await anyio.lowlevel.checkpoint()
                    until = time.monotonic() + 0.05
                    while time.monotonic() < until:
                        pass

            group.start_soon(hold)
            stream = await DirectDialer(Names(), policy=HERE).stream(endpoint, trace)
            await stream.aclose()
            group.cancel_scope.cancel()
    step = last_step(trace)
    assert 1000 * (step.t - step.t0) < number(step.detail, "kernel_rtt_ms") + 10


@pytest.mark.skipif(
    not hasattr(socket, "TCP_INFO"), reason="only the kernel of Linux tells when data arrived"
)
async def test_what_lay_unread_in_a_busy_loop_is_no_latency() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        trace = new_trace()
        endpoint = Endpoint(host="127.0.0.1", port=server.getsockname()[1])
        stream = await DirectDialer(Names(), policy=HERE).stream(endpoint, trace)
        peer, _ = server.accept()
        with peer:
            async with anyio.create_task_group() as group:

                async def answer_and_hold() -> None:
                    await anyio.lowlevel.checkpoint()
                    peer.sendall(b"answer")
                    until = time.monotonic() + 0.3
                    while time.monotonic() < until:
                        pass

                group.start_soon(answer_and_hold)
                assert await stream.receive() == b"answer"
        trace.carry_arrived()
        await stream.aclose()
    assert trace.latency_ms is not None
    assert trace.latency_ms < 150
