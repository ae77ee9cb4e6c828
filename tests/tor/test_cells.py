"""Cells: those of a real tor, and there and back in any pieces."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.tor import cells
from circumvent.tor.cells import Cell, Command, Decoder, encode
from circumvent.tor.errors import TorError
from tests.tor.recorded import RECEIVED, RECORDED


def read(data: bytes, size: int = 1 << 20) -> list[Cell]:
    """Read cells from a stream in pieces, agreeing on a link protocol as a client does."""
    decoder, found = Decoder(), []
    for begin in range(0, len(data), size):
        decoder.feed(data[begin : begin + size])
        while (cell := decoder.next_cell()) is not None:
            found.append(cell)
            if cell.command == Command.VERSIONS:
                decoder.protocol = cells.agree(cell)
    return found


@pytest.mark.parametrize("size", [1, 7, 514, 1 << 20])
def test_what_tor_sends(size: int) -> None:
    found = read(RECEIVED, size)
    assert [cell.command for cell in found[:5]] == [
        Command.VERSIONS,
        Command.CERTS,
        Command.AUTH_CHALLENGE,
        Command.NETINFO,
        Command.CREATED_FAST,
    ]
    assert cells.agree(found[0]) == 5
    assert [entry.kind for entry in cells.read_certs(found[1].payload)] == [1, 2, 4, 5, 7]
    assert cells.read_auth_challenge(found[2].payload) == (3,)
    shown = cells.read_netinfo(found[3].payload)
    assert shown.time == RECORDED["netinfo_time"]
    assert list(shown.own) == RECORDED["netinfo_own"]
    assert shown.other == RECORDED["netinfo_other"]
    assert found[4].payload[:40].hex() == RECORDED["create_fast"]["answer"]
    assert {cell.command for cell in found[5:]} == {Command.RELAY}
    assert found[4].circuit & 0x80000000


def test_our_versions_cell() -> None:
    assert encode(cells.versions(), None) == bytes.fromhex("0000070006000300040005")


def test_our_netinfo_cell_tells_nothing_of_us() -> None:
    plain = encode(cells.netinfo("198.51.100.34"), 5)
    assert len(plain) == 514
    assert plain[:9] == bytes(4) + b"\x08" + bytes(4)
    assert plain[9:16] == bytes((4, 4, 198, 51, 100, 34, 0))
    assert cells.netinfo("2001:db8::1").payload[4:6] == bytes((6, 16))
    assert cells.netinfo(None).payload == bytes(4) + b"\4\4" + bytes(5)


@pytest.mark.parametrize("protocol", [3, 4, 5])
@given(
    sent=st.lists(
        st.builds(
            Cell,
            st.integers(0, 0xFFFF),
            st.sampled_from([0, 3, 4, 5, 6, 8, 128, 129, 130, 200]),
            st.binary(max_size=509),
        ),
        max_size=6,
    ),
    size=st.integers(1, 700),
)
def test_there_and_back(protocol: int, sent: list[Cell], size: int) -> None:
    stream = b"".join(encode(cell, protocol) for cell in sent)
    decoder, found = Decoder(), []
    decoder.protocol = protocol
    for begin in range(0, len(stream), size):
        decoder.feed(stream[begin : begin + size])
        while (cell := decoder.next_cell()) is not None:
            found.append(cell)
    assert [(cell.circuit, cell.command) for cell in found] == [(c.circuit, c.command) for c in sent]
    for cell, was in zip(found, sent, strict=True):
        padded = was.payload if cells.is_variable(was.command) else was.payload.ljust(509, b"\0")
        assert cell.payload == padded


def test_what_does_not_fit_is_not_sent() -> None:
    with pytest.raises(ValueError, match="509"):
        encode(Cell(1, Command.RELAY, bytes(510)), 5)


@given(st.binary(max_size=3000))
def test_any_bytes_give_cells_or_the_error(data: bytes) -> None:
    decoder = Decoder()
    decoder.feed(data)
    try:
        while (cell := decoder.next_cell()) is not None:
            decoder.protocol = 4
            for look in (cells.read_certs, cells.read_auth_challenge, cells.read_netinfo):
                try:
                    look(cell.payload)
                except TorError:
                    continue
    except TorError:
        return


@pytest.mark.parametrize("look", [cells.read_certs, cells.read_auth_challenge, cells.read_netinfo])
@given(data=st.binary(max_size=600))
def test_any_payload_is_read_or_refused(look: object, data: bytes) -> None:
    assert callable(look)
    try:
        look(data)
    except TorError:
        return


def test_a_stranger_is_noticed_at_the_first_cell() -> None:
    decoder = Decoder()
    decoder.feed(b"HTTP/1.1 400 Bad Request\r\n")
    with pytest.raises(TorError, match="first cell"):
        decoder.next_cell()


def test_no_cell_is_endless() -> None:
    decoder = Decoder()
    decoder.protocol = 4
    decoder.feed(struct.pack("!IBH", 0, Command.CERTS, 0xFFFF))
    with pytest.raises(TorError, match="too long"):
        decoder.next_cell()


@pytest.mark.parametrize(
    ("payload", "said"),
    [(struct.pack("!HH", 1, 2), "in common"), (b"\0\3\0", "odd"), (b"", "in common")],
)
def test_no_link_protocol(payload: bytes, said: str) -> None:
    with pytest.raises(TorError, match=said):
        cells.agree(Cell(0, Command.VERSIONS, payload))


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff", b"\1\2", b"\1\2\0\5abc", b"\2\2\0\1a"],
)
def test_broken_certs_cells(payload: bytes) -> None:
    with pytest.raises(TorError):
        cells.read_certs(payload)


@pytest.mark.parametrize(
    "payload",
    [bytes(4), bytes(4) + b"\4\4\1\2", bytes(4) + b"\4\4\1\2\3\4", bytes(4) + b"\4\4\1\2\3\4\xff"],
)
def test_broken_netinfo_cells(payload: bytes) -> None:
    with pytest.raises(TorError):
        cells.read_netinfo(payload)


def test_addresses_of_types_to_come_are_passed_over() -> None:
    payload = bytes(4) + b"\xf0\2ab" + b"\2\xf0\1x\4\4\1\2\3\4"
    shown = cells.read_netinfo(payload)
    assert (shown.other, shown.own) == (None, ("1.2.3.4",))


@pytest.mark.parametrize("payload", [bytes(33), bytes(32) + b"\0\2\0\1"])
def test_broken_auth_challenges(payload: bytes) -> None:
    with pytest.raises(TorError):
        cells.read_auth_challenge(payload)
