"""Real programs over the wire: curl, openssl, kdig, ngtcp2's client and our own, against real servers."""

from __future__ import annotations

import os
import signal
import socket
import time
from typing import TYPE_CHECKING

import anyio
import pytest

from circumvent.lab import engine
from circumvent.lab.actions import Deny, Drop, Page, Refuse, Reset, TurnIntoReset
from circumvent.lab.blocking import Blocking, Residual, ResidualKey
from circumvent.lab.engine import symmetric
from circumvent.lab.flow import DOWN, UP, Direction
from circumvent.lab.names import Names
from circumvent.lab.rules.dns import DnsQuestion, ForgeAnswer
from circumvent.lab.rules.encrypted import FullyEncrypted
from circumvent.lab.rules.endpoint import AnyPacket, SynAck
from circumvent.lab.rules.http import HttpRequest
from circumvent.lab.rules.limits import Amount
from circumvent.lab.rules.probing import PROBERS, ActiveProbing, Reaction
from circumvent.lab.rules.quic import QuicClientHello
from circumvent.lab.rules.redirect import ORACLE, Redirect
from circumvent.lab.rules.tls import ClientHello, HelloWanted
from circumvent.lab.scope import Scope
from circumvent.lab.shaping import Police
from circumvent.lab.wire import RulesNeverFired, WireBroke
from circumvent.net.clock import Clock
from circumvent.net.quic import QuicConfig, open_quic
from circumvent.net.sock import connect_udp
from circumvent.net.timeouts import Timeouts
from circumvent.net.trace import Trace
from circumvent.net.verify import TrustStore, read_pem
from tests.lab.daemon import Ready
from tests.lab_engine.wires import LISTED, TLS, WEB, Lab

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.pki import Pki

pytestmark = [pytest.mark.namespace, pytest.mark.requires("curl", "openssl")]


@pytest.mark.parametrize("join_records", [False, True])
@pytest.mark.parametrize("then", [Reset(to_server=True), Drop()])
def test_sni_with_curl(
    lab: Callable[..., Lab], pki: Pki, family: int, join_records: bool, then: Reset | Drop
) -> None:
    when = ClientHello(wanted=HelloWanted(names=LISTED), join_records=join_records)
    each = lab(Blocking(name="sni", scope=TLS, when=when, then=then))
    each.tls_server(pki, family)
    assert each.curl("https://free.example/", family=family)[0] == 0
    assert each.wire.report().silent == ("sni",)
    for name in ("blocked.example", "WWW.BLOCKED.example"):
        status, _ = each.curl(f"https://{name}/", family=family, seconds=0.7)
        assert status == (35 if isinstance(then, Reset) else 28)  # TLS connect error, or timeout
    each.wire.check_fired()


def test_sni_of_openssl_and_a_residual_penalty(lab: Callable[..., Lab], pki: Pki) -> None:
    rule = Blocking(
        name="sni",
        scope=TLS,
        when=ClientHello(wanted=HelloWanted(names=LISTED)),
        then=Reset(to_server=True),
        residual=Residual(key=ResidualKey.CLIENT_SERVER_PORT, seconds=(1, 1)),
    )
    each = lab(rule)
    each.tls_server(pki)
    hello = ("openssl", "s_client", "-connect", "198.51.100.10:443", "-servername")
    assert each.run(*hello, "free.example").returncode == 0
    assert each.run(*hello, "blocked.example").returncode != 0
    assert each.curl("https://free.example/")[0] in (7, 35)
    limit = time.monotonic() + 10
    while each.curl("https://free.example/")[0] != 0:
        assert time.monotonic() < limit


def test_a_missing_name_with_openssl(lab: Callable[..., Lab], pki: Pki) -> None:
    rule = Blocking(name="none", scope=TLS, when=ClientHello(wanted=HelloWanted(nameless=True)), then=Reset())
    each = lab(rule)
    each.tls_server(pki)
    assert each.run("openssl", "s_client", "-connect", "198.51.100.10:443", "-noservername").returncode != 0
    assert each.curl("https://free.example/")[0] == 0
    each.wire.check_fired()


def test_http_hosts_with_curl(lab: Callable[..., Lab], family: int) -> None:
    rule = Blocking(name="http", when=HttpRequest(hosts=LISTED), then=Page(body="<p>blocked here</p>"))
    each = lab(rule)
    each.web_server(family)
    assert each.curl("http://free.example/", family=family) == (0, "the true page")
    assert each.curl("http://blocked.example/", family=family) == (0, "<p>blocked here</p>")
    each.wire.check_fired()


