"""A UDP server in a thread that answers each datagram as a function says, for whatever must not pass for working."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ADDRESS: Final = "127.0.0.1"


@contextlib.contextmanager
def answering(answers: Callable[[bytes], Iterable[bytes]], port: int = 0) -> Iterator[int]:
    """Serve while the block runs; the value is the port. ``answers`` returns what goes back for a datagram."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((ADDRESS, port))
        stopped = threading.Event()

        def run() -> None:
            while True:
                data, peer = server.recvfrom(65535)
                if stopped.is_set():
                    return
                for answer in answers(data):
                    server.sendto(answer, peer)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stopped.set()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
                waker.sendto(b"", server.getsockname())
            thread.join()


def closed_port() -> int:
    """Return a UDP port on which nobody listens: the kernel answers with ICMP port unreachable."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((ADDRESS, 0))
        port: int = probe.getsockname()[1]
        return port
