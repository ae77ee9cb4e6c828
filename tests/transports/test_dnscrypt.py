"""DNSCrypt against a real dnsdist, and against servers with one fault each."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from circumvent.model.option import DnscryptSettings, Endpoint, Option, Origin
from circumvent.model.words import Proof
from circumvent.net.clock import Clock
from circumvent.net.errors import CannotTry
from tests.faults.dnscrypt import PROVIDER, Server, relay
from tests.faults.tcp import serve
from tests.faults.udp import ADDRESS, answering, closed_port
from tests.lab.daemon import Ready, start
from tests.lab.left_out import requires
from tests.names.tries import attempt, context, detail, plan
from tests.peers.odoh import ask_over_tcp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from circumvent.model.record import Attempt
    from tests.lab.names import Dnsdist, Resolver

pytestmark = pytest.mark.anyio

DAY = 86400.0


def dnscrypt_option(
    address: str, port: int, key: bytes, *, provider: str = PROVIDER, relayed: Endpoint | None = None
) -> Option:
    return Option(
        id="dnscrypt-1",
        kind="dnscrypt",
        label="test",
        endpoint=Endpoint(host=address, port=port),
        origin=Origin(source="argument"),
        settings=DnscryptSettings(provider=provider, public_key=key, relay=relayed),
    )


def failure(record: Attempt) -> tuple[str, str] | None:
    return None if record.failure is None else (record.failure.step, record.failure.error)


# --- real dnsdist -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Binds:
    """A dnsdist with one DNSCrypt port a certificate: both constructions."""

    address: str
    provider: str
    key: bytes
    ports: dict[str, int]
    anchor: str


_CONFIGURATION = """\
setLocal('{address}:8052')
setACL({{'0.0.0.0/0'}})
newServer('{upstream}:53')
generateDNSCryptProviderKeys('{directory}/provider.public', '{directory}/provider.key')
local now = os.time()
for _, each in ipairs({{
  {{'xsalsa', 8061, -3600, 86400, DNSCryptExchangeVersion.VERSION1}},
  {{'xchacha', 8062, -3600, 86400, DNSCryptExchangeVersion.VERSION2}},
}}) do
  local certificate, key = '{directory}/' .. each[1] .. '.certificate', '{directory}/' .. each[1] .. '.key'
  generateDNSCryptCertificate('{directory}/provider.key', certificate, key, 1, now + each[3], now + each[4], each[5])
  addDNSCryptBind('{address}:' .. each[2], '{provider}', certificate, key)
