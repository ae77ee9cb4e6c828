"""What is fuzzed of Tor: cells and what they hold, certificates, descriptors, obfs4, WebTunnel's answer."""

from __future__ import annotations

from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Final

from circumvent.inputs.bridge_lines import bridges_in, to_option
from circumvent.inputs.problem import LineError
from circumvent.tor import cells, certs, directory, ed25519_cert
from circumvent.tor.certs import Identity
from circumvent.tor.circuit import open_fast
from circumvent.tor.errors import TorError
from circumvent.tor.obfs4.elligator import to_public
from circumvent.tor.obfs4.framing import Decoder
from circumvent.tor.obfs4.handshake import ClientHandshake
from circumvent.tor.webtunnel import UpgradeReader

if TYPE_CHECKING:
    from collections.abc import Callable

_NOW: Final = 1.8e9


def tor_cells(data: bytes) -> None:
    """A stream of cells, and the payload of each read as everything that has a form."""
    decoder = cells.Decoder()
    decoder.feed(data)
    with suppress(TorError):
        while (cell := decoder.next_cell()) is not None:
            if decoder.protocol is None:
                decoder.protocol = cells.agree(cell)
            for read in (cells.read_certs, cells.read_auth_challenge, cells.read_netinfo):
                with suppress(TorError):
                    read(cell.payload)


def tor_certificates(data: bytes) -> None:
    """A CERTS cell, and what it proves."""
    with suppress(TorError):
        certs.verify(cells.read_certs(data), b"", _NOW)
    with suppress(TorError):
        ed25519_cert.parse(data)


def tor_descriptor(data: bytes) -> None:
    """A directory's answer, and the descriptor in it."""
    for text in (data, b"HTTP/1.0 200 OK\r\n\r\n" + data):
        with suppress(TorError):
            directory.verify_descriptor(
                directory.read_answer(text).body, Identity(bytes(20), bytes(32)), _NOW
            )


def tor_circuit(data: bytes) -> None:
    """The answer to CREATE_FAST."""
    with suppress(TorError):
        open_fast(bytes(20), data)


def obfs4(data: bytes) -> None:
    """A server's flight, frames, and any representative."""
    with suppress(TorError):
        ClientHandshake(identity=bytes([9]) + bytes(31), node_id=bytes(20), now=_NOW, random=Random(1)).feed(
            data
        )
    decoder = Decoder(bytes(72))
    decoder.feed(data)
    with suppress(TorError):
        while decoder.next_packet() is not None:
            continue
    to_public(data[:32].ljust(32, b"\0"))


def webtunnel(data: bytes) -> None:
    """The answer to an upgrade, in two pieces."""
    reader = UpgradeReader()
    with suppress(TorError):
        if reader.feed(data[: len(data) // 2]) is None:
            reader.feed(data[len(data) // 2 :])


def bridge_lines(data: bytes) -> None:
    """Bridge lines in a line of anything."""
    for line in bridges_in(data.decode("utf-8", "replace")):
        with suppress(LineError):
            to_option(line)


#: Every target by its name.
TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "tor-cells": tor_cells,
    "tor-certificates": tor_certificates,
    "tor-descriptor": tor_descriptor,
    "tor-circuit": tor_circuit,
    "obfs4": obfs4,
    "webtunnel": webtunnel,
    "bridge-lines": bridge_lines,
}
