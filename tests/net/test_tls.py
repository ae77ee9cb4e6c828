"""TLS over a byte stream: what leaves, what is recorded, how connections end, and what an impostor gets to see."""

from __future__ import annotations

import os
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import hypothesis
import pytest
from anyio.abc import ByteStream
from hypothesis import strategies as st

from circumvent.model.words import Proof
from circumvent.net import peer as peer_module
from circumvent.net.errors import PeerError, StepFailed
from circumvent.net.hello import HelloCut, message_of_records, parse_hello
from circumvent.net.ja4 import ja4
from circumvent.net.peer import first_bytes_kind
from circumvent.net.sock import connect_tcp
from circumvent.net.tls import TlsConfig, TlsStream, TrustStore, presented_chain, start_tls
from circumvent.net.verify import tbs_hash
from tests.faults import tls as faults
from tests.net.record import failure_of, last_step, new_trace, nothing_left

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from typing import Any

    from circumvent.net.trace import Trace
    from tests.faults.tls import Behaviour, Link, Served
    from tests.lab.pki import Credentials, Pki

pytestmark = pytest.mark.anyio

NAME = "lab.example"
V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


def config(pki: Pki, **changes: Any) -> TlsConfig:
    """Return how to speak to a server of the laboratory."""
    parts: dict[str, Any] = {
        "server_name": NAME,
        "verify_name": NAME,
        "trust": TrustStore.mozilla([pki.authority.pem]),
        **changes,
    }
    return TlsConfig(**parts)


@asynccontextmanager
async def connection(
    behaviour: Behaviour, credentials: Credentials, how: TlsConfig, trace: Trace, **context: Any
) -> AsyncIterator[tuple[TlsStream, Served]]:
    """Open a verified connection to a server that behaves like this."""
    async with faults.serve(behaviour, faults.context_for(credentials, **context)) as served:
        raw = await connect_tcp("127.0.0.1", served.port, trace=trace)
        stream = await start_tls(raw, how, trace)
        try:
            yield stream, served
        finally:
            await stream.aclose()


async def echo(link: Link) -> None:
    """Send everything back until the client's close_notify, then say goodbye."""
    await link.handshake()
    while data := await link.read():
        await link.write(data)
    await link.write(b"bye")
    await link.close_notify()


async def refused(how: TlsConfig, served: Served, trace: Trace) -> StepFailed:
    """Connect to a server whose certificate is not believed."""
    raw = await connect_tcp("127.0.0.1", served.port, trace=trace)
    with pytest.raises(StepFailed) as caught:
        await start_tls(raw, how, trace)
    return caught.value


# What is recorded.


async def test_what_the_peer_presented_is_recorded(pki: Pki) -> None:
    trace = new_trace()
    async with connection(faults.answer, pki.good, config(pki, alpn=("http/1.1",)), trace) as (
        stream,
        served,
    ):
        hello = message_of_records(served.received)
    assert stream.peer.chain == (pki.good.der, pki.authority.certificate.public_bytes(faults_der()))
    assert (stream.peer.version, stream.peer.alpn) == ("TLSv1.3", "http/1.1")
    assert stream.peer.ja4 == trace.fidelity.ja4 == ja4(hello)
    detail = last_step(trace).detail
    assert detail["sha256"] == pki.good.sha256.hex()
    assert detail["subject"] == "good"
    assert detail["issuer"] == detail["top_issuer"] == "circumvent laboratory"
    assert detail["cipher"] == stream.peer.cipher
    assert "os_trusted" not in detail
    assert trace.timeouts.round_trip is not None
    assert trace.timeouts.round_trip < 5
    assert trace.proof is Proof.REACHED


def faults_der() -> Any:
    from cryptography.hazmat.primitives.serialization import Encoding

    return Encoding.DER


async def test_a_try_for_somebody_else_proves_nothing(pki: Pki) -> None:
    trace = new_trace()
    async with faults.serve(faults.answer, faults.context_for(pki.good)) as served:
        raw = await connect_tcp("127.0.0.1", served.port, trace=trace)
        async with await start_tls(raw, config(pki), trace, step="outer", proves=False):
            assert trace.proof is Proof.NONE
    assert [step.name for step in trace.steps] == ["outer"]


async def test_text_of_a_certificate_is_harmless(pki: Pki) -> None:
    evil = pki.stranger.issue("\x1b]0;owned\x07" + "x" * 50, ["lab.example"])
    trace = new_trace()
    async with faults.serve(faults.answer, faults.context_for(evil)) as served:
        await refused(config(pki), served, trace)
    subject = last_step(trace).detail["subject"]
    assert isinstance(subject, str)
    assert subject.isprintable()
    assert len(subject) <= peer_module.LONGEST_TEXT


