"""QUIC with programs that are not ours: ngtcp2 and caddy as servers, kdig and dnspython as clients of our test server."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import dns.message
import dns.query
import dns.rcode
import pytest
import trustme

from circumvent.control import Bulk, ControlPlan
from circumvent.model.option import Endpoint, Option, Origin, WebSettings
from circumvent.model.words import Proof
from tests.faults.quic import Behaviour
from tests.lab.collected import what_is_left_is_collected
from tests.lab.names import LIE, Character
from tests.names.tries import attempt, context, detail, names_option, plan
from tests.transports.quic_resolver import Upstream, resolver_over

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.names import Resolver
    from tests.lab.quic import QuicServer
    from tests.lab.web import Web

pytestmark = [pytest.mark.anyio, pytest.mark.daemons]

NAME = "resolver.test"
KINDS = ("doq", "doh3")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


def resolver_option(kind: str, port: int, method: str = "POST", name: str = NAME) -> Option:
    option = names_option(kind, "127.0.0.1", port, name=name)
    if kind == "doq":
        return option
    url = f"https://{name}:{port}/dns-query"
    return dataclasses.replace(option, settings=WebSettings(url=url, method=method))


# Our client against our server with a real resolver behind it.


@pytest.mark.parametrize(("kind", "method"), [("doq", "POST"), ("doh3", "POST"), ("doh3", "GET")])
async def test_an_honest_resolver_is_sustained_with_a_proved_denial(
    kind: str, method: str, unbound: Resolver, authority: trustme.CA, ca_file: Path
) -> None:
    given = context(plan(unbound.anchor), ca_file=ca_file)
    async with resolver_over(kind, authority.issue_cert(NAME), Upstream(unbound.address)) as served:
        record = await attempt(resolver_option(kind, served.port, method), given)

    assert record.failure is None
    assert record.proof is Proof.SUSTAINED
    assert record.bytes_received >= 32 * 1024
    assert [step.name for step in record.steps] == [
        "connect",
        "quic_handshake",
        "carry",
        "honesty",
        "sustain_down",
    ]
    assert detail(record, "carry")["dnssec"] == "proved"
    assert record.latency_ms is not None
    assert len(served.connections) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_path_that_loses_a_tenth_still_sustains(
    kind: str, unbound: Resolver, authority: trustme.CA, ca_file: Path
) -> None:
    given = context(plan(unbound.anchor), ca_file=ca_file, limit=20.0)
    behaviour = Behaviour(keep=lambda _direction, count: count % 10 != 7)
    async with resolver_over(
        kind, authority.issue_cert(NAME), Upstream(unbound.address), behaviour
    ) as served:
        record = await attempt(resolver_option(kind, served.port), given)

    assert record.proof is Proof.SUSTAINED


@pytest.mark.parametrize("kind", KINDS)
async def test_a_liar_carries_and_its_lies_are_on_record(
    kind: str, resolver: Callable[[Character], Resolver], authority: trustme.CA, ca_file: Path
) -> None:
    server = resolver(Character.LYING)
    given = context(plan(server.anchor), ca_file=ca_file)
    async with resolver_over(kind, authority.issue_cert(NAME), Upstream(server.address)) as served:
        record = await attempt(resolver_option(kind, served.port), given)

    answers = [
        answer["addresses"] for answer in detail(record, "honesty")["canaries"] if answer["type"] == "A"
    ]
    assert answers
    assert all(addresses == [LIE] for addresses in answers)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_root_signed_by_strangers_is_a_wrong_answer(
    kind: str, resolver: Callable[[Character], Resolver], authority: trustme.CA, ca_file: Path
) -> None:
    server = resolver(Character.FOREIGN)
    given = context(plan(server.anchor), ca_file=ca_file)
    async with resolver_over(kind, authority.issue_cert(NAME), Upstream(server.address)) as served:
        record = await attempt(resolver_option(kind, served.port), given)

    assert record.failure is not None
    assert (record.failure.step, record.failure.error) == ("carry", "wrong_answer")
    assert record.proof is Proof.HANDSHAKEN


# Other clients against the same server: so that it is not only we who agree with it.


@pytest.mark.requires("kdig")
async def test_kdig_agrees_with_the_test_server(
    unbound: Resolver, authority: trustme.CA, ca_file: Path
) -> None:
    async with resolver_over("doq", authority.issue_cert(NAME), Upstream(unbound.address)) as served:
        done = await anyio.run_process(
            [
                "kdig", "-d", f"+tls-ca={ca_file}", f"+tls-hostname={NAME}", "+quic",
                "@127.0.0.1", "-p", str(served.port), "lab.example", "A",
            ],
            check=False,
        )  # fmt: skip

    text = done.stdout.decode()
    assert "status: NOERROR" in text, text + done.stderr.decode()
    assert "198.51.100.16" in text
    assert "QUIC session" in text


@pytest.mark.parametrize("kind", KINDS)
async def test_dnspython_agrees_with_the_test_server(
    kind: str, unbound: Resolver, authority: trustme.CA, ca_file: Path
) -> None:
    question = dns.message.make_query("lab.example", "A", want_dnssec=True)
    async with resolver_over(kind, authority.issue_cert(NAME), Upstream(unbound.address)) as served:
        if kind == "doq":
            ask: Callable[[], Any] = partial(
                dns.query.quic,
                question,
                "127.0.0.1",
                timeout=5,
                port=served.port,
                verify=str(ca_file),
                server_hostname=NAME,
            )
        else:
            ask = partial(
                dns.query.https,
                question,
                f"https://{NAME}:{served.port}/dns-query",
                timeout=5,
                port=served.port,
                bootstrap_address="127.0.0.1",
                verify=str(ca_file),
                http_version=dns.query.HTTPVersion.H3,
            )
        with what_is_left_is_collected():
            answer = await anyio.to_thread.run_sync(ask)

    assert answer.rcode() == dns.rcode.NOERROR
    assert "198.51.100.16" in answer.to_text()


# Our client against other people's servers.


def page(name: str, address: str, port: int, path: str) -> Option:
    return Option(
        id="h3-1",
        kind="h3",
        label="laboratory",
        endpoint=Endpoint(host=name, port=port, addresses=(address,)),
        origin=Origin(source="argument"),
        settings=WebSettings(url=f"https://{name}:{port}{path}"),
    )


async def test_ngtcp2_serves_a_page(gtlsserver: QuicServer) -> None:
    option = page(gtlsserver.name, gtlsserver.address, gtlsserver.port, "/text#contains=independent")
    record = await attempt(option, context(plan(None), ca_file=gtlsserver.ca_file, controls=ControlPlan()))

    assert record.failure is None
    assert record.proof is Proof.CARRIED
    assert detail(record, "quic_handshake")["version"] == "QUIC v1"
    assert detail(record, "carry")["status"] == 200


async def test_ngtcp2_is_sustained(gtlsserver: QuicServer) -> None:
    """gtlsserver answers a path that is a number with so many bytes, and takes what is posted."""
    option = page(gtlsserver.name, gtlsserver.address, gtlsserver.port, "/text#contains=independent")
    bulk = Bulk.parse(f"https://{gtlsserver.name}:{gtlsserver.port}/{{bytes}}")
    given = context(plan(None), ca_file=gtlsserver.ca_file, controls=ControlPlan(bulk=bulk))
    record = await attempt(option, given)

    assert record.failure is None
    assert record.proof is Proof.SUSTAINED
    assert record.bytes_received >= 64 * 1024
    assert record.bytes_sent >= 16 * 1024
    assert record.down_kbps
    assert record.up_kbps


async def test_ngtcp2_has_another_page_than_the_one_stated(gtlsserver: QuicServer) -> None:
    option = page(gtlsserver.name, gtlsserver.address, gtlsserver.port, "/text#body=something%20else")
    record = await attempt(option, context(plan(None), ca_file=gtlsserver.ca_file, controls=ControlPlan()))

    assert record.failure is not None
    assert (record.failure.step, record.failure.error) == ("carry", "wrong_answer")
    assert record.proof is Proof.HANDSHAKEN


async def test_ngtcp2_with_another_name_is_another_server(gtlsserver: QuicServer) -> None:
    option = page("other.lab.example", gtlsserver.address, gtlsserver.port, "/text")
    record = await attempt(option, context(plan(None), ca_file=gtlsserver.ca_file, controls=ControlPlan()))

    assert record.failure is not None
    assert (record.failure.step, record.failure.error) == ("quic_handshake", "ssl_invalid_hostname")
    assert record.proof is Proof.REACHED


async def test_ngtcp2_is_no_resolver(gtlsserver: QuicServer) -> None:
    """A server that speaks HTTP/3 and no DoQ says so in the handshake."""
    option = names_option("doq", gtlsserver.address, gtlsserver.port, name=gtlsserver.name)
    record = await attempt(option, context(plan(None), ca_file=gtlsserver.ca_file))

    assert record.failure is not None
    assert record.failure.step == "quic_handshake"
    assert record.failure.error == "ssl_failed_handshake"


@pytest.mark.parametrize("family", [0, 1], ids=["ipv4", "ipv6"])
async def test_caddy_brings_64_kib(caddy: Web, family: int) -> None:
    option = page(caddy.name, caddy.addresses[family], caddy.port, "/status/204#status=204")
    controls = ControlPlan(bulk=Bulk.parse(caddy.bulk_url))
    record = await attempt(option, context(plan(None), ca_file=caddy.ca_file, controls=controls))

    assert record.failure is None
    assert detail(record, "carry")["version"] == "HTTP/3"
    assert detail(record, "sustain_down")["bytes"] == 64 * 1024
    assert record.down_kbps


async def test_an_upload_that_the_server_does_not_take_proves_nothing(caddy: Web) -> None:
    """caddy answers this POST at once and stops reading, so 16 KiB never went up."""
    option = page(caddy.name, caddy.address, caddy.port, "/status/204#status=204")
    controls = ControlPlan(bulk=Bulk.parse(caddy.bulk_url))
    record = await attempt(option, context(plan(None), ca_file=caddy.ca_file, controls=controls))

    up = detail(record, "sustain_up")
    assert up["bytes"] < 16 * 1024
    assert up["unavailable"]
    assert record.proof is Proof.CARRIED


async def test_caddy_without_our_authority_is_nobody(caddy: Web) -> None:
    option = page(caddy.name, caddy.address, caddy.port, "/status/204#status=204")
    record = await attempt(option, context(plan(None), controls=ControlPlan()))

    assert record.failure is not None
    assert (record.failure.step, record.failure.error) == ("quic_handshake", "ssl_unknown_authority")
    assert detail(record, "quic_handshake")["os_trusted"] is False
    assert record.proof is Proof.REACHED