@pytest.mark.parametrize(
    ("then", "status"), [(Drop(), 28), (Refuse(), 7), (Deny(), 7)], ids=["drop", "refuse", "icmp"]
)
def test_endpoints_with_curl(lab: Callable[..., Lab], family: int, then: object, status: int) -> None:
    rule = Blocking(name="port", when=AnyPacket(), then=then, scope=Scope(ports=(81,)))  # type: ignore[arg-type]  # actions
    each = lab(rule)
    each.web_server(family)
    assert each.curl("http://free.example/", family=family)[0] == 0
    began = time.monotonic()
    assert each.curl("http://free.example:81/", family=family, seconds=1)[0] == status
    assert (time.monotonic() - began < 0.9) is (status == 7)


def test_reset_in_place_of_syn_ack(lab: Callable[..., Lab], family: int) -> None:
    rule = Blocking(name="synack", when=SynAck(), then=TurnIntoReset(), lasts=0, scope=Scope(ports=(80,)))
    each = lab(rule)
    each.web_server(family)
    assert each.curl("http://free.example/", family=family)[0] == 7
    each.wire.check_fired()


def read_to_the_end(end: socket.socket) -> None:
    """Read until the connection ends, however that is."""
    while end.recv(1000):
        pass


@pytest.mark.parametrize("direction", [UP, DOWN])
@pytest.mark.parametrize("drop", [False, True])
def test_kernels_on_both_sides_believe_the_resets(
    lab: Callable[..., Lab], family: int, direction: Direction, drop: bool
) -> None:
    """Both ends of a connection that has carried data are reset by what one packet sets off."""
    rule = Blocking(
        name="cut",
        when=Amount(payload=100, direction=direction),
        then=Reset(to_client=True, to_server=True, drop=drop),
    )
    each = lab(rule)
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    with each.wire.in_world():
        listening = socket.create_server((WEB[family], 443), family=kind)
    with listening, each.wire.in_client(), socket.create_connection((WEB[family], 443), 5) as client:
        server, _ = listening.accept()
        with server:
            server.settimeout(5)
            client.sendall(b"hello")
            assert server.recv(100) == b"hello"
            server.sendall(b"hi")
            assert client.recv(100) == b"hi"
            (client if direction is UP else server).sendall(bytes(200))
            for end in (client, server):
                with pytest.raises(ConnectionResetError):
                    read_to_the_end(end)


def test_a_cut_after_some_kilobytes(lab: Callable[..., Lab], family: int) -> None:
    cut = Blocking(name="cut", when=Amount(payload=20_000, direction=DOWN), then=Drop(directions=(DOWN,)))
    each = lab(cut)
    each.web_server(family)
    assert each.curl("http://free.example/", family=family) == (0, "the true page")
    done = each.curl(
        "http://free.example/big", "-o", "/dev/null", "-w", "%{size_download}", family=family, seconds=1
    )
    assert done[0] == 28
    assert 10_000 < int(done[1]) < 20_000


def test_policing(lab: Callable[..., Lab]) -> None:
    rule = Blocking(
        name="slow", when=AnyPacket(), then=Police(rate=100_000, burst=20_000, directions=(DOWN,))
    )
    each = lab(rule)
    each.web_server()
    done = each.curl("http://free.example/big", "-o", "/dev/null", "-w", "%{speed_download}", seconds=20)
    assert done[0] == 0
    assert 40_000 < float(done[1]) < 120_000


@pytest.mark.requires("unbound", "kdig")
def test_dns_with_kdig_and_unbound(lab: Callable[..., Lab], family: int) -> None:
    def named(name: str, then: ForgeAnswer) -> Blocking:
        return Blocking(name=name, when=DnsQuestion(names=Names(suffixes=(name,))), then=then, lasts=0)

    each = lab(
        named("placed.example", ForgeAnswer(addresses=("10.10.34.35", "d0::11"))),
        named("raced.example", ForgeAnswer(addresses=("10.10.34.36", "d0::11"), drop=False)),
    )
    address = WEB[family]
    config = each.directory / "unbound.conf"
    config.write_text(
        f"server:\n interface: {address}\n access-control: 0.0.0.0/0 allow\n access-control: ::/0 allow\n"
        ' chroot: ""\n username: ""\n pidfile: ""\n use-syslog: no\n do-daemonize: no\n'
        ' local-zone: "example." redirect\n local-data: "example. A 198.51.100.77"\n'
    )
    each.start("unbound", "-d", "-c", str(config), ready=Ready(address=address, port=53))

    def ask(name: str, kind: str = "A") -> str:
        return each.run("kdig", f"@{address}", name, kind, "+short", "+timeout=2", "+retry=0").stdout.strip()

    assert ask("free.example") == "198.51.100.77"
    assert ask("www.PLACED.example") == "10.10.34.35"
    assert ask("placed.example", "AAAA") == "d0::11"
    assert ask("raced.example") == "10.10.34.36"
    each.wire.check_fired()


