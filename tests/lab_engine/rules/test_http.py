"""HTTP rules: hosts and words, however the request is written or cut."""

from __future__ import annotations

import pytest

from circumvent.lab.actions import Drop, Finish, Page
from circumvent.lab.blocking import Blocking
from circumvent.lab.names import Names
from circumvent.lab.packet import ACK, FIN, PSH
from circumvent.lab.rules.http import HttpRequest
from tests.lab_engine.talk import Net, opened

HOSTS = HttpRequest(hosts=Names(suffixes=("blocked.example",)))


def request(host: str, path: str = "/") -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n\r\n".encode()


@pytest.mark.parametrize("host", ["blocked.example", "www.BLOCKED.example", "blocked.example:8080"])
def test_a_block_page(family: int, host: str) -> None:
    rule = Blocking(name="http", when=HOSTS, then=Page(body="<iframe src=http://10.10.34.35>"))
    tcp = opened(Net(rule), family=family, server_port=80)
    before = tcp.down_next
    outcome = tcp.up(request(host))
    assert not outcome.passed
    (page,) = outcome.to_client
    assert page.payload.startswith(b"HTTP/1.1 403 Forbidden\r\n")
    assert b"10.10.34.35" in page.payload
    assert page.flags == ACK | PSH | FIN
    assert (page.sequence, page.acknowledgment) == (before, tcp.up_next)
    (bye,) = tcp.up(flags=ACK | FIN).to_client
    assert (bye.flags, bye.acknowledgment) == (ACK, tcp.up_next)
    assert tcp.down(b"the true page").silence


@pytest.mark.parametrize("host", ["other.example", "unblocked.example"])
def test_other_hosts(family: int, host: str) -> None:
    net = Net(Blocking(name="http", when=HOSTS, then=Page()))
    tcp = opened(net, family=family, server_port=80)
    assert tcp.up(request(host, "/blocked.example")).untouched
    assert tcp.down(b"HTTP/1.1 200 OK\r\n\r\nblocked.example").untouched
    assert net.fired("http") == 0


def test_the_second_request_of_a_connection(family: int) -> None:
    tcp = opened(Net(Blocking(name="http", when=HOSTS, then=Page())), family=family, server_port=80)
    assert tcp.up(request("other.example")).untouched
    assert tcp.down(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").untouched
    assert tcp.up(request("blocked.example")).to_client


@pytest.mark.parametrize(("reassemble", "seen"), [(True, True), (False, False)])
def test_a_host_cut_by_segments(family: int, reassemble: bool, seen: bool) -> None:
    trigger = HttpRequest(hosts=HOSTS.hosts, reassemble=reassemble)
    tcp = opened(Net(Blocking(name="http", when=trigger, then=Drop())), family=family, server_port=80)
    whole = request("blocked.example")
    at = whole.index(b"blocked") + 3
    assert tcp.up(whole[:at]).untouched
    assert tcp.up(whole[at:]).silence is seen


@pytest.mark.parametrize(
    ("path", "hit"), [("/?q=forbidden-word", True), ("/?q=FORBIDDEN-word", True), ("/?q=word", False)]
)
def test_a_keyword(family: int, path: str, hit: bool) -> None:
    rule = Blocking(name="word", when=HttpRequest(keywords=("forbidden-word",)), then=Drop())
    tcp = opened(Net(rule), family=family, server_port=80)
    assert tcp.up(request("other.example", path)).silence is hit


def test_a_keyword_in_something_else_than_http(family: int) -> None:
    rule = Blocking(name="word", when=HttpRequest(keywords=("forbidden-word",)), then=Drop())
    assert opened(Net(rule), family=family).up(b"\x16\x03\x01 forbidden-word").untouched


def test_a_fin_in_the_servers_name(family: int) -> None:
    tcp = opened(Net(Blocking(name="http", when=HOSTS, then=Finish())), family=family, server_port=80)
    (fin,) = tcp.up(request("blocked.example")).to_client
    assert (fin.flags, fin.payload) == (ACK | FIN, b"")


def test_long_pages_are_refused() -> None:
    with pytest.raises(ValueError, match="block page"):
        Page(body="x" * 2000)
