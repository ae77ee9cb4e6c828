"""The dish of a scenario: the gateway of the client's own link, on this side of the censor and of the sky.

``python -m circumvent.lab.scenario_dish STATE PARENT`` is one at :data:`ADDRESS` until it is ended; a line on standard output
says that it is ready. What its link carries is for the scenario's ``[link]`` and rules; what it says of itself is its state.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from circumvent.lab.namespace import die_with_parent
from circumvent.lab.netlink import Netlink
from circumvent.lab.world.dish import Dish, State, serve_dish
from circumvent.lab.world.listen import Listeners

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Where every dish answers.
ADDRESS: Final = "192.168.100.1"
#: What a check must be told to look for one.
WORDS: Final = ("--include", "satellite")
#: What a check calls one that it finds.
LABEL: Final = "Starlink terminal"


class DishBroke(Exception):
    """The dish of a scenario did not start."""


def command(state: State) -> list[str]:
    """Return what starts a dish as a child of this process."""
    return [sys.executable, "-m", "circumvent.lab.scenario_dish", state.value, str(os.getpid())]


@contextlib.contextmanager
def standing(state: State) -> Iterator[subprocess.Popen[bytes]]:
    """Have a dish in the network of this thread, which must have its address.

    :raises DishBroke: when it does not start.
    """
    dish = subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command(state), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    try:
        if dish.stdout is None or dish.stdout.readline() != b"ready\n":
            raise DishBroke("the dish did not start")
        yield dish
    finally:
        dish.kill()
        dish.wait()
        if dish.stdout is not None:
            dish.stdout.close()


def make_gateway(device: str) -> None:
    """Send what this thread's network has for elsewhere by way of the dish.

    :raises OSError: when the kernel refuses.
    """
    with Netlink() as netlink:
        netlink.add_route("0.0.0.0/0", device=device, gateway=ADDRESS)


async def _serve(state: State) -> None:
    await serve_dish(Listeners(), [ADDRESS], Dish.in_state(state))
    print("ready", flush=True)  # noqa: T201 - this line is the interface
    await asyncio.Event().wait()


def main(arguments: list[str]) -> int:
    """Be a dish; it ends with its parent."""
    state, parent = arguments
    die_with_parent(int(parent))
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(State(state)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
