"""Resolvers that answer any question for an address, well or badly."""

from __future__ import annotations

import errno
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import anyio
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.faults import tcp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ADDRESSES = {dns.rdatatype.A: "203.0.113.7", dns.rdatatype.AAAA: "2001:db8::7"}


def reply(
    data: bytes, *, rcode: dns.rcode.Rcode = dns.rcode.NOERROR, empty: bool = False
) -> dns.message.Message:
    """Answer any question for an address with the one address of its type."""
    query = dns.message.from_wire(data)
    answer = dns.message.make_response(query)
    answer.set_rcode(rcode)
    question = query.question[0]
    if not empty and rcode == dns.rcode.NOERROR:
        answer.answer.append(
            dns.rrset.from_text(question.name, 60, "IN", question.rdtype, ADDRESSES[question.rdtype])
        )
    return answer


def well(data: bytes) -> list[bytes]:
    return [reply(data).to_wire()]


@contextmanager
def both(
    datagrams: Callable[[bytes], list[bytes]], over_tcp: Callable[[bytes], bytes]
) -> Iterator[tcp.Server]:
    """Run a resolver on UDP and TCP, on one port."""

    def stream(connection: tcp.Connection) -> None:
        question = connection.read_some()
        wire = over_tcp(question[2:])
        connection.send(len(wire).to_bytes(2) + wire)
        connection.finish()

    with ExitStack() as stack:
        while True:
            server = stack.enter_context(tcp.serve(stream))
            try:
                stack.enter_context(tcp.serve_datagrams(datagrams, port=server.port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                continue  # somebody has that port over UDP: another one
            break
        yield server


async def until(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(5):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in a thread
            await anyio.sleep(0.001)
