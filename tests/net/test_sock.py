"""Our sockets: the error as it was, the kernel's facts, arrival stamps, and nothing left behind."""

from __future__ import annotations

import errno
import socket
import struct
import sys
import time
from typing import TYPE_CHECKING

import anyio
import pytest

from circumvent.net import sock
from circumvent.net.sock import (
    Source,
    connect_tcp,
    connect_udp,
    kernel_stamp,
    route_error,
    sockaddr,
    source_address,
)
from tests.faults import tcp
from tests.net.record import new_trace, nothing_left, number

if TYPE_CHECKING:
    from circumvent.model.record import Json

pytestmark = pytest.mark.anyio
linux = pytest.mark.skipif(sys.platform != "linux", reason="TCP_INFO and kernel stamps are Linux's")


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def test_bytes_go_out_come_back_and_are_counted() -> None:
    trace = new_trace()
    with nothing_left(), tcp.serve(tcp.echo) as server:
        stream = await connect_tcp(server.host, server.port, trace=trace)
        payload = bytes(range(256)) * 2000
        received = bytearray()
        async with anyio.create_task_group() as group:
            group.start_soon(stream.send, payload)
            while len(received) < len(payload):
                received += await stream.receive()
        assert received == payload
        assert trace.bytes_sent == trace.bytes_received == len(payload)
        assert stream.first_bytes == payload[: sock.FIRST_BYTES]
        await stream.send_eof()
        with pytest.raises(anyio.EndOfStream):
            await stream.receive()
        assert stream.ended == "fin"
        await stream.aclose()
        await stream.aclose()


async def test_an_rst_stays_an_rst_and_its_facts_outlive_the_socket() -> None:
    with tcp.serve(tcp.reset_on_hello) as server:
        stream = await connect_tcp(server.host, server.port, trace=new_trace())
        await stream.send(b"hello")
        with pytest.raises(ConnectionResetError):
            await stream.receive()
        facts = stream.facts()
        assert facts["ended"] == stream.ended == "rst"
        assert facts["sent"] == 5
        assert facts["received"] == 0
        await stream.aclose()
        assert stream.facts() == facts | {"age_ms": stream.facts()["age_ms"]}


@linux
async def test_the_kernel_tells_that_our_bytes_were_acknowledged_before_the_silence() -> None:
    trace = new_trace()
    with tcp.serve(tcp.stall) as server:
        note: dict[str, Json] = {}
        stream = await connect_tcp(server.host, server.port, trace=trace, note=note)
        await stream.send(b"x" * 517)
        with anyio.move_on_after(0.05):
            await stream.receive()
        facts = stream.facts()
        await stream.aclose()
    assert facts["state"] == "ESTABLISHED"
    assert facts["bytes_acked"] == 518  # the SYN counts as one
    assert (facts["unacked"], facts["retransmits"], facts["total_retrans"]) == (0, 0, 0)
    assert stream.ended is None
    assert 0 < number(note, "kernel_rtt_ms") <= number(note, "loop_ms")
    assert note["syn_retransmits"] == 0
    assert note["local_port"] == stream.local_port == facts["local_port"]


@linux
async def test_a_syn_without_answer_is_seen_in_its_state() -> None:
    trace = new_trace()
    with nothing_left(), tcp.silence() as server:
        with anyio.move_on_after(0.05) as scope:
            await connect_tcp(server.host, server.port, trace=trace)
        assert scope.cancelled_caught
    step: dict[str, Json] = trace._facts()
    facts = step["tcp"]
    assert isinstance(facts, dict)
    assert facts["state"] == "SYN_SENT"
    assert facts["local_port"] != 0


async def test_a_closed_port_refuses() -> None:
    with nothing_left(), tcp.refuse() as server, pytest.raises(ConnectionRefusedError):
        await connect_tcp(server.host, server.port, trace=new_trace())


async def test_a_reset_before_we_are_awake_belongs_to_what_comes_after_the_connect() -> None:
    with nothing_left(), tcp.serve(tcp.reset_on_accept) as server:
        for _ in range(20):
            note: dict[str, Json] = {}
            stream = await connect_tcp(server.host, server.port, trace=new_trace(), note=note)
            assert "loop_ms" in note
            with pytest.raises(ConnectionResetError):
                await stream.receive()
            assert stream.facts()["ended"] == "rst"
            await stream.aclose()


async def test_a_cancelled_wait_leaves_nothing_and_loses_nothing() -> None:
    with nothing_left(), tcp.serve(tcp.echo) as server:
        stream = await connect_tcp(server.host, server.port, trace=new_trace())
        with anyio.move_on_after(0.01):
            await stream.receive()
        await stream.send(b"still here")
        assert await stream.receive() == b"still here"
        await stream.aclose()


