"""Servers that do one thing wrong each, on loopback: what TCP and UDP can do to a client before TLS begins.

They run in threads, so that tests on any event loop can use them, and wait for nothing but their peer and the end
of the test. A behaviour is a function of one accepted :class:`Connection`; :mod:`tests.faults.tls` adds those that
speak TLS.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: A page such as a censor or a hotel puts in the place of any answer.
BLOCK_PAGE: Final = (
    b"HTTP/1.1 302 Found\r\nLocation: http://10.10.34.36/?type=Invalid\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)
LOGIN_PAGE: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 38\r\nConnection: close\r\n\r\n"
    b"<html><title>Hotel Wi-Fi login</title>"
)
GARBAGE: Final = bytes(range(200, 256)) * 4
#: What a reset leaves behind: nothing. ``struct linger``: on, 0 seconds.
_LINGER_ZERO: Final = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Connection:
    """One accepted connection and what came in on it."""

    socket: socket.socket
    stopping: threading.Event
    received: bytearray = field(default_factory=bytearray)

    def read_some(self) -> bytes:
        """Wait for bytes; empty at the end of the stream or of the test."""
        try:
            data = self.socket.recv(65536)
        except OSError:
            return b""
        self.received += data
        return data

    def send(self, data: bytes) -> None:
        """Send, unless the peer is gone."""
        with suppress(OSError):
            self.socket.sendall(data)

    def reset(self) -> None:
        """Close with an RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        self.socket.close()

    def finish(self) -> None:
        """Send a FIN and wait until the peer closes too, so that no RST follows."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
        while self.read_some():
            pass

    def stall(self) -> None:
        """Keep the connection open and silent until the test ends."""
        self.stopping.wait()


def reset_on_accept(connection: Connection) -> None:
    """RST as soon as the connection stands."""
    connection.reset()


def reset_on_hello(connection: Connection) -> None:
    """RST on the first bytes."""
    connection.read_some()
    connection.reset()


def finish_on_accept(connection: Connection) -> None:
    """FIN as soon as the connection stands."""
    connection.finish()


def finish_on_hello(connection: Connection) -> None:
    """FIN on the first bytes."""
    connection.read_some()
    connection.finish()


def stall(connection: Connection) -> None:
    """Take everything, say nothing."""
    while connection.read_some():
        pass


def garbage(connection: Connection) -> None:
    """Answer the first bytes with bytes of no protocol, then stall."""
    connection.read_some()
    connection.send(GARBAGE)
    stall(connection)


def block_page(connection: Connection) -> None:
    """Answer whatever comes with a plain HTTP redirect to a block page."""
    connection.read_some()
    connection.send(BLOCK_PAGE)
    connection.finish()


def login_page(connection: Connection) -> None:
    """Answer whatever comes with a portal's login page and status 200."""
    connection.read_some()
    connection.send(LOGIN_PAGE)
    connection.finish()


def echo(connection: Connection) -> None:
    """Send back what comes: the one server here that is well."""
    while data := connection.read_some():
        connection.send(data)
    connection.finish()


def answer_then(data: bytes, end: Callable[[Connection], None]) -> Callable[[Connection], None]:
    """Answer the first bytes with ``data``, then do ``end`` (``Connection.reset``, ``finish`` or ``stall``)."""

    def behaviour(connection: Connection) -> None:
        connection.read_some()
        connection.send(data)
        if end is Connection.reset:
            # An RST overtakes data that is still on its way; wait until the peer has taken all of it.
            _wait_until_acknowledged(connection.socket)
        end(connection)

    return behaviour


def cut_body(length: int, cut: int, end: Callable[[Connection], None]) -> Callable[[Connection], None]:
    """Promise an HTTP body of ``length`` bytes, send ``cut`` of them, then do ``end``."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length
    return answer_then(head + b"x" * cut, end)


def _wait_until_acknowledged(sock: socket.socket) -> None:
    """Wait until the peer's kernel has everything (``SIOCOUTQ`` is 0), with a pause that only saves CPU."""
    import fcntl
    import termios

    pause = threading.Event()
    while struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, b"\0\0\0\0"))[0]:
        pause.wait(0.001)