end
"""


@pytest.fixture(scope="module")
def binds(unbound: Resolver, lab_directory: Callable[[str], Path]) -> Iterator[Binds]:
    requires("dnsdist")
    address, provider, directory = "198.51.100.11", "2.dnscrypt-cert.lab.example", lab_directory("dnscrypt")
    ports = {"xsalsa": 8061, "xchacha": 8062}
    path = directory / "dnsdist.conf"
    path.write_text(
        _CONFIGURATION.format(
            address=address, upstream=unbound.address, directory=directory, provider=provider
        )
    )
    daemon = start(
        ["dnsdist", "--supervised", "--disable-syslog", "-C", str(path)],
        directory=directory,
        ready=[Ready(address=address, port=port) for port in ports.values()],
        name="dnsdist-dnscrypt",
    )
    try:
        key = (directory / "provider.public").read_bytes()
        yield Binds(address=address, provider=provider, key=key, ports=ports, anchor=unbound.anchor)
    finally:
        daemon.stop()


def option_for(binds: Binds, which: str, **more: Any) -> Option:
    key = more.pop("key", binds.key)
    return dnscrypt_option(binds.address, binds.ports[which], key, provider=binds.provider, **more)


@pytest.mark.daemons
@pytest.mark.parametrize(("which", "construction"), [("xsalsa", 1), ("xchacha", 2)])
async def test_dnsdist_is_sustained_with_a_proved_denial(binds: Binds, which: str, construction: int) -> None:
    record = await attempt(option_for(binds, which), context(plan(binds.anchor)))
    assert failure(record) is None
    assert record.proof is Proof.SUSTAINED
    assert detail(record, "tunnel_handshake")["construction"] == construction
    assert detail(record, "tunnel_handshake")["udp"] == "works"
    assert detail(record, "carry")["dnssec"] == "proved"
    assert record.latency_ms is not None


@pytest.mark.daemons
async def test_the_laboratorys_dnsdist(dnsdist: Dnsdist) -> None:
    option = dnscrypt_option(
        dnsdist.address,
        dnsdist.dnscrypt_port,
        dnsdist.dnscrypt_public_key,
        provider=dnsdist.dnscrypt_provider,
    )
    record = await attempt(option, context(plan(dnsdist.anchor), goal=Proof.CARRIED))
    assert (failure(record), record.proof) == (None, Proof.CARRIED)


@pytest.mark.daemons
@pytest.mark.parametrize(("skew", "error"), [(-400 * DAY, "ssl_expired"), (400 * DAY, "ssl_not_yet_valid")])
async def test_dnsdist_when_the_time_of_day_is_another(binds: Binds, skew: float, error: str) -> None:
    record = await attempt(option_for(binds, "xchacha"), context(plan(binds.anchor), clock=Clock(skew=skew)))
    assert failure(record) == ("tunnel_handshake", error)
    assert record.proof is Proof.REACHED


@pytest.mark.daemons
async def test_dnsdist_of_another_provider(binds: Binds) -> None:
    key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    record = await attempt(option_for(binds, "xchacha", key=key), context(plan(binds.anchor)))
    assert failure(record) == ("tunnel_handshake", "wrong_key")
    assert record.proof is Proof.REACHED


@pytest.mark.daemons
@pytest.mark.parametrize("which", ["xsalsa", "xchacha"])
async def test_dnsdist_through_a_relay(binds: Binds, which: str) -> None:
    with relay((binds.address, binds.ports[which])) as (port, seen):
        option = option_for(binds, which, relayed=Endpoint(host=ADDRESS, port=port))
        record = await attempt(option, context(plan(binds.anchor), goal=Proof.CARRIED))
    assert (failure(record), record.proof) == (None, Proof.CARRIED)
    assert detail(record, "tunnel_handshake")["via_relay"] is True
    assert all(packet.startswith(b"\xff" * 8) for packet in seen)


@pytest.mark.daemons
async def test_where_udp_is_silent_tcp_carries(unbound: Resolver) -> None:
    server = Server(resolve=ask_over_tcp(unbound.address))
    with serve(server.converse) as streams, answering(lambda _: [], streams.port):
        option = dnscrypt_option(ADDRESS, streams.port, server.public_key)
        record = await attempt(option, context(plan(unbound.anchor)))
    assert record.proof is Proof.CARRIED
    assert detail(record, "tunnel_handshake")["udp"] == "generic_timeout_error"
    assert detail(record, "carry")["dnssec"] == "proved"
    assert failure(record) is None


@pytest.mark.daemons
async def test_a_relay_without_tcp_still_carries(binds: Binds) -> None:
    with (
        relay((binds.address, binds.ports["xchacha"])) as (port, _),
        answering(_forwarding(port)) as udp_only,
    ):
        option = option_for(binds, "xchacha", relayed=Endpoint(host=ADDRESS, port=udp_only))
        record = await attempt(option, context(plan(None), goal=Proof.CARRIED))
    assert record.proof is Proof.CARRIED
    assert failure(record) is None


def _forwarding(port: int) -> Callable[[bytes], list[bytes]]:
    """Return what passes datagrams on to a port of loopback."""

    def forward(packet: bytes) -> list[bytes]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as onward:
            onward.settimeout(2)
            onward.connect((ADDRESS, port))
            onward.send(packet)
            return [onward.recv(65535)]

    return forward


# --- one fault each ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "expected", "proof"),
    [
        (Server(fault="garbage"), ("tunnel_handshake", "wrong_answer"), Proof.NONE),
        (Server(fault="no certificate"), ("tunnel_handshake", "wrong_answer"), Proof.REACHED),
        (Server(fault="nxdomain"), ("tunnel_handshake", "dns_nxdomain_error"), Proof.REACHED),
        (
            Server(signing_key=Ed25519PrivateKey.generate()),
            ("tunnel_handshake", "wrong_key"),
            Proof.REACHED,
        ),
        (Server(since=1, until=2), ("tunnel_handshake", "ssl_expired"), Proof.REACHED),
        (Server(fault="stall"), ("carry", "generic_timeout_error"), Proof.HANDSHAKEN),
        (Server(fault="plain answer"), ("carry", "generic_timeout_error"), Proof.HANDSHAKEN),
        (Server(fault="another nonce"), ("carry", "generic_timeout_error"), Proof.HANDSHAKEN),
        (
            Server(answer_key=X25519PrivateKey.generate()),
            ("carry", "generic_timeout_error"),
            Proof.HANDSHAKEN,
        ),
    ],
    ids=lambda value: value.fault if isinstance(value, Server) else None,
)
async def test_what_is_not_taken_for_working(server: Server, expected: tuple[str, str], proof: Proof) -> None:
    with answering(server.answers) as port:
        record = await attempt(
            dnscrypt_option(ADDRESS, port, server.public_key), context(plan(None), limit=1.6)
        )
    assert failure(record) == expected
    assert record.proof is proof


async def test_silence_ends_with_the_step_and_asked_tcp_too() -> None:
    server = Server(fault="silent")
    began = time.monotonic()
    with answering(server.answers) as port:
        record = await attempt(
            dnscrypt_option(ADDRESS, port, server.public_key), context(plan(None), limit=1.0)
        )
    assert record.proof is Proof.NONE
    assert detail(record, "tunnel_handshake")["udp"] == "generic_timeout_error"
    assert record.failure is not None
    assert record.failure.error == "connection_refused"
    assert time.monotonic() - began < 2
    assert len(server.seen) >= 2


async def test_a_closed_port_is_refused_at_once() -> None:
    record = await attempt(dnscrypt_option(ADDRESS, closed_port(), bytes(32)), context(plan(None)))
    assert record.proof is Proof.NONE
    assert detail(record, "tunnel_handshake")["udp"] == "connection_refused"
    assert record.failure is not None
    assert record.failure.error == "connection_refused"


async def test_an_option_without_provider_is_not_tried() -> None:
    option = Option(
        id="dnscrypt-1",
        kind="dnscrypt",
        label="test",
        endpoint=Endpoint(host=ADDRESS, port=443),
        origin=Origin(source="argument"),
    )
    with pytest.raises(CannotTry):
        await attempt(option, context(plan(None)))


async def test_a_relay_needs_the_servers_address() -> None:
    option = Option(
        id="dnscrypt-1",
        kind="dnscrypt",
        label="test",
        endpoint=Endpoint(host="dns.example", port=443),
        origin=Origin(source="argument"),
        settings=DnscryptSettings(
            provider=PROVIDER, public_key=bytes(32), relay=Endpoint(host=ADDRESS, port=1)
        ),
    )
    with pytest.raises(CannotTry, match="server's address"):
        await attempt(option, context(plan(None)))
