"""Bridges of every kind against real tor, obfs4proxy and nginx: what each network and server must look like.

Behind nginx are the servers of WebTunnel's and meek's authors, where they are on PATH, and ours.
"""

from __future__ import annotations

import base64
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import anyio
import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from circumvent.model.words import Proof
from circumvent.net.verify import read_pem
from circumvent.tor.webtunnel import chain_hash
from tests.faults import proxy as faults
from tests.lab.daemon import find_program
from tests.lab.tor import ANOTHER_RELAY, DESCRIPTOR, ask_tor
from tests.transports.tor_context import bridge, context, detail_of, failure_of, try_once

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from circumvent.model.option import Option
    from circumvent.model.record import Attempt
    from tests.lab.names import Resolver
    from tests.lab.tor import Bridge
    from tests.lab.tor_site import Site

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.daemons,
    pytest.mark.requires("tor", "obfs4proxy"),
]

#: Bridges without a disguise, and with obfs4 in each mode.
MODES = [None, 0, 1, 2]
TWO_HOURS = 7200.0
#: What stands behind the web site: ours, and those of the transports' authors.
WEBTUNNEL_SERVERS = [
    "webtunnel_server.py",
    pytest.param("webtunnel-server", marks=pytest.mark.requires("webtunnel-server")),
]
MEEK_SERVERS = ["meek_server.py", pytest.param("meek-server", marks=pytest.mark.requires("meek-server"))]
#: The fingerprint of a relay that does not exist.
STRANGER = bytes(20)


@pytest.fixture
def anyio_backend() -> str:
    """What works is tried on both loops, what fails on one."""
    return "asyncio"


async def through(
    bridge_line: Bridge, iat_mode: int | None, tunnel: Callable[[faults.Link, str, int], Awaitable[None]]
) -> Attempt:
    """Try a bridge with something in between."""
    port = bridge_line.port if iat_mode is None else bridge_line.obfs4[iat_mode].port

    async def between(link: faults.Link) -> None:
        await tunnel(link, bridge_line.address, port)

    async with faults.serving(between) as served:
        option = bridge(bridge_line.line(iat_mode), at=("127.0.0.1", served.port))
        return await try_once(option, context(limit=1.5))


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
@pytest.mark.parametrize("iat_mode", MODES)
async def test_a_bridge_that_works_lasts(tor_bridge: Bridge, iat_mode: int | None) -> None:
    given = context()
    attempt = await try_once(bridge(tor_bridge.line(iat_mode)), given)
    assert attempt.failure is None
    assert attempt.proof is Proof.SUSTAINED
    shook = detail_of(attempt, "tunnel_handshake")
    assert shook["authenticated"] is True
    assert shook["version"] == 5
    assert abs(shook["clock_skew_s"]) < 5
    assert detail_of(attempt, "sustain_down")["bytes"] >= 65536
    assert detail_of(attempt, "sustain_up")["bytes"] >= 16384
    assert attempt.bytes_received > 65536
    assert attempt.bytes_sent > 16384
    assert attempt.latency_ms is not None
    assert attempt.down_kbps is not None
    assert attempt.up_kbps is not None


@pytest.mark.parametrize("iat_mode", MODES)
async def test_a_try_stops_where_it_is_told_to(tor_bridge: Bridge, iat_mode: int | None) -> None:
    attempt = await try_once(bridge(tor_bridge.line(iat_mode)), context(goal=Proof.CARRIED))
    assert attempt.proof is Proof.CARRIED
    assert attempt.step("sustain_down") is None


@pytest.mark.parametrize("iat_mode", [None, 0])
async def test_an_idle_circuit_is_asked_once_more(tor_bridge: Bridge, iat_mode: int | None) -> None:
    given = context(goal=Proof.CARRIED, idle=0.3)
    attempt = await try_once(bridge(tor_bridge.line(iat_mode)), given)
    assert attempt.failure is None
    assert detail_of(attempt, "idle") == {"seconds": 0.3}


