"""SOCKS proxies, used by curl; requests that are wrong; datagrams through UDP ASSOCIATE."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import dns.message
import pytest

from circumvent.net import socks
from tests.lab_world.clients import curl

if TYPE_CHECKING:
    from circumvent.lab.world.process import WorldProcess

pytestmark = pytest.mark.daemons
TARGET = "control.fjord.example"


def address_of(world: WorldProcess, name: str) -> str:
    return world.prepared.world.server(name).ipv4


@pytest.mark.requires("curl")
@pytest.mark.parametrize("scheme", ["socks5h", "socks4a"])
def test_curl_fetches_by_name(world: WorldProcess, scheme: str) -> None:
    proxy = f"{scheme}://{address_of(world, 'proxy.ember.example')}:1080"
    said = curl("--proxy", proxy, "--cacert", world.prepared.ca, f"https://{TARGET}/nonce/abc")
    assert said == "abc"


@pytest.mark.requires("curl")
@pytest.mark.parametrize("scheme", ["socks5", "socks4"])
def test_curl_fetches_by_address(world: WorldProcess, scheme: str) -> None:
    proxy = f"{scheme}://{address_of(world, 'proxy.ember.example')}:1080"
    assert curl("--proxy", proxy, f"http://{address_of(world, TARGET)}/nonce/abc") == "abc"


@pytest.mark.requires("curl")
def test_curl_needs_the_password(world: WorldProcess) -> None:
    place, url = f"{address_of(world, 'proxy.grove.example')}:1080", f"http://{TARGET}/nonce/abc"
    assert curl("--proxy", f"socks5h://lab:lab-password@{place}", url) == "abc"
    curl("--proxy", f"socks5h://lab:wrong@{place}", url, status=97)
    curl("--proxy", f"socks5h://{place}", url, status=97)
    curl("--proxy", f"socks4a://{place}", url, status=97)


def conversation(world: WorldProcess, *sent: bytes) -> list[bytes]:
    answers = []
    with socket.create_connection((address_of(world, "proxy.ember.example"), 1080), timeout=15) as client:
        for data in sent:
            client.sendall(data)
            answers.append(client.recv(1000))
    return answers


@pytest.mark.parametrize(
    ("host", "port", "reply"),
    [
        ("no.such.example", 80, 4),
        ("198.41.0.10", 9, 5),
        ("127.0.0.1", 80, 2),
    ],
)
def test_failures_have_their_codes(world: WorldProcess, host: str, port: int, reply: int) -> None:
    request = socks.encode_request(socks.Command.CONNECT, host, port)
    assert conversation(world, socks.encode_greeting(password=False), request)[1][1] == reply


@pytest.mark.parametrize(
    "data",
    [b"", b"\x04\x01", b"\x05\x00", b"\x05\x01\x00\x05\x09", b"GET / HTTP/1.1\r\n\r\n", b"\x04" + b"a" * 600],
)
def test_what_is_no_socks_ends(world: WorldProcess, data: bytes) -> None:
    with socket.create_connection((address_of(world, "proxy.ember.example"), 1080), timeout=5) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        try:
            while client.recv(1000):
                pass
        except ConnectionResetError:
            pass


def test_datagrams_go_through_an_association(world: WorldProcess) -> None:
    resolver = "dns.cedar.example"
    query = dns.message.make_query("social.example", "A")
    with socket.create_connection((address_of(world, "proxy.ember.example"), 1080), timeout=5) as control:
        control.sendall(socks.encode_greeting(password=False))
        assert control.recv(2) == b"\x05\x00"
        control.sendall(socks.encode_request(socks.Command.UDP_ASSOCIATE, "0.0.0.0", 0))
        relay, _ = socks.decode_address(control.recv(100)[3:])
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.settimeout(5)
            # The association serves the address from which the control connection came.
            datagrams.bind((control.getsockname()[0], 0))
            for rude in (b"", b"\0\0\1\1", b"\0\0\0\3\xffshort"):
                datagrams.sendto(rude, (relay.host, relay.port))
            datagrams.sendto(socks.encode_datagram(resolver, 53, query.to_wire()), (relay.host, relay.port))
            source, data = socks.decode_datagram(datagrams.recv(2000))
    assert source == socks.Address(address_of(world, resolver), 53)
    assert query.is_response(dns.message.from_wire(data))