@dataclass(slots=True)
class Server:
    """A running fault server: where it listens and the connections it has had."""

    host: str
    port: int
    stopping: threading.Event = field(default_factory=threading.Event)
    connections: list[Connection] = field(default_factory=list)


@contextmanager
def serve(
    behaviour: Callable[[Connection], None], host: str = "127.0.0.1", port: int = 0
) -> Iterator[Server]:
    """Run a TCP server that treats every connection with ``behaviour``, until the block ends."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family, backlog=128)
    server = Server(host, listener.getsockname()[1])
    threads: list[threading.Thread] = []

    def handle(connection: Connection) -> None:
        with connection.socket:
            behaviour(connection)

    def accept() -> None:
        while not server.stopping.is_set():
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            connection = Connection(accepted, server.stopping)
            server.connections.append(connection)
            thread = threading.Thread(target=handle, args=(connection,), daemon=True)
            threads.append(thread)
            thread.start()

    acceptor = threading.Thread(target=accept, daemon=True)
    acceptor.start()
    try:
        yield server
    finally:
        server.stopping.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        acceptor.join()
        for connection in server.connections:
            with suppress(OSError):
                connection.socket.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()


@contextmanager
def refuse(host: str = "127.0.0.1", kind: socket.SocketKind = socket.SOCK_STREAM) -> Iterator[Server]:
    """Hold a port that nobody listens on: an RST answers every SYN, an ICMP error every datagram."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if kind is socket.SOCK_STREAM:
        with socket.socket(family, kind) as held:
            held.bind((host, 0))
            yield Server(host, held.getsockname()[1])
    else:
        with socket.socket(family, kind) as held:
            held.bind((host, 0))
            port = held.getsockname()[1]
        yield Server(host, port)


@contextmanager
def silence(host: str = "127.0.0.1", port: int = 0) -> Iterator[Server]:
    """Hold a port that never answers a SYN: a listener whose queue is full drops them (Linux)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    fillers = []
    with socket.create_server((host, port), family=family, backlog=1) as listener:
        port = listener.getsockname()[1]
        try:
            for _ in range(4):
                filler = socket.socket(family, socket.SOCK_STREAM)
                fillers.append(filler)
                filler.setblocking(False)
                filler.connect_ex((host, port))
            yield Server(host, port)
        finally:
            for filler in fillers:
                filler.close()


@dataclass(slots=True)
class DatagramServer:
    """A running UDP server, what it got and from whom."""

    host: str
    port: int
    socket: socket.socket
    received: list[bytes] = field(default_factory=list)
    peers: list[tuple[str, int]] = field(default_factory=list)

    def send(self, data: bytes, peer: tuple[str, int]) -> None:
        """Send a datagram out of turn."""
        self.socket.sendto(data, peer)


@contextmanager
def serve_datagrams(
    answer: Callable[[bytes], list[bytes]], host: str = "127.0.0.1", port: int = 0
) -> Iterator[DatagramServer]:
    """Run a UDP server: ``answer`` returns what to send back for each datagram."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    try:
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    server = DatagramServer(host, sock.getsockname()[1], sock)
    stopping = threading.Event()

    def run() -> None:
        while True:
            try:
                data, peer = sock.recvfrom(65535)
            except OSError:
                continue  # an ICMP error for an answer that came too late
            if stopping.is_set():
                return
            server.received.append(data)
            server.peers.append(peer[:2])
            for reply in answer(data):
                with suppress(OSError):
                    sock.sendto(reply, peer)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        stopping.set()
        with socket.socket(family, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", (host, server.port))
        thread.join()
        sock.close()


def silent_datagrams(_: bytes) -> list[bytes]:
    """Answer nothing."""
    return []


def garbage_datagrams(_: bytes) -> list[bytes]:
    """Answer with bytes of no protocol."""
    return [GARBAGE]


def echo_datagrams(data: bytes) -> list[bytes]:
    """Send back what came."""
    return [data]
