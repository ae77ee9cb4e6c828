"""SSTP: a strict server of the tests with one fault each; SoftEther where one that speaks SSTP is on PATH."""

from __future__ import annotations

import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from circumvent.model.sstp import SstpSettings
from circumvent.model.words import Proof
from tests.faults import sstp as faults
from tests.faults import tls
from tests.faults.sstp import EAP_OPTION, PAP_OPTION, SstpServer, control, data
from tests.lab.loops import ON_ONE_LOOP
from tests.lab.sstp import speaks_sstp
from tests.transports.gateway_context import (
    Result,
    attempt,
    gateway_option,
    lab_context,
    local_context,
    local_option,
    network,
)
from tests.transports.test_openconnect import spki

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.lab import sstp as lab
    from tests.lab.names import Resolver
    from tests.lab.pki import Pki

pytestmark = pytest.mark.anyio

LOGIN = ["connect", "tls_handshake", "tunnel_handshake", "authenticate", "authenticate", "configuration"]

if (
    speaks_sstp()
):  # where there is none, nothing is left out: the package of Debian 12 answers no SSTP client at all

    @pytest.mark.daemons
    class TestSoftEther:
        async def test_packets_pass_to_a_resolver_beyond_the_server(
            self, softether: lab.SstpServer, unbound: Resolver
        ) -> None:
            result = await attempt(gateway_option("sstp", softether), lab_context(unbound.anchor, softether))
            assert (result.failure, result.proof) == (None, Proof.SUSTAINED)
            assert result.steps == [*LOGIN, "carry", "mtu", "sustain_down", "sustain_up"]
            assert result.detail("carry")["resolver"] == unbound.address

        @pytest.mark.parametrize("credentials", [{"password": "wrong"}, {"user": "nobody"}])
        async def test_wrong_credentials_are_refused_once(
            self, softether: lab.SstpServer, unbound: Resolver, credentials: dict[str, Any]
        ) -> None:
            option = gateway_option("sstp", softether, **credentials)
            result = await attempt(option, lab_context(unbound.anchor, softether))
            assert (result.failure, result.proof) == (("authenticate", "auth_rejected"), Proof.HANDSHAKEN)

        async def test_without_credentials_the_server_is_shown(
            self, softether: lab.SstpServer, unbound: Resolver
        ) -> None:
            option = gateway_option("sstp", softether, user=None, password=None)
            result = await attempt(option, lab_context(unbound.anchor, softether))
            assert (result.failure, result.proof) == (("authenticate", "auth_rejected"), Proof.HANDSHAKEN)


@asynccontextmanager
async def serving(pki: Pki, server: tls.Behaviour) -> AsyncIterator[int]:
    """Run a server of the tests, and return its port."""
    async with tls.serve(server, tls.context_for(pki.good, alpn=())) as served:
        yield served.port


async def tried(pki: Pki, server: tls.Behaviour, settings: SstpSettings | None = None, **more: Any) -> Result:
    """Try a server of the tests."""
    credentials = {name: more.pop(name) for name in ("user", "password") if name in more}
    async with serving(pki, server) as port:
        option = local_option("sstp", port, settings, **credentials)
        return await attempt(option, local_context(pki, **more))


def server(pki: Pki, **more: Any) -> SstpServer:
    """Make a server that is right except for ``more``."""
    return SstpServer(**{"certificate": pki.good.der, "network": network(), **more})


