"""Cells over a TLS connection, and one circuit of one hop through it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError
from circumvent.tor.cells import Cell, Command, Decoder, encode
from circumvent.tor.circuit import HASH_BYTES, Circuit, RelayCell, open_fast
from circumvent.tor.errors import TorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from circumvent.net.stream import ByteStream
    from circumvent.transport import Context

#: Set by whoever opened the connection in the ids of its circuits (tor-spec, "Choosing circuit IDs in create cells").
_INITIATOR: Final = 0x8000
#: Cells of no use to us (padding, and what we do not know) that are read in a row, at most.
MOST_IGNORED: Final = 1000


@contextmanager
def spoken() -> Iterator[None]:
    """Turn what a peer got wrong into the failure of a step."""
    try:
        yield
    except TorError as exc:
        raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc


class Channel:
    """Cells of one connection. :attr:`on_move` is called for every piece that arrives."""

    def __init__(self, stream: ByteStream) -> None:
        """Speak over ``stream``, a TLS connection."""
        self._stream = stream
        self._decoder = Decoder()
        self.on_move: Callable[[], None] | None = None

    @property
    def protocol(self) -> int | None:
        """The link protocol that was agreed."""
        return self._decoder.protocol

    @protocol.setter
    def protocol(self, number: int) -> None:
        self._decoder.protocol = number

    async def send(self, *cells: Cell) -> None:
        """Send cells in one piece."""
        await self._stream.send(b"".join(encode(cell, self.protocol) for cell in cells))

    async def receive(self, *wanted: Command) -> Cell:
        """Return the next cell of a ``wanted`` command; others are passed over (tor-spec: unknown ones are ignored).

        :raises PeerError: for what is no cell.
        """
        with spoken():
            for _ in range(MOST_IGNORED):
                while (cell := self._decoder.next_cell()) is None:
                    self._decoder.feed(await self._stream.receive())
                    if self.on_move is not None:
                        self.on_move()
                if cell.command in wanted:
                    return cell
        raise PeerError(failures.WRONG_ANSWER, "nothing but cells of no use")

    async def aclose(self) -> None:
        """Close the connection; never raises."""
        await self._stream.aclose()


class Hop:
    """A circuit that ends at the relay itself: relay cells in, relay cells out."""

    def __init__(self, channel: Channel, number: int, circuit: Circuit) -> None:
        """Use ``circuit`` of ``channel``; made by :func:`open_hop`."""
        self._channel = channel
        self._number = number
        self._circuit = circuit

    async def send(self, *cells: RelayCell) -> None:
        """Send relay cells in one piece."""
        await self._channel.send(*(self._sealed(cell) for cell in cells))

    async def receive(self) -> RelayCell:
        """Return the next relay cell; acknowledgements that it makes due are sent.

        :raises PeerError: when the relay destroys the circuit.
        """
        while True:
            cell = await self._channel.receive(Command.RELAY, Command.DESTROY)
            if cell.circuit != self._number:
                continue
            if cell.command == Command.DESTROY:
                raise destroyed(cell)
            with spoken():
                opened = self._circuit.open(cell.payload)
            due, self._circuit.due = self._circuit.due, []
            if due:
                await self.send(*due)
            return opened

    def close(self, stream: int) -> None:
        """Forget a stream that has ended."""
        self._circuit.close(stream)

    async def destroy(self) -> None:
        """Give the circuit back (tor-spec, "Tearing down circuits"): reason 0, as clients do."""
        await self._channel.send(Cell(self._number, Command.DESTROY, b"\0"))

    def _sealed(self, cell: RelayCell) -> Cell:
        return Cell(self._number, Command.RELAY, self._circuit.seal(cell))


async def open_hop(channel: Channel, context: Context) -> Hop:
    """Open a circuit of one hop with CREATE_FAST.

    :raises PeerError: when the relay's answer is wrong, or it wants no circuit.
    """
    wide = channel.protocol is not None and channel.protocol > 3
    number = context.random.randrange(1, _INITIATOR) | _INITIATOR
    number = number << 16 | context.random.randrange(1 << 16) if wide else number
    ours = context.random.randbytes(HASH_BYTES)
    await channel.send(Cell(number, Command.CREATE_FAST, ours))
    while True:
        answer = await channel.receive(Command.CREATED_FAST, Command.DESTROY)
        if answer.circuit == number:
            break
    if answer.command == Command.DESTROY:
        raise destroyed(answer)
    with spoken():
        return Hop(channel, number, open_fast(ours, answer.payload))


def destroyed(cell: Cell) -> PeerError:
    """Return what a DESTROY cell says (tor-spec, "Tearing down circuits").

    It is no refusal of ours: relays that are full, resting or restarting say the same to everybody.
    """
    return PeerError(
        failures.PROXY_PROTOCOL_ERROR, f"the relay closed the circuit (reason {cell.payload[0]})"
    )
