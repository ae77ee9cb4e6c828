"""A page as an option: every rung it can reach, and what must not be called working."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from circumvent.control import Bulk, ControlPlan
from circumvent.model.option import Endpoint, Option, Origin, WebSettings
from circumvent.model.words import Proof, Reason
from circumvent.net.clock import Clock
from circumvent.net.dial import DirectDialer, Policy
from circumvent.net.errors import CannotTry, StepFailed
from circumvent.net.timeouts import Timeouts
from circumvent.net.trace import Trace
from circumvent.net.verify import TrustStore
from circumvent.transport import Context, load
from tests.faults import tls as faults
from tests.names.tries import NoNames

if TYPE_CHECKING:
    from circumvent.model.record import Attempt
    from circumvent.net.sock import SocketStream
    from tests.faults.tls import Behaviour, Link
    from tests.lab.pki import Pki
    from tests.lab.web import Web

pytestmark = pytest.mark.anyio


class Dialer:
    """Dials directly and remembers what it opened: nothing may stay open after an attempt."""

    def __init__(self) -> None:
        self._direct = DirectDialer(NoNames(), policy=Policy(allow_private=True))
        self.opened: list[SocketStream] = []

    async def stream(self, endpoint: Endpoint, trace: Trace) -> SocketStream:
        stream = await self._direct.stream(endpoint, trace)
        self.opened.append(stream)
        return stream

    async def datagram(self, endpoint: Endpoint, trace: Trace) -> Any:
        return await self._direct.datagram(endpoint, trace)

    async def check_closed(self) -> None:
        for stream in self.opened:
            with pytest.raises(anyio.ClosedResourceError):
                await stream.send(b"x")


def page(url: str, address: str, port: int = 443, host: str = "lab.example", **more: Any) -> Option:
    """Return an option for a page on this machine."""
    return Option(
        id="page",
        kind="https",
        label="a page",
        endpoint=Endpoint(host=host, port=port, addresses=(address,)),
        origin=Origin(source="argument"),
        settings=WebSettings(url=url),
        **more,
    )


async def attempt(
    option: Option,
    ca: str | None,
    *,
    goal: Proof = Proof.SUSTAINED,
    bulk: str | None = None,
    limit: float | None = None,
) -> Attempt:
    """Try the option once and return the record."""
    trace = Trace("a1", clock=Clock(), timeouts=Timeouts(), limit=limit)
    dialer = Dialer()
    parts: dict[str, Any] = {
        "trace": trace,
        "dialer": dialer,
        "goal": goal,
        "controls": ControlPlan(bulk=None if bulk is None else Bulk.parse(bulk)),
        "names": None,
        "trust": TrustStore.mozilla([] if ca is None else [ca]),
        "random": random.Random(1),
    }
    try:
        await load(option.kind).attempt(option, Context(**parts))
    except StepFailed:
        assert trace.failure is not None
    await dialer.check_closed()
    return trace.attempt()


async def try_server(behaviour: Behaviour, pki: Pki, fragment: str = "", **more: Any) -> Attempt:
    """Try a page on a server that behaves like this."""
    async with faults.serve(behaviour, faults.context_for(pki.good)) as served:
        url = f"https://lab.example:{served.port}/x{fragment}"
        return await attempt(page(url, "127.0.0.1", served.port), pki.authority.pem, **more)


def bulk_server(link: Link) -> Any:
    """Serve ``/bytes/N`` and take any POST."""

    async def behave() -> None:
        head = await link.request()
        while True:
            path = head.split(b" ")[1]
            if path.startswith(b"/bytes/") and head.startswith(b"GET"):
                count = int(path.rpartition(b"/")[2])
                await link.write(
                    f"HTTP/1.1 200 OK\r\nContent-Length: {count}\r\n\r\n".encode() + bytes(count)
                )
            else:
                await link.write(faults.GOOD_ANSWER)
            head = await link.next_request()

    return behave()


# Rungs.


async def test_a_page_without_a_statement_carries_when_it_comes(pki: Pki) -> None:
    record = await try_server(faults.answer, pki)
    assert (record.proof, record.failure) == (Proof.CARRIED, None)
    assert [step.name for step in record.steps] == ["connect", "tls_handshake", "carry"]
    assert record.steps[-1].detail["status"] == 200
    assert record.latency_ms is not None
    assert record.latency_ms > 0
    assert record.bytes_received > 0
    assert record.fidelity.tls == "openssl"


@pytest.mark.parametrize("fragment", ["#status=200", "#body=hello", "#status=200&body=hello"])
async def test_what_is_stated_and_comes_carries(fragment: str, pki: Pki) -> None:
    assert (await try_server(faults.answer, pki, fragment)).proof is Proof.CARRIED


@pytest.mark.parametrize(
    ("fragment", "error"),
    [
        ("#status=204", "http_unexpected_status_code"),
        ("#body=goodbye", "wrong_answer"),
        ("#sha256=" + "0" * 64, "wrong_answer"),
    ],
)
async def test_another_answer_is_handshaken_only(fragment: str, error: str, pki: Pki) -> None:
    record = await try_server(faults.answer, pki, fragment)
    assert record.proof is Proof.HANDSHAKEN
    assert record.failure is not None
    assert (record.failure.step, record.failure.error) == ("carry", error)


async def test_a_redirect_is_an_answer_and_is_not_followed(pki: Pki) -> None:
    assert (await try_server(faults.status(301), pki)).proof is Proof.CARRIED


@pytest.mark.parametrize(
    ("status", "body", "error", "proof"),
    [
        (404, b"", "http_unexpected_status_code", Proof.HANDSHAKEN),
        (403, b"", "http_unexpected_status_code", Proof.HANDSHAKEN),
        (403, b"Not available in your country.", "geo_refused", Proof.HANDSHAKEN),
        (451, b"", "geo_refused", Proof.HANDSHAKEN),
        (502, b"", "origin_down", Proof.REACHED),
        (522, b"", "origin_down", Proof.REACHED),
        (500, b"", "http_unexpected_status_code", Proof.HANDSHAKEN),
    ],
)
async def test_refusals_inside_verified_tls(
    status: int, body: bytes, error: str, proof: Proof, pki: Pki
) -> None:
    record = await try_server(faults.status(status, body), pki)
    assert record.failure is not None
    assert (record.failure.error, record.failure.detail) == (error, f"status {status}")
    assert record.proof is proof
    if error == "geo_refused":
        assert record.steps[-1].detail["refusal"] == {"authenticated": True}


async def test_a_nonce_must_come_back(pki: Pki) -> None:
    async def echo(link: Link) -> None:
        path = (await link.request()).split(b" ")[1]
        body = path.rpartition(b"/")[2]
        await link.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await link.close_notify()

    async with faults.serve(echo, faults.context_for(pki.good)) as served:
        url = f"https://lab.example:{served.port}/nonce/{{nonce}}"
        record = await attempt(page(url, "127.0.0.1", served.port), pki.authority.pem)
    assert record.proof is Proof.CARRIED
    record = await try_server(faults.answer, pki, "?{nonce}")
    assert record.failure is not None
    assert record.failure.error == "wrong_answer"


async def test_a_large_page_is_glanced_at(pki: Pki) -> None:
    record = await try_server(faults.endless_body, pki)
    assert (record.proof, record.failure) == (Proof.CARRIED, None)
    assert record.bytes_received < 1_000_000


async def test_bytes_both_ways_on_the_same_connection_sustain(pki: Pki) -> None:
    async with faults.serve(bulk_server, faults.context_for(pki.good)) as served:
        origin = f"https://lab.example:{served.port}"
        record = await attempt(
            page(f"{origin}/", "127.0.0.1", served.port), pki.authority.pem, bulk=origin + "/bytes/{bytes}"
        )
        assert served.connections == 1
    assert (record.proof, record.failure) == (Proof.SUSTAINED, None)
    assert record.down_kbps is not None
    assert record.up_kbps is not None
    assert [step.name for step in record.steps][-2:] == ["sustain_down", "sustain_up"]


async def test_a_bulk_resource_elsewhere_is_not_asked(pki: Pki) -> None:
    record = await try_server(faults.answer, pki, bulk="https://other.example/{bytes}")
    assert record.proof is Proof.CARRIED
    assert record.steps[-1].name == "carry"


async def test_a_flow_that_is_cut_carried_all_the_same(pki: Pki) -> None:
    async def cut(link: Link) -> None:
        await link.request()
        await link.write(faults.GOOD_ANSWER)
        await link.next_request()
        await link.write(b"HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n" + bytes(16_000))
        await link.delivered()
        await link.reset()

    async with faults.serve(cut, faults.context_for(pki.good)) as served:
        origin = f"https://lab.example:{served.port}"
        record = await attempt(
            page(f"{origin}/", "127.0.0.1", served.port), pki.authority.pem, bulk=origin + "/bytes/{bytes}"
        )
    assert record.proof is Proof.CARRIED
    assert record.failure is not None
    assert (record.failure.step, record.failure.error) == ("sustain_down", "truncated_after_n_bytes")
    assert record.cut_bytes is not None
    assert 16_000 <= record.cut_bytes < 20_000


# What must not be called working.


@pytest.mark.parametrize(
    ("behaviour", "step", "error", "proof"),
    [
        (faults.silent, "tls_handshake", "generic_timeout_error", Proof.NONE),
        (faults.reset_on_hello, "tls_handshake", "connection_reset", Proof.NONE),
        (faults.plain_http, "tls_handshake", "wrong_answer", Proof.NONE),
        (faults.garbage, "tls_handshake", "wrong_answer", Proof.NONE),
        (faults.alert(112), "tls_handshake", "ssl_failed_handshake", Proof.REACHED),
        (faults.stall_after_handshake, "carry", "generic_timeout_error", Proof.REACHED),
        (faults.reset_after_handshake, "carry", "connection_reset", Proof.REACHED),
        (faults.close_notify_at_once, "carry", "eof_error", Proof.REACHED),
        (faults.cut_body(5_000, "fin"), "carry", "truncated_after_n_bytes", Proof.REACHED),
        (faults.says(b"nonsense\r\n\r\n"), "carry", "wrong_answer", Proof.REACHED),
    ],
)
async def test_what_must_not_be_called_working(
    behaviour: Behaviour, step: str, error: str, proof: Proof, pki: Pki
) -> None:
    record = await try_server(behaviour, pki, limit=0.5)
    assert record.failure is not None
    assert (record.failure.step, record.failure.error, record.proof) == (step, error, proof)


@pytest.mark.parametrize(
    ("credentials", "error"),
    [
        ("expired", "ssl_expired"),
        ("not_yet_valid", "ssl_not_yet_valid"),
        ("self_signed", "ssl_unknown_authority"),
        ("unknown_authority", "ssl_unknown_authority"),
        ("wrong_name", "ssl_invalid_hostname"),
    ],
)
async def test_a_server_that_is_somebody_else(credentials: str, error: str, pki: Pki) -> None:
    async with faults.serve(faults.answer, faults.context_for(getattr(pki, credentials))) as served:
        option = page(f"https://lab.example:{served.port}/", "127.0.0.1", served.port)
        record = await attempt(option, pki.authority.pem)
        assert served.application == b""
    assert record.failure is not None
    assert (record.failure.step, record.failure.error) == ("tls_handshake", error)
    assert record.proof is Proof.REACHED


async def test_the_options_own_authority_counts_for_it_alone(pki: Pki) -> None:
    async with faults.serve(faults.answer, faults.context_for(pki.good)) as served:
        url = f"https://lab.example:{served.port}/"
        trusted = page(url, "127.0.0.1", served.port, ca=pki.authority.pem)
        assert (await attempt(trusted, None)).proof is Proof.CARRIED
        assert (await attempt(page(url, "127.0.0.1", served.port), None)).proof is Proof.REACHED


async def test_what_can_not_be_tried_sends_nothing(pki: Pki) -> None:
    for url in ("http://lab.example/", "https://lab.example/#nonsense=1", "ftp://lab.example/"):
        with pytest.raises(CannotTry) as caught:
            await attempt(page(url, "127.0.0.1"), pki.authority.pem)
        assert caught.value.reason is Reason.UNSUPPORTED


# Real servers.


@pytest.mark.daemons
@pytest.mark.parametrize("server", ["caddy", "control_web"])
async def test_real_servers_sustain(server: str, request: pytest.FixtureRequest) -> None:
    """Caddy over HTTP/2, and the control server over HTTP/1.1."""
    web: Web = request.getfixturevalue(server)
    record = await attempt(
        page(web.url("/text"), web.address, web.port, host=web.name),
        web.ca_file.read_text(),
        bulk=web.bulk_url,
    )
    assert (record.proof, record.failure) == (Proof.SUSTAINED, None)
    carry = record.step("carry")
    assert carry is not None
    assert carry.detail["version"] == ("HTTP/2" if server == "caddy" else "HTTP/1.1")


@pytest.mark.daemons
async def test_a_captive_portal_is_no_page(captive_portal: Web) -> None:
    """It answers 200 to everything: with a certificate of its own, or with the wrong text."""
    option = page(
        f"https://{captive_portal.name}/status/204#status=204",
        captive_portal.address,
        host=captive_portal.name,
    )
    record = await attempt(option, captive_portal.ca_file.read_text())
    assert record.proof is Proof.HANDSHAKEN
    record = await attempt(option, None)
    assert record.failure is not None
    assert record.failure.error == "ssl_unknown_authority"