async def test_over_ipv6(tor_bridge: Bridge) -> None:
    attempt = await try_once(
        bridge(f"[{tor_bridge.ipv6}]:{tor_bridge.port} {tor_bridge.fingerprint}"), context()
    )
    assert attempt.proof is Proof.SUSTAINED
    assert attempt.family == "ipv6"


async def test_without_a_fingerprint_it_says_that_nobody_was_authenticated(tor_bridge: Bridge) -> None:
    option = bridge(f"Bridge {tor_bridge.address}:{tor_bridge.port}")
    attempt = await try_once(option, context(goal=Proof.CARRIED))
    assert attempt.proof is Proof.CARRIED
    assert detail_of(attempt, "tunnel_handshake")["authenticated"] is False


@pytest.mark.parametrize("iat_mode", [None, 0])
async def test_another_relay_at_this_address_is_not_this_bridge(
    tor_bridge: Bridge, iat_mode: int | None
) -> None:
    attempt = await try_once(bridge(tor_bridge.line(iat_mode), fingerprint=STRANGER), context())
    assert failure_of(attempt) == ("tunnel_handshake", "wrong_key")
    assert attempt.proof is Proof.REACHED


@pytest.mark.parametrize("wrong", ["node_id", "public_key"])
async def test_a_wrong_cert_is_silence(tor_bridge: Bridge, wrong: str) -> None:
    line = tor_bridge.line(0)
    option = (
        bridge(line, node_id=os.urandom(20))
        if wrong == "node_id"
        else bridge(line, public_key=os.urandom(32))
    )
    attempt = await try_once(option, context(limit=1.0))
    assert failure_of(attempt) == ("obfs4_handshake", "generic_timeout_error")
    assert attempt.proof is Proof.NONE


@pytest.mark.parametrize("wrong_by", [TWO_HOURS, -TWO_HOURS])
class TestTwoHoursOff:
    """An obfs4 server and a client whose clocks are two hours apart: the server says nothing."""

    async def test_obfs4_is_silent(self, tor_bridge: Bridge, wrong_by: float) -> None:
        attempt = await try_once(bridge(tor_bridge.line(0)), context(clock_wrong_by=wrong_by, limit=1.0))
        assert failure_of(attempt) == ("obfs4_handshake", "generic_timeout_error")

    async def test_obfs4_uses_the_time_that_is_known(self, tor_bridge: Bridge, wrong_by: float) -> None:
        given = context(clock_wrong_by=wrong_by, goal=Proof.CARRIED)
        given.trace.clock.skew = wrong_by
        attempt = await try_once(bridge(tor_bridge.line(0)), given)
        assert attempt.proof is Proof.CARRIED
        assert detail_of(attempt, "obfs4_handshake")["hours_ahead"] == 0

    async def test_a_plain_bridge_works_and_tells_the_time(self, tor_bridge: Bridge, wrong_by: float) -> None:
        attempt = await try_once(
            bridge(tor_bridge.line()), context(clock_wrong_by=wrong_by, goal=Proof.CARRIED)
        )
        assert attempt.proof is Proof.CARRIED
        assert detail_of(attempt, "tunnel_handshake")["clock_skew_s"] == pytest.approx(wrong_by, abs=5)


async def test_a_clock_within_the_hour_is_told_from_the_answer(tor_bridge: Bridge) -> None:
    """The server takes the hour before and the hour after, and answers with its own."""
    attempt = await try_once(bridge(tor_bridge.line(0)), context(clock_wrong_by=-3600.0, goal=Proof.CARRIED))
    assert attempt.proof is Proof.CARRIED
    assert detail_of(attempt, "obfs4_handshake")["hours_ahead"] in (0, 1)