class TestTheCall:
    async def test_packets_pass(self, pki: Pki) -> None:
        here = server(pki)
        result = await tried(pki, here)
        assert (result.failure, result.proof) == (None, Proof.SUSTAINED)
        assert result.steps == [*LOGIN, "carry", "mtu", "sustain_down", "sustain_up"]
        assert here.request.startswith(
            b"SSTP_DUPLEX_POST /sra_{BA195980-CD49-458b-9E23-C84EE0ADCD75}/ HTTP/1.1\r\n"
        )
        assert here.bound
        assert [place["answered"] for place in result.detail("carry")["echo"].values()] == [True, True]

    async def test_the_link_and_the_call_are_ended(self, pki: Pki) -> None:
        here = server(pki)
        await tried(pki, here, goal=Proof.CARRIED)
        assert here.heard[-2:] == ["c021 5", "control 6"]

    @pytest.mark.parametrize("hashes", [1, 2, 3])
    async def test_both_authentications_are_bound_by_the_hash_that_the_server_knows(
        self, pki: Pki, hashes: int
    ) -> None:
        here = server(pki, hashes=hashes)
        assert (await tried(pki, here, goal=Proof.CARRIED)).proof is Proof.CARRIED
        assert here.bound

    async def test_another_certificate_in_between_is_found_by_the_server(self, pki: Pki) -> None:
        result = await tried(pki, server(pki, certificate=b"another"))
        assert (result.failure, result.proof) == (("configuration", "wrong_answer"), Proof.HANDSHAKEN)
        assert result.attempt.failure is not None
        assert "a wrong value of an attribute" in str(result.attempt.failure.detail)

    @pytest.mark.parametrize("first", [EAP_OPTION, PAP_OPTION])
    async def test_another_method_than_mschapv2_is_talked_out_of_it(self, pki: Pki, first: bytes) -> None:
        here = server(pki, authentication=first)
        result = await tried(pki, here, goal=Proof.CARRIED)
        assert result.proof is Proof.CARRIED
        assert here.bound

    async def test_the_password_is_never_sent_unless_the_profile_allows_it(self, pki: Pki) -> None:
        only = {"authentication": PAP_OPTION, "settles": frozenset({PAP_OPTION})}
        here = server(pki, **only)
        result = await tried(pki, here)
        assert (result.failure, here.responses) == (("authenticate", "wrong_answer"), 0)
        here = server(pki, **only)
        result = await tried(pki, here, SstpSettings(pap=True), goal=Proof.CARRIED)
        assert (result.proof, here.responses, here.bound) == (Proof.CARRIED, 1, True)

    async def test_a_server_that_wants_no_authentication(self, pki: Pki) -> None:
        here = server(pki, authentication=None)
        result = await tried(pki, here, user=None, password=None, goal=Proof.CARRIED)
        assert (result.failure, result.proof) == (None, Proof.CARRIED)
        assert here.responses == 0

    async def test_the_server_may_ask_whether_we_are_there(self, pki: Pki) -> None:
        here = server(
            pki,
            greet=control(8),
            inside=control(8) + data(faults.LCP, struct.pack("!BBH4s", 9, 5, 8, b"abcd")),
        )
        result = await tried(pki, here, goal=Proof.CARRIED)
        assert result.proof is Proof.CARRIED
        assert here.heard.count("control 9") == 2
        assert "c021 10" in here.heard

    async def test_other_protocols_of_the_link_are_turned_down(self, pki: Pki) -> None:
        ccp = data(0x80FD, struct.pack("!BBH", 1, 1, 4))
        here = server(pki, inside=ccp + data(faults.LCP, struct.pack("!BBH", 77, 1, 4)) + data(0x21, b""))
        result = await tried(pki, here, goal=Proof.CARRIED)
        assert result.proof is Proof.CARRIED
        assert {"c021 8", "c021 7"} <= set(here.heard)

    @ON_ONE_LOOP
    async def test_a_slow_login_is_waited_for(self, pki: Pki) -> None:
        """It is not repeated, so it gets more time than other steps."""
        result = await tried(pki, server(pki, pause=3.0), goal=Proof.CARRIED, limit=1.5)
        assert (result.failure, result.proof) == (None, Proof.CARRIED)

    async def test_a_pinned_key_stands_for_the_certificate(self, pki: Pki) -> None:
        bad = tls.context_for(pki.expired, alpn=())
        async with tls.serve(server(pki, certificate=pki.expired.der), bad) as served:
            option = local_option("sstp", served.port, SstpSettings(pin=spki(pki.expired)))
            result = await attempt(option, local_context(pki, goal=Proof.CARRIED))
        assert (result.failure, result.proof) == (None, Proof.CARRIED)


class TestRefusals:
    @pytest.mark.parametrize("credentials", [{"password": "wrong"}, {"user": "bob"}])
    async def test_a_wrong_password_is_said_once(self, pki: Pki, credentials: dict[str, Any]) -> None:
        """The server would hear another try (R=1); there is none."""
        here = server(pki)
        result = await tried(pki, here, **credentials)
        assert (result.failure, result.proof) == (("authenticate", "auth_rejected"), Proof.HANDSHAKEN)
        assert here.responses == 1
        refused = [step for step in result.attempt.steps if step.failure is not None]
        assert refused[0].detail["refusal"] == {"authenticated": True}

    async def test_without_credentials_none_are_invented(self, pki: Pki) -> None:
        here = server(pki)
        result = await tried(pki, here, user=None, password=None)
        assert (result.failure, result.proof) == (("authenticate", "auth_rejected"), Proof.HANDSHAKEN)
        assert here.responses == 0

    @pytest.mark.parametrize("lie", [{"knows": "another"}, {"says": b"M=Welcome"}])
    async def test_a_server_that_does_not_know_the_password(self, pki: Pki, lie: dict[str, Any]) -> None:
        result = await tried(pki, server(pki, **lie))
        assert result.failure == ("authenticate", "wrong_key")

    async def test_a_server_that_asks_for_another_login(self, pki: Pki) -> None:
        again = data(faults.CHAP, struct.pack("!BBHB", 1, 8, 21, 16) + bytes(16))
        result = await tried(pki, server(pki, inside=again))
        assert result.failure == ("carry", "wrong_answer")