@pytest.mark.requires("gtlsserver", "gtlsclient")
@pytest.mark.parametrize(("listed", "answered"), [("other.example", True), ("localhost", False)])
def test_quic_with_an_independent_client(
    lab: Callable[..., Lab], pki: Pki, listed: str, answered: bool
) -> None:
    wanted = HelloWanted(names=Names(exact=(listed,)))
    each = lab(Blocking(name="quic", when=QuicClientHello(wanted=wanted), then=Drop()))
    port = each.quic_server(pki)
    # Asked for an address, ngtcp2's client says "localhost" to the server, whatever it is told.
    done = each.run(
        "timeout", "3", "gtlsclient", "--exit-on-all-streams-close", WEB[4], str(port),
        f"https://free.example:{port}/text",
    )  # fmt: skip
    assert (":status: 200" in done.stdout + done.stderr) is answered
    assert bool(each.wire.report().silent) is answered


@pytest.mark.requires("gtlsserver")
@pytest.mark.parametrize(("name", "answered"), [("lab.example", True), ("WWW.blocked.example", False)])
def test_quic_with_our_own_client(lab: Callable[..., Lab], pki: Pki, name: str, answered: bool) -> None:
    each = lab(Blocking(name="quic", when=QuicClientHello(wanted=HelloWanted(names=LISTED)), then=Drop()))
    port = each.quic_server(pki)

    async def shake_hands() -> bool:
        trace = Trace("a1", clock=Clock(), timeouts=Timeouts(), limit=5.0)
        config = QuicConfig(
            server_name=name,
            verify_name=None,
            trust=TrustStore(read_pem(pki.ca_file.read_text())),
            alpn=("h3",),
        )
        socket_ = await connect_udp(WEB[4], port, trace=trace)
        with anyio.move_on_after(2):
            link = await open_quic(socket_, config, trace)
            await link.aclose()
            return True
        return False

    with each.wire.in_client():
        assert anyio.run(shake_hands) is answered
    assert bool(each.wire.report().silent) is answered