@pytest.mark.parametrize("iat_mode", [None, 0])
class TestInBetween:
    """The bridge is well, and something on the way is not."""

    async def test_down(self, tor_bridge: Bridge, iat_mode: int | None) -> None:
        attempt = await try_once(bridge(tor_bridge.line(iat_mode), at=(tor_bridge.address, 9)), context())
        assert failure_of(attempt) == ("connect", "connection_refused")

    async def test_dropped(self, tor_bridge: Bridge, iat_mode: int | None) -> None:
        attempt = await try_once(bridge(tor_bridge.line(iat_mode), at=("192.0.2.1", 443)), context(limit=0.5))
        assert failure_of(attempt) == ("connect", "generic_timeout_error")

    async def test_accepts_and_says_nothing(self, tor_bridge: Bridge, iat_mode: int | None) -> None:
        attempt = await through(tor_bridge, iat_mode, faults.cuts_after(0))
        step = "tls_handshake" if iat_mode is None else "obfs4_handshake"
        assert failure_of(attempt) == (step, "generic_timeout_error")
        assert attempt.proof is Proof.NONE

    @pytest.mark.parametrize("reset", [False, True])
    @pytest.mark.parametrize("count", [16 * 1024, 50 * 1024])
    async def test_cut_after_so_much(
        self, tor_bridge: Bridge, iat_mode: int | None, count: int, reset: bool
    ) -> None:
        attempt = await through(tor_bridge, iat_mode, faults.cuts_after(count, reset=reset))
        if iat_mode is not None and count == 16 * 1024 and attempt.proof is not Proof.CARRIED:
            # The padding of obfs4 may fill 16 KiB before the descriptor is there.
            assert attempt.proof.at_least(Proof.REACHED)
            assert failure_of(attempt) is not None
            return
        assert attempt.proof is Proof.CARRIED
        step, error = failure_of(attempt) or ("", "")
        assert step == "sustain_down"
        assert attempt.cut_bytes is None or attempt.cut_bytes <= count
        if reset:  # what had come in and was not read yet is lost with the connection
            assert error in ("truncated_after_n_bytes", "eof_error", "connection_reset")
        elif error != "generic_timeout_error":  # not one byte more came after the descriptor
            assert error == "truncated_after_n_bytes"
            assert attempt.cut_bytes == count

    async def test_stalls_after_the_handshake(self, tor_bridge: Bridge, iat_mode: int | None) -> None:
        """The link stands, and nothing comes back: connected, and of no use."""
        stalled: list[bool] = []

        def until_the_circuit(data: bytes) -> bytes:
            return b"" if stalled else data

        given = context(limit=1.0)
        port = tor_bridge.port if iat_mode is None else tor_bridge.obfs4[iat_mode].port
        given.trace.on_proof = lambda proof: (
            stalled.append(True) if proof is Proof.HANDSHAKEN else None  # the next bytes are lost
        )

        async def between(link: faults.Link) -> None:
            await faults.relay(link, tor_bridge.address, port, down=until_the_circuit)

        async with faults.serving(between) as served:
            option = bridge(tor_bridge.line(iat_mode), at=("127.0.0.1", served.port))
            attempt = await try_once(option, given)
        assert failure_of(attempt) == ("circuit", "generic_timeout_error")
        assert attempt.proof is Proof.HANDSHAKEN

    async def test_bytes_changed_on_the_way(self, tor_bridge: Bridge, iat_mode: int | None) -> None:
        attempt = await through(tor_bridge, iat_mode, faults.corrupts(12 * 1024))
        assert attempt.failure is not None
        assert not attempt.proof.at_least(Proof.SUSTAINED)


async def test_one_connection_and_none_is_left(tor_bridge: Bridge) -> None:
    ended = anyio.Event()

    async def between(link: faults.Link) -> None:
        try:
            await faults.relay(link, tor_bridge.address, tor_bridge.port)
        finally:
            ended.set()

    async with faults.serving(between) as served:
        option = bridge(tor_bridge.line(), at=("127.0.0.1", served.port))
        assert (await try_once(option, context())).proof is Proof.SUSTAINED
        with anyio.fail_after(5):
            await ended.wait()
        assert served.connections == 1


