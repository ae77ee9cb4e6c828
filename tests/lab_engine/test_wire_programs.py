"""Real programs and every further rule: each is hit by what it must hit, and its twin gets through."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any, Final

import pytest

from circumvent.lab import engine
from circumvent.lab.actions import Drop, Finish, Hold, Lose, Mark, Reset
from circumvent.lab.blocking import Blocking, Residual, ResidualKey
from circumvent.lab.engine import symmetric
from circumvent.lab.flow import DOWN, UP
from circumvent.lab.namespace import write
from circumvent.lab.rules.dns import DnsQuestion, ForgeAnswer
from circumvent.lab.rules.encrypted import FullyEncrypted
from circumvent.lab.rules.endpoint import AnyPacket, Syn
from circumvent.lab.rules.http import HttpRequest
from circumvent.lab.rules.limits import Amount, TooManyConnections
from circumvent.lab.rules.protocols import Recognised, Unrecognised
from circumvent.lab.rules.quic import QuicVersion
from circumvent.lab.rules.tls import ClientHello, DtlsClientHello, HelloWanted, ServerHello
from circumvent.lab.rules.tunnels import FirstSizes, OpenVpn, WireGuard
from circumvent.lab.scope import Scope, Window
from circumvent.lab.shaping import Shape
from circumvent.net.ja4 import ja4
from tests.lab.daemon import Ready, start
from tests.lab.inner import start_inner
from tests.lab.wireguard import SOCKETS
from tests.lab_engine.wires import LISTED, TLS, WEB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from circumvent.lab.blocking import Action, Trigger
    from tests.lab.pki import Pki
    from tests.lab_engine.wires import Lab

pytestmark = [pytest.mark.namespace, pytest.mark.requires("curl", "openssl")]

#: curl's statuses: connection refused or reset while connecting, empty reply, TLS failed, timeout, reset later.
REFUSED: Final = 7
EMPTY: Final = 52
TLS_FAILED: Final = 35
TIMEOUT: Final = 28
RESET: Final = 56


def blocking(when: Trigger, then: Action, **how: object) -> Blocking:
    return Blocking(name="rule", when=when, then=then, **how)  # type: ignore[arg-type]  # fields by name


def listening(each: Lab, kind: socket.SocketKind, port: int, family: int = 4) -> socket.socket:
    """A socket in the world."""
    with each.wire.in_world():
        made = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((WEB[family], port))
    made.settimeout(1.5)
    if kind == socket.SOCK_STREAM:
        made.listen(20)
    return made


def heard(here: socket.socket) -> bytes:
    """What a socket hears within its time, nothing if nothing."""
    try:
        return here.recv(4096)
    except TimeoutError:
        return b""


def passed(each: Lab, here: socket.socket, *, arrives: bool) -> bytes:
    """What a socket hears of a client that takes its time; where nothing may arrive, until the rule has fired."""
    limit = time.monotonic() + 20
    while not arrives and each.wire.report().silent:
        assert time.monotonic() < limit
        time.sleep(0.02)
    here.settimeout(20 if arrives else 0.3)
    return heard(here)


@contextlib.contextmanager
def running(each: Lab, *command: str) -> Iterator[None]:
    """A program on the client side, ended afterwards."""
    with each.wire.in_client():
        process = subprocess.Popen(
            command,
            cwd=each.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    try:
        yield
    finally:
        process.kill()
        process.wait()


# TLS


def test_a_fingerprint_of_curl_and_not_of_openssl(lab: Callable[..., Lab], pki: Pki, family: int) -> None:
    fingerprint = fingerprint_of_curl(lab)
    each = lab(blocking(ClientHello(wanted=HelloWanted(ja4=(fingerprint,))), Drop(), scope=TLS))
    each.tls_server(pki, family)
    host = WEB[family] if family == 4 else f"[{WEB[6]}]"
    assert each.run("openssl", "s_client", "-connect", f"{host}:443").returncode == 0
    assert each.wire.report().silent == ("rule",)
    assert each.curl("https://free.example/", family=family, seconds=0.7)[0] == TIMEOUT


def fingerprint_of_curl(lab: Callable[..., Lab]) -> str:
    """The JA4 of curl's ClientHello, which it says to a socket of ours."""
    each = lab()
    words = ("curl", "-sk", "--connect-to", f"::{WEB[4]}:", "https://free.example/")
    with listening(each, socket.SOCK_STREAM, 443) as here, running(each, *words):
        here.settimeout(20)
        peer, _ = here.accept()
        with peer:
            return ja4(peer.recv(4096)[5:], transport="t")


