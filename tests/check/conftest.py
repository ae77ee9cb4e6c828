"""Servers that only these tests need."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.lab.names import Resolver
    from tests.lab.namespace import Network
    from tests.lab.proxies import Proxy


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def _serve(client: socket.socket, friend: str, behind: tuple[str, int]) -> None:
    """Carry a friend's bytes to the server behind; hold everybody else in silence."""
    with client:
        if client.getpeername()[0] != friend:
            with contextlib.suppress(OSError):
                client.settimeout(20)
                while client.recv(65536):
                    pass
            return
        with socket.create_connection(behind) as server:
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join(5)


@pytest.fixture
def shunning(network: Network, unbound: Resolver, danted: Proxy) -> Iterator[str]:
    """The address of a DoT server that answers only who comes from the SOCKS proxy's address."""
    address = network.servers_ipv4[-2]
    listener = socket.create_server((address, 853))
    behind = (unbound.address, unbound.dot_port)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=_serve, args=(client, danted.address, behind), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield address
    listener.shutdown(socket.SHUT_RDWR)  # which ends the thread's accept, as a close alone does not
    listener.close()


@pytest.fixture
def block_page(network: Network) -> Iterator[str]:
    """An address behind which a network shows its block page to whoever says anything."""
    listener = socket.create_server((network.servers_ipv4[-3], 853))
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<a href=http://lighthouse.du.ae/>blocked</a>"

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client:
                    client.recv(65536)
                    client.sendall(page)

    threading.Thread(target=accept, daemon=True).start()
    yield network.servers_ipv4[-3]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
