"""An Oblivious DoH target and relay for tests: HTTPS/1.1 in threads, decryption by pyhpke, answers from a resolver.

The client's own code is nowhere used, so that both sides agree only where both follow RFC 9230 and RFC 9180.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import os
import socket
import ssl
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from pyhpke import AEADId, CipherSuite, KDFId, KEMId, KEMKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MEDIA_TYPE = "application/oblivious-dns-message"
_SUITE = CipherSuite.new(KEMId.DHKEM_X25519_HKDF_SHA256, KDFId.HKDF_SHA256, AEADId.AES128_GCM)

Reply = tuple[int, str, bytes]


@dataclass(slots=True)
class Target:
    """Answers queries with the DNS messages of ``resolve``; ``fault`` names what it does wrong."""

    resolve: Callable[[bytes], bytes]
    fault: str = ""
    key: X25519PrivateKey = field(default_factory=X25519PrivateKey.generate)
    seen: list[str] = field(default_factory=list)

    @property
    def contents(self) -> bytes:
        public = self.key.public_key().public_bytes_raw()
        return bytes.fromhex("0020 0001 0001 0020") + public

    def respond(self, method: str, path: str, body: bytes) -> Reply:
        """Answer one request."""
        self.seen.append(f"{method} {path}")
        if method == "GET" and path == "/.well-known/odohconfigs":
            return self._configurations()
        if method != "POST" or urlsplit(path).path != "/dns-query":
            return 404, "text/plain", b"no"
        match self.fault:
            case "status 502":
                return 502, "text/plain", b"no"
            case "key gone":
                return 401, "text/plain", b""
            case "page":
                return 200, "text/html", b"<html>"
            case "garbage":
                return 200, MEDIA_TYPE, b"\2\0\x10" + bytes(60)
        return 200, MEDIA_TYPE, self._answer(body)

    def _configurations(self) -> Reply:
        if self.fault == "no configuration":
            return 404, "text/plain", b""
        if self.fault == "broken configuration":
            return 200, "application/octet-stream", b"<html>"
        config = b"\0\1" + _prefixed(self.contents)
        return 200, "application/octet-stream", _prefixed(config)

    def _answer(self, query: bytes) -> bytes:
        identifier = _expand(_extract(b"", self.contents), b"odoh key id", 32)
        assert query[:35] == b"\1" + _prefixed(identifier)
        box = query[37:]
        context = _SUITE.create_recipient_context(
            box[:32], KEMKey.from_pyca_cryptography_key(self.key), info=b"odoh query"
        )
        plaintext = context.open(box[32:], aad=query[:35])
        length = int.from_bytes(plaintext[:2], "big")
        message = self.resolve(plaintext[2 : 2 + length])
        nonce = os.urandom(16)
        if self.fault == "another query":
            plaintext += b"x"
        prk = _extract(plaintext + _prefixed(nonce), context.export(b"odoh response", 16))
        sealed = AESGCM(_expand(prk, b"odoh key", 16)).encrypt(
            _expand(prk, b"odoh nonce", 12), _prefixed(message) + _prefixed(b""), b"\2" + _prefixed(nonce)
        )
        return b"\2" + _prefixed(nonce) + _prefixed(sealed)


@dataclass(slots=True)
class Relay:
    """Passes queries on to the target named in them, at an address that the test knows."""

    target: tuple[str, int]
    trust: Path
    seen: list[str] = field(default_factory=list)

    def respond(self, method: str, path: str, body: bytes) -> Reply:
        """Pass one request on."""
        self.seen.append(f"{method} {path}")
        parts = urlsplit(path)
        wanted = parse_qs(parts.query)
        if method != "POST" or parts.path != "/proxy" or "targethost" not in wanted:
            return 400, "text/plain", b""
        host, _, port = wanted["targethost"][0].partition(":")
        if int(port or 443) != self.target[1]:
            return 502, "text/plain", b""
        context = ssl.create_default_context(cafile=str(self.trust))
        raw = socket.create_connection(self.target, timeout=5)
        connection = http.client.HTTPConnection(host)
        connection.sock = context.wrap_socket(raw, server_hostname=host)
        try:
            connection.request("POST", wanted["targetpath"][0], body, {"content-type": MEDIA_TYPE})
            answer = connection.getresponse()
            return answer.status, answer.getheader("content-type", "text/plain"), answer.read()
        finally:
            connection.close()


@contextlib.contextmanager
def https(
    respond: Callable[[str, str, bytes], Reply], *, chain: Path, key: Path, address: str = "127.0.0.1"
) -> Iterator[int]:
    """Serve ``respond(method, path, body)`` over TLS while the block runs; yields the port."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(chain, key)
    tls.set_alpn_protocols(["http/1.1"])

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            self.request = tls.wrap_socket(self.request, server_side=True)
            super().setup()

        def finish(self) -> None:
            with contextlib.suppress(OSError):
                super().finish()
            self.connection.close()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, media_type, answer = respond(self.command, self.path, body)
            self.send_response(status)
            self.send_header("content-type", media_type)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = _serve  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's name
            """Say nothing."""

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that closes early is no error of the test."""

    with Server((address, 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def ask_over_tcp(address: str, port: int = 53) -> Callable[[bytes], bytes]:
    """Return a function that asks a real resolver."""

    def resolve(message: bytes) -> bytes:
        with socket.create_connection((address, port), timeout=3) as connection:
            connection.sendall(_prefixed(message))
            answer = b""
            while len(answer) < 2 or len(answer) < 2 + int.from_bytes(answer[:2], "big"):
                answer += connection.recv(65535)
            return answer[2:]

    return resolve


def _prefixed(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def _extract(salt: bytes, material: bytes) -> bytes:
    mac = HMAC(salt or bytes(32), SHA256())
    mac.update(material)
    return mac.finalize()


def _expand(key: bytes, info: bytes, length: int) -> bytes:
    return HKDFExpand(SHA256(), length, info).derive(key)
