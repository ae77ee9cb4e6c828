"""Oblivious DoH against a target and a relay that decrypt with pyhpke and ask a real resolver."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from circumvent.model.option import Endpoint, OdohSettings, Option, Origin
from circumvent.model.words import Proof
from circumvent.net.dial import DirectDialer, Policy
from circumvent.net.errors import CannotTry
from circumvent.transports.odoh import relay_url
from tests.names.tries import attempt, context, detail, plan
from tests.peers.odoh import Relay, Target, ask_over_tcp, https

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from circumvent.model.record import Attempt
    from circumvent.net.trace import Trace
    from tests.lab.names import Resolver
    from tests.lab.pki import Pki

pytestmark = pytest.mark.anyio


class Localhost:
    """A name service that knows one name."""

    async def resolve(self, host: str, trace: Trace, *, private: bool) -> Sequence[str]:  # noqa: ARG002 - the protocol's
        assert host == "localhost"
        return ("127.0.0.1",)


def odoh_option(port: int, *, target_port: int | None = None) -> Option:
    """Return an option for the target on ``port``, or for a relay there before the target on ``target_port``."""
    if target_port is None:
        settings = OdohSettings(url=f"https://localhost:{port}/dns-query")
    else:
        settings = OdohSettings(
            url=f"https://localhost:{target_port}/dns-query", relay=f"https://localhost:{port}/proxy"
        )
    return Option(
        id="odoh-1",
        kind="odoh",
        label="test",
        endpoint=Endpoint(host="localhost", port=port, addresses=("127.0.0.1",)),
        origin=Origin(source="argument"),
        settings=settings,
    )


def failure(record: Attempt) -> tuple[str, str] | None:
    return None if record.failure is None else (record.failure.step, record.failure.error)


def unanswerable(message: bytes) -> bytes:
    """Return a well-formed answer (SERVFAIL) to any question."""
    return message[:2] + b"\x81\x82" + message[4:]


@pytest.fixture
def dialer() -> DirectDialer:
    return DirectDialer(Localhost(), policy=Policy(allow_private=True))


@pytest.fixture
def target(unbound: Resolver, pki: Pki) -> Iterator[tuple[Target, int]]:
    """A target in front of the laboratory's resolver."""
    behind = Target(ask_over_tcp(unbound.address))
    with https(behind.respond, chain=pki.good.chain, key=pki.good.key) as port:
        yield behind, port


@pytest.mark.daemons
async def test_a_target_is_sustained_with_a_proved_denial(
    target: tuple[Target, int], unbound: Resolver, pki: Pki
) -> None:
    record = await attempt(odoh_option(target[1]), context(plan(unbound.anchor), ca_file=pki.ca_file))
    assert failure(record) is None
    assert record.proof is Proof.SUSTAINED
    assert detail(record, "carry")["dnssec"] == "proved"
    assert detail(record, "configuration")["aead"] == "AES_128_GCM"
    assert target[0].seen[0] == "GET /.well-known/odohconfigs"


@pytest.mark.daemons
async def test_a_target_behind_a_relay(
    target: tuple[Target, int], unbound: Resolver, pki: Pki, dialer: DirectDialer
) -> None:
    behind, target_port = target
    relay = Relay(("127.0.0.1", target_port), pki.ca_file)
    with https(relay.respond, chain=pki.good.chain, key=pki.good.key) as port:
        record = await attempt(
            odoh_option(port, target_port=target_port),
            context(plan(unbound.anchor), ca_file=pki.ca_file, dialer=dialer, goal=Proof.CARRIED),
        )
    assert failure(record) is None
    assert record.proof is Proof.CARRIED
    assert behind.seen[0] == "GET /.well-known/odohconfigs"
    assert set(relay.seen) == {f"POST /proxy?targethost=localhost:{target_port}&targetpath=/dns-query"}


@pytest.mark.parametrize(
    ("fault", "expected", "proof"),
    [
        ("no configuration", ("configuration", "http_unexpected_status_code"), Proof.REACHED),
        ("broken configuration", ("configuration", "wrong_answer"), Proof.REACHED),
        ("status 502", ("carry", "origin_down"), Proof.HANDSHAKEN),
        ("key gone", ("carry", "proxy_protocol_error"), Proof.HANDSHAKEN),
        ("page", ("carry", "wrong_answer"), Proof.HANDSHAKEN),
        ("garbage", ("carry", "wrong_answer"), Proof.HANDSHAKEN),
        ("another query", ("carry", "wrong_answer"), Proof.HANDSHAKEN),
    ],
)
async def test_what_is_not_taken_for_working(
    fault: str, expected: tuple[str, str], proof: Proof, pki: Pki
) -> None:
    behind = Target(unanswerable, fault=fault)
    with https(behind.respond, chain=pki.good.chain, key=pki.good.key) as port:
        record = await attempt(odoh_option(port), context(plan(None), ca_file=pki.ca_file))
    assert failure(record) == expected
    assert record.proof is proof


async def test_a_relay_that_cannot_reach_the_target(pki: Pki, dialer: DirectDialer) -> None:
    behind = Target(unanswerable)
    relay = Relay(("127.0.0.1", 1), pki.ca_file)
    with (
        https(behind.respond, chain=pki.good.chain, key=pki.good.key) as target_port,
        https(relay.respond, chain=pki.good.chain, key=pki.good.key) as port,
    ):
        record = await attempt(
            odoh_option(port, target_port=target_port),
            context(plan(None), ca_file=pki.ca_file, dialer=dialer),
        )
    assert failure(record) == ("carry", "origin_down")
    assert record.proof is Proof.HANDSHAKEN


async def test_a_certificate_of_a_stranger_ends_it(pki: Pki) -> None:
    behind = Target(unanswerable)
    with https(behind.respond, chain=pki.unknown_authority.chain, key=pki.unknown_authority.key) as port:
        record = await attempt(odoh_option(port), context(plan(None), ca_file=pki.ca_file))
    assert failure(record) == ("tls_handshake", "ssl_unknown_authority")
    assert behind.seen == []


async def test_an_option_without_url_is_not_tried() -> None:
    option = Option(
        id="odoh-1",
        kind="odoh",
        label="test",
        endpoint=Endpoint(host="127.0.0.1", port=443),
        origin=Origin(source="argument"),
    )
    with pytest.raises(CannotTry):
        await attempt(option, context(plan(None)))


@pytest.mark.parametrize(
    ("relay", "url"),
    [
        ("https://r.example/p", "https://r.example/p?targethost=t.example&targetpath=/dns-query"),
        (
            "https://r.example/p{?targethost,targetpath}",
            "https://r.example/p?targethost=t.example&targetpath=/dns-query",
        ),
        ("https://r.example/p?a=b", "https://r.example/p?a=b&targethost=t.example&targetpath=/dns-query"),
    ],
)
def test_where_a_relay_wants_queries(relay: str, url: str) -> None:
    assert relay_url(relay, "https://t.example/dns-query") == url
