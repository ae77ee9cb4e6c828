"""Another program on the client's device, which speaks before the check begins: what a censor does may be set off by others."""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.lab.world.description import World

#: Seconds that it waits for an answer.
PATIENCE: Final = 1.0
_NOISE: Final = 400
_TURNS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """Opens ``times`` connections to each address of a server, or until one is met with silence (``until_silent``).

    ``noise``: sends random bytes in several packets, as a tunnel that looks like nothing does. ``tls``: shakes hands for
    ``name``.
    """

    sends: Literal["noise", "tls"]
    server: str
    port: int
    times: int = 1
    until_silent: bool = False
    name: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.times <= 100:
            raise ValueError("an app opens 1 to 100 connections")


def speak(apps: Sequence[App], world: World, seed: int) -> None:
    """Let all of them speak, in the network of this thread."""
    for number, app in enumerate(apps):
        dice = random.Random(f"{seed}/app/{number}")  # noqa: S311 - chance that must repeat
        for address in world.server(app.server).addresses:
            for _ in range(app.times):
                if _connection(app, address, dice) and app.until_silent:
                    break


def _connection(app: App, address: str, dice: random.Random) -> bool:
    """Open one; tell whether it was met with silence."""
    try:
        with socket.create_connection((address, app.port), PATIENCE) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # packets as they are sent
            if app.sends == "tls":
                _shake_hands(connection, app.name)
            else:
                for _ in range(_TURNS):
                    connection.sendall(dice.randbytes(_NOISE))
                while connection.recv(4096):
                    pass
    except TimeoutError:
        return True
    except (OSError, ssl.SSLError):
        return False
    return False


def _shake_hands(connection: socket.socket, name: str | None) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # what it is for is over with the handshake
    with contextlib.suppress(ssl.SSLError), context.wrap_socket(connection, server_hostname=name):
        pass
