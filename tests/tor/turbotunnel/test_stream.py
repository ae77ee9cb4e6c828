"""What dnstt's stream and snowflake's share; the rest of it is tried with each of them (``tests/tor/*/test_stream.py``)."""

from __future__ import annotations

import anyio
import pytest

from circumvent.net.errors import PeerError
from circumvent.tor.errors import TorError
from circumvent.tor.turbotunnel.kcp import DeadLinkError, Kcp
from circumvent.tor.turbotunnel.stream import TurboStream

pytestmark = pytest.mark.anyio


class Broken(TurboStream):
    """A stream whose packets go nowhere: sending and reading fail with ``why``."""

    def __init__(self, why: Exception) -> None:
        super().__init__(Kcp(1, packet_bytes=1400, window=64), now=anyio.current_time, most_waiting=4096)
        self.why = why
        self.hung_up = 0
        self.tried = 0

    @property
    def _established(self) -> bool:
        return True

    async def _read(self) -> None:
        raise self.why

    async def _write(self) -> None:
        await anyio.sleep_forever()

    async def _send_packet(self, packet: bytes) -> None:
        assert packet
        self.tried += 1
        raise self.why

    async def _hang_up(self) -> None:
        self.hung_up += 1

    def _flow(self, data: bytes) -> None:
        self._smux.feed(data)
        if out := self._smux.take_out():
            self._kcp.send(out)


@pytest.mark.parametrize("why", [anyio.EndOfStream(), OSError(), PeerError("wrong_answer"), RuntimeError()])
async def test_the_goodbye_of_what_is_gone_is_no_error(why: Exception) -> None:
    """A resolver that closed its connection, and cannot be reached again, was one."""
    stream = Broken(why)
    await stream.aclose()
    assert (stream.tried, stream.hung_up) == (1, 1)


async def test_who_reads_learns_what_went_wrong() -> None:
    for why, said in ((DeadLinkError(), TimeoutError), (TorError("x"), PeerError), (OSError(), OSError)):
        stream = Broken(why)
        await stream.run()
        with pytest.raises(said):
            await stream.receive()
        with pytest.raises(said):
            await stream.send(b"x" * 10_000)
        await stream.aclose()
        assert (stream.tried, stream.hung_up) == (0, 1)