def test_a_server_hello_is_lost_on_its_way_in(lab: Callable[..., Lab], pki: Pki, family: int) -> None:
    each = lab(blocking(ServerHello(), Drop(directions=(DOWN,))))
    each.tls_server(pki, family)
    each.web_server(family)
    assert each.curl("http://free.example/", family=family) == (0, "the true page")
    assert each.wire.report().silent == ("rule",)
    assert each.curl("https://free.example/", family=family, seconds=0.7)[0] == TIMEOUT


def test_dtls_of_openssl(lab: Callable[..., Lab], pki: Pki) -> None:
    each = lab(blocking(DtlsClientHello(wanted=HelloWanted(names=LISTED)), Drop()))
    server = (
        "openssl", "s_server", "-dtls1_2", "-accept", f"{WEB[4]}:443", "-cert", str(pki.good.chain), "-key",
        str(pki.good.key),
    )  # fmt: skip
    with each.wire.in_world():
        patient = ("sh", "-c", 'sleep 1000 | "$@"', "sh", *server)  # it ends with its standard input
        each.daemons.append(start(patient, directory=each.directory))
    hello = ("timeout", "2", "openssl", "s_client", "-dtls1_2", "-connect", f"{WEB[4]}:443", "-servername")
    limit = time.monotonic() + 10
    while "Cipher is ECDHE" not in each.run(*hello, "free.example").stdout:
        assert time.monotonic() < limit
    assert each.wire.report().silent == ("rule",)
    assert "Cipher is ECDHE" not in each.run(*hello, "www.BLOCKED.example").stdout
    each.wire.check_fired()


def test_the_fourth_connection_freezes(lab: Callable[..., Lab], pki: Pki) -> None:
    each = lab(blocking(TooManyConnections(limit=3), Drop(), scope=TLS))
    each.tls_server(pki)
    assert [each.curl("https://free.example/")[0] for _ in range(3)] == [0, 0, 0]
    assert each.curl("https://other.example/")[0] == 0  # another name
    assert each.wire.report().silent == ("rule",)
    assert each.curl("https://free.example/", seconds=0.7)[0] == TIMEOUT


def test_a_penalty_of_the_client_everywhere(lab: Callable[..., Lab], pki: Pki) -> None:
    penalty = Residual(key=ResidualKey.CLIENT, seconds=(1.5, 1.5), scope=Scope())
    each = lab(blocking(ClientHello(wanted=HelloWanted(names=LISTED)), Drop(), scope=TLS, residual=penalty))
    each.tls_server(pki)
    each.web_server()
    assert each.curl("http://free.example/")[0] == 0
    assert each.curl("https://blocked.example/", seconds=0.5)[0] == TIMEOUT
    assert each.curl("http://free.example/", seconds=0.5)[0] == TIMEOUT
    limit = time.monotonic() + 10
    while each.curl("http://free.example/", seconds=0.5)[0] != 0:
        assert time.monotonic() < limit


# HTTP, endpoints, time


def test_a_word_in_a_request(lab: Callable[..., Lab], family: int) -> None:
    each = lab(blocking(HttpRequest(keywords=("forbidden",)), Reset(to_server=True)))
    each.web_server(family)
    assert each.curl("http://free.example/", family=family) == (0, "the true page")
    assert each.curl("http://free.example/?q=FORBIDDEN", family=family)[0] == RESET
    each.wire.check_fired()


def test_a_fin_in_the_servers_name(lab: Callable[..., Lab], family: int) -> None:
    each = lab(blocking(HttpRequest(hosts=LISTED), Finish()))
    each.web_server(family)
    assert each.curl("http://free.example/", family=family)[0] == 0
    assert each.curl("http://blocked.example/", family=family)[0] == EMPTY
    each.wire.check_fired()


