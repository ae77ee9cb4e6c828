"""What is fuzzed of Tor: cells and what they hold, certificates, descriptors, obfs4, WebTunnel's answer, dnstt."""

from __future__ import annotations

import json
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Final

from circumvent.inputs.bridge_lines import bridges_in, to_option
from circumvent.inputs.problem import LineError
from circumvent.recommend.answer import AnswerError, read_answer, read_built_in
from circumvent.tor import cells, certs, directory, ed25519_cert
from circumvent.tor.certs import Identity
from circumvent.tor.circuit import open_fast
from circumvent.tor.dnstt.noise import Noise
from circumvent.tor.dnstt.questions import Encoder, asked
from circumvent.tor.errors import TorError
from circumvent.tor.obfs4.elligator import to_public
from circumvent.tor.obfs4.framing import Decoder
from circumvent.tor.obfs4.handshake import ClientHandshake
from circumvent.tor.program.control import ControlError, Conversation, read_port
from circumvent.tor.snowflake import amp, broker, encapsulation, sdp
from circumvent.tor.turbotunnel.kcp import Kcp
from circumvent.tor.turbotunnel.smux import Smux
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


def dnstt_answers(data: bytes) -> None:
    """An answer of a resolver, by itself and behind the head and the question of one of ours."""
    encoder = Encoder("t.example.com", Random(1))
    question = encoder.question()
    head = question[:2] + b"\x84\x00\x00\x01\x00\x01\x00\x00\x00\x00"
    for message in (data, head + question[12:-11] + b"\xc0\x0c" + data):
        asked(message)
        with suppress(TorError):
            encoder.packets(message)


def dnstt_layers(data: bytes) -> None:
    """What a server of dnstt's says, layer by layer: KCP, Noise, smux; one packet, and many."""
    kcp = Kcp(int.from_bytes(data[:4].ljust(4, b"\0"), "little"), packet_bytes=100)
    with suppress(TorError):
        kcp.feed(data, 1.0)
    for at in range(0, len(data), 40):
        with suppress(TorError):
            kcp.feed(data[:4] + data[at : at + 40], 1.0)
    kcp.take()
    kcp.packets(2.0)
    noise = Noise(bytes([9]) + bytes(31), bytes(range(32)))
    noise.hello()
    with suppress(TorError):
        noise.feed(data)
    for version in (1, 2):
        with suppress(TorError):
            Smux(version).feed(data)


def bridge_lines(data: bytes) -> None:
    """Bridge lines in a line of anything."""
    for line in bridges_in(data.decode("utf-8", "replace")):
        with suppress(LineError):
            to_option(line)


def recommendation(data: bytes) -> None:
    """An answer of Tor's circumvention-settings API, and a line in one; whatever is tried is one line."""
    with suppress(AnswerError):
        read_answer(data)
    with suppress(AnswerError):
        read_built_in(data)
    text = data.decode("utf-8", "replace")
    told = {"settings": [{"bridges": {"type": text[:9], "bridge_strings": [text]}}], "country": text[:2]}
    for line in read_answer(json.dumps(told).encode()).lines:
        assert line.isprintable()


def snowflake(data: bytes) -> None:
    """A broker's answer, the page of a cache that holds one, a proxy's session description, packets in a stream."""
    for read in (
        broker.read_reply,
        amp.read_page,
        lambda one: sdp.read_answer(one.decode("utf-8", "replace")),
    ):
        with suppress(TorError):
            read(data)
    packets = encapsulation.Decapsulator()
    with suppress(TorError):
        packets.feed(data[: len(data) // 2])
        packets.feed(data[len(data) // 2 :])


def tor_control(data: bytes) -> None:
    """What a program at tor's control socket says, in two pieces, and the file with its port."""
    conversation = Conversation()
    with suppress(ControlError):
        list(conversation.take(data[: len(data) // 2]))
        list(conversation.take(data[len(data) // 2 :]))
    with suppress(ControlError):
        list(Conversation().take(b"650 STATUS_CLIENT NOTICE BOOTSTRAP " + data + b"\r\n"))
    with suppress(ControlError):
        read_port(data.decode("ascii", "replace"))


#: Every target by its name.
TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "tor-cells": tor_cells,
    "tor-certificates": tor_certificates,
    "tor-descriptor": tor_descriptor,
    "tor-circuit": tor_circuit,
    "obfs4": obfs4,
    "webtunnel": webtunnel,
    "snowflake": snowflake,
    "dnstt-answers": dnstt_answers,
    "dnstt-layers": dnstt_layers,
    "bridge-lines": bridge_lines,
    "recommendation": recommendation,
    "tor-control": tor_control,
}