@pytest.mark.parametrize("iat_mode", [None, 0])
class TestTorAsWitness:
    """tor's own client, given the same line, finds what we find."""

    async def test_it_gets_the_descriptor_too(
        self, tor_bridge: Bridge, iat_mode: int | None, tmp_path: Path
    ) -> None:
        line = tor_bridge.line(iat_mode)
        assert ask_tor(tmp_path, line, program=find_program("obfs4proxy") or "") == DESCRIPTOR
        assert (await try_once(bridge(line), context(goal=Proof.CARRIED))).proof is Proof.CARRIED

    async def test_it_refuses_another_relay_too(
        self, tor_bridge: Bridge, iat_mode: int | None, tmp_path: Path
    ) -> None:
        line = tor_bridge.line(iat_mode).replace(tor_bridge.fingerprint, "A" * 40)
        assert ask_tor(tmp_path, line, program=find_program("obfs4proxy") or "") == ANOTHER_RELAY
        assert failure_of(await try_once(bridge(line), context())) == ("tunnel_handshake", "wrong_key")


@pytest.mark.requires("obfs4proxy-0.0.15")
class TestNewerObfs4:
    """The obfs4proxy of 2023, from which lyrebird was made, finds nothing wrong with us either."""

    @pytest.mark.parametrize("iat_mode", [0, 1, 2])
    async def test_it_works_and_lasts(self, newer_obfs4: Bridge, iat_mode: int) -> None:
        attempt = await try_once(bridge(newer_obfs4.line(iat_mode)), context())
        assert attempt.failure is None
        assert attempt.proof is Proof.SUSTAINED

    async def test_a_wrong_cert_is_silence(self, newer_obfs4: Bridge, tor_bridge: Bridge) -> None:
        line = newer_obfs4.line(0).replace(newer_obfs4.obfs4[0].cert, tor_bridge.obfs4[0].cert)
        attempt = await try_once(bridge(line), context(limit=1.0))
        assert failure_of(attempt) == ("obfs4_handshake", "generic_timeout_error")


@pytest.mark.requires("nginx")
class TestWebtunnel:
    def option(self, site: Site, line: str | None = None, **changed: bytes) -> Option:
        option = bridge(site.line() if line is None else line, at=None, **changed)
        return replace(option, ca=site.ca_file.read_text(encoding="ascii"))

    @pytest.mark.parametrize("server", WEBTUNNEL_SERVERS)
    async def test_it_works_and_lasts(self, webtunnel_site: Site, server: str) -> None:
        attempt = await try_once(self.option(webtunnel_site, webtunnel_site.line(server)), context())
        assert attempt.failure is None
        assert attempt.proof is Proof.SUSTAINED
        assert [step.name for step in attempt.steps] == [
            "connect", "tls_handshake", "http_upgrade", "tor_tls", "tunnel_handshake", "circuit", "carry",
            "sustain_down", "sustain_up",
        ]  # fmt: skip

    async def test_a_wrong_path_is_a_web_page(self, webtunnel_site: Site) -> None:
        line = webtunnel_site.line().replace(webtunnel_site.path, "/another")
        attempt = await try_once(self.option(webtunnel_site, line), context())
        assert failure_of(attempt) == ("http_upgrade", "http_unexpected_status_code")
        assert attempt.proof is Proof.REACHED

    async def test_an_unknown_authority(self, webtunnel_site: Site) -> None:
        attempt = await try_once(bridge(webtunnel_site.line()), context())
        assert failure_of(attempt) == ("tls_handshake", "ssl_unknown_authority")

    async def test_a_pinned_chain_needs_no_authority(self, webtunnel_site: Site) -> None:
        text = webtunnel_site.credentials.chain.read_text(encoding="ascii")
        chain = [certificate.public_bytes(Encoding.DER) for certificate in read_pem(text)]
        pin = base64.b64encode(chain_hash(chain)).decode("ascii")
        attempt = await try_once(bridge(webtunnel_site.line(cert=pin)), context(goal=Proof.CARRIED))
        assert attempt.proof is Proof.CARRIED

    async def test_another_chain_than_the_pinned(self, webtunnel_site: Site) -> None:
        pin = base64.b64encode(bytes(32)).decode("ascii")
        attempt = await try_once(bridge(webtunnel_site.line(cert=pin)), context())
        assert failure_of(attempt) == ("pin", "wrong_key")

    @pytest.mark.parametrize("server", WEBTUNNEL_SERVERS)
    async def test_another_bridge_behind_it(self, webtunnel_site: Site, server: str) -> None:
        option = self.option(webtunnel_site, webtunnel_site.line(server), fingerprint=STRANGER)
        attempt = await try_once(option, context())
        assert failure_of(attempt) == ("tunnel_handshake", "wrong_key")

    @pytest.mark.requires("unbound", "webtunnel-client")
    @pytest.mark.parametrize("server", WEBTUNNEL_SERVERS)
    async def test_tor_with_webtunnels_client_finds_the_same(
        self, webtunnel_site: Site, unbound: Resolver, server: str, tmp_path: Path
    ) -> None:
        assert unbound.daemon is not None  # that client asks the resolver of the namespace for the site
        told = ask_tor(
            tmp_path,
            webtunnel_site.line(server),
            program=find_program("webtunnel-client") or "",
            transports="webtunnel",
            ca_file=webtunnel_site.ca_file,
        )
        assert told == DESCRIPTOR

    async def test_another_name_on_the_line(self, webtunnel_site: Site) -> None:
        """The certificate must be for the name that is sent."""
        line = webtunnel_site.line(servername="another.example")
        attempt = await try_once(self.option(webtunnel_site, line), context())
        assert failure_of(attempt) == ("tls_handshake", "ssl_invalid_hostname")


