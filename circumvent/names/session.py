"""What a transport gives the probe: a way to a resolver that is open."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


class NamesSession(Protocol):
    """A way to a resolver that is open."""

    async def query(self, message: bytes) -> bytes:
        """Send one DNS message and return its answer, which is not yet checked.

        May be called concurrently: a session whose protocol cannot multiplex lets one question wait for the
        other. A session over datagrams neither repeats a message nor gives up: the probe does both.

        :raises NetError: when the peer's protocol around DNS went wrong (an HTTP status, a broken frame).
        :raises OSError: as the system raises it.
        :raises anyio.EndOfStream: when the peer closed.
        """


@runtime_checkable
class StreamFallback(Protocol):
    """A datagram session that can ask again over a stream when an answer was cut (TC, RFC 7766)."""

    async def query_over_stream(self, message: bytes) -> bytes:
        """Send one DNS message over a stream to the same server and return its answer."""