def test_every_syn_to_a_port_is_reset(lab: Callable[..., Lab], family: int) -> None:
    each = lab(blocking(Syn(), Reset(to_server=True, copies=3), scope=Scope(ports=(443,))))
    each.web_server(family, 443)
    each.web_server(family, 80)
    assert each.curl("http://free.example:80/", family=family)[0] == 0
    assert each.wire.report().silent == ("rule",)
    assert each.curl("http://free.example:443/", family=family)[0] in (REFUSED, RESET)


def test_a_curfew(lab: Callable[..., Lab]) -> None:
    """It begins a while after the wire was opened, and ends."""
    window = Window(begin=3.0, end=5.0, period=None)
    each = lab(blocking(AnyPacket(), Drop(), lasts=0, windows=(window,)))
    each.web_server()
    opened = each.wire.opened
    seen: dict[str, list[int]] = {"before": [], "inside": [], "after": []}
    while time.monotonic() < opened + 6.5:
        began = time.monotonic() - opened
        status = each.curl("http://free.example/", seconds=0.3)[0]
        ended = time.monotonic() - opened
        if ended < 3.0 or began > 5.0:
            seen["before" if ended < 3.0 else "after"].append(status)
        elif began > 3.0 and ended < 5.0:
            seen["inside"].append(status)
    assert set(seen["inside"]) == {TIMEOUT}
    assert 0 in seen["before"]
    assert 0 in seen["after"]


def test_a_part_of_udp_is_lost(lab: Callable[..., Lab], family: int) -> None:
    each = lab(blocking(AnyPacket(), Lose(fraction=0.5, directions=(UP,)), scope=Scope(protocols=("udp",))))
    each.web_server(family)
    assert each.curl("http://free.example/", family=family)[0] == 0
    assert each.wire.report().silent == ("rule",)
    with listening(each, socket.SOCK_DGRAM, 9000, family) as here:
        with each.wire.in_client(), socket.socket(here.family, socket.SOCK_DGRAM) as client:
            for number in range(100):
                client.sendto(bytes((number,)), (WEB[family], 9000))
        arrived = 0
        while heard(here):
            arrived += 1
    assert 20 < arrived < 80


def test_packets_that_are_held_back(lab: Callable[..., Lab]) -> None:
    each = lab(blocking(AnyPacket(), Hold(seconds=0.3, directions=(DOWN,)), scope=Scope(ports=(81,))))
    each.web_server(4, 80)
    each.web_server(4, 81)
    times = [
        float(each.curl(f"http://free.example:{port}/", "-o", "/dev/null", "-w", "%{time_connect}")[1])
        for port in (80, 81)
    ]
    assert times[0] < times[1]
    assert times[1] > 0.3


def test_shaping_by_name_with_a_mark(lab: Callable[..., Lab]) -> None:
    """One rule marks the connection, another one slows down what is marked."""
    each = lab(
        Blocking(name="mark", when=HttpRequest(hosts=LISTED), then=Mark(word="slow")),
        Blocking(
            name="slow",
            when=AnyPacket(),
            then=Shape(rate=200_000, patience=5.0, directions=(DOWN,)),
            scope=Scope(marked="slow"),
        ),
    )
    each.web_server()
    speed = ("-o", "/dev/null", "-w", "%{speed_download}")
    free = each.curl("http://free.example/big", *speed, seconds=20)
    assert set(each.wire.report().silent) == {"mark", "slow"}
    slow = each.curl("http://blocked.example/big", *speed, seconds=20)
    assert free[0] == slow[0] == 0
    assert float(slow[1]) < 220_000
    assert float(slow[1]) < float(free[1])


def test_a_cut_after_some_seconds(lab: Callable[..., Lab]) -> None:
    each = lab(blocking(Amount(seconds=0.5), Reset(to_server=True)))
    each.web_server()
    assert each.curl("http://free.example/")[0] == 0
    slow = each.curl("http://free.example/big", "-o", "/dev/null", "--limit-rate", "100k", seconds=10)
    assert slow[0] == RESET
    each.wire.check_fired()


# DNS and QUIC


