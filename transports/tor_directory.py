"""Directory streams through a circuit: a relay's own descriptor, and 64 KiB of the same."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NoReturn, Protocol, runtime_checkable

import anyio

from circumvent.control import SUSTAIN_DOWN, SUSTAIN_UP
from circumvent.model import failure as failures
from circumvent.model.words import Proof
from circumvent.net.errors import NetError, PeerError
from circumvent.tor.circuit import DATA_BYTES, END_DONE, Relay, RelayCell
from circumvent.tor.directory import LONGEST_DOCUMENT, OWN_DESCRIPTOR, read_answer, request, verify_descriptor
from circumvent.tor.errors import NotValidNowError, WrongIdentityError
from circumvent.transports.sustain import LONGEST, TooSlow, rate_kbps
from circumvent.transports.tor_channel import spoken

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from circumvent.net.trace import OpenStep
    from circumvent.tor.certs import Identity
    from circumvent.transport import Context
    from circumvent.transports.tor_channel import Channel, Hop

#: Streams that are open at once while bytes are moved.
AT_ONCE: Final = 14
#: Bytes of a cell on the link, and how many leave in one piece.
CELL: Final = 514
IN_A_PIECE: Final = 8
#: What a stream has received may be this long: a document, its head, and the waste of a last cell.
_LONGEST: Final = LONGEST_DOCUMENT + 16 * 1024
_ENDED: Final = (NetError, OSError, anyio.EndOfStream, anyio.BrokenResourceError)


@runtime_checkable
class Repeating(Protocol):
    """A stream that repeats what its path loses, and hears the far end also while nothing new arrives."""

    on_heard: Callable[[], None] | None


class Directory:
    """What one relay serves through one circuit."""

    def __init__(
        self,
        channel: Channel,
        hop: Hop,
        identity: Identity,
        context: Context,
        address: str | None = None,
        *,
        below: object = None,
    ) -> None:
        """Ask through ``hop`` the relay that proved ``identity``; ``address`` is the relay's own, if known.

        ``below`` is the stream that the link is on: where it is :class:`Repeating`, a flow stands still only when
        nobody is heard there any more. That the far end is heard and nothing new arrives is slow, and nobody's cut.
        """
        self._below = below if isinstance(below, Repeating) else None
        self._channel = channel
        self._hop = hop
        self._identity = identity
        self._trace = context.trace
        self._context = context
        self._address = address
        self._known: bytes | None = None
        self._next = context.random.randrange(1, 0x8000)
        self._open: dict[int, bytearray] = {}
        self._first: float | None = None
        self._body = 0
        self._wait = 0.0  # seconds from a request to its answer when nothing had to be moved first
        self._moved: Callable[[], None] = lambda: None

    async def carry(self) -> None:
        """Fetch the relay's own descriptor and verify it (step ``carry``)."""
        async with self._trace.step("carry") as step:
            started = self._trace.clock.now()
            await self._begin()
            answer = await self._ended()
            self._wait = (self._first or started) - started
            self._take(answer)
            step.detail["bytes"] = len(answer)
            self._trace.prove(Proof.CARRIED)

    async def sustain(self) -> None:
        """Move the bytes of ``sustained``: descriptors down, then cells that the relay drops up.

        :raises StepFailed: when the flow was cut, stood still, or was too slow.
        """
        async with self._trace.step("sustain_down", limit=math.inf) as step:
            await self._moving(step, self._down)
        async with self._trace.step("sustain_up", limit=math.inf) as step:
            await self._moving(step, self._up)
        self._trace.prove(Proof.SUSTAINED)

    async def idle(self, seconds: float) -> None:
        """Leave the circuit alone for ``seconds``, then ask once more (step ``idle``)."""
        trace = self._trace
        limit = trace.timeouts.limit if trace.limit is None else trace.limit
        async with trace.step("idle", limit=seconds + limit) as step:
            step.detail["seconds"] = seconds
            await anyio.sleep(seconds)
            await self._begin()
            self._take(await self._ended())

    async def _down(self, step: OpenStep) -> None:
        self._count_anew()
        try:
            whole = 0
            while whole < SUSTAIN_DOWN or self._open:
                wanted = -(-(SUSTAIN_DOWN - whole) // max(len(self._known or b""), 1))
                if len(self._open) <= min(AT_ONCE // 2, wanted - 1):
                    await self._begin(min(AT_ONCE, wanted) - len(self._open))
                answer = await self._ended()
                self._take(answer)
                whole += len(answer)
        finally:
            step.detail["bytes"] = self._body
            if self._first is not None:
                kbps = rate_kbps(self._body, self._trace.clock.now() - self._first)
                self._trace.down_kbps = step.detail["kbps"] = kbps

    async def _up(self, step: OpenStep) -> None:
        """Send DROP cells (tor-spec, "Long-range dummies"), then one more request.

        The digest of the request runs over all of them, so an answer shows that each arrived.
        """
        count = -(-SUSTAIN_UP // CELL)
        started = self._trace.clock.now()
        for begin in range(0, count, IN_A_PIECE):
            cells = min(IN_A_PIECE, count - begin)
            await self._hop.send(*(self._drop() for _ in range(cells)))
            self._moved()
        self._count_anew()
        await self._begin()
        self._take(await self._ended())
        step.detail["bytes"] = count * CELL
        # The last of the bytes and the answer share a round trip; the first request's answer took one as well.
        taken = (self._first or self._trace.clock.now()) - started - self._wait
        self._trace.up_kbps = step.detail["kbps"] = rate_kbps(count * CELL, taken)

    def _count_anew(self) -> None:
        self._first, self._body = None, 0

    def _drop(self) -> RelayCell:
        return RelayCell(Relay.DROP, 0, self._context.random.randbytes(DATA_BYTES))

    async def _moving(self, step: OpenStep, move: Callable[[OpenStep], Awaitable[None]]) -> None:
        """Run ``move`` until it is over, nothing moves any more, or after LONGEST seconds."""
        trace = self._trace
        limit = trace.timeouts.limit if trace.limit is None else trace.limit
        still = anyio.CancelScope(deadline=anyio.current_time() + limit)
        before = trace.bytes_received

        def moved() -> None:
            still.deadline = anyio.current_time() + limit

        self._channel.on_move = self._moved = moved
        if self._below is not None:
            self._below.on_heard = moved
        try:
            with anyio.move_on_after(LONGEST), still:
                await move(step)
                return
            if still.cancelled_caught:
                raise TimeoutError
            raise TooSlow(failures.GENERIC_TIMEOUT, f"not over after {LONGEST:.0f} s")
        except _ENDED as exc:
            self._cut(exc, before)
        finally:
            self._channel.on_move = None
            if self._below is not None:
                self._below.on_heard = None

    def _cut(self, exc: Exception, before: int) -> NoReturn:
        """Raise what ended the flow: a cut where bytes had come down, else as it is."""
        received = self._trace.bytes_received
        if received > before and not isinstance(exc, TooSlow | PeerError):
            self._trace.cut_bytes = received
            raise PeerError(failures.TRUNCATED, f"{received} bytes had come down") from exc
        raise exc

    async def _begin(self, count: int = 1) -> None:
        """Open streams to the directory and ask, without waiting for CONNECTED in between, as clients do."""
        host = self._address or "127.0.0.1"
        asked = request(OWN_DESCRIPTOR, f"[{host}]" if ":" in host else host)
        cells: list[RelayCell] = []
        for _ in range(count):
            stream = self._next
            self._next = self._next % 0xFFFF + 1
            self._open[stream] = bytearray()
            cells += (RelayCell(Relay.BEGIN_DIR, stream, b""), RelayCell(Relay.DATA, stream, asked))
        await self._hop.send(*cells)

    async def _ended(self) -> bytes:
        """Return all that the next stream that ends has brought.

        :raises PeerError: when it ends otherwise than done, or brings more than any document has.
        """
        while True:
            cell = await self._hop.receive()
            held = self._open.get(cell.stream)
            if held is None:
                continue
            if cell.command == Relay.DATA:
                self._arrived(held, cell.data)
            elif cell.command == Relay.END:
                del self._open[cell.stream]
                self._hop.close(cell.stream)
                reason = cell.data[0] if cell.data else 0
                if reason != END_DONE:
                    raise PeerError(
                        failures.WRONG_ANSWER, f"the directory ended the stream (reason {reason})"
                    )
                return bytes(held)

    def _arrived(self, held: bytearray, data: bytes) -> None:
        if self._first is None:
            self._first = self._trace.clock.now()
        self._trace.carry_arrived()
        self._body += len(data)
        held += data
        if len(held) > _LONGEST:
            raise PeerError(failures.WRONG_ANSWER, "the directory's answer is too long")

    def _take(self, data: bytes) -> None:
        """Hold an answer against what it must be.

        :raises PeerError: when it is none, or not signed by the relay that was asked.
        """
        if data == self._known:
            return
        with spoken():
            answer = read_answer(data)
            if answer.status != 200:
                raise PeerError(failures.HTTP_UNEXPECTED_STATUS, f"status {answer.status}")
            try:
                verify_descriptor(answer.body, self._identity, self._trace.clock.wall())
            except WrongIdentityError as exc:
                raise PeerError(failures.WRONG_KEY, str(exc)) from exc
            except NotValidNowError as exc:
                raise PeerError(failures.CLOCK_SKEW, str(exc)) from exc
        self._known = data
