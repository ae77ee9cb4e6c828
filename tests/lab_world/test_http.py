"""Web servers: curl and OpenSSL as clients, and peers who break the protocol."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from circumvent.lab.world.http import MOST_BODY, Answer, Request, request_from
from tests.lab_world.clients import curl, run

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.lab.world.process import WorldProcess

HOST = "control.ember.example"


def place(world: WorldProcess) -> tuple[str, ...]:
    """What tells curl where the control server is, and whom to trust."""
    address = world.prepared.world.server(HOST).ipv4
    return "--cacert", world.prepared.ca, "--resolve", f"{HOST}:443:{address}"


@pytest.mark.daemons
@pytest.mark.requires("curl")
@pytest.mark.parametrize(("version", "number"), [("--http1.1", "1.1"), ("--http2", "2")])
class TestCurl:
    def test_a_nonce_comes_back(self, world: WorldProcess, version: str, number: str) -> None:
        said = curl(version, *place(world), "-w", "%{http_version}", f"https://{HOST}/nonce/abc")
        assert said == f"abc{number}"

    def test_many_bytes_come(self, world: WorldProcess, version: str, number: str, tmp_path: Path) -> None:
        assert number
        target = tmp_path / "bytes"
        curl(version, *place(world), "-o", target, f"https://{HOST}/bytes/3000000")
        assert target.read_bytes() == bytes(3_000_000)

    def test_an_upload_is_counted(
        self, world: WorldProcess, version: str, number: str, tmp_path: Path
    ) -> None:
        assert number
        source = tmp_path / "upload"
        source.write_bytes(bytes(2_000_000))
        url = f"https://{HOST}/upload"
        assert curl(version, *place(world), "--data-binary", f"@{source}", url) == "2000000"

    def test_requests_share_a_connection(self, world: WorldProcess, version: str, number: str) -> None:
        assert number
        urls = [f"https://{HOST}/nonce/{one}" for one in "abc"]
        said = curl(version, *place(world), "-w", "%{num_connects}", *urls)
        assert said == "a1b0c0"

    def test_a_status_has_no_body(self, world: WorldProcess, version: str, number: str) -> None:
        assert number
        url = f"https://{HOST}/status/204"
        assert curl(version, *place(world), "-w", "%{http_code}", url) == "204"
        assert (
            curl(version, *place(world), "-I", "-o", "/dev/null", "-w", "%{http_code}", f"https://{HOST}/")
            == "200"
        )


@pytest.mark.daemons
@pytest.mark.requires("curl")
def test_plain_http_is_served(world: WorldProcess) -> None:
    address = world.prepared.world.server(HOST).addresses[1]
    assert curl("-g", f"http://[{address}]/nonce/six") == "six"


@pytest.mark.daemons
@pytest.mark.requires("openssl")
@pytest.mark.parametrize("site", ["social.example", "www.wiki.example", "sites.iris.example"])
def test_every_site_has_its_certificate(world: WorldProcess, site: str) -> None:
    address = world.prepared.world.server(site).ipv4
    said = run(
        "openssl", "s_client", "-connect", f"{address}:443", "-servername", site, "-verify_hostname", site,
        "-CAfile", world.prepared.ca, "-verify_return_error", "-brief", "-alpn", "h2",
    )  # fmt: skip
    assert "Verification: OK" in said


@pytest.mark.daemons
@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 100,
        b"GET / HTTP/1.1\r\n\r\n",  # no Host
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 100_000,
        b"GET /bytes/99999999999999999999 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    ],
)
def test_what_is_no_request_gets_an_error_or_the_end(world: WorldProcess, data: bytes) -> None:
    with socket.create_connection((world.prepared.world.server(HOST).ipv4, 80), timeout=5) as client:
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while piece := client.recv(65536):
                answer += piece
        except ConnectionResetError:
            pass
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4")


@pytest.mark.daemons
@pytest.mark.requires("curl")
@pytest.mark.parametrize("data", [b"x" * 24, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 2000, b"PRI"])
def test_broken_http2_holds_nobody_up(world: WorldProcess, data: bytes) -> None:
    context = ssl.create_default_context(cafile=world.prepared.ca)
    context.set_alpn_protocols(["h2"])
    raw = socket.create_connection((world.prepared.world.server(HOST).ipv4, 443), timeout=5)
    with context.wrap_socket(raw, server_hostname=HOST) as client:
        client.sendall(data)
        assert curl(*place(world), f"https://{HOST}/nonce/abc") == "abc"


def test_bodies_are_bounded() -> None:
    request = request_from([(b":method", b"POST"), (b":path", b"/"), (b":authority", b"a")], "192.0.2.1")
    assert request == Request(method="POST", path="/", host="a", client="192.0.2.1", headers={})
    request.take(bytes(100_000))
    assert (len(request.body), request.received) == (65536, 100_000)
    with pytest.raises(ValueError, match="goes on"):
        request.take(bytes(MOST_BODY))


def test_answers_without_a_body_have_no_length() -> None:
    assert "content-length" not in dict(Answer(status=204, body=b"x").fields())
    assert list(Answer(status=204, body=b"x").pieces("GET")) == []
    assert list(Answer(body=b"x").pieces("HEAD")) == []
    assert sum(map(len, Answer(zeros=100_000).pieces("GET"))) == 100_000