async def test_round_trips_are_not_told_by_alerts(pki: Pki) -> None:
    """Whatever stands in the way can send an alert; only a ServerHello came from the other end."""
    trace = new_trace()
    async with faults.serve(faults.alert(40), faults.context_for(pki.good)) as served:
        await refused(config(pki), served, trace)
    assert trace.timeouts.round_trip is None


@pytest.mark.parametrize(
    ("first", "kind"),
    [
        (b"", None),
        (b"\x16", "tls"),
        (b"\x16\x03\x03", "tls"),
        (b"\x16\x09", "other"),
        (b"\x15\x03\x03\x00\x02", "alert"),
        (b"HTTP/1.1 200", "http"),
        (b"\r\n<!DOCTYPE html>", "http"),
        (b"<HTML>", "http"),
        (b"SSH-2.0-x", "ssh"),
        (b"\x00\x01", "other"),
    ],
)
def test_first_bytes_have_a_kind(first: bytes, kind: str | None) -> None:
    assert first_bytes_kind(first) == kind


# What an impostor gets to see.


@pytest.mark.parametrize(
    ("credentials", "alert"),
    [
        ("self_signed", 48),
        ("unknown_authority", 48),
        ("expired", 45),
        ("wrong_name", 42),
        ("not_yet_valid", 42),
    ],
)
async def test_in_tls_12_an_impostor_gets_an_alert_and_no_key_exchange(
    credentials: str, alert: int, pki: Pki
) -> None:
    trace = new_trace()
    async with faults.serve(
        faults.answer, faults.context_for(getattr(pki, credentials), version=V12)
    ) as served:
        await refused(config(pki), served, trace)
        await served.ended.wait()
    hello = 5 + int.from_bytes(served.received[3:5])
    assert served.received[hello:] == bytes((21, 3, 3, 0, 2, 2, alert))


@pytest.mark.parametrize("credentials", ["self_signed", "unknown_authority", "expired", "wrong_name"])
async def test_in_tls_13_an_impostor_gets_the_hello_and_nothing_else(credentials: str, pki: Pki) -> None:
    trace = new_trace()
    async with faults.serve(
        faults.answer, faults.context_for(getattr(pki, credentials), version=V13)
    ) as served:
        await refused(config(pki), served, trace)
        await served.ended.wait()
    assert len(served.received) == 5 + int.from_bytes(served.received[3:5])


async def test_an_impostor_with_a_borrowed_chain_is_refused(pki: Pki) -> None:
    """Without a name only the hash counts, and it must be of a certificate that vouches for the key in use."""
    trace = new_trace()
    wanted = (tbs_hash(pki.authority.certificate),)
    how = config(pki, verify_name=None, certificate_hashes=wanted)
    async with faults.serve(faults.answer, faults.context_for(pki.unknown_authority)) as served:
        await refused(how, served, trace)
    assert failure_of(trace).error == "wrong_key"
    trace = new_trace()
    async with connection(faults.answer, pki.good, how, trace) as (stream, _):
        assert stream.peer.version == "TLSv1.3"


