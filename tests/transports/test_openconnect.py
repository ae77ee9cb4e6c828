"""AnyConnect gateways: ocserv with right, wrong and missing credentials, and gateways with one fault each."""

from __future__ import annotations

import hashlib
import subprocess
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from circumvent.model.openconnect import OpenconnectSettings
from circumvent.model.words import Proof
from tests.faults import openconnect as faults
from tests.faults import proxy, tls
from tests.faults.openconnect import COMPLETE, FAILED_FORM, NAME_FORM, ONE_FORM, PASSWORD_FORM, Gateway, page
from tests.lab.daemon import find_program
from tests.lab.loops import ON_ONE_LOOP
from tests.transports.gateway_context import (
    Result,
    attempt,
    gateway_option,
    lab_context,
    local_context,
    local_option,
    network,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.lab import openconnect as lab
    from tests.lab.names import Resolver
    from tests.lab.pki import Credentials, Pki

pytestmark = pytest.mark.anyio

LOGIN = ["connect", "tls_handshake", "tunnel_handshake", "authenticate", "authenticate", "configuration"]


def spki(credentials: Credentials) -> bytes:
    """SHA-256 of a certificate's public key."""
    key = x509.load_der_x509_certificate(credentials.der).public_key()
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


@pytest.mark.daemons
class TestOcserv:
    async def test_packets_pass_to_a_resolver_beyond_the_gateway(
        self, ocserv: Callable[..., lab.Gateway], unbound: Resolver
    ) -> None:
        server = ocserv()
        result = await attempt(gateway_option("openconnect", server), lab_context(unbound.anchor, server))
        assert (result.failure, result.proof) == (None, Proof.SUSTAINED)
        assert result.steps == [*LOGIN, "carry", "mtu", "sustain_down", "sustain_up"]
        carry = result.detail("carry")
        assert (carry["dnssec"], carry["resolver"]) == ("proved", unbound.address)
        assert [place["answered"] for place in carry["echo"].values()] == [True, True]
        assert result.attempt.cut_bytes is None

    async def test_a_gateway_with_an_ipv6_address(
        self, ocserv: Callable[..., lab.Gateway], unbound: Resolver
    ) -> None:
        server = ocserv("ipv6")
        given = lab_context(unbound.anchor, server, goal=Proof.CARRIED)
        result = await attempt(gateway_option("openconnect", server), given)
        assert (result.failure, result.proof) == (None, Proof.CARRIED)
        assert result.attempt.family == "ipv6"
        assert result.detail("configuration")["ipv6"] is True

    async def test_the_session_is_closed(self, ocserv: Callable[..., lab.Gateway], unbound: Resolver) -> None:
        """One session at once is allowed here: what lingered would shut the next try out."""
        server = ocserv("single")
        for _ in range(3):
            given = lab_context(unbound.anchor, server, goal=Proof.CARRIED)
            assert (await attempt(gateway_option("openconnect", server), given)).proof is Proof.CARRIED
        assert "user disconnected" in server.daemon.log_tail()

    @pytest.mark.parametrize("credentials", [{"password": "wrong"}, {"user": "nobody"}])
    async def test_wrong_credentials_are_refused_once(
        self, ocserv: Callable[..., lab.Gateway], unbound: Resolver, credentials: dict[str, Any]
    ) -> None:
        server = ocserv()
        option = gateway_option("openconnect", server, **credentials)
        result = await attempt(option, lab_context(unbound.anchor, server))
        assert (result.failure, result.proof) == (("authenticate", "auth_rejected"), Proof.HANDSHAKEN)
        refused = [step for step in result.attempt.steps if step.failure is not None]
        assert refused[0].detail["refusal"] == {"authenticated": True}

    async def test_without_credentials_the_gateway_is_shown(
        self, ocserv: Callable[..., lab.Gateway], unbound: Resolver
    ) -> None:
        server = ocserv()
        option = gateway_option("openconnect", server, user=None, password=None)
        result = await attempt(option, lab_context(unbound.anchor, server))
        assert result.proof is Proof.HANDSHAKEN
        assert result.attempt.failure is not None
        assert result.attempt.failure.detail == "the gateway wants a user name and a password"

    @pytest.mark.parametrize("group", ["guests", "Staff of the laboratory", None])
    async def test_a_group_of_the_list(
        self, ocserv: Callable[..., lab.Gateway], unbound: Resolver, group: str | None
    ) -> None:
        server = ocserv("groups")
        option = gateway_option("openconnect", server, OpenconnectSettings(group=group))
        result = await attempt(option, lab_context(unbound.anchor, server, goal=Proof.CARRIED))
        assert (result.failure, result.proof) == (None, Proof.CARRIED)

    async def test_a_group_that_is_not_there(
        self, ocserv: Callable[..., lab.Gateway], unbound: Resolver
    ) -> None:
        server = ocserv("groups")
        option = gateway_option("openconnect", server, OpenconnectSettings(group="visitors"))
        result = await attempt(option, lab_context(unbound.anchor, server))
        assert result.failure == ("tunnel_handshake", "auth_rejected")

    async def test_connected_but_nothing_passes_is_handshaken(
        self, ocserv: Callable[..., lab.Gateway], unbound: Resolver
    ) -> None:
        server = ocserv("closed")
        result = await attempt(
            gateway_option("openconnect", server), lab_context(unbound.anchor, server, limit=1.0)
        )
        assert result.failure == ("carry", "generic_timeout_error")
        assert result.proof is Proof.HANDSHAKEN
        assert result.detail("carry")["echo"]["gateway"]["answered"] is True

    @pytest.mark.parametrize(
        "cuts",
        [
            proxy.cuts_after(40 * 1024),
            proxy.cuts_after(40 * 1024, reset=True),
            proxy.cuts_up_after(14 * 1024),
        ],
    )
    async def test_a_line_that_cuts_the_flow_short(
        self,
        ocserv: Callable[..., lab.Gateway],
        unbound: Resolver,
        cuts: Callable[[proxy.Link, str, int], Awaitable[None]],
    ) -> None:
        """Login and proof need less, even if questions are repeated: a tunnel that carries, and not for long."""
        server = ocserv()
        async with proxy.serving(lambda link: cuts(link, server.address, server.port)) as line:
            option = gateway_option("openconnect", server, at="127.0.0.1", port=line.port)
            result = await attempt(option, lab_context(unbound.anchor, server, limit=2.5))
        assert result.proof is Proof.CARRIED
        assert result.attempt.cut_bytes is not None
        assert result.attempt.cut_bytes < 64 * 1024

    @pytest.mark.parametrize(
        ("character", "failure"), [("expired", "ssl_expired"), ("wrong_name", "ssl_invalid_hostname")]
    )
    async def test_a_wrong_certificate_is_told_before_anything_is_said(
        self, ocserv: Callable[..., lab.Gateway], unbound: Resolver, character: str, failure: str
    ) -> None:
        server = ocserv(character)
        result = await attempt(gateway_option("openconnect", server), lab_context(unbound.anchor, server))
        assert (result.failure, result.proof) == (("tls_handshake", failure), Proof.REACHED)

    async def test_a_pinned_key_stands_for_the_certificate(
        self, ocserv: Callable[..., lab.Gateway], unbound: Resolver, pki: Pki
    ) -> None:
        server = ocserv("expired")
        settings = OpenconnectSettings(pin=spki(pki.expired))
        option = gateway_option("openconnect", server, settings)
        result = await attempt(option, lab_context(unbound.anchor, server, goal=Proof.CARRIED))
        assert (result.failure, result.proof) == (None, Proof.CARRIED)

    async def test_another_key_than_the_pinned_one_hears_nothing(
        self, ocserv: Callable[..., lab.Gateway], unbound: Resolver
    ) -> None:
        server = ocserv()
        option = gateway_option("openconnect", server, OpenconnectSettings(pin=bytes(32)))
        result = await attempt(option, lab_context(unbound.anchor, server))
        assert (result.failure, result.proof) == (("tunnel_handshake", "wrong_key"), Proof.REACHED)

    @pytest.mark.requires("openconnect")
    @pytest.mark.parametrize(("password", "status"), [("lab-password", 0), ("wrong", 1)])
    def test_another_client_finds_the_same(
        self, ocserv: Callable[..., lab.Gateway], password: str, status: int
    ) -> None:
        server = ocserv()
        program = find_program("openconnect")
        assert program is not None
        done = subprocess.run(
            [
                *(program, "--authenticate", "--non-inter", "--passwd-on-stdin", f"--user={server.user}"),
                *(
                    f"--cafile={server.ca_file}",
                    f"--resolve={server.name}:{server.address}",
                    f"https://{server.name}",
                ),
            ],
            input=f"{password}\n",
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert (done.returncode, "COOKIE=" in done.stdout) == (status, status == 0), done.stderr


@asynccontextmanager
async def serving(pki: Pki, gateway: tls.Behaviour) -> AsyncIterator[int]:
    """Run a gateway of the tests, and return its port."""
    async with tls.serve(gateway, tls.context_for(pki.good, alpn=())) as served:
        yield served.port


async def tried(
    pki: Pki, gateway: Gateway, settings: OpenconnectSettings | None = None, **more: Any
) -> Result:
    """Try a gateway of the tests."""
    credentials = {name: more.pop(name) for name in ("user", "password") if name in more}
    async with serving(pki, gateway) as port:
        option = local_option("openconnect", port, settings, **credentials)
        return await attempt(option, local_context(pki, **more))


def good(**more: Any) -> Gateway:
    """Make a gateway that asks for name and password, one after the other, and lets us in."""
    return Gateway([page(NAME_FORM), page(PASSWORD_FORM), page(COMPLETE)], **more)


class TestTheConversation:
    async def test_forms_are_answered_in_order_and_the_session_is_used(self, pki: Pki) -> None:
        gateway = good(network=network())
        result = await tried(pki, gateway, goal=Proof.CARRIED)
        assert (result.failure, result.proof) == (None, Proof.CARRIED)
        first, name, password, connect = gateway.requests
        assert (
            first.texts["group-access"]
            == "https://lab.example:" + first.headers["host"].partition(":")[2] + "/"
        )
        assert name.texts["username"] == "alice"
        assert "password" not in name.texts
        assert password.texts["password"] == "correct horse"
        assert password.texts["tunnel-group"] == "G"
        assert connect.headers["cookie"] == "webvpn=token-of-the-session"
        assert gateway.packets[-1] == (faults.DISCONNECT, b"\xb0user disconnected")

    async def test_a_cookie_is_a_session_too(self, pki: Pki) -> None:
        answer = page(
            COMPLETE.replace(b"session-token", b"other"), 200, "Set-Cookie: webvpn=from-the-head; Secure"
        )
        gateway = Gateway([page(ONE_FORM), answer], network=network())
        result = await tried(pki, gateway, goal=Proof.CARRIED)
        assert result.proof is Proof.CARRIED
        assert gateway.requests[-1].headers["cookie"] == "webvpn=from-the-head"

    async def test_a_gateway_that_closes_after_each_answer_is_called_again(self, pki: Pki) -> None:
        answers = [page(form, 200, "Connection: close") for form in (NAME_FORM, PASSWORD_FORM, COMPLETE)]
        gateway = Gateway(answers, network=network())
        result = await tried(pki, gateway, goal=Proof.CARRIED)
        assert (result.failure, result.proof) == (None, Proof.CARRIED)

    async def test_the_path_of_the_profile_is_asked(self, pki: Pki) -> None:
        gateway = good(network=network())
        await tried(pki, gateway, OpenconnectSettings(path="/students?secret"), goal=Proof.CARRIED)
        assert gateway.requests[0].line == "POST /students?secret HTTP/1.1"

    async def test_a_redirect_within_the_gateway_is_followed(self, pki: Pki) -> None:
        gateway = good(network=network())
        gateway.answers.insert(0, page(b"", 302, "Location: /elsewhere"))
        result = await tried(pki, gateway, goal=Proof.CARRIED)
        assert result.proof is Proof.CARRIED
        assert gateway.requests[1].line == "POST /elsewhere HTTP/1.1"

    @pytest.mark.parametrize(
        "place", ["https://other.example/", "//other.example/", "http://lab.example/", "https://[x/", "/a b"]
    )
    async def test_nobody_is_followed_to_another_place(self, pki: Pki, place: str) -> None:
        gateway = Gateway([page(b"", 302, f"Location: {place}")])
        result = await tried(pki, gateway)
        assert result.failure == ("tunnel_handshake", "http_unexpected_status_code")
        assert len(gateway.requests) == 1

    async def test_a_gateway_that_wants_no_certificate_after_all(self, pki: Pki) -> None:
        wanted = b'<config-auth type="auth-request"><client-cert-request/></config-auth>'
        gateway = good(network=network())
        gateway.answers.insert(0, page(wanted))
        result = await tried(pki, gateway, goal=Proof.CARRIED)
        assert result.proof is Proof.CARRIED
        assert "client-cert-fail" in gateway.requests[1].texts

    async def test_the_gateway_may_ask_whether_we_are_there(self, pki: Pki) -> None:
        greet = (
            faults.packet(faults.DPD_REQUEST, b"well?")
            + faults.packet(faults.KEEPALIVE)
            + faults.packet(99, b"?")
        )
        gateway = good(network=network(), greet=greet)
        result = await tried(pki, gateway, goal=Proof.CARRIED)
        assert result.proof is Proof.CARRIED
        assert (faults.DPD_RESPONSE, b"well?") in gateway.packets

    @ON_ONE_LOOP
    async def test_a_slow_login_is_waited_for(self, pki: Pki) -> None:
        """It is not repeated, so it gets more time than other steps."""
        result = await tried(pki, good(network=network(), pause=3.0), goal=Proof.CARRIED, limit=1.5)
        assert (result.failure, result.proof) == (None, Proof.CARRIED)


class TestRefusals:
    @pytest.mark.parametrize("answer", [page(FAILED_FORM), page(PASSWORD_FORM), page(b"", 401)])
    async def test_a_wrong_password_is_said_once(self, pki: Pki, answer: bytes) -> None:
        gateway = Gateway([page(NAME_FORM), page(PASSWORD_FORM), answer, answer])
        result = await tried(pki, gateway)
        assert (result.failure, result.proof) == (("authenticate", "auth_rejected"), Proof.HANDSHAKEN)
        assert sum(b"correct horse" in request.body for request in gateway.requests) == 1

    @pytest.mark.parametrize(
        ("form", "wanted"),
        [
            (page(faults.CODE_FORM), "a second secret"),
            (page(b'<config-auth type="auth-request"><auth><sso-v2-login>x</sso-v2-login></auth></config-auth>'), "a browser"),
            (page(b'<config-auth type="auth-request"><host-scan/></config-auth>'), "inspects this computer"),
            (page(ONE_FORM.replace(b'"username"', b'"birthday"')), "does not know"),
        ],
    )  # fmt: skip
    async def test_what_a_profile_does_not_have_is_named(self, pki: Pki, form: bytes, wanted: str) -> None:
        gateway = Gateway([form])
        result = await tried(pki, gateway)
        assert result.proof is Proof.HANDSHAKEN
        assert result.attempt.failure is not None
        assert wanted in str(result.attempt.failure.detail)
        assert not any(b"correct horse" in request.body for request in gateway.requests)

    async def test_a_code_that_is_asked_for_after_the_password_is_no_wrong_password(self, pki: Pki) -> None:
        result = await tried(pki, Gateway([page(ONE_FORM), page(faults.CODE_FORM)]))
        assert result.failure == ("authenticate", "auth_rejected")
        assert result.attempt.failure is not None
        assert "a second secret" in str(result.attempt.failure.detail)

    async def test_a_session_that_is_rejected(self, pki: Pki) -> None:
        result = await tried(pki, good(connect=b"HTTP/1.1 401 Cookie is not acceptable\r\n\r\n"))
        assert result.failure == ("configuration", "auth_rejected")

    async def test_a_gateway_without_room(self, pki: Pki) -> None:
        result = await tried(pki, good(connect=b"HTTP/1.1 503 Service Unavailable\r\n\r\n"))
        assert result.failure == ("configuration", "http_unexpected_status_code")

    async def test_questions_without_end(self, pki: Pki) -> None:
        gateway = Gateway([page(NAME_FORM)] * 20)
        result = await tried(pki, gateway)
        assert result.failure == ("authenticate", "wrong_answer")
        assert len(gateway.requests) < 10

    async def test_a_login_without_a_session(self, pki: Pki) -> None:
        result = await tried(pki, Gateway([page(ONE_FORM), page(b'<config-auth type="complete"/>')]))
        assert result.failure == ("authenticate", "wrong_answer")


class TestOthers:
    @pytest.mark.parametrize(
        ("answer", "name"),
        [
            (page(b"<html><script>window.location='/remote/login?lang=en'</script>"), "Fortinet"),
            (page(b"<html>/global-protect/login.esp</html>", 512), "GlobalProtect"),
            (page(b"<html><a href='/dana-na/auth/url_default/welcome.cgi'>"), "Pulse Secure"),
            (page(b"<html><h1>It works!</h1></html>"), "another kind of server"),
            (page(b"", 200), "another kind of server"),
        ],
    )
    async def test_another_server_is_called_what_it_is(self, pki: Pki, answer: bytes, name: str) -> None:
        result = await tried(pki, Gateway([answer]))
        assert (result.failure, result.proof) == (("tunnel_handshake", "wrong_answer"), Proof.REACHED)
        assert result.attempt.failure is not None
        assert name in str(result.attempt.failure.detail)

    @pytest.mark.parametrize("status", [401, 404, 500])
    async def test_a_gateway_that_hides(self, pki: Pki, status: int) -> None:
        result = await tried(pki, Gateway([page(b"", status)]))
        assert result.failure == ("tunnel_handshake", "http_unexpected_status_code")

    async def test_a_document_with_entities_is_not_read(self, pki: Pki) -> None:
        bomb = b'<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><config-auth>&b;</config-auth>'
        result = await tried(pki, Gateway([page(bomb)]))
        assert result.failure == ("tunnel_handshake", "wrong_answer")

    async def test_a_document_that_does_not_end(self, pki: Pki) -> None:
        result = await tried(pki, Gateway([page(b"<a>" * 300_000)]))
        assert result.failure == ("tunnel_handshake", "wrong_answer")


class TestTheTunnel:
    async def test_packets_that_vanish_leave_it_handshaken(self, pki: Pki) -> None:
        result = await tried(pki, good(), limit=0.5)
        assert (result.failure, result.proof) == (("carry", "generic_timeout_error"), Proof.HANDSHAKEN)

    async def test_a_tunnel_that_is_cut_after_16_kib(self, pki: Pki) -> None:
        result = await tried(pki, good(network=network(), cut=16 * 1024), limit=1.0)
        assert result.proof is Proof.CARRIED
        assert result.attempt.cut_bytes is not None
        assert result.attempt.cut_bytes <= 32 * 1024

    async def test_a_gateway_that_hangs_up(self, pki: Pki) -> None:
        result = await tried(pki, good(network=network(), ends=0))
        assert (result.failure, result.proof) == (("carry", "eof_error"), Proof.HANDSHAKEN)

    async def test_what_is_no_packet(self, pki: Pki) -> None:
        result = await tried(pki, good(network=network(), greet=b"HTTP/1.1 200 OK\r\n\r\n"))
        assert (result.failure, result.proof) == (("carry", "wrong_answer"), Proof.HANDSHAKEN)

    @pytest.mark.parametrize(
        "connect",
        [
            b"HTTP/1.1 200 CONNECTED\r\n\r\n",
            b"HTTP/1.1 200 CONNECTED\r\nX-CSTP-Address: 10.9.0.2\r\nX-CSTP-Content-Encoding: lzs\r\n\r\n",
            b"STF\x01",
        ],
    )
    async def test_an_answer_that_makes_no_tunnel(self, pki: Pki, connect: bytes) -> None:
        gateway = good(connect=connect)
        result = await tried(pki, gateway, limit=1.0)
        assert result.failure == ("configuration", "wrong_answer")

    async def test_a_server_that_is_down(self, pki: Pki) -> None:
        async with serving(pki, good()) as port:
            pass
        result = await attempt(local_option("openconnect", port), local_context(pki))
        assert (result.failure, result.proof) == (("connect", "connection_refused"), Proof.NONE)
