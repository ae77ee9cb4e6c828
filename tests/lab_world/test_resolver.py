"""Resolvers on the wire, asked by kdig of Knot DNS and by curl."""

from __future__ import annotations

import base64
import socket
from typing import TYPE_CHECKING

import dns.message
import pytest

from circumvent.lab.world.http import Request
from circumvent.lab.world.resolver import MEDIA_TYPE, doh_handler
from tests.lab_world.clients import curl, run

if TYPE_CHECKING:
    from circumvent.lab.world.process import WorldProcess

NAME = "social.example"


@pytest.mark.daemons
@pytest.mark.requires("kdig")
@pytest.mark.parametrize(
    "words", [(), ("+tcp",), ("+tls-ca={ca}",), ("+https", "+tls-ca={ca}"), ("+https-get", "+tls-ca={ca}")]
)
@pytest.mark.parametrize("family", [0, 1])
def test_kdig_gets_the_truth(world: WorldProcess, words: tuple[str, ...], family: int) -> None:
    truth = world.prepared.world.server(NAME).ipv4
    server = world.prepared.world.server("dns.cedar.example")
    options = [word.format(ca=world.prepared.ca) for word in words]
    if any("tls" in option for option in options):
        options.append(f"+tls-hostname={server.name}")
    said = run("kdig", f"@{server.addresses[family]}", *options, "+dnssec", NAME, "A")
    assert f"A\t{truth}" in said
    assert "RRSIG" in said


@pytest.mark.daemons
@pytest.mark.requires("kdig")
def test_a_long_answer_comes_over_tcp(world: WorldProcess) -> None:
    address = world.prepared.world.server("dns.cedar.example").ipv4
    said = run("kdig", f"@{address}", "huge.lab.example", "TXT")
    assert "(TCP)" in said


@pytest.mark.daemons
@pytest.mark.requires("curl")
@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_resolves_by_it(world: WorldProcess, version: str) -> None:
    """curl trusts our authority, asks our resolver, and fetches from the address that it was told."""
    resolver = world.prepared.world.server("dns.cedar.example")
    said = curl(
        version, "--cacert", world.prepared.ca, "--doh-url", f"https://{resolver.ipv4}/dns-query",
        f"https://{NAME}/nonce/xyz",
    )  # fmt: skip
    assert said == "xyz"


@pytest.mark.daemons
@pytest.mark.parametrize("data", [b"\0", b"\0\x05abc", b"\xff\xff" + b"x" * 100, b"GET / HTTP/1.1\r\n\r\n"])
def test_garbage_over_tcp_holds_nobody_up(world: WorldProcess, data: bytes) -> None:
    server = world.prepared.world.server("dns.cedar.example").ipv4
    with socket.create_connection((server, 53), timeout=5) as rude:
        rude.sendall(data)
        with socket.create_connection((server, 53), timeout=5) as polite:
            query = dns.message.make_query(NAME, "A").to_wire()
            polite.sendall(len(query).to_bytes(2, "big") + query)
            assert polite.recv(2)


@pytest.mark.anyio
class TestRequests:
    """DoH requests, right and wrong."""

    @staticmethod
    async def status(method: str, path: str, body: bytes = b"", media_type: str = MEDIA_TYPE) -> int:
        async def respond(message: bytes) -> bytes:
            return message

        request = Request(
            method=method, path=path, host="", client="", headers={"content-type": media_type}, body=body
        )
        return (await doh_handler(respond, "/dns-query")(request)).status

    async def test_right_ones(self) -> None:
        text = base64.urlsafe_b64encode(bytes(12)).decode().rstrip("=")
        assert await self.status("POST", "/dns-query", bytes(12)) == 200
        assert await self.status("GET", f"/dns-query?dns={text}") == 200

    async def test_wrong_ones(self) -> None:
        assert await self.status("POST", "/dns-query", bytes(12), "text/html") == 415
        assert await self.status("POST", "/dns-query", b"short") == 400
        assert await self.status("GET", "/dns-query?dns=%%%") == 400
        assert await self.status("GET", "/dns-query") == 400
        assert await self.status("PUT", "/dns-query") == 405
        assert await self.status("GET", "/other") == 404