async def test_the_systems_roots_explain_and_never_decide(
    pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A state root in the operating system's store: still unknown, and the record says who trusts it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pki.stranger.pem_file))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    peer_module._os_certificates.cache_clear()
    try:
        trace = new_trace()
        async with faults.serve(faults.answer, faults.context_for(pki.unknown_authority)) as served:
            await refused(config(pki), served, trace)
    finally:
        peer_module._os_certificates.cache_clear()
    assert failure_of(trace).error == "ssl_unknown_authority"
    assert last_step(trace).detail["os_trusted"] is True
    assert last_step(trace).detail["top_issuer"] == "circumvent stranger"


async def test_the_systems_folder_is_read_too(
    pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0a1b2c3d.0").write_text(pki.stranger.pem)
    (tmp_path / "notes.txt").write_text("no certificate")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    peer_module._os_certificates.cache_clear()
    try:
        assert peer_module.os_trusts([pki.unknown_authority.der]) is True
        assert peer_module.os_trusts([pki.good.der]) is False
    finally:
        peer_module._os_certificates.cache_clear()


async def test_no_key_leaves_by_the_environment(
    pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "keys"
    monkeypatch.setenv("SSLKEYLOGFILE", str(log))
    async with connection(faults.answer, pki.good, config(pki, alpn=("x",)), new_trace()):
        assert not log.exists()


# What leaves.


@pytest.mark.parametrize(
    ("server_name", "sent"),
    [(NAME, NAME), ("front.example", "front.example"), (None, None), ("127.0.0.1", None)],
)
async def test_the_name_in_the_hello(server_name: str | None, sent: str | None, pki: Pki) -> None:
    """Whatever name is sent, or none, the certificate is checked for the name that counts."""
    how = config(pki, server_name=server_name)
    async with connection(faults.answer, pki.good, how, new_trace()) as (_, served):
        assert parse_hello(message_of_records(served.received)).name == sent
    trace = new_trace()
    async with faults.serve(faults.answer, faults.context_for(pki.wrong_name)) as served:
        await refused(how, served, trace)
    assert failure_of(trace).error == "ssl_invalid_hostname"


async def test_an_address_is_verified_as_an_address(pki: Pki) -> None:
    how = config(pki, server_name=None, verify_name="127.0.0.1")
    async with connection(faults.answer, pki.good, how, new_trace()):
        pass
    trace = new_trace()
    async with faults.serve(faults.answer, faults.context_for(pki.good)) as served:
        await refused(config(pki, server_name=None, verify_name="127.0.0.2"), served, trace)
    assert failure_of(trace).error == "ssl_invalid_hostname"


async def test_every_connection_is_cold(pki: Pki) -> None:
    """No session of an earlier connection is offered: neither a ticket nor a pre-shared key."""
    context = faults.context_for(pki.good)
    for _ in range(2):
        trace = new_trace()
        async with faults.serve(echo, context) as served:
            raw = await connect_tcp("127.0.0.1", served.port, trace=trace)
            async with await start_tls(raw, config(pki), trace) as stream:
                await stream.send(b"ping")
                assert await stream.receive() == b"ping"  # tickets have arrived by now
        hello = parse_hello(message_of_records(served.received))
        assert hello.extension(41) is None
        assert not hello.extension(35)


async def test_the_hello_can_be_cut_into_records(pki: Pki) -> None:
    how = config(pki, cut=HelloCut(records=(1, 10)))
    trace = new_trace()
    async with connection(echo, pki.good, how, trace) as (stream, served):
        assert served.received[:6] == b"\x16\x03\x01\x00\x01\x01"
        await stream.send(b"ping")
        assert await stream.receive() == b"ping"
    assert parse_hello(message_of_records(served.received)).name == NAME
    assert NAME.encode() not in served.received


async def test_old_versions_only_when_asked(pki: Pki) -> None:
    old = faults.context_for(pki.good, version=ssl.TLSVersion.TLSv1_1)
    trace = new_trace()
    async with faults.serve(echo, old) as served:
        await refused(config(pki), served, trace)
        assert failure_of(trace).error == "ssl_failed_handshake"
        raw = await connect_tcp("127.0.0.1", served.port, trace=trace)
        async with await start_tls(raw, config(pki, minimum=ssl.TLSVersion.TLSv1), trace) as stream:
            assert stream.peer.version == "TLSv1.1"


# How connections end.


async def test_one_task_sends_while_another_receives(pki: Pki) -> None:
    data = os.urandom(3_000_000)
    async with connection(echo, pki.good, config(pki), new_trace()) as (stream, _):

        async def send() -> None:
            await stream.send(data)
            await stream.send_eof()

        async with anyio.create_task_group() as group:
            group.start_soon(send)
            got = b"".join([piece async for piece in stream])
    assert got == data + b"bye"


@pytest.mark.parametrize("version", [V12, V13])
async def test_our_goodbye_leaves_the_other_direction_open(version: ssl.TLSVersion, pki: Pki) -> None:
    async with connection(echo, pki.good, config(pki), new_trace(), version=version) as (stream, _):
        await stream.send_eof()
        assert await stream.receive() == b"bye"
        with pytest.raises(anyio.EndOfStream):
            await stream.receive()


async def test_the_ends_of_a_connection_are_told_apart(pki: Pki) -> None:
    endings: list[tuple[Behaviour, type[BaseException]]] = [
        (faults.close_notify_after_handshake, anyio.EndOfStream),
        (faults.fin_after_handshake, ssl.SSLEOFError),
        (faults.reset_after_handshake, ConnectionResetError),
        (faults.broken_record, ssl.SSLError),
    ]
    for behaviour, error in endings:
        async with connection(behaviour, pki.good, config(pki), new_trace()) as (stream, _):
            await stream.send(b"GET / HTTP/1.1\r\n\r\n")
            with pytest.raises(error) as caught:
                await stream.receive()
            assert type(caught.value) is error


async def test_a_refusal_after_the_handshake_knows_whether_the_peer_was_verified(pki: Pki) -> None:
    for name in (NAME, None):
        async with connection(
            faults.answer, pki.good, config(pki, verify_name=name), new_trace(), client_ca=pki.authority.pem
        ) as (stream, _):
            with pytest.raises(PeerError, match="auth_rejected") as caught:
                await stream.receive()
        assert getattr(caught.value, "authenticated", None) is (name is not None)


async def test_a_closed_stream_says_so(pki: Pki) -> None:
    async with connection(echo, pki.good, config(pki), new_trace()) as (stream, _):
        await stream.aclose()
        await stream.aclose()
        with pytest.raises(anyio.ClosedResourceError):
            await stream.receive()
        with pytest.raises(anyio.ClosedResourceError):
            await stream.send(b"x")


async def test_a_server_that_hung_up_breaks_sending_without_an_exception_at_the_end(pki: Pki) -> None:
    async with connection(faults.reset_after_handshake, pki.good, config(pki), new_trace()) as (
        stream,
        served,
    ):
        await stream.send(b"GET / HTTP/1.1\r\n\r\n")
        await served.ended.wait()
        with pytest.raises(OSError, match=r"reset|[Pp]ipe"):
            await stream.send(bytes(20_000_000))


async def test_nothing_is_left_open(pki: Pki) -> None:
    async with faults.serve(faults.answer, faults.context_for(pki.self_signed)) as served:
        trace = new_trace()
        await refused(config(pki), served, trace)
        await served.ended.wait()
        with nothing_left():
            ended, served.ended = served.ended, anyio.Event()
            assert ended.is_set()
            await refused(config(pki), served, new_trace())
            await served.ended.wait()
    async with faults.serve(faults.silent, faults.context_for(pki.good)) as served:
        with anyio.move_on_after(0.1) as scope:
            raw = await connect_tcp("127.0.0.1", served.port, trace=new_trace())
            await start_tls(raw, config(pki), new_trace())
        assert scope.cancelled_caught
        with pytest.raises(anyio.ClosedResourceError):
            await raw.send(b"x")


# TLS in TLS.


async def test_of_tls_in_tls_the_outer_hello_is_the_fingerprint(pki: Pki) -> None:
    """What an observer sees is the outer handshake; both are ours."""
    inner = faults.context_for(pki.rsa)

    async def tunnel(link: Link) -> None:
        await link.handshake()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = inner.wrap_bio(incoming, outgoing, server_side=True)
        while True:
            incoming.write(await link.read())
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                await link.write(outgoing.read())
            else:
                tls.write(b"inside")
                return await link.write(outgoing.read())

    trace = new_trace()
    async with connection(tunnel, pki.good, config(pki, alpn=("http/1.1",)), trace) as (stream, _):
        within = await start_tls(stream, config(pki, server_name=None), trace, step="inner")
        assert await within.receive() == b"inside"
        assert within.peer.ja4 != stream.peer.ja4 == trace.fidelity.ja4


# Whatever arrives.


class Scripted(ByteStream):
    """A connection on which everything the other side will ever say is known."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    async def receive(self, max_bytes: int = 65536) -> bytes:
        if not self._said:
            raise anyio.EndOfStream
        data, self._said = self._said[:max_bytes], self._said[max_bytes:]
        return data

    async def send(self, item: bytes) -> None:
        """Take what we say."""

    async def send_eof(self) -> None:
        """Take our end."""

    async def aclose(self) -> None:
        """Close."""


RECORDS = st.builds(
    lambda kind, minor, body: bytes((kind, 3, minor)) + len(body).to_bytes(2) + body,
    st.sampled_from([20, 21, 22, 23, 24]),
    st.integers(0, 4),
    st.binary(max_size=80),
)


@hypothesis.settings(deadline=None)
@hypothesis.given(st.lists(RECORDS | st.binary(max_size=40), max_size=4).map(b"".join))
def test_whatever_arrives_has_a_word(said: bytes) -> None:
    trace = new_trace()

    async def shake() -> None:
        how = TlsConfig(server_name=NAME, verify_name=NAME, trust=TrustStore([]))
        with pytest.raises(StepFailed):
            await start_tls(Scripted(said), how, trace)

    anyio.run(shake)
    assert failure_of(trace).error in {"eof_error", "ssl_failed_handshake", "wrong_answer"}


# The one private function.


async def test_the_private_way_to_the_chain_still_works(pki: Pki) -> None:
    """Before Python 3.13 the chain comes from a private object: its leaf must be what the public call gives."""
    async with connection(echo, pki.good, config(pki), new_trace()) as (stream, _):
        tls = stream.pump.tls
        assert presented_chain(tls)[0] == tls.getpeercert(binary_form=True) == pki.good.der
