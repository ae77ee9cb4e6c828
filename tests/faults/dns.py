"""Resolvers in the test's own event loop, on loopback: one that is honest, and ones that do all that is wrong.

A server answers over UDP and TCP on one port; ``behave`` says what it does with each question. The honest part is
a root zone that ldns signed (``tests/vectors``), so that proofs are real.
"""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.names.zones import LdnsRoot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from anyio.abc import SocketStream, UDPSocket

    #: A question as it came, and how (``udp`` or ``tcp``) -> what goes back: whole messages, one after the other.
    Behaviour = Callable[[dns.message.Message, str], list[bytes]]

ADDRESS = "127.0.0.1"


class Honest:
    """Answers truthfully: the names of the zone, and a signed denial of all other top-level names."""

    def __init__(self, denial: str = "nsec3") -> None:
        self.root = LdnsRoot(denial)

    @property
    def anchor(self) -> str:
        """Return the trust anchor of the zone."""
        return self.root.anchor

    def message(self, query: dns.message.Message) -> dns.message.Message:
        """Return the true answer."""
        question = query.question[0]
        response = dns.message.make_response(query)
        if question.rdtype == dns.rdatatype.DNSKEY:
            response.answer.extend(self.root.keys().message.answer)
        elif (found := self.root.zone.get_rrset(question.name, question.rdtype)) is not None:
            response.answer.append(found)
        elif question.name not in self.root.zone.nodes:
            response.set_rcode(dns.rcode.NXDOMAIN)
            response.authority.extend(self.root.denies(question.name.to_text()).message.authority)
        return response

    def __call__(self, query: dns.message.Message, transport: str) -> list[bytes]:  # noqa: ARG002 - a Behaviour
        """Behave."""
        return [self.message(query).to_wire(max_size=65535)]


@dataclass
class Server:
    """A running server: where it is, what it does, and what it was asked."""

    port: int
    behave: Behaviour
    asked: list[tuple[str, str]] = field(default_factory=list)
    #: Over TCP: bytes after which the server stops (no FIN, no RST), as a cut flow does.
    cut_after: int | None = None
    #: Over TCP: what to do at once when somebody connects, in place of serving.
    greet: bytes | None = None

    def answers(self, data: bytes, transport: str) -> list[bytes]:
        """Return what goes back for one question."""
        query = dns.message.from_wire(data)
        self.asked.append((transport, query.question[0].name.to_text()))
        return self.behave(query, transport)


@asynccontextmanager
async def serving(behave: Behaviour) -> AsyncIterator[Server]:
    """Run a server for a while."""
    listener = await anyio.create_tcp_listener(local_host=ADDRESS)
    port = listener.extra_attributes[anyio.abc.SocketAttribute.local_port]()
    server = Server(port, behave)
    async with (
        await anyio.create_udp_socket(socket.AF_INET, local_host=ADDRESS, local_port=port) as datagrams,
        anyio.create_task_group() as group,
    ):
        group.start_soon(_serve_udp, server, datagrams)
        group.start_soon(listener.serve, lambda stream: _serve_tcp(server, stream))
        yield server
        group.cancel_scope.cancel()
    await listener.aclose()


async def _serve_udp(server: Server, datagrams: UDPSocket) -> None:
    async for data, peer in datagrams:
        for answer in server.answers(data, "udp"):
            await datagrams.sendto(answer, *peer)


async def _serve_tcp(server: Server, stream: SocketStream) -> None:
    sent = 0
    buffer = b""
    async with stream:
        try:
            if server.greet is not None:
                await stream.send(server.greet)
                await stream.send_eof()
                while True:  # a close with bytes unread would be an RST
                    await stream.receive()
            while True:
                buffer += await stream.receive()
                while len(buffer) >= 2 and len(buffer) >= 2 + int.from_bytes(buffer[:2], "big"):
                    size = int.from_bytes(buffer[:2], "big")
                    data, buffer = buffer[2 : 2 + size], buffer[2 + size :]
                    for answer in server.answers(data, "tcp"):
                        framed = len(answer).to_bytes(2, "big") + answer
                        if server.cut_after is not None and sent + len(framed) > server.cut_after:
                            await anyio.sleep_forever()
                        await stream.send(framed)
                        sent += len(framed)
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            return


# What is wrong with an answer.


def silent(_query: dns.message.Message, _transport: str) -> list[bytes]:
    """Never answer."""
    return []


def garbage(_query: dns.message.Message, _transport: str) -> list[bytes]:
    """Answer with bytes that are no DNS."""
    return [b"\x00" * 40]


def another_id(honest: Honest) -> Behaviour:
    """Answer truthfully, under another id."""
    return lambda query, _: [(query.id ^ 0x5555).to_bytes(2, "big") + honest(query, "")[0][2:]]


def another_question(honest: Honest) -> Behaviour:
    """Answer a question that nobody asked."""

    def behave(query: dns.message.Message, _: str) -> list[bytes]:
        other = dns.message.make_query(dns.name.from_text("other.example."), "A", id=query.id)
        return honest(other, "")

    return behave


def refusing(rcode: str) -> Behaviour:
    """Answer every question with one response code."""

    def behave(query: dns.message.Message, _: str) -> list[bytes]:
        response = dns.message.make_response(query)
        response.set_rcode(dns.rcode.from_text(rcode))
        return [response.to_wire()]

    return behave


def lying(honest: Honest, name: str, address: str) -> Behaviour:
    """Answer ``name`` and all below it with ``address``, everything else truthfully."""
    listed = dns.name.from_text(name)

    def behave(query: dns.message.Message, transport: str) -> list[bytes]:
        question = query.question[0]
        if not question.name.is_subdomain(listed) or question.rdtype != dns.rdatatype.A:
            return honest(query, transport)
        response = dns.message.make_response(query)
        response.answer.append(dns.rrset.from_text(question.name, 60, "IN", "A", address))
        return [response.to_wire()]

    return behave


def stripping(honest: Honest) -> Behaviour:
    """Answer truthfully, without anything of DNSSEC."""
    gone = {dns.rdatatype.RRSIG, dns.rdatatype.NSEC, dns.rdatatype.NSEC3, dns.rdatatype.DNSKEY}

    def behave(query: dns.message.Message, _: str) -> list[bytes]:
        response = honest.message(query)
        for section in (response.answer, response.authority):
            section[:] = [rrset for rrset in section if rrset.rdtype not in gone]
        return [response.to_wire()]

    return behave


def truncating(honest: Honest) -> Behaviour:
    """Cut every answer over UDP (TC), answer whole over TCP."""

    def behave(query: dns.message.Message, transport: str) -> list[bytes]:
        if transport == "tcp":
            return honest(query, transport)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.TC
        return [response.to_wire()]

    return behave


def first_then(first: Behaviour, second: Behaviour) -> Behaviour:
    """Answer twice: as an injector and then as the resolver behind it."""
    return lambda query, transport: [*first(query, transport), *second(query, transport)]


def losing(honest: Honest, every: int) -> Behaviour:
    """Lose every ``every``-th question."""
    count = 0

    def behave(query: dns.message.Message, transport: str) -> list[bytes]:
        nonlocal count
        count += 1
        return [] if count % every == 0 else honest(query, transport)

    return behave
