"""What tor is told: one bridge, nothing kept, nothing offered to others. Text only.

It is given to tor on its standard input (``-f -``): a bridge is a secret, and command lines and files can be read by
others. The names are those of tor's manual.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

#: The longest bridge line that tor is given; real ones have up to a few hundred letters.
LONGEST_LINE: Final = 4000
COOKIE: Final = "cookie"
CONTROL: Final = "control"

_SETTINGS: Final = """\
DataDirectory {data}
ClientOnly 1
SocksPort 0
DisableNetwork 1
UseBridges 1
UpdateBridgesFromAuthority 0
AvoidDiskWrites 1
SafeLogging 1
CountPrivateBandwidth 1
Log err stderr
CookieAuthentication 1
CookieAuthFile {cookie}
{control}
__OwningControllerProcess {owner}
"""


def make_torrc(
    folder: Path, line: str, *, owner: int, speaker: str | None = None, unix_sockets: bool = True
) -> str:
    """Return the settings for one bridge line; the network stays off until tor is told otherwise.

    ``folder`` is private; ``owner`` the process without which tor ends itself; ``speaker`` the program for the
    line's transport, without spaces in its path (tor cuts there). Without ``unix_sockets`` tor listens on a port of
    loopback, and writes which one to a file.

    :raises ValueError: for a line or a path that could hold more than one setting.
    """
    control = f"ControlSocket {quoted(folder / CONTROL)}"
    if not unix_sockets:
        control = f"ControlPort auto\nControlPortWriteToFile {quoted(folder / CONTROL)}"
    settings = _SETTINGS.format(
        data=quoted(folder / "data"), cookie=quoted(folder / COOKIE), control=control, owner=owner
    )
    words = _one_line(line).split()
    if words and words[0].lower() == "bridge":
        words = words[1:]
    if speaker is not None:
        if any(letter.isspace() for letter in speaker):
            raise ValueError("tor can't start a program with a space in its path")
        settings += f"ClientTransportPlugin {words[0]} exec {_one_line(speaker)}\n"
    return settings + f"Bridge {' '.join(words)}\n"


def quoted(path: Path) -> str:
    r"""Write a path in quotes, as tor reads them (C escapes).

    >>> from pathlib import PureWindowsPath
    >>> print(quoted(PureWindowsPath("C:/My things")))
    "C:\\My things"
    """
    text = _one_line(str(path)).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def _one_line(text: str) -> str:
    if len(text) > LONGEST_LINE or any(ord(letter) < 0x20 or ord(letter) == 0x7F for letter in text):
        raise ValueError("a setting of tor is one line")
    return text
