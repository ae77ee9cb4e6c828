"""Text that servers and files may bring to play with a terminal."""

from __future__ import annotations

import unicodedata
from typing import Final

#: A colour, a link (OSC 8), a title, a bell, a backspace, overrides of direction, rich markup, and 4000 letters.
HOSTILE: Final = (
    "\x1b[31mred\x1b[0m \x1b]8;;http://evil.example\x07link\x1b]8;;\x07 \x1b]0;title\x07 \x07 \x08 \x9b2J "
    "\u202egnp.exe\u202c \u2066x\u2069 [red]markup[/red] [link=http://evil.example]y[/link] \r\nnew line \u2028 "
    + "A"
    * 4000
)


def raw_in(text: str) -> set[str]:
    """Return the characters of ``text`` that steer a terminal or its reader; line ends are ours."""
    return {
        one
        for one in text
        if one != "\n" and unicodedata.category(one) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    }
