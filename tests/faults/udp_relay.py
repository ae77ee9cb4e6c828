"""A relay for datagrams between a client and a real server: it drops, delays, loses, cuts, and changes its port."""

from __future__ import annotations

import contextlib
import heapq
import select
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ADDRESS: Final = "127.0.0.1"
UP: Final = "up"
DOWN: Final = "down"
_LOOK_AGAIN: Final = 0.05


@dataclass(slots=True)
class Relay:
    """A running relay. ``seen`` are the datagrams that came from either side, with the direction."""

    port: int
    seen: list[tuple[str, bytes]] = field(default_factory=list)
    rebind: threading.Event = field(default_factory=threading.Event)

    def count(self, direction: str) -> int:
        """How many datagrams came from one side."""
        return sum(one == direction for one, _ in self.seen)


def pass_on(_direction: str, _data: bytes) -> float | None:
    """Everything passes at once."""
    return 0.0


def losing_three_in_ten() -> Callable[[str, bytes], float | None]:
    """Lose every third datagram of nine, each way, and none of the tenth."""
    count = {UP: 0, DOWN: 0}

    def fate(direction: str, _data: bytes) -> float | None:
        count[direction] += 1
        return None if count[direction] % 10 in {3, 6, 9} else 0.0

    return fate


def cutting(count: int) -> Callable[[str, bytes], float | None]:
    """Let so many bytes down, and nothing more."""
    passed = 0

    def fate(direction: str, data: bytes) -> float | None:
        nonlocal passed
        passed += len(data) * (direction == DOWN)
        return 0.0 if passed <= count else None

    return fate


def shaping(direction: str, kbps: float) -> Callable[[str, bytes], float | None]:
    """Let one direction through at a rate, with a queue that holds two seconds."""
    free = 0.0

    def fate(way: str, data: bytes) -> float | None:
        nonlocal free
        if way != direction:
            return 0.0
        now = time.monotonic()
        begins = max(free, now)
        if begins - now > 2.0:
            return None
        free = begins + len(data) * 8 / 1000 / kbps
        return free - now

    return fate


def policing(direction: str, kbps: float, burst: int = 16_384) -> Callable[[str, bytes], float | None]:
    """Drop what exceeds a rate beyond a burst."""
    tokens, filled = float(burst), time.monotonic()

    def fate(way: str, data: bytes) -> float | None:
        nonlocal tokens, filled
        if way != direction:
            return 0.0
        now = time.monotonic()
        tokens, filled = min(burst, tokens + (now - filled) * kbps * 125), now
        if tokens < len(data):
            return None
        tokens -= len(data)
        return 0.0

    return fate


@contextlib.contextmanager
def relaying(
    address: str, port: int, fate: Callable[[str, bytes], float | None] = pass_on
) -> Iterator[Relay]:
    """Relay between whoever sends to the port of the value, and a server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as front:
        front.bind((ADDRESS, 0))
        relay = Relay(front.getsockname()[1])
        stopped = threading.Event()
        thread = threading.Thread(
            target=_run, args=(front, (address, port), fate, relay, stopped), daemon=True
        )
        thread.start()
        try:
            yield relay
        finally:
            stopped.set()
            thread.join()


def _run(
    front: socket.socket,
    server: tuple[str, int],
    fate: Callable[[str, bytes], float | None],
    relay: Relay,
    stopped: threading.Event,
) -> None:
    family = socket.AF_INET6 if ":" in server[0] else socket.AF_INET
    back = socket.socket(family, socket.SOCK_DGRAM)
    client: tuple[str, int] | None = None
    due: list[tuple[float, int, str, bytes]] = []
    number = 0
    while not stopped.is_set():
        wait = max(due[0][0] - time.monotonic(), 0.0) if due else _LOOK_AGAIN
        ready, _, _ = select.select([front, back], [], [], min(wait, _LOOK_AGAIN))
        for one in ready:
            data, peer = one.recvfrom(65535)
            direction = UP if one is front else DOWN
            client = peer if direction == UP else client
            relay.seen.append((direction, data))
            delay = fate(direction, data)
            if delay is not None:
                number += 1
                heapq.heappush(due, (time.monotonic() + delay, number, direction, data))
        if relay.rebind.is_set():
            relay.rebind.clear()
            back.close()
            back = socket.socket(family, socket.SOCK_DGRAM)
        while due and due[0][0] <= time.monotonic():
            _, _, direction, data = heapq.heappop(due)
            if direction == UP:
                back.sendto(data, server)
            elif client is not None:
                front.sendto(data, client)
    back.close()
