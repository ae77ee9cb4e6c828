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
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import pytest

from circumvent.model import failure as failures
from circumvent.model.words import Reason
from circumvent.net.errors import CannotTry, PeerError
from circumvent.net.name import Resolver
from circumvent.net.resolve import NamesInOrder, SystemResolver
from tests.faults import tcp
from tests.faults.names import ADDRESSES, until, well
from tests.net.record import new_trace, nothing_left

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.net.trace import Trace

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


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
