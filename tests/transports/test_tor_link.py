"""Tor's link and the proof through it, against a relay that is wrong in one thing at a time."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio
import anyio.abc
import pytest

from circumvent.model.words import Proof
from circumvent.net.errors import StepFailed
from circumvent.transports import tor_directory
from circumvent.transports.tor_link import prove_tor_link
from tests.faults import proxy as faults
from tests.faults.tor import DAY, FakeRelay
from tests.transports.tor_context import bridge, context, detail_of, failure_of, try_once

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from circumvent.model.record import Attempt
    from circumvent.net.stream import ByteStream

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    """Real relays are tried on both loops (``test_tor_daemons.py``)."""
    return "asyncio"


async def met(relay: FakeRelay, folder: Path, *, fingerprint: bool = True, **more: Any) -> Attempt:
    """Try the relay as a bridge without a disguise."""
    async with faults.serving(relay.serve, tls=relay.tls(folder)) as served:
        line = f"Bridge 127.0.0.1:{served.port}"
        option = bridge(f"{line} {relay.fingerprint.hex()}" if fingerprint else line)
        return await try_once(option, context(limit=more.pop("limit", 2.0), **more))


async def test_one_that_is_right_in_everything(tmp_path: Path) -> None:
    relay = FakeRelay()
    attempt = await met(relay, tmp_path)
    assert attempt.failure is None
    assert attempt.proof is Proof.SUSTAINED
    assert relay.dropped * 514 >= 16 * 1024
    assert detail_of(attempt, "sustain_down")["bytes"] >= 64 * 1024


@pytest.mark.parametrize(("versions", "agreed"), [((3,), 3), ((3, 4), 4), ((1, 2, 5, 9), 5)])
async def test_link_protocols(tmp_path: Path, versions: tuple[int, ...], agreed: int) -> None:
    attempt = await met(FakeRelay(versions=versions), tmp_path, goal=Proof.CARRIED)
    assert attempt.proof is Proof.CARRIED
    assert detail_of(attempt, "tunnel_handshake")["version"] == agreed


def without(kind: int) -> Callable[[list[tuple[int, bytes]]], list[tuple[int, bytes]]]:
    return lambda shown: [entry for entry in shown if entry[0] != kind]


def broken(kind: int) -> Callable[[list[tuple[int, bytes]]], list[tuple[int, bytes]]]:
    return lambda shown: [
        (one, body[:-1] + bytes((body[-1] ^ 1,)) if one == kind else body) for one, body in shown
    ]


@pytest.mark.parametrize("change", [*map(without, (2, 4, 5, 7)), *map(broken, (2, 4, 5, 7))])
async def test_certificates_that_do_not_hold(
    tmp_path: Path, change: Callable[[list[tuple[int, bytes]]], list[tuple[int, bytes]]]
) -> None:
    attempt = await met(FakeRelay(change_certs=change), tmp_path)
    assert failure_of(attempt) == ("tunnel_handshake", "wrong_answer")
    assert attempt.proof is Proof.REACHED


async def test_certificates_of_another_relay(tmp_path: Path) -> None:
    """A man in the middle shows what the bridge would show: it is for the bridge's own TLS."""
    bridge_itself = FakeRelay()
    attempt = await met(FakeRelay(change_certs=lambda _: bridge_itself.certificates()), tmp_path)
    assert failure_of(attempt) == ("tunnel_handshake", "wrong_answer")


@pytest.mark.parametrize(
    ("relay", "expected"),
    [
        (FakeRelay(versions=(1, 2)), ("tunnel_handshake", "wrong_answer")),
        (FakeRelay(first=b"HTTP/1.1 400 Bad Request\r\n\r\n"), ("tunnel_handshake", "wrong_answer")),
        (FakeRelay(instead_of_netinfo=bytes(4) + b"\4\4\1\2\3\4\xff"), ("tunnel_handshake", "wrong_answer")),
        (FakeRelay(destroys=5), ("circuit", "proxy_protocol_error")),
        (FakeRelay(change_created=lambda data: bytes(len(data))), ("circuit", "wrong_answer")),
        (FakeRelay(change_payload=lambda data: bytes(len(data))), ("carry", "wrong_answer")),
        (FakeRelay(status="404 Not found"), ("carry", "http_unexpected_status_code")),
        (FakeRelay(end_reason=2), ("carry", "wrong_answer")),
        (
            FakeRelay(change_descriptor=lambda body: body.replace(b"xxxx", b"xxyx", 1)),
            ("carry", "wrong_answer"),
        ),
        (FakeRelay(change_descriptor=lambda _: FakeRelay().descriptor()), ("carry", "wrong_key")),
        (FakeRelay(change_descriptor=lambda _: b""), ("carry", "wrong_answer")),
        (FakeRelay(change_descriptor=lambda _: bytes(200_000)), ("carry", "wrong_answer")),
        (FakeRelay(says_nothing_on_streams=True), ("carry", "generic_timeout_error")),
    ],
)
async def test_wrong_in_one_thing(tmp_path: Path, relay: FakeRelay, expected: tuple[str, str]) -> None:
    attempt = await met(relay, tmp_path)
    assert failure_of(attempt) == expected
    before = {"tunnel_handshake": Proof.REACHED, "circuit": Proof.HANDSHAKEN, "carry": Proof.HANDSHAKEN}
    assert attempt.proof is before[expected[0]]


