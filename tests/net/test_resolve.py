"""Names: whom they are shown to, what a stub client survives, and a system resolver that hangs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model import failure as failures
from circumvent.model.words import Reason
from circumvent.net import stub
from circumvent.net.errors import CannotTry, PeerError
from circumvent.net.name import Resolver, is_localhost, parse_resolv_conf, qualify
from circumvent.net.resolve import NamesInOrder, SystemResolver, read_resolv_conf
from circumvent.net.stub import StubClient, addresses_in, echoes_case, make_query, read_answer
from tests.faults import tcp
from tests.net.record import new_trace, nothing_left

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from circumvent.net.trace import Trace
    from tests.lab import names

pytestmark = pytest.mark.anyio
ADDRESSES = {dns.rdatatype.A: "203.0.113.7", dns.rdatatype.AAAA: "2001:db8::7"}


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def reply(
    data: bytes, *, rcode: dns.rcode.Rcode = dns.rcode.NOERROR, empty: bool = False
) -> dns.message.Message:
    """Answer any question for an address with the one address of its type."""
    query = dns.message.from_wire(data)
    answer = dns.message.make_response(query)
    answer.set_rcode(rcode)
    question = query.question[0]
    if not empty and rcode == dns.rcode.NOERROR:
        answer.answer.append(
            dns.rrset.from_text(question.name, 60, "IN", question.rdtype, ADDRESSES[question.rdtype])
        )
    return answer


def well(data: bytes) -> list[bytes]:
    return [reply(data).to_wire()]


def client(*servers: tcp.DatagramServer | tcp.Server) -> StubClient:
    return StubClient([Resolver(server.host, server.port) for server in servers])


@contextmanager
def both(
    datagrams: Callable[[bytes], list[bytes]], over_tcp: Callable[[bytes], bytes]
) -> Iterator[tcp.Server]:
    """Run a resolver on UDP and TCP, on one port."""

    def stream(connection: tcp.Connection) -> None:
        question = connection.read_some()
        wire = over_tcp(question[2:])
        connection.send(len(wire).to_bytes(2) + wire)
        connection.finish()

    with tcp.serve(stream) as server, tcp.serve_datagrams(datagrams, port=server.port):
        yield server


# The stub client.


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


# Who may see which name.


class Way:
    """One way to look names up, that knows one address or fails."""

    def __init__(self, address: str | None, error: Exception | None = None) -> None:
        self.address, self.error = address, error
        self.asked: list[str] = []

    async def __call__(self, host: str, trace: Trace) -> Sequence[str]:
        self.asked.append(host)
        trace.bytes_sent += 10
        await anyio.lowlevel.checkpoint()
        if self.address is None:
            raise self.error or PeerError(failures.DNS_SERVFAIL)
        return [self.address]


async def test_addresses_and_localhost_are_nobodys_business() -> None:
    system = Way(None)
    names = NamesInOrder(system=system, known={"dns.example": ("203.0.113.1",)})
    trace = new_trace()
    assert await names.resolve("203.0.113.9", trace, private=True) == ("203.0.113.9",)
    assert await names.resolve("localhost", trace, private=True) == ("::1", "127.0.0.1")
    assert await names.resolve("dns.example", trace, private=True) == ("203.0.113.1",)
    assert system.asked == []


async def test_a_private_name_goes_to_nobody_until_an_encrypted_resolver_is_proven() -> None:
    system, encrypted = Way("203.0.113.1"), Way("203.0.113.2")
    names = NamesInOrder(system=system)
    with pytest.raises(CannotTry, match="--system-dns") as caught:
        await names.resolve("bridge.example", new_trace(), private=True)
    assert caught.value.reason is Reason.NAME_PRIVATE
    names.encrypted = encrypted
    assert await names.resolve("bridge.example", new_trace(), private=True) == ["203.0.113.2"]
    assert (system.asked, encrypted.asked) == ([], ["bridge.example."])


async def test_a_private_name_stays_private_when_the_encrypted_resolver_fails() -> None:
    system = Way("203.0.113.1")
    names = NamesInOrder(system=system)
    names.encrypted = Way(None)
    with pytest.raises(PeerError, match=failures.DNS_SERVFAIL):
        await names.resolve("bridge.example", new_trace(), private=True)
    assert await names.resolve("dns.example", new_trace(), private=False) == ["203.0.113.1"]
    assert system.asked == ["dns.example."]


async def test_the_user_may_let_the_system_see_private_names() -> None:
    names = NamesInOrder(system=Way("203.0.113.1"), share_private=True)
    assert await names.resolve("bridge.example", new_trace(), private=True) == ["203.0.113.1"]


async def test_a_chosen_resolver_replaces_the_system() -> None:
    system = Way("203.0.113.1")
    with tcp.serve_datagrams(well) as server:
        names = NamesInOrder(system=system, chosen=[Resolver(server.host, server.port)])
        found = await names.resolve("dns.example", new_trace(), private=False)
    assert sorted(found) == sorted(ADDRESSES.values())
    assert system.asked == []


async def test_a_look_up_is_remembered_counted_and_no_first_packet() -> None:
    system = Way("203.0.113.1")
    names, trace = NamesInOrder(system=system), new_trace()
    for _ in range(2):
        await names.resolve("dns.example", trace, private=False)
    assert system.asked == ["dns.example."]
    assert trace.bytes_sent == 10
    with tcp.serve_datagrams(well) as server:
        chosen = NamesInOrder(chosen=[Resolver(server.host, server.port)])
        await chosen.resolve("dns.example", trace, private=False)
    trace.carry_arrived()
    assert trace.latency_ms is None


async def test_what_was_learned_in_clear_is_asked_again_once_an_encrypted_resolver_is_proven() -> None:
    names = NamesInOrder(system=Way("203.0.113.1"))
    assert await names.resolve("dns.example", new_trace(), private=False) == ["203.0.113.1"]
    names.encrypted = Way("203.0.113.2")
    assert await names.resolve("dns.example", new_trace(), private=False) == ["203.0.113.2"]


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("router", Reason.UNSAFE),
        ("printer.local", Reason.UNSAFE),
        ("abc.onion", Reason.UNSAFE),
        ("a..example", Reason.UNSUPPORTED),
        ("-a.example", Reason.UNSUPPORTED),
        ("a b.example", Reason.UNSUPPORTED),
        ("x" * 64 + ".example", Reason.UNSUPPORTED),
        (".".join(["abcdefgh"] * 40), Reason.UNSUPPORTED),
        ("\x1b[2J.example", Reason.UNSUPPORTED),
    ],
)
async def test_what_is_no_name_of_the_internet_is_never_asked(host: str, reason: Reason) -> None:
    system = Way("203.0.113.1")
    with pytest.raises(CannotTry) as caught:
        await NamesInOrder(system=system).resolve(host, new_trace(), private=False)
    assert (caught.value.reason, system.asked) == (reason, [])


@given(st.text(max_size=80))
def test_a_qualified_name_is_ascii_ends_in_a_dot_and_stays_the_same(host: str) -> None:
    try:
        name = qualify(host)
    except CannotTry:
        return
    assert name.isascii()
    assert name.endswith(".")
    assert qualify(name) == name
    assert not is_localhost(name)


def test_foreign_scripts_are_written_in_ascii() -> None:
    assert qualify("B\u00fccher.Example") == "xn--bcher-kva.example."


def test_resolv_conf_gives_three_resolvers_and_nothing_else(tmp_path: Path) -> None:
    text = "# nameserver 9.9.9.9\nsearch lan\nnameserver 192.0.2.1\nnameserver x\nnameserver\n nameserver 2001:db8::1\n"
    assert parse_resolv_conf(text) == (Resolver("192.0.2.1"), Resolver("2001:db8::1"))
    assert len(parse_resolv_conf("nameserver 192.0.2.1\n" * 9)) == 3
    assert str(Resolver("2001:db8::1", 5353)) == "[2001:db8::1]:5353"
    file = tmp_path / "resolv.conf"
    file.write_bytes(b"\xff\nnameserver 192.0.2.1\n")
    assert read_resolv_conf(str(file)) == (Resolver("192.0.2.1"),)
    assert read_resolv_conf(str(tmp_path / "none")) == ()
    with pytest.raises(ValueError, match="port"):
        Resolver("192.0.2.1", 0)


@given(st.text())
def test_any_resolv_conf_is_read(text: str) -> None:
    assert len(parse_resolv_conf(text)) <= 3


# The system's resolver.


async def test_the_system_resolver_answers_through_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def getaddrinfo(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [
            (0, 0, 0, "", ("203.0.113.1", 0)),
            (0, 0, 0, "", ("203.0.113.1", 0)),
            (0, 0, 0, "", ("::1", 0, 0, 0)),
        ]

    monkeypatch.setattr("circumvent.net.resolve.socket.getaddrinfo", getaddrinfo)
    with nothing_left():
        system = SystemResolver()
        assert await system("dns.example.", new_trace()) == ["203.0.113.1", "::1"]
        await until(lambda: system._threads == 0)
    assert asked == ["dns.example."]


async def test_what_the_system_says_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def getaddrinfo(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "x")

    monkeypatch.setattr("circumvent.net.resolve.socket.getaddrinfo", getaddrinfo)
    with pytest.raises(socket.gaierror):
        await SystemResolver()("dns.example.", new_trace())


async def test_hanging_look_ups_are_abandoned_and_their_threads_bounded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release = threading.Event()
    asked: list[str] = []

    def getaddrinfo(host: str, *_: object, **__: object) -> list[object]:
        asked.append(host)
        release.wait(10)
        return []

    monkeypatch.setattr("circumvent.net.resolve.socket.getaddrinfo", getaddrinfo)
    with nothing_left():
        system = SystemResolver(most_threads=3)
        try:
            with anyio.move_on_after(0.1) as scope:
                async with anyio.create_task_group() as group:
                    for number in range(20):
                        group.start_soon(system, f"n{number}.example.", new_trace())
            assert scope.cancelled_caught
            assert len(asked) == system._threads == 3
        finally:
            release.set()
        await until(lambda: system._threads == 0)
    assert len(asked) == 3  # who waited in the queue was let go unasked


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(5):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in a thread
            await anyio.sleep(0.001)


SCRIPT = textwrap.dedent("""
    import sys, time
    import anyio
    from circumvent.net.clock import Clock
    from circumvent.net.resolve import NamesInOrder
    from circumvent.net.timeouts import Timeouts
    from circumvent.net.trace import Trace
    if "hang" in sys.argv:
        import socket
        socket.getaddrinfo = lambda *_, **__: time.sleep(30)
    async def main():
        names = NamesInOrder()
        async def ask(number):
            trace = Trace("a", clock=Clock(), timeouts=Timeouts())
            print("found", await names.resolve(f"name{number}.example.com", trace, private=False))
        with anyio.move_on_after(1.0):
            async with anyio.create_task_group() as group:
                for number in range(20):
                    group.start_soon(ask, number)
    print(time.monotonic(), flush=True)
    anyio.run(main, backend=sys.argv[1])
