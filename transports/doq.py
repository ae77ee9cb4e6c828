"""DNS over dedicated QUIC connections (RFC 9250)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.names.probe import probe_names
from circumvent.net.errors import PeerError
from circumvent.transports.quic_option import open_link

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.net.quic import QuicLink
    from circumvent.net.quic_stream import QuicStream
    from circumvent.transport import Context

#: The protocol's name in the TLS handshake (RFC 9250 section 4.1.1).
ALPN: Final = "doq"
#: RFC 9250 section 4.3.
NO_ERROR: Final = 0x0
REQUEST_CANCELLED: Final = 0x3
ERRORS: Final = {
    0x0: "DOQ_NO_ERROR",
    0x1: "DOQ_INTERNAL_ERROR",
    0x2: "DOQ_PROTOCOL_ERROR",
    0x3: "DOQ_REQUEST_CANCELLED",
    0x4: "DOQ_EXCESSIVE_LOAD",
    0x5: "DOQ_UNSPECIFIED_ERROR",
}
_LENGTH: Final = 2
_HEADER: Final = 12


class DoqSession:
    """A resolver behind a QUIC connection, for :func:`circumvent.names.probe.probe_names`."""

    def __init__(self, link: QuicLink) -> None:
        self._link = link

    async def query(self, message: bytes) -> bytes:
        """Send one DNS message on a stream of its own and return its answer, which is not yet checked.

        The message id travels as 0 (RFC 9250 section 4.2.1) and is put back into the answer.

        :raises PeerError: when the peer broke the protocol, cancelled the stream or ended the connection.
        :raises OSError: as the system raises it.
        """
        stream = await self._link.open_stream()
        try:
            await stream.finish(len(message).to_bytes(_LENGTH, "big") + bytes(2) + message[2:])
            answer = await _read_message(stream)
        finally:
            await stream.aclose(REQUEST_CANCELLED)
        if len(answer) < _HEADER or answer[:2] != bytes(2):
            raise PeerError(failures.WRONG_ANSWER, "no DNS message, or its id is not 0")
        return message[:2] + answer[2:]


async def _read_message(stream: QuicStream) -> bytes:
    """Read one message with its length before it, and nothing after it."""
    data = bytearray()
    while len(data) < _LENGTH or len(data) < _LENGTH + int.from_bytes(data[:_LENGTH], "big"):
        try:
            data += await stream.receive()
        except anyio.EndOfStream:
            raise PeerError(failures.EOF, f"the stream ended after {len(data)} bytes of the answer") from None
        except PeerError:
            if stream.reset_code is None:
                raise
            code = ERRORS.get(stream.reset_code, f"{stream.reset_code:#x}")
            raise PeerError(failures.DNS_MISBEHAVING, f"stream reset: {code}") from None
    if len(data) > _LENGTH + int.from_bytes(data[:_LENGTH], "big"):
        raise PeerError(failures.WRONG_ANSWER, "more than one answer on a stream")
    return bytes(data[_LENGTH:])


class Doq:
    """Tries resolvers of kind ``doq``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Connect, then probe the resolver up to ``context.goal``, all on one QUIC connection.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: when nothing was sent.
        """
        link = await open_link(option, context, ALPN)
        try:
            await probe_names(DoqSession(link), option, context, datagram=False)
        finally:
            await link.aclose(NO_ERROR)


TRANSPORT = Doq()