async def test_a_relay_that_closes_the_circuit_has_refused_nobody(tmp_path: Path) -> None:
    attempt = await met(FakeRelay(destroys=5), tmp_path)
    assert "refusal" not in detail_of(attempt, "circuit")


async def test_a_later_descriptor_must_be_as_good_as_the_first(tmp_path: Path) -> None:
    relay = FakeRelay()
    relay.change_descriptor = lambda body: body if relay.requests < 5 else body.replace(b"xxxx", b"xxyx", 1)
    attempt = await met(relay, tmp_path)
    assert failure_of(attempt) == ("sustain_down", "wrong_answer")
    assert attempt.proof is Proof.CARRIED


async def test_a_circuit_that_died_while_it_was_idle(tmp_path: Path) -> None:
    relay = FakeRelay()
    relay.change_descriptor = lambda body: body if relay.requests < 2 else b""
    attempt = await met(relay, tmp_path, goal=Proof.CARRIED, idle=0.05)
    assert failure_of(attempt) == ("idle", "wrong_answer")
    assert attempt.proof is Proof.CARRIED


class Heard(anyio.abc.ByteStream):
    """A stream whose path loses and repeats: the far end is heard now and then, whether anything new came or not."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self.on_heard: Callable[[], None] | None = None

    async def receive(self, max_bytes: int = 65536) -> bytes:
        return await self._stream.receive(max_bytes)

    async def send(self, item: bytes) -> None:
        await self._stream.send(item)

    async def send_eof(self) -> None:
        await self._stream.send_eof()

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def hear(self) -> None:
        while True:
            await anyio.sleep(0.02)
            if self.on_heard is not None:
                self.on_heard()


class TestStanding:
    """A flow from which nothing new comes."""

    async def met(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, heard: bool) -> Attempt:
        monkeypatch.setattr(tor_directory, "LONGEST", 3.0)
        relay = FakeRelay()

        def answer(body: bytes) -> bytes:
            relay.says_nothing_on_streams = relay.requests > 5
            return body

        relay.change_descriptor = answer
        given = context(limit=1.5)
        async with (
            faults.serving(relay.serve, tls=relay.tls(folder)) as served,
            anyio.create_task_group() as group,
        ):
            option = bridge(f"Bridge 127.0.0.1:{served.port} {relay.fingerprint.hex()}")
            stream = Heard(await given.dialer.stream(option.endpoint, given.trace))
            if heard:
                group.start_soon(stream.hear)
            with suppress(StepFailed):
                await prove_tor_link(stream, option, given)
            group.cancel_scope.cancel()
        return given.trace.attempt()

    async def test_while_nobody_is_heard_it_was_cut(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        attempt = await self.met(tmp_path, monkeypatch, heard=False)
        assert failure_of(attempt) == ("sustain_down", "truncated_after_n_bytes")
        assert attempt.cut_bytes is not None

    async def test_while_the_far_end_is_heard_it_is_slow(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The path loses what is repeated: nobody cut anything."""
        attempt = await self.met(tmp_path, monkeypatch, heard=True)
        assert failure_of(attempt) == ("sustain_down", "generic_timeout_error")
        assert attempt.cut_bytes is None
        assert attempt.proof is Proof.CARRIED


class TestClocks:
    """Certificates at our time and at the relay's."""

    async def test_a_year_ahead_of_us(self, tmp_path: Path) -> None:
        attempt = await met(FakeRelay(now=time.time() + 400 * DAY), tmp_path)
        assert failure_of(attempt) == ("tunnel_handshake", "clock_skew")
        assert detail_of(attempt, "tunnel_handshake")["clock_skew_s"] == pytest.approx(-400 * DAY, abs=30)

    async def test_a_year_behind_us(self, tmp_path: Path) -> None:
        attempt = await met(FakeRelay(now=time.time() - 400 * DAY), tmp_path)
        assert failure_of(attempt) == ("tunnel_handshake", "clock_skew")

    async def test_expired_for_both(self, tmp_path: Path) -> None:
        relay = FakeRelay(lasts=-DAY / 2)
        attempt = await met(relay, tmp_path)
        assert failure_of(attempt) == ("tunnel_handshake", "ssl_expired")

    async def test_a_relay_that_keeps_its_clock_to_itself(self, tmp_path: Path) -> None:
        relay = FakeRelay(instead_of_netinfo=bytes(4) + b"\4\4\x7f\0\0\1\0")
        attempt = await met(relay, tmp_path, goal=Proof.CARRIED)
        assert attempt.proof is Proof.CARRIED
        assert "clock_skew_s" not in detail_of(attempt, "tunnel_handshake")


async def test_a_web_server_is_no_relay(tmp_path: Path) -> None:
    relay = FakeRelay()

    async def web(link: faults.Link) -> None:
        await link.stream.receive()
        await link.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with faults.serving(web, tls=relay.tls(tmp_path)) as served:
        option = bridge(f"127.0.0.1:{served.port} {relay.fingerprint.hex()}")
        attempt = await try_once(option, context(limit=2.0))
    assert failure_of(attempt) == ("tunnel_handshake", "wrong_answer")
    assert attempt.proof is Proof.REACHED
