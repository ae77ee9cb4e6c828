"""Encrypted resolvers made of two parts: a TLS server (:mod:`tests.faults.tls`) and what it says about names."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import dns.message
import h2.config
import h2.connection
import h2.events

if TYPE_CHECKING:
    from tests.faults import dns as names
    from tests.faults.tls import Behaviour, Link

MEDIA_TYPE = "application/dns-message"


def dot(says: names.Behaviour, *, stop_after: int | None = None) -> Behaviour:
    """Serve DNS over TLS; after ``stop_after`` bytes of answers fall silent."""

    async def behave(link: Link) -> None:
        await link.handshake()
        buffer, sent = b"", 0
        while True:
            data = await link.read()
            if not data:
                return
            buffer += data
            while len(buffer) >= 2 and len(buffer) >= 2 + int.from_bytes(buffer[:2], "big"):
                size = int.from_bytes(buffer[:2], "big")
                query, buffer = dns.message.from_wire(buffer[2 : 2 + size]), buffer[2 + size :]
                for answer in says(query, "tcp"):
                    if stop_after is not None and sent + len(answer) > stop_after:
                        await link.stall()
                    await link.write(len(answer).to_bytes(2, "big") + answer)
                    sent += len(answer)

    return behave


def blurt(data: bytes) -> Behaviour:
    """Answer whatever comes first with these bytes, and close in order."""

    async def behave(link: Link) -> None:
        await link.handshake()
        await link.read()
        await link.write(data)
        await link.close_notify()

    return behave


def doh(says: names.Behaviour, *, status: str = "200", media_type: str = MEDIA_TYPE) -> Behaviour:
    """Serve DNS over HTTP/2, by GET and POST."""

    async def behave(link: Link) -> None:
        await link.handshake()
        connection = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="ascii")
        )
        connection.initiate_connection()
        heads: dict[int, dict[str, str]] = {}
        bodies: dict[int, bytes] = {}
        await link.write(connection.data_to_send())
        while data := await link.read():
            for event in connection.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    heads[event.stream_id], bodies[event.stream_id] = (
                        {str(key): str(value) for key, value in event.headers},
                        b"",
                    )
                elif isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] += event.data
                elif isinstance(event, h2.events.StreamEnded):
                    (answer,) = says(
                        dns.message.from_wire(_question(heads[event.stream_id], bodies[event.stream_id])),
                        "tcp",
                    )
                    connection.send_headers(
                        event.stream_id, [(":status", status), ("content-type", media_type)]
                    )
                    connection.send_data(event.stream_id, answer, end_stream=True)
            await link.write(connection.data_to_send())

    return behave


def _question(head: dict[str, str], body: bytes) -> bytes:
    """Return the question, which must look as RFC 8484 wants it."""
    if head[":method"] == "POST":
        assert head["content-type"] == MEDIA_TYPE
        question = body
    else:
        text = parse_qs(urlsplit(head[":path"]).query)["dns"][0]
        assert "=" not in text
        question = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert head["accept"] == MEDIA_TYPE
    assert question[:2] == b"\0\0"
    return question