async def test_closing_wakes_whoever_waits() -> None:
    with tcp.serve(tcp.stall) as server:
        stream = await connect_tcp(server.host, server.port, trace=new_trace())
        woken: list[type[Exception]] = []

        async def wait() -> None:
            try:
                await stream.receive()
            except anyio.ClosedResourceError as exc:
                woken.append(type(exc))

        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            await stream.aclose()
        assert woken == [anyio.ClosedResourceError]
        with pytest.raises(anyio.ClosedResourceError):
            await stream.send(b"x")


async def test_a_name_is_never_looked_up() -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        await connect_tcp("localhost", 80, trace=new_trace())


async def test_datagrams_carry_the_kernels_arrival_time() -> None:
    trace = new_trace()
    with nothing_left(), tcp.serve_datagrams(tcp.echo_datagrams) as server:
        note: dict[str, Json] = {}
        datagrams = await connect_udp(server.host, server.port, trace=trace, note=note)
        # The kernel begins to stamp a moment after the first socket asks for it.
        for _ in range(3):
            await datagrams.send(b"ping")
            await datagrams.receive()
        before = trace.clock.now()
        await datagrams.send(b"pong")
        time.sleep(0.1)  # noqa: ASYNC251 - the loop is to be late for what has arrived
        answer = await datagrams.receive()
        await datagrams.aclose()
    assert answer.data == b"pong"
    late = trace.clock.now() - answer.arrived
    assert before <= answer.arrived
    if sys.platform == "linux":
        assert late > 0.05
    assert note["local_port"] == datagrams.local_port
    assert (datagrams.sent, datagrams.received, trace.bytes_sent, trace.bytes_received) == (4, 4, 16, 16)


async def test_a_step_of_the_wall_clock_makes_the_stamp_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    trace = new_trace()
    with tcp.serve_datagrams(tcp.echo_datagrams) as server:
        datagrams = await connect_udp(server.host, server.port, trace=trace)
        await datagrams.send(b"ping")
        true_time = time.time
        monkeypatch.setattr("circumvent.net.sock.time.time", lambda: true_time() + 3600)
        answer = await datagrams.receive()
        monkeypatch.undo()
        await datagrams.aclose()
    assert 0 <= trace.clock.now() - answer.arrived < 0.5


async def test_a_closed_udp_port_says_so() -> None:
    with nothing_left(), tcp.refuse(kind=socket.SOCK_DGRAM) as server:
        datagrams = await connect_udp(server.host, server.port, trace=new_trace())
        await datagrams.send(b"anybody?")
        with pytest.raises(ConnectionRefusedError):
            await datagrams.receive()
        await datagrams.aclose()
        with pytest.raises(anyio.ClosedResourceError):
            await datagrams.receive()


async def test_packets_leave_from_the_address_asked_for() -> None:
    with tcp.serve(tcp.echo) as server:
        stream = await connect_tcp(
            server.host, server.port, trace=new_trace(), source=Source(address="127.0.0.9", interface="lo")
        )
        await stream.send(b"x")
        await stream.receive()
        assert server.connections[0].socket.getpeername()[0] == "127.0.0.9"
        await stream.aclose()


async def test_where_binding_to_a_device_is_forbidden_its_address_serves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sock, "_bind_to_interface", lambda _raw, _name: False)
    with tcp.serve(tcp.echo) as server:
        stream = await connect_tcp(server.host, server.port, trace=new_trace(), source=Source(interface="lo"))
        await stream.aclose()
    with tcp.serve(tcp.echo) as server, pytest.raises(OSError, match="no address") as caught:
        await connect_tcp(server.host, server.port, trace=new_trace(), source=Source(interface="none0"))
    assert caught.value.errno == errno.EADDRNOTAVAIL


def test_the_kernel_is_asked_for_routes_without_a_packet() -> None:
    assert route_error("127.0.0.1") is None
    assert source_address("127.0.0.1") == "127.0.0.1"
    assert route_error("127.0.0.1", Source(address="192.0.2.250")) is not None
    assert source_address("127.0.0.1", Source(interface="none0")) is None


def test_scoped_addresses_name_their_interface() -> None:
    index = socket.if_nametoindex("lo")
    assert sockaddr("fe80::1%lo", 53) == ("fe80::1", 53, 0, index)
    assert sockaddr("fe80::1%7", 53) == ("fe80::1", 53, 0, 7)
    assert sockaddr("2001:db8::1", 53) == ("2001:db8::1", 53, 0, 0)


def test_a_stamp_is_two_numbers_in_an_ancillary_message() -> None:
    data = struct.pack("=qq", 1_800_000_000, 250_000_000)
    assert kernel_stamp([(socket.SOL_SOCKET, sock._TIMESTAMPNS, data)]) == 1_800_000_000.25
    assert kernel_stamp([(socket.SOL_SOCKET, sock._TIMESTAMPNS, data[:8]), (0, 0, data)]) is None
