"""Several bridge lines in the forms that programs take: lines for Tor Browser, a ``torrc``, a text for Orbot's scanner."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from circumvent.convert.problem import CannotWrite

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The forms, in the order in which help names them.
LIST_FORMS: Final = ("lines", "torrc", "qr", "svg")
#: Bridges in one QR code: more make it too fine for a telephone's camera, and Tor uses few at a time.
MOST_IN_CODE: Final = 3


def write_lines(lines: Sequence[str], form: str, *, unicode: bool = True) -> str:
    """Return bridge lines, best first, in a form; it ends with a line feed.

    ``qr`` and ``svg`` hold the first three of them, as the JSON list that Orbot scans.

    :raises CannotWrite: when there is none, or they are too long for a code.
    """
    if not lines:
        raise CannotWrite("there is no bridge to write")
    if form == "torrc":
        return _torrc(lines)
    if form == "lines":
        return "".join(f"{line}\n" for line in lines)
    from circumvent.convert.qr import half_blocks, squares, svg  # noqa: PLC0415 - most forms are texts

    text = json.dumps(list(lines[:MOST_IN_CODE]))
    return svg(text) if form == "svg" else half_blocks(text) if unicode else squares(text)


def _torrc(lines: Sequence[str]) -> str:
    """Return lines for tor's own file; where its helpers are is for its owner to say."""
    kinds = dict.fromkeys(line.partition(" ")[0] for line in lines)
    helped = [kind for kind in kinds if "." not in kind and not kind.startswith("[")]
    told = ["UseBridges 1"]
    if helped:
        told += [
            "# tor needs a program for these bridges. Say where yours is, and take away the #:",
            f"#ClientTransportPlugin {','.join(helped)} exec /usr/bin/lyrebird",
        ]
    return "\n".join([*told, *(f"Bridge {line}" for line in lines)]) + "\n"