class TestOthers:
    @pytest.mark.parametrize(
        ("more", "error"),
        [
            ({"head": b"HTTP/1.1 404 Not Found\r\n\r\n"}, "http_unexpected_status_code"),
            ({"head": b"HTTP/1.1 502 Bad Gateway\r\n\r\n"}, "origin_down"),
            ({"head": b"SSH-2.0-OpenSSH_9\r\n"}, "wrong_answer"),
            ({"head": b"HTTP/1.1 200 OK\r\n\r\n<html>hello</html>"}, "wrong_answer"),
            ({"acknowledgement": control(3, (2, bytes(4) + b"\0\0\0\4"))}, "wrong_answer"),
            ({"acknowledgement": control(2)}, "wrong_answer"),
            ({"acknowledgement": control(2, (4, bytes(36)))}, "wrong_answer"),
            ({"acknowledgement": control(4)}, "wrong_answer"),
            ({"acknowledgement": control(5)}, "wrong_answer"),
            ({"acknowledgement": control(6)}, "eof_error"),
            ({"acknowledgement": data(faults.LCP, b"")}, "wrong_answer"),
        ],
    )
    async def test_what_is_no_sstp_server(self, pki: Pki, more: dict[str, Any], error: str) -> None:
        result = await tried(pki, server(pki, **more))
        assert (result.failure, result.proof) == (("tunnel_handshake", error), Proof.REACHED)

    async def test_another_key_than_the_pinned_one_hears_nothing(self, pki: Pki) -> None:
        here = server(pki)
        result = await tried(pki, here, SstpSettings(pin=bytes(32)))
        assert result.failure == ("tunnel_handshake", "wrong_key")
        assert here.request == b""

    @pytest.mark.parametrize(
        ("character", "failure"), [("expired", "ssl_expired"), ("wrong_name", "ssl_invalid_hostname")]
    )
    async def test_a_wrong_certificate(self, pki: Pki, character: str, failure: str) -> None:
        async with tls.serve(server(pki), tls.context_for(getattr(pki, character), alpn=())) as served:
            result = await attempt(local_option("sstp", served.port), local_context(pki))
        assert (result.failure, result.proof) == (("tls_handshake", failure), Proof.REACHED)

    async def test_a_server_that_is_down(self, pki: Pki) -> None:
        async with serving(pki, server(pki)) as port:
            pass
        result = await attempt(local_option("sstp", port), local_context(pki))
        assert (result.failure, result.proof) == (("connect", "connection_refused"), Proof.NONE)


class TestTheTunnel:
    async def test_packets_that_vanish_leave_it_handshaken(self, pki: Pki) -> None:
        result = await tried(pki, server(pki, network=None), limit=0.5)
        assert (result.failure, result.proof) == (("carry", "generic_timeout_error"), Proof.HANDSHAKEN)

    async def test_a_call_that_is_cut_after_16_kib(self, pki: Pki) -> None:
        result = await tried(pki, server(pki, cut=16 * 1024), limit=1.0)
        assert result.proof is Proof.CARRIED
        assert result.attempt.cut_bytes is not None
        assert result.attempt.cut_bytes <= 32 * 1024

    @pytest.mark.parametrize(
        ("more", "error"),
        [
            ({"ends": 0}, "eof_error"),
            ({"inside": data(faults.LCP, struct.pack("!BBH", 5, 1, 4))}, "eof_error"),
            ({"inside": data(faults.IPCP, struct.pack("!BBH", 5, 1, 4))}, "eof_error"),
            ({"inside": data(faults.LCP, struct.pack("!BBH", 1, 9, 4))}, "wrong_answer"),
            ({"inside": b"\x20\x00\x00\x08abcd"}, "wrong_answer"),
            ({"inside": control(5)}, "wrong_answer"),
        ],
    )
    async def test_a_server_that_ends_it(self, pki: Pki, more: dict[str, Any], error: str) -> None:
        result = await tried(pki, server(pki, **more))
        assert (result.failure, result.proof) == (("carry", error), Proof.HANDSHAKEN)

    async def test_an_address_of_nothing_is_none(self, pki: Pki) -> None:
        result = await tried(pki, server(pki, address="0.0.0.0"))
        assert result.failure == ("configuration", "wrong_answer")
