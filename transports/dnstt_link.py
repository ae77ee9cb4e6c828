"""Ways to a resolver for dnstt: DNS messages over UDP, TLS or HTTPS, in any order, and lost where they are lost."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Final

import anyio
from anyio import lowlevel

from circumvent.model import failure as failures
from circumvent.names.framing import Deframer, frame
from circumvent.net.failure import translate
from circumvent.transports.tls_option import open_tls

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio.abc import TaskGroup

    from circumvent.model.bridge import DnsttSettings
    from circumvent.model.option import Option
    from circumvent.net.stream import ByteStream, DatagramStream
    from circumvent.tor.dnstt.stream import ResolverLink
    from circumvent.transport import Context
    from circumvent.transports.doh_exchange import DohSession

#: Requests to a DoH resolver that are open at once, as dnstt's client has them; more are dropped, and sent again later.
AT_ONCE: Final = 32
#: Connections in a row, after one that answered, that may end without an answer; messages that are sent again at most.
MOST_IN_VAIN: Final = 3
MOST_AGAIN: Final = 4
#: What ends a connection, in the words of the record.
_ENDED: Final = frozenset({failures.EOF, failures.CONNECTION_RESET})
_CHUNK: Final = 16_384
_DOT_ALPN: Final = ("dot",)
_DOH_ALPN: Final = ("h2", "http/1.1")


class UdpLink:
    """A resolver behind a UDP socket."""

    def __init__(self, datagrams: DatagramStream) -> None:
        """Use the socket; it is closed with the link."""
        self._datagrams = datagrams

    async def send(self, message: bytes) -> None:
        """Send one message."""
        await self._datagrams.send(message)

    async def receive(self) -> bytes:
        """Wait for the next message."""
        return (await self._datagrams.receive()).data

    async def aclose(self) -> None:
        """Close the socket."""
        await self._datagrams.aclose()


class StreamLink:
    """A resolver behind a stream, messages behind their length (RFC 7858)."""

    def __init__(self, stream: ByteStream) -> None:
        """Use the stream; it is closed with the link."""
        self._stream = stream
        self._deframer = Deframer()
        self._ready: list[bytes] = []

    async def send(self, message: bytes) -> None:
        """Send one message."""
        await self._stream.send(frame(message))

    async def receive(self) -> bytes:
        """Wait for the next message.

        :raises PeerError: when it is not DNS.
        """
        while not self._ready:
            self._ready = self._deframer.feed(await self._stream.receive(_CHUNK))
        return self._ready.pop(0)

    async def aclose(self) -> None:
        """Close the stream."""
        await self._stream.aclose()


class DohLink:
    """A resolver behind HTTP (RFC 8484): a request for each message, in tasks of ``group``."""

    def __init__(self, session: DohSession, stream: ByteStream, group: TaskGroup, *, http2: bool) -> None:
        """Ask ``session`` over ``stream``, which is closed with the link; before HTTP/2 one request at a time."""
        self._session = session
        self._stream = stream
        self._group = group
        self._turn = anyio.CapacityLimiter(AT_ONCE if http2 else 1)
        self._open = 0
        self._put, self._got = anyio.create_memory_object_stream[bytes | Exception](math.inf)

    async def send(self, message: bytes) -> None:
        """Begin a request, unless too many are open."""
        if self._open < AT_ONCE:
            self._open += 1
            self._group.start_soon(self._ask, message)
        await lowlevel.checkpoint()

    async def receive(self) -> bytes:
        """Wait for the next answer; errors are those of the requests."""
        answer = await self._got.receive()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aclose(self) -> None:
        """Close the connection; requests that are open end."""
        self._put.close()
        self._got.close()
        await self._stream.aclose()

    async def _ask(self, message: bytes) -> None:
        try:
            async with self._turn:
                answer: bytes | Exception = await self._session.query(message)
        except Exception as exc:  # noqa: BLE001 - raised where answers are waited for
            answer = exc
        self._open -= 1
        try:
            self._put.send_nowait(answer)
        except (anyio.ClosedResourceError, anyio.BrokenResourceError):
            return  # the link is closed


class LastingLink:
    """A connection to a resolver that is opened anew where the resolver ended it, as dnstt's client does.

    Resolvers end what stands idle, or what they have had for long. That is seen when something is to be sent; what was
    not answered is sent again then.
    """

    def __init__(self, link: ResolverLink, opened: Callable[[], Awaitable[ResolverLink]]) -> None:
        """Use ``link``, and what ``opened`` opens after it."""
        self._link = link
        self._opened = opened
        self._opening = anyio.Lock()
        self._ended: Exception | None = None
        self._another = anyio.Event()
        self._unanswered: deque[bytes] = deque(maxlen=MOST_AGAIN)
        self._answered = False
        self._left = MOST_IN_VAIN

    async def send(self, message: bytes) -> None:
        """Send one message.

        :raises StepFailed: when the connection has ended and could not be opened anew.
        """
        link = self._link
        self._unanswered.append(message)
        try:
            if self._ended is not None:
                raise self._ended
            await link.send(message)
        except Exception as exc:  # noqa: BLE001 - raised again unless the connection has ended
            await self._anew(link, exc)

    async def receive(self) -> bytes:
        """Wait for the next message; errors as for :meth:`send`."""
        while True:
            link, another = self._link, self._another
            try:
                message = await link.receive()
            except Exception as exc:  # noqa: BLE001 - as above
                if self._unanswered or not self._answered:
                    await self._anew(link, exc)
                else:
                    self._may_be_opened(exc)
                    self._ended = exc if self._link is link else self._ended
                    await another.wait()
            else:
                self._answered, self._left = True, MOST_IN_VAIN
                self._unanswered.clear()
                return message

    async def aclose(self) -> None:
        """Close the connection."""
        await self._link.aclose()

    def _may_be_opened(self, why: Exception) -> None:
        """Raise what went wrong, unless a connection that had answered was ended."""
        ended = isinstance(why, anyio.ClosedResourceError) or translate(why, "link").error in _ENDED
        if not ended or not self._answered or not self._left:
            raise why

    async def _anew(self, ended: ResolverLink, why: Exception) -> None:
        """Open another connection, unless that was done meanwhile, and send again what was not answered."""
        async with self._opening:
            if self._link is not ended:
                return
            self._may_be_opened(why)
            self._left -= 1
            await ended.aclose()
            self._link, self._ended = await self._opened(), None
            self._another.set()
            self._another = anyio.Event()
            for message in tuple(self._unanswered):
                await self._link.send(message)


async def open_link(
    option: Option, settings: DnsttSettings, context: Context, group: TaskGroup
) -> ResolverLink:
    """Open the way to the resolver of the line: steps ``resolve``, ``connect``, ``tls_handshake`` where it has those.

    :raises StepFailed: when a step failed.
    :raises CannotTry: when nothing was sent.
    """
    if settings.resolver == "udp":
        return UdpLink(await context.dialer.datagram(option.endpoint, context.trace))

    async def opened() -> ResolverLink:
        return await _connect(option, settings, context, group)

    return LastingLink(await opened(), opened)


async def _connect(
    option: Option, settings: DnsttSettings, context: Context, group: TaskGroup
) -> ResolverLink:
    """Open a connection to the resolver."""
    if settings.resolver == "dot":
        return StreamLink(await open_tls(option, context, _DOT_ALPN))
    stream = await open_tls(option, context, _DOH_ALPN)
    from circumvent.net.http import open_http  # noqa: PLC0415 - httpx is loaded where it is spoken
    from circumvent.transports.doh_exchange import DohSession  # noqa: PLC0415 - as above

    http2 = stream.peer.alpn == "h2"
    http = open_http(stream, url=settings.url, http2=http2, trace=context.trace)
    return DohLink(DohSession(http, settings.url), stream, group, http2=http2)