@pytest.mark.requires("unbound", "kdig")
@pytest.mark.parametrize("drop", [True, False])
def test_forged_answers_over_tcp_with_kdig(lab: Callable[..., Lab], family: int, drop: bool) -> None:
    lie = ForgeAnswer(addresses=("10.10.34.35", "d0::11"), drop=drop)
    each = lab(blocking(DnsQuestion(names=LISTED), lie, scope=Scope(protocols=("tcp",), ports=(53,))))
    resolver(each, family)

    def ask(name: str, *more: str) -> str:
        words = ("kdig", f"@{WEB[family]}", name, "+short", "+timeout=2", "+retry=0", *more)
        return each.run(*words).stdout.strip()

    assert ask("www.BLOCKED.example") == ask("free.example", "+tcp") == "198.51.100.77"
    assert each.wire.report().silent == ("rule",)
    assert ask("www.BLOCKED.example", "+tcp") == "10.10.34.35"


@pytest.mark.requires("unbound", "kdig")
def test_a_question_in_fragments_of_the_kernel(lab: Callable[..., Lab], family: int) -> None:
    """The client's own kernel cuts a query that is longer than its link takes."""
    each = lab(blocking(DnsQuestion(names=LISTED), Drop(), lasts=0), mtu=1280)
    resolver(each, family)
    padded = ("+padding=1400", "+timeout=1", "+retry=0", "+short")
    assert each.run("kdig", f"@{WEB[family]}", "free.example", *padded).stdout.strip() == "198.51.100.77"
    assert each.wire.report().silent == ("rule",)
    assert "198.51.100.77" not in each.run("kdig", f"@{WEB[family]}", "blocked.example", *padded).stdout
    each.wire.check_fired()


def resolver(each: Lab, family: int) -> None:
    """unbound, for which every name below "example" has one address."""
    address = WEB[family]
    config = each.directory / "unbound.conf"
    config.write_text(
        f"server:\n interface: {address}\n access-control: 0.0.0.0/0 allow\n access-control: ::/0 allow\n"
        ' chroot: ""\n username: ""\n pidfile: ""\n use-syslog: no\n do-daemonize: no\n'
        ' local-zone: "example." redirect\n local-data: "example. A 198.51.100.77"\n'
    )
    each.start("unbound", "-d", "-c", str(config), ready=Ready(address=address, port=53))


@pytest.mark.requires("gtlsserver", "gtlsclient")
@pytest.mark.parametrize(("version", "answered"), [(0x6B3343CF, True), (1, False)])
def test_a_version_of_quic(lab: Callable[..., Lab], pki: Pki, version: int, answered: bool) -> None:
    each = lab(blocking(QuicVersion(versions=(version,), at_least=1001), Drop()))
    port = each.quic_server(pki)
    done = each.run(
        "timeout", "3", "gtlsclient", "--exit-on-all-streams-close", WEB[4], str(port), f"https://free.example:{port}/text"
    )  # fmt: skip
    assert (":status: 200" in done.stdout + done.stderr) is answered
    assert bool(each.wire.report().silent) is answered


# What bad lines do


@pytest.mark.parametrize("listed", [True, False])
def test_a_name_over_a_line_that_loses_reorders_and_repeats(
    lab: Callable[..., Lab], pki: Pki, family: int, listed: bool
) -> None:
    """Before the censor, and with segments so small that the ClientHello needs several."""
    worn = symmetric(
        mtu=1280 if family == 6 else 600, delay=0.002, loss=0.05, reorder=0.2, duplicate=0.2, reorder_by=0.004
    )
    path = engine.Path(near=worn, far=symmetric(delay=0.005))
    own = {4: "10.78.0.2", 6: "fd78::2"}
    each = lab(
        blocking(ClientHello(wanted=HelloWanted(names=LISTED)), Reset(to_server=True), scope=TLS),
        path=path,
        client=(own[family],),
        mtu=1280 if family == 6 else 600,
        seed=family,
    )
    each.tls_server(pki, family)
    long_name = "a-long-label-that-fills-up-segments." * 5
    name = f"{long_name}BLOCKED.example" if listed else f"{long_name}free.example"
    for _ in range(3):
        status, _ = each.curl(f"https://{name}/", "--tlsv1.2", family=family, seconds=15)
        assert status == (TLS_FAILED if listed else 0)
    assert bool(each.wire.report().silent) is not listed


