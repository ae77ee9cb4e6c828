"""QR codes (ISO/IEC 18004) of a text: for a terminal, as half blocks, and as SVG."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from circumvent.convert.problem import CannotWrite

if TYPE_CHECKING:
    from collections.abc import Sequence

    import segno

#: Light modules around the code (ISO/IEC 18004, 9.1).
_QUIET: Final = 4
#: Bytes that the largest code holds at the lowest level of error correction.
LARGEST: Final = 2953
#: What stands for two modules, one above the other: light ones are drawn, for terminals are dark more often than light.
_HALVES: Final = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}


def half_blocks(text: str) -> str:
    """Return a code for a dark terminal, two rows of modules in a line. Scanners read it on a light one too, most of them.

    :raises CannotWrite: when the text is too long for one.
    """
    rows = _modules(text)
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    lines = (
        "".join(_HALVES[above, below] for above, below in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    )
    return "\n".join(lines) + "\n"


def squares(text: str) -> str:
    """Return a code in ASCII, two characters a module, for where block characters can't be printed.

    :raises CannotWrite: when the text is too long for one.
    """
    return "\n".join("".join("  " if dark else "##" for dark in row) for row in _modules(text)) + "\n"


def svg(text: str) -> str:
    """Return a code as an SVG document that holds nothing else: black on white, whatever the page around it.

    :raises CannotWrite: when the text is too long for one.
    """
    out = io.BytesIO()
    _code(text).save(out, kind="svg", border=_QUIET, scale=4, dark="#000", light="#fff", xmldecl=True)
    return out.getvalue().decode("utf-8").rstrip("\n") + "\n"


def _modules(text: str) -> list[Sequence[int]]:
    """Return the rows of modules, 1 for a dark one, with the quiet zone around."""
    return [[int(bool(module)) for module in row] for row in _code(text).matrix_iter(border=_QUIET)]


def _code(text: str) -> segno.QRCode:
    import segno  # noqa: PLC0415 - only who asks for a picture pays for it

    size = len(text.encode())
    try:
        return segno.make_qr(text, error="l", boost_error=True)
    except segno.DataOverflowError as exc:
        raise CannotWrite(
            f"it takes {size} bytes, and a QR code holds {LARGEST}; write it to a file"
        ) from exc
