"""The least a protocol needs: the same exchange by the plainest client, its bytes counted on the same wire.

Each function does once what the proof of an option asks for, with nothing to spare: one connection, no retries, no
second opinion. ``sustained`` says whether the option reached that rung, which moves 32 KiB (names) or 64 KiB (paths).
"""

from __future__ import annotations

import socket
import ssl
import struct
import subprocess
from typing import TYPE_CHECKING, Final

import dns.flags
import dns.message
import h2.config
import h2.connection
import h2.events

if TYPE_CHECKING:
    from tests.bench.world import Entry, World

_ENOUGH_DOWN: Final = 32 * 1024
#: What the two proofs ask: a signed denial, then the two control names.
_QUESTIONS: Final = (
    ("zhjqkwxvtyqzpfh.", "A", True),
    ("lab.example.", "A", False),
    ("canary-one.example.", "A", False),
)


def exchange(entry: Entry, world: World, *, sustained: bool) -> None:
    """Do the least exchange of an option.

    :raises OSError: when the server does not play.
    """
    match entry.kind:
        case "dot":
            _dot(entry, world, sustained=sustained)
        case "doh":
            _doh(entry, world, sustained=sustained)
        case "h3":
            _h3(entry, world)
        case _:
            _socks(entry, world, sustained=sustained)


def _queries() -> list[bytes]:
    return [
        dns.message.make_query(name, rdtype, want_dnssec=dnssec).to_wire()
        for name, rdtype, dnssec in _QUESTIONS
    ]


def _tls(entry: Entry, world: World, *alpn: str) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=str(world.pki.ca_file))
    if alpn:
        context.set_alpn_protocols(list(alpn))
    raw = socket.create_connection((entry.address, entry.port), 10)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return context.wrap_socket(raw, server_hostname=world.name)


def _dot(entry: Entry, world: World, *, sustained: bool) -> None:
    with _tls(entry, world) as stream, stream.makefile("rb") as reader:

        def ask(messages: list[bytes]) -> int:
            stream.sendall(b"".join(struct.pack("!H", len(message)) + message for message in messages))
            return sum(len(reader.read(struct.unpack("!H", reader.read(2))[0])) for _ in messages)

        ask(_queries())
        received = 0
        while sustained and received < _ENOUGH_DOWN:
            received += ask([_keys()] * 8)


def _keys() -> bytes:
    return dns.message.make_query(".", "DNSKEY", want_dnssec=True).to_wire()


def _doh(entry: Entry, world: World, *, sustained: bool) -> None:
    with _tls(entry, world, "h2") as stream:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        connection.initiate_connection()

        def ask(messages: list[bytes]) -> int:
            for message in messages:
                number = connection.get_next_available_stream_id()
                headers = [
                    (":method", "POST"),
                    (":scheme", "https"),
                    (":authority", world.name),
                    (":path", "/dns-query"),
                    ("content-type", "application/dns-message"),
                    ("content-length", str(len(message))),
                ]
                connection.send_headers(number, headers)
                connection.send_data(number, message, end_stream=True)
            stream.sendall(connection.data_to_send())
            received, ended = 0, 0
            while ended < len(messages):
                for event in connection.receive_data(stream.recv(65536)):
                    if isinstance(event, h2.events.DataReceived):
                        received += len(event.data)
                        connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    ended += isinstance(event, h2.events.StreamEnded)
                if pending := connection.data_to_send():
                    stream.sendall(pending)
            return received

        ask(_queries())
        received = 0
        while sustained and received < _ENOUGH_DOWN:
            received += ask([_keys()] * 8)


def _h3(entry: Entry, world: World) -> None:
    """One GET by ngtcp2's client. The bench gives HTTP/3 options no bulk resource: their proof ends at ``carried``."""
    url = f"https://{world.name}/nonce/abcdefghijklmnop"
    done = subprocess.run(
        ["gtlsclient", "--exit-on-all-streams-close", "--no-quic-dump", world.name, str(entry.port), url],
        check=True,
        capture_output=True,
        timeout=20,
    )
    if b":status: 200" not in done.stdout + done.stderr:
        raise OSError("the reference client of HTTP/3 had no answer")


def _socks(entry: Entry, world: World, *, sustained: bool) -> None:
    """One curl connection through the proxy for everything: a control, then 64 KiB down and 16 KiB up."""
    url = f"https://{world.control}"
    command = ["curl", "-s", "--http1.1", "--cacert", str(world.pki.ca_file)]
    command += ["--proxy", f"socks5h://{entry.address}:{entry.port}"]
    paths = ["/nonce/abcdefghijklmnop", *(["/bytes/65536"] if sustained else [])]
    downloads = [argument for path in paths for argument in ("-o", "/dev/null", url + path)]
    again = [
        "--next",
        *command[1:],
        "-H",
        "Expect:",
        "--data-binary",
        "@-",
        "-o",
        "/dev/null",
        f"{url}/bytes/0",
    ]
    subprocess.run(
        [*command, *downloads, *(again if sustained else [])],
        input=bytes(16 * 1024),
        check=True,
        capture_output=True,
        timeout=20,
    )