@pytest.mark.requires("nginx")
class TestMeek:
    def option(self, site: Site, line: str | None = None) -> Option:
        option = bridge(site.meek_line() if line is None else line)
        place = replace(option.endpoint, addresses=(site.address,))
        return replace(option, endpoint=place, ca=site.ca_file.read_text(encoding="ascii"))

    @pytest.mark.parametrize("server", MEEK_SERVERS)
    async def test_it_works_and_lasts(self, webtunnel_site: Site, server: str) -> None:
        attempt = await try_once(self.option(webtunnel_site, webtunnel_site.meek_line(server)), context())
        assert attempt.failure is None
        assert attempt.proof is Proof.SUSTAINED
        assert detail_of(attempt, "tls_handshake")["alpn"] == "h2"
        assert [step.name for step in attempt.steps] == [
            "connect", "tls_handshake", "meek_poll", "tor_tls", "tunnel_handshake", "circuit", "carry",
            "sustain_down", "sustain_up",
        ]  # fmt: skip

    async def test_a_front_that_does_not_know_the_host(self, webtunnel_site: Site) -> None:
        """It serves its own site instead."""
        option = self.option(webtunnel_site, webtunnel_site.meek_line(host=webtunnel_site.name))
        attempt = await try_once(option, context(limit=2.0))
        assert attempt.proof is Proof.REACHED
        step, _ = failure_of(attempt) or ("", "")
        assert step in ("meek_poll", "tor_tls")

    async def test_the_certificate_is_that_of_the_front(self, webtunnel_site: Site) -> None:
        line = webtunnel_site.meek_line().replace(f"front={webtunnel_site.name}", "front=another.example")
        attempt = await try_once(self.option(webtunnel_site, line), context())
        assert failure_of(attempt) == ("tls_handshake", "ssl_invalid_hostname")

    @pytest.mark.parametrize("server", MEEK_SERVERS)
    async def test_another_bridge_behind_it(self, webtunnel_site: Site, server: str) -> None:
        line = webtunnel_site.meek_line(server).replace(webtunnel_site.bridge.fingerprint, "0" * 40)
        attempt = await try_once(self.option(webtunnel_site, line), context())
        assert failure_of(attempt) == ("tunnel_handshake", "wrong_key")

    @pytest.mark.requires("unbound")
    @pytest.mark.parametrize("server", MEEK_SERVERS)
    async def test_tor_with_meek_lite_finds_the_same(
        self, webtunnel_site: Site, unbound: Resolver, server: str, tmp_path: Path
    ) -> None:
        assert unbound.daemon is not None
        told = ask_tor(
            tmp_path,
            webtunnel_site.meek_line(server),
            program=find_program("obfs4proxy") or "",
            transports="meek_lite",
            ca_file=webtunnel_site.ca_file,
        )
        assert told == DESCRIPTOR