def test_connections_with_explicit_congestion_notification(
    lab: Callable[..., Lab], pki: Pki, family: int
) -> None:
    """RFC 3168: its bits pass the wire, and a SYN that has them is a SYN."""
    sni = blocking(ClientHello(wanted=HelloWanted(names=LISTED)), Reset(to_server=True), scope=TLS)
    syn = Blocking(name="syn", when=Syn(), then=Reset(), scope=Scope(ports=(81,)))
    each = lab(sni, syn)
    for side in (each.wire.in_world, each.wire.in_client):
        with side():
            write("/proc/sys/net/ipv4/tcp_ecn", "1")
    each.tls_server(pki, family)
    with each.wire.in_client(), socket.create_connection((WEB[family], 443), 5) as connection:
        options = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 8)[5]
        assert options & 8  # TCPI_OPT_ECN of linux/tcp.h
    assert each.curl("https://free.example/", family=family)[0] == 0
    assert each.curl("https://blocked.example/", family=family)[0] == TLS_FAILED
    assert each.curl("http://free.example:81/", family=family)[0] == REFUSED
    each.wire.check_fired()


# Protocols and tunnels


@pytest.mark.requires("ssh", "kdig", "unbound")
def test_unknown_protocols_on_usual_ports(lab: Callable[..., Lab], pki: Pki) -> None:
    """SSH on 443 is not on the list, TLS there and DNS on 53 are; SSH on 22 is nobody's business."""
    each = lab(
        blocking(
            Unrecognised(packets=2), Drop(directions=(UP,)), scope=Scope(protocols=("tcp",), ports=(53, 443))
        )
    )
    each.tls_server(pki)
    resolver(each, 4)
    assert each.curl("https://free.example/")[0] == 0
    assert each.run("kdig", f"@{WEB[4]}", "free.example", "+tcp", "+short").stdout.strip() == "198.51.100.77"
    assert keys_arrive(each, 22)
    assert each.wire.report().silent == ("rule",)
    each.daemons.pop(0).stop()
    assert not keys_arrive(each, 443)


def keys_arrive(each: Lab, port: int) -> bool:
    """Whether the second packet of an SSH client, its key exchange, arrives."""
    words = (
        "ssh",
        "-p",
        str(port),
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
        "-F",
        "none",
        "nobody@" + WEB[4],
    )
    with listening(each, socket.SOCK_STREAM, port) as here, running(each, *words):
        here.settimeout(20)
        peer, _ = here.accept()
        with peer:
            peer.settimeout(2.0)
            peer.sendall(b"SSH-2.0-laboratory\r\n")
            data = b""
            with contextlib.suppress(TimeoutError):
                while b"\n" not in data or len(data.partition(b"\n")[2]) < 100:
                    data += peer.recv(4096)
            return len(data.partition(b"\n")[2]) >= 100


@pytest.mark.requires("turnutils_stunclient", "kdig", "unbound")
def test_stun_and_not_dns(lab: Callable[..., Lab]) -> None:
    each = lab(blocking(Recognised(protocols=("stun",)), Drop()))
    resolver(each, 4)
    assert each.run("kdig", f"@{WEB[4]}", "free.example", "+short").stdout.strip() == "198.51.100.77"
    assert each.wire.report().silent == ("rule",)
    with listening(each, socket.SOCK_DGRAM, 3478) as here, running(each, "turnutils_stunclient", WEB[4]):
        assert not passed(each, here, arrives=False)


@pytest.mark.requires("openvpn")
@pytest.mark.parametrize("protocol", ["udp", "tcp-client"])
@pytest.mark.parametrize("rule", ["openvpn", "other"])
def test_openvpn(lab: Callable[..., Lab], pki: Pki, protocol: str, rule: str) -> None:
    when: Trigger = OpenVpn() if rule == "openvpn" else WireGuard()
    each = lab(blocking(when, Drop()))
    client = (
        "openvpn", "--client", "--dev", "null", "--proto", protocol, "--remote", WEB[4], "1194", "--nobind", "--verb", "0",
        "--ca", str(pki.ca_file), "--cert", str(pki.good.chain), "--key", str(pki.good.key), "--cipher", "AES-256-GCM",
    )  # fmt: skip
    arrives = rule == "other"
    if protocol == "udp":
        with listening(each, socket.SOCK_DGRAM, 1194) as here, running(each, *client):
            assert (passed(each, here, arrives=arrives)[:1] == b"\x38") is arrives
    else:
        with listening(each, socket.SOCK_STREAM, 1194) as here, running(each, *client):
            here.settimeout(20)
            peer, _ = here.accept()
            with peer:
                assert (passed(each, peer, arrives=arrives)[2:3] == b"\x38") is arrives
    assert bool(each.wire.report().silent) is arrives