def test_a_redirected_port_and_its_oracle(lab: Callable[..., Lab], family: int) -> None:
    rule = Redirect(
        name="portal", scope=Scope(protocols=("tcp",), ports=(80,)), ipv4=(WEB[4], 8080), ipv6=(WEB[6], 8080)
    )
    each = lab(rule, beyond=("10.78.253.1/32",))
    each.web_server(family, 8080)
    elsewhere = {4: "203.0.113.9", 6: "[2001:db8:5::9]"}[family]
    done = each.run("curl", "-s", "--max-time", "2", "-w", " %{local_port}", f"http://{elsewhere}/index.html")
    page, _, port = done.stdout.rpartition(" ")
    assert page == "the true page"
    with each.wire.in_world(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as helper:
        helper.bind((WEB[4], 0))
        helper.settimeout(2)
        client = "10.78.0.2" if family == 4 else "fd78::2"
        helper.sendto(f"tcp {client} {port}".encode(), ("10.78.253.1", ORACLE.port))
        assert helper.recv(100) == f"{elsewhere.strip('[]')} 80".encode()


def test_a_box_in_the_middle_answers_sooner_than_the_world(lab: Callable[..., Lab], family: int) -> None:
    addresses = {4: "10.78.252.1", 6: "fd78:0:0:fc::1"}
    rule = Redirect(
        name="box", scope=Scope(protocols=("tcp",)), ipv4=(addresses[4], 1000), ipv6=(addresses[6], 1000)
    )
    far_away = engine.Path(far=symmetric(delay=0.2))
    each = lab(rule, path=far_away, middle=tuple(addresses.values()))
    with each.wire.in_middle():
        kind = socket.AF_INET if family == 4 else socket.AF_INET6
        box = socket.create_server((addresses[family], 1000), family=kind)
    with each.wire.in_world():
        world = socket.create_server((WEB[family], 443), family=kind)
    began = time.monotonic()
    with box, world, each.wire.in_client(), socket.create_connection((WEB[family], 443), 5) as client:
        assert time.monotonic() - began < 0.2  # a round trip to the world takes twice as long
        peer, (_, port, *_) = box.accept()
        with each.wire.in_middle():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
                asking.settimeout(2)
                asking.sendto(
                    f"tcp {client.getsockname()[0]} {port}".encode(), (str(ORACLE).split(":")[0], ORACLE.port)
                )
                meant = asking.recv(100).decode()
            onward = socket.create_connection((meant.split()[0], int(meant.split()[1])), 5)
        server, _ = world.accept()
        with peer, onward, server:
            assert server.getpeername()[0] == addresses[family]
            assert meant == f"{WEB[family]} 443"


def test_a_prober_and_a_real_server(lab: Callable[..., Lab], family: int) -> None:
    rule = ActiveProbing(
        name="probe",
        suspect=FullyEncrypted(),
        probe=b"GET / HTTP/1.0\r\n\r\n",
        confirmed_by=(Reaction.ANSWERS,),
        answer_begins=b"HTTP/1.",
    )
    each = lab(rule, beyond=PROBERS)
    each.web_server(family)
    assert each.curl("http://free.example/", family=family)[0] == 0
    with each.wire.in_client(), socket.create_connection((WEB[family], 80), 2) as tunnel:
        tunnel.sendall(b"\x96" * 200)
    limit = time.monotonic() + 5
    while each.curl("http://free.example/", family=family, seconds=0.3)[0] != 28:
        assert time.monotonic() < limit


def test_an_mtu_is_found(lab: Callable[..., Lab], family: int) -> None:
    """Path MTU discovery of the kernel works with what the engine's routers say."""
    narrow = engine.Path(near=symmetric(), far=symmetric(delay=0.005, mtu=1300))
    each = lab(path=narrow)
    each.web_server(family)
    done = each.curl(
        "http://free.example/big", "-o", "/dev/null", "-w", "%{size_download}", family=family, seconds=10
    )
    assert done == (0, "400000")
    assert each.wire.report().engine["too_big"] > 0


@pytest.mark.parametrize(("hops", "arrives"), [(1, False), (2, False), (3, True)])
def test_hop_limits_end_on_the_way(lab: Callable[..., Lab], family: int, hops: int, arrives: bool) -> None:
    """The client's kernel takes the routers' word for it."""
    each = lab(path=engine.Path(near=symmetric(hops=1), far=symmetric(hops=1, delay=0.005)))
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    limit, errors = ((socket.IPPROTO_IP, socket.IP_TTL), (socket.IPPROTO_IP, 11))  # IP_RECVERR
    if family == 6:
        limit, errors = ((socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS), (socket.IPPROTO_IPV6, 25))
    with each.wire.in_world():
        server = socket.socket(kind, socket.SOCK_DGRAM)
        server.bind((WEB[family], 9))
    with server, each.wire.in_client(), socket.socket(kind, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        server.settimeout(5)
        client.setsockopt(*limit, hops)
        client.setsockopt(*errors, 1)
        client.connect((WEB[family], 9))
        client.send(b"probe")
        if arrives:
            assert server.recv(100) == b"probe"
        else:
            with pytest.raises(OSError, match="No route to host"):
                client.recv(100)


def test_a_lossy_link_still_carries(lab: Callable[..., Lab]) -> None:
    lossy = engine.Path(far=symmetric(delay=0.01, jitter=0.003, loss=0.02, reorder=0.02, duplicate=0.01))
    each = lab(path=lossy)
    each.web_server()
    done = each.curl("http://free.example/big", "-o", "/dev/null", "-w", "%{size_download}", seconds=20)
    assert done == (0, "400000")
    down = each.wire.report().links["far-down"]
    assert down["lost"] > 0
    assert down["reordered"] > 0


def test_two_labs_do_not_meet(lab: Callable[..., Lab]) -> None:
    one, two = lab(), lab(Blocking(name="all", when=AnyPacket(), then=Refuse()))
    one.web_server()
    two.web_server()
    assert one.curl("http://free.example/")[0] == 0
    assert two.curl("http://free.example/")[0] == 7


def test_rules_that_never_fire_fail_loudly(lab: Callable[..., Lab]) -> None:
    each = lab(Blocking(name="idle", when=AnyPacket(), then=Drop(), scope=Scope(ports=(9,))))
    with pytest.raises(RulesNeverFired, match="idle"):
        each.wire.check_fired()
    each.wire.check_fired(allowed=["idle"])


def test_an_engine_that_ended_is_noticed(lab: Callable[..., Lab]) -> None:
    each = lab()
    os.kill(each.wire.engine, signal.SIGKILL)
    with pytest.raises(WireBroke):
        each.wire.report()


def test_nothing_leads_out(lab: Callable[..., Lab]) -> None:
    each = lab()
    for side in (each.wire.in_client, each.wire.in_world):
        with side():
            assert {name for _, name in socket.if_nameindex()} == {"lo", "wire0"}
    with each.wire.in_world(), pytest.raises(OSError, match="unreachable"):
        socket.create_connection(("8.8.8.8", 53), 1)


def test_a_recording_is_a_pcap(lab: Callable[..., Lab], tmp_path: Path) -> None:
    file = tmp_path / "client.pcap"
    each = lab(record=file)
    each.web_server()
    for _ in range(20):
        assert each.curl("http://free.example/")[0] == 0
    assert file.stat().st_size > 3000
    assert file.read_bytes()[:4] == bytes.fromhex("4d3cb2a1")
