"""TLS and HTTP against servers of other people: OpenSSL's s_server, stunnel, caddy, nginx."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest

from circumvent.net.hello import HelloCut
from circumvent.net.http import open_http
from circumvent.net.sock import connect_tcp
from circumvent.net.tls import TlsConfig, TrustStore, start_tls
from tests.lab.daemon import Daemon, Ready, start
from tests.net.record import new_trace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.pki import Pki
    from tests.lab.web import Stunnel, Web

pytestmark = pytest.mark.anyio

NAME = "lab.example"
CUTS = {
    "whole": None,
    "one byte a segment": HelloCut(segment_size=1),
    "a segment border in the name": HelloCut(segments_in_name=True),
    "segments of 40 bytes": HelloCut(segment_size=40),
    "records of 32 bytes": HelloCut(records=(32,)),
    "records of one byte": HelloCut(records=(1,)),
    "a record border in the name": HelloCut(records_in_name=True),
    "records and segments in the name": HelloCut(records_in_name=True, segments_in_name=True),
    "records of one byte in segments of seven": HelloCut(records=(1,), segment_size=7),
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def s_server(lab_directory: Callable[[str], Path], pki: Pki) -> Iterator[Callable[..., int]]:
    """Start ``openssl s_server -www`` with these arguments and return its port; each kind runs once."""
    running: dict[tuple[str, ...], tuple[Daemon, int]] = {}

    def run(*arguments: str) -> int:
        if arguments not in running:
            port = free_port()
            command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-www", "-quiet"]
            command += ["-cert", str(pki.good.chain), "-cert_chain", str(pki.good.chain)]
            command += ["-key", str(pki.good.key), *arguments]
            daemon = start(
                command, directory=lab_directory("s_server"), ready=[Ready(address="127.0.0.1", port=port)]
            )
            running[arguments] = daemon, port
        return running[arguments][1]

    yield run
    for daemon, _ in running.values():
        daemon.stop()


async def fetch(address: str, port: int, pem: str, path: str = "/", name: str = NAME, **how: Any) -> Any:
    """Fetch a page and return the peer and the response."""
    trace = new_trace()
    trust = TrustStore.mozilla([pem])
    parts: dict[str, Any] = {"server_name": name, "verify_name": name, "trust": trust, **how}
    raw = await connect_tcp(address, port, trace=trace)
    stream = await start_tls(raw, TlsConfig(**parts), trace)
    url = f"https://{name}{path}"
    session = open_http(stream, url=url, http2=stream.peer.alpn == "h2", trace=trace)
    try:
        return stream.peer, await session.request("GET", url)
    finally:
        await session.aclose()


@pytest.mark.requires("openssl")
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("cut", [pytest.param(cut, id=name) for name, cut in CUTS.items()])
async def test_a_cut_hello_completes(
    cut: HelloCut | None, version: str, s_server: Callable[..., int], pki: Pki
) -> None:
    peer, response = await fetch("127.0.0.1", s_server(version), pki.authority.pem, cut=cut)
    assert response.status == 200
    assert peer.version == {"-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"}[version]
    assert b"s_server" in response.body


@pytest.mark.requires("openssl")
@pytest.mark.parametrize("cut", [None, HelloCut(segments_in_name=True), HelloCut(records=(5,))])
async def test_a_hello_retry_completes(cut: HelloCut | None, s_server: Callable[..., int], pki: Pki) -> None:
    """A server of another curve asks for a second ClientHello, which is cut like the first."""
    port = s_server("-tls1_3", "-groups", "P-521")
    peer, response = await fetch("127.0.0.1", port, pki.authority.pem, cut=cut)
    assert (peer.version, response.status) == ("TLSv1.3", 200)


@pytest.mark.requires("openssl")
async def test_openssl_sees_the_same_session_as_we_do(s_server: Callable[..., int], pki: Pki) -> None:
    """What the record says is what the other side says: version, cipher, and no reuse."""
    for _ in range(2):
        peer, response = await fetch("127.0.0.1", s_server("-tls1_3"), pki.authority.pem)
        assert f"New, TLSv1.3, Cipher is {peer.cipher}".encode() in response.body


@pytest.mark.requires("openssl")
async def test_old_servers_can_be_spoken_to(s_server: Callable[..., int], pki: Pki) -> None:
    port = s_server("-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0")
    peer, _ = await fetch("127.0.0.1", port, pki.authority.pem, minimum=ssl.TLSVersion.TLSv1)
    assert peer.version == "TLSv1.1"


@pytest.mark.daemons
@pytest.mark.parametrize(("alpn", "version"), [(("h2", "http/1.1"), "HTTP/2"), (("http/1.1",), "HTTP/1.1")])
async def test_caddy_speaks_what_was_agreed(alpn: tuple[str, ...], version: str, caddy: Web) -> None:
    pem = caddy.ca_file.read_text()
    peer, response = await fetch(caddy.address, caddy.port, pem, "/bytes/65536", caddy.name, alpn=alpn)
    assert (peer.alpn, response.version, len(response.body)) == (alpn[0], version, 65536)


@pytest.mark.daemons
@pytest.mark.parametrize("cut", [HelloCut(segment_size=40), HelloCut(records=(32,))])
async def test_other_stacks_take_a_cut_hello(cut: HelloCut, caddy: Web) -> None:
    """Caddy's TLS is Go's, not OpenSSL's."""
    pem = caddy.ca_file.read_text()
    _, response = await fetch(caddy.address, caddy.port, pem, "/text", caddy.name, cut=cut)
    assert response.status == 200


@pytest.mark.daemons
async def test_stunnel(stunnel: Stunnel) -> None:
    pem = stunnel.ca_file.read_text()
    _, response = await fetch(stunnel.address, stunnel.port, pem, "/text", stunnel.name)
    assert response.status == 200


_NGINX = """\
daemon off; master_process off; pid {directory}/nginx.pid; error_log {directory}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/fast;
  uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl http2;
    server_name lab.example;
    ssl_certificate {chain}; ssl_certificate_key {key};
    location / {{ return 200 "nginx was here"; }}
  }}
}}
"""


@pytest.fixture(scope="module")
def nginx(lab_directory: Callable[[str], Path], pki: Pki) -> Iterator[int]:
    directory, port = lab_directory("nginx"), free_port()
    configuration = directory / "nginx.conf"
    configuration.write_text(
        _NGINX.format(directory=directory, port=port, chain=pki.good.chain, key=pki.good.key)
    )
    daemon = start(
        ["nginx", "-p", str(directory), "-c", str(configuration)],
        directory=directory,
        ready=[Ready(address="127.0.0.1", port=port)],
    )
    yield port
    daemon.stop()


@pytest.mark.requires("nginx")
@pytest.mark.parametrize(
    ("alpn", "version"), [(("h2",), "HTTP/2"), (("http/1.1",), "HTTP/1.1"), ((), "HTTP/1.1")]
)
async def test_nginx(alpn: tuple[str, ...], version: str, nginx: int, pki: Pki) -> None:
    _, response = await fetch("127.0.0.1", nginx, pki.authority.pem, alpn=alpn)
    assert (response.status, response.version, response.body) == (200, version, b"nginx was here")
