"""HTTP proxies, used by curl; requests that are wrong."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tests.lab_world.clients import curl

if TYPE_CHECKING:
    from circumvent.lab.world.process import WorldProcess

pytestmark = [pytest.mark.daemons, pytest.mark.requires("curl")]
URL = "https://control.fjord.example/nonce/abc"


def words(world: WorldProcess, proxy: str) -> list[str]:
    ca = world.prepared.ca
    return ["--proxy-cacert", ca, "--cacert", ca, "--resolve", f"{proxy}:8443:{address(world, proxy)}"]


def address(world: WorldProcess, name: str) -> str:
    return world.prepared.world.server(name).ipv4


def test_in_clear(world: WorldProcess) -> None:
    proxy = f"http://{address(world, 'proxy.ember.example')}:8080"
    assert curl("--proxy", proxy, "--cacert", world.prepared.ca, URL) == "abc"


def test_inside_tls(world: WorldProcess) -> None:
    name = "proxy.ember.example"
    assert curl("--proxy", f"https://{name}:8443", *words(world, name), URL) == "abc"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_with_a_password(world: WorldProcess, scheme: str) -> None:
    name = "proxy.grove.example"
    place = f"{name}:8443" if scheme == "https" else f"{address(world, name)}:8080"
    assert curl("--proxy", f"{scheme}://lab:lab-password@{place}", *words(world, name), URL) == "abc"
    code = curl(
        "--proxy",
        f"{scheme}://lab:wrong@{place}",
        *words(world, name),
        "-w",
        "%{http_connect}",
        URL,
        status=56,
    )
    assert "407" in code


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET http://control.fjord.example/ HTTP/1.1\r\nHost: a", 405),
        (b"CONNECT nowhere HTTP/1.1\r\nHost: a", 400),
        (b"CONNECT a:99999 HTTP/1.1\r\nHost: a", 400),
        (b"CONNECT no.such.example:443 HTTP/1.1\r\nHost: a", 502),
        (b"CONNECT 198.41.0.10:9 HTTP/1.1\r\nHost: a", 503),
    ],
)
def test_what_cannot_be_had_is_said(world: WorldProcess, request_line: bytes, status: int) -> None:
    with socket.create_connection((address(world, "proxy.ember.example"), 8080), timeout=15) as client:
        client.sendall(request_line + b"\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 %d " % status)