@pytest.mark.requires("wireguard-go")
@pytest.mark.parametrize("rule", ["wireguard", "other"])
def test_wireguard(lab: Callable[..., Lab], rule: str) -> None:
    """A router on the client's side, whose tunnel speaks through the client's network."""
    each = lab(blocking(WireGuard() if rule == "wireguard" else OpenVpn(), Drop()), beyond=("10.78.7.2/32",))
    plan = {
        "program": "wireguard-go",
        "configuration": (
            f"private_key={os.urandom(32).hex()}\npublic_key={(9).to_bytes(32, 'little').hex()}\n"
            f"endpoint={WEB[4]}:51820\npersistent_keepalive_interval=1\nallowed_ip=10.99.0.0/24\n"
        ),
        "inside": ["10.99.0.2"],
        "client": "fd99::2",
        "mtu": None,
        "ready": str(each.directory / "ready"),
    }
    with listening(each, socket.SOCK_DGRAM, 51820) as here:
        with each.wire.in_client():
            write("/proc/sys/net/ipv4/ip_forward", "1")
            each.daemons.append(
                start_inner(
                    ["python3", "-m", "tests.lab.wireguard", json.dumps(plan)],
                    number=1,
                    directory=each.directory,
                    addresses=["10.78.7.2"],
                    own_folders=[SOCKETS["wireguard-go"]],
                )
            )
            write("/proc/sys/net/ipv4/conf/inner1/proxy_arp", "1")
            write("/proc/sys/net/ipv4/neigh/inner1/proxy_delay", "0")
        said = passed(each, here, arrives=rule == "other")
    assert (said[:4] == b"\x01\0\0\0" and len(said) == 148) is (rule == "other")
    assert bool(each.wire.report().silent) is (rule == "other")


@pytest.mark.requires("v2ray")
@pytest.mark.parametrize("when", [FullyEncrypted(), FirstSizes(sizes=((40, 2000),), random_looking=True)])
def test_shadowsocks_of_v2ray(lab: Callable[..., Lab], when: Trigger, family: int) -> None:
    """A first packet that looks like nothing is stopped; the same page in clear, and the proxy elsewhere, are not."""
    each = lab(blocking(when, Drop(directions=(UP,)), scope=Scope(protocols=("tcp",), ports=(8388, 80))))
    each.web_server(family)
    address = WEB[family] if family == 4 else f"[{WEB[6]}]"
    secret = {"method": "aes-256-gcm", "password": "laboratory"}
    with each.wire.in_world():
        for port in (8388, 8389):
            inbound = {"listen": WEB[family], "port": port, "protocol": "shadowsocks", "settings": secret}
            v2ray(
                each,
                f"server-{port}",
                inbound,
                {"protocol": "freedom"},
                Ready(address=WEB[family], port=port),
            )
    with each.wire.in_client():
        for port in (8388, 8389):
            server = {"address": WEB[family], "port": port, **secret}
            outbound = {"protocol": "shadowsocks", "settings": {"servers": [server]}}
            inbound = {"listen": "127.0.0.1", "port": port, "protocol": "socks"}
            v2ray(each, f"client-{port}", inbound, outbound, Ready(address="127.0.0.1", port=port))
    page = f"http://{address}/index.html"
    fetch = ("curl", "-s", "--max-time", "3")
    assert each.run(*fetch, page).stdout == "the true page"
    assert each.run(*fetch, "--proxy", "socks5h://127.0.0.1:8389", page).stdout == "the true page"
    assert each.wire.report().silent == ("rule",)
    assert each.run(*fetch, "--proxy", "socks5h://127.0.0.1:8388", page).returncode != 0
    each.wire.check_fired()


def v2ray(each: Lab, name: str, inbound: Any, outbound: Any, ready: Ready) -> None:
    """Start v2ray in the network of this thread."""
    file = each.directory / f"{name}.json"
    file.write_text(json.dumps({"log": {"loglevel": "none"}, "inbounds": [inbound], "outbounds": [outbound]}))
    each.daemons.append(
        start(("v2ray", "-config", str(file)), directory=each.directory, ready=[ready], name=name)
    )