""")
#: Seconds after the deadline by which the process must be gone: 0.5, on a busy machine three times that.
GRACE = 1.5


def exit_time(command: Sequence[str]) -> float:
    """Run the script and return the seconds from its start of work to the end of its process."""
    root = Path(__file__).parents[2]
    result = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=50,
        env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )
    ended = time.monotonic()
    assert result.returncode == 0, result.stderr
    assert "found" not in result.stdout
    assert result.stderr == ""
    return ended - float(result.stdout.split()[0])


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_resolver_that_hangs_keeps_nobody_from_leaving(backend: str) -> None:
    assert exit_time([sys.executable, "-X", "dev", "-c", SCRIPT, backend, "hang"]) < 1.0 + GRACE


@pytest.mark.namespace
def test_a_dead_resolver_keeps_nobody_from_leaving(tmp_path: Path) -> None:
    """The real thing: the C library waits for a name server that never answers."""
    unshare = shutil.which("unshare")
    if unshare is None:
        pytest.skip("there is no unshare program to give one process another resolv.conf")
    conf = tmp_path / "resolv.conf"
    conf.write_text("nameserver 127.0.0.77\n")
    (tmp_path / "script.py").write_text(SCRIPT)
    shell = f"mount --bind {conf} /etc/resolv.conf && exec {sys.executable} {tmp_path}/script.py asyncio"
    with tcp.serve_datagrams(tcp.silent_datagrams, "127.0.0.77", 53) as server:
        assert exit_time([unshare, "-Urm", "sh", "-c", shell]) < 1.0 + GRACE
        assert server.received
