"""The laboratory itself: no way out, and every server answers a client that is not ours."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import subprocess
import urllib.request
from typing import TYPE_CHECKING

import pytest

from tests.lab import namespace
from tests.lab.names import LIE, Character

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.names import Dnsdist, Resolver
    from tests.lab.proxies import Proxy
    from tests.lab.quic import QuicServer
    from tests.lab.voice import Turn
    from tests.lab.web import Stunnel, Web


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout


def _connect(address: str, port: int = 443) -> int:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.2)
        try:
            return probe.connect_ex((address, port))
        except TimeoutError:
            return errno.EAGAIN


@pytest.mark.namespace
def test_no_packet_can_leave() -> None:
    namespace.check_isolated()
    assert _connect("93.184.216.34") == errno.ENETUNREACH
    assert _connect("2a00:1450::1") == errno.ENETUNREACH


def test_prefixes_do_what_they_are_named_for(network: namespace.Network) -> None:
    assert [_connect(address) for address in network.dropped] == [errno.EAGAIN] * 2
    assert [_connect(address) for address in network.unreachable] == [errno.EHOSTUNREACH] * 2
    assert [_connect(address) for address in network.prohibited] == [errno.EACCES] * 2
    assert _connect(network.servers_ipv4[-1], 9) == errno.ECONNREFUSED
    assert _connect(network.servers_ipv6[-1], 9) == errno.ECONNREFUSED


@pytest.mark.namespace
def test_tests_run_without_privilege() -> None:
    assert os.geteuid() != 0
    status = _run("cat", "/proc/self/status")
    assert "CapEff:\t0000000000000000" in status


@pytest.mark.requires("kdig")
@pytest.mark.parametrize("how", ["+notcp", "+tcp", "+tls", "+https"])
def test_unbound_answers(unbound: Resolver, how: str) -> None:
    answer = _run("kdig", how, f"@{unbound.address}", "www.lab.example", "+short", "+timeout=5", "+retry=0")
    assert answer.strip() == "198.51.100.16"


@pytest.mark.requires("kdig")
@pytest.mark.parametrize("character", [Character.HONEST, Character.HONEST_NSEC])
def test_denials_are_signed(resolver: Callable[[Character], Resolver], character: Character) -> None:
    answer = _run("kdig", "+dnssec", f"@{resolver(character).address}", "zzz-nothing")
    assert "NXDOMAIN" in answer
    assert "RRSIG" in answer
    assert ("NSEC3" in answer) is (character is Character.HONEST)


@pytest.mark.requires("kdig")
def test_faulty_resolvers_have_their_fault(resolver: Callable[[Character], Resolver]) -> None:
    def ask(character: Character, name: str) -> str:
        return _run("kdig", "+dnssec", f"@{resolver(character).address}", name)

    assert LIE in ask(Character.LYING, "blocked.example")
    assert LIE in ask(Character.LYING, "random.blocked.example")
    assert "RRSIG" in ask(Character.LYING, "zzz-nothing")
    assert "RRSIG" not in ask(Character.STRIPPING, "zzz-nothing")
    for character in (Character.FOREIGN, Character.EXPIRED, Character.FUTURE):
        assert "RRSIG" in ask(character, "zzz-nothing")


@pytest.mark.requires("kdig")
@pytest.mark.parametrize("how", ["+notcp", "+tcp", "+tls", "+https"])
def test_dnsdist_and_knot_answer(dnsdist: Dnsdist, knot_resolver: Resolver, how: str) -> None:
    for server in (dnsdist, knot_resolver):
        answer = _run("kdig", how, f"@{server.address}", "www.lab.example", "+short", "+timeout=5")
        assert answer.strip() == "198.51.100.16"
    assert len(dnsdist.dnscrypt_public_key) == 32


@pytest.mark.namespace
def test_control_server_answers(control_web: Web, unbound: Resolver) -> None:
    context = ssl.create_default_context(cafile=str(control_web.ca_file))
    assert unbound.port == 53  # the system resolver of the namespace

    def fetch(url: str, body: bytes | None = None) -> tuple[int, bytes]:
        with urllib.request.urlopen(url, body, timeout=5, context=context) as response:
            return response.status, response.read()

    assert fetch(control_web.nonce_url.format(nonce="k7")) == (200, b"k7")
    assert fetch(control_web.bulk_url.format(bytes=70000)) == (200, bytes(70000))
    assert fetch(control_web.bulk_url.format(bytes=0), b"x" * 200000) == (200, b"200000")
    assert fetch(control_web.url("/status/204"))[0] == 204


@pytest.mark.requires("curl")
@pytest.mark.parametrize("password", [False, True])
def test_proxies_carry(
    request: pytest.FixtureRequest,
    control_web: Web,
    danted: Proxy,
    squid: Proxy,
    v2ray: Proxy,
    password: bool,
) -> None:
    def through(proxy: str) -> str:
        return _run(
            "curl", "-s", "--proxy-cacert", str(control_web.ca_file), "--cacert", str(control_web.ca_file),
            "--max-time", "10", "--proxy", proxy, control_web.nonce_url.format(nonce="n1"),
        )  # fmt: skip

    microsocks: Proxy = request.getfixturevalue("microsocks_password" if password else "microsocks")
    tinyproxy: Proxy = request.getfixturevalue("tinyproxy_password" if password else "tinyproxy")
    login = f"{microsocks.user}:{microsocks.password}@" if password else ""
    assert through(f"socks5h://{login}{microsocks.address}:{microsocks.port}") == "n1"
    assert through(f"http://{login}{tinyproxy.address}:{tinyproxy.port}") == "n1"
    assert through(f"socks5h://{danted.address}:{danted.port}") == "n1"
    assert through(f"socks4a://{v2ray.address}:{v2ray.port}") == "n1"
    assert through(f"socks5h://{v2ray.address}:{v2ray.port}") == "n1"
    assert through(f"http://{squid.address}:{squid.port}") == "n1"
    assert through(f"https://{squid.address}:{squid.tls_port}") == "n1"


@pytest.mark.requires("curl")
def test_caddy_and_stunnel_serve(caddy: Web, stunnel: Stunnel, unbound: Resolver) -> None:
    assert unbound.address
    assert _run("curl", "-s", "--cacert", str(caddy.ca_file), caddy.nonce_url.format(nonce="q")) == "q"
    url = f"https://{stunnel.name}/nonce/s"
    pin = f"{stunnel.name}:443:{stunnel.address}"
    assert _run("curl", "-s", "--cacert", str(stunnel.ca_file), "--resolve", pin, url) == "s"


@pytest.mark.requires("gtlsclient")
def test_gtlsserver_serves(gtlsserver: QuicServer) -> None:
    url = f"https://{gtlsserver.name}/text"
    output = subprocess.run(
        ["gtlsclient", "--exit-on-all-streams-close", gtlsserver.address, str(gtlsserver.port), url],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert ":status: 200" in output.stdout + output.stderr


@pytest.mark.requires("turnutils_uclient")
def test_coturn_relays(coturn: Turn) -> None:
    output = _run(
        "turnutils_uclient", "-u", coturn.user, "-w", coturn.password, "-y", "-n", "5", "-m", "1", coturn.address
    )  # fmt: skip
    assert "tot_recv_msgs=10" in output or "Total lost packets 0" in output


@pytest.mark.namespace
def test_the_portal_answers_everything_with_a_login_page(captive_portal: Web) -> None:
    with urllib.request.urlopen(f"http://{captive_portal.address}/generate_204", timeout=5) as response:
        assert response.status == 200
        assert b"sign in" in response.read()
