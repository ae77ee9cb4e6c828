"""Packets that old servers compress although nobody asked them to: LZO1X and LZ4 blocks, read only.

LZO1X as ``Documentation/staging/lzo.rst`` of Linux describes its stream, LZ4 as ``doc/lz4_Block_format.md`` of LZ4 does. Input
is hostile: every length and distance is checked, and no output is longer than a packet may be.
"""

from __future__ import annotations

from typing import Final

#: The longest packet there is.
LONGEST: Final = 0xFFFF


class DecompressError(ValueError):
    """The octets are no block of that sort, or a longer one than a packet may be."""


class _Block:
    """Octets being read, and the packet being made."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0
        self.made = bytearray()

    @property
    def ended(self) -> bool:
        return self._place >= len(self._data)

    def octet(self) -> int:
        if self.ended:
            raise DecompressError("cut short")
        self._place += 1
        return self._data[self._place - 1]

    def peek(self) -> int:
        if self.ended:
            raise DecompressError("cut short")
        return self._data[self._place]

    def little(self) -> int:
        """Return 16 bits, the low octet first."""
        return self.octet() | self.octet() << 8

    def literals(self, count: int) -> None:
        """Copy octets as they stand."""
        if count > len(self._data) - self._place:
            raise DecompressError("cut short")
        self.made += self._data[self._place : self._place + count]
        self._place += count
        self._bound()

    def match(self, distance: int, length: int) -> None:
        """Repeat octets of the packet; both parts may overlap."""
        if not 0 < distance <= len(self.made) or length > LONGEST:
            raise DecompressError("a distance that leads nowhere")
        start = len(self.made) - distance
        piece = bytes(self.made[start : start + length])
        self.made += (piece * (-(-length // len(piece))))[:length]
        self._bound()

    def _bound(self) -> None:
        if len(self.made) > LONGEST:
            raise DecompressError("longer than a packet")


def lz4(data: bytes) -> bytes:
    """Return the content of an LZ4 block.

    :raises DecompressError: when it is none.
    """
    block = _Block(data)
    while True:
        token = block.octet()
        block.literals(_extended(block, token >> 4))
        if block.ended:
            return bytes(block.made)
        distance = block.little()
        block.match(distance, 4 + _extended(block, token & 15))


def _extended(block: _Block, length: int) -> int:
    """Return a length of which 15 means that more octets belong to it, until one is not 255."""
    if length == 15:
        while (more := block.octet()) == 255:
            length += 255
        length += more
    return length


def lzo1x(data: bytes) -> bytes:
    """Return the content of an LZO1X block.

    :raises DecompressError: when it is none.
    """
    block = _Block(data)
    state = 0
    if block.peek() > 17:  # the first instruction may be a run of literals of its own sort
        count = block.octet() - 17
        block.literals(count)
        state = min(count, 4)
    while True:
        following = _instruction(block, state)
        if following is None:
            if not block.ended:
                raise DecompressError("octets after the end")
            return bytes(block.made)
        state = following


def _instruction(block: _Block, state: int) -> int | None:
    """Run one instruction; ``state`` is how many literals the one before copied, 4 for a run.

    Return the same of this one; ``None`` at the end of the block.
    """
    octet = block.octet()
    if octet >= 64:
        length = 5 + (octet >> 5 & 3) if octet >= 128 else 3 + (octet >> 5 & 1)
        block.match((block.octet() << 3) + (octet >> 2 & 7) + 1, length)
        return _trailing(block, octet & 3)
    if octet >= 32:
        length = 2 + _zeros(block, octet & 31, 31)
        low = block.little()
        block.match((low >> 2) + 1, length)
        return _trailing(block, low & 3)
    if octet >= 16:
        length = 2 + _zeros(block, octet & 7, 7)
        low = block.little()
        distance = 16384 + ((octet & 8) << 11) + (low >> 2)
        if distance == 16384:
            return None
        block.match(distance, length)
        return _trailing(block, low & 3)
    if state == 0:
        block.literals(3 + _zeros(block, octet, 15))
        return 4
    if state == 4:
        block.match((block.octet() << 2) + (octet >> 2) + 2049, 3)
    else:
        block.match((block.octet() << 2) + (octet >> 2) + 1, 2)
    return _trailing(block, octet & 3)


def _trailing(block: _Block, count: int) -> int:
    """Copy the literals that follow a match."""
    block.literals(count)
    return count


def _zeros(block: _Block, length: int, full: int) -> int:
    """Return a length of which 0 means ``full`` and more: 255 for each zero octet, and the first that is not zero."""
    if length:
        return length
    length = full
    while (more := block.octet()) == 0:
        length += 255
        if length > LONGEST:
            raise DecompressError("longer than a packet")
    return length + more
