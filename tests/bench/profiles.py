"""A hundred WireGuard profiles at a round trip of 100 ms, half of them dead, on a wire of their own."""

from __future__ import annotations

import base64
import json
import secrets
import sys
from typing import TYPE_CHECKING, Final

from circumvent.lab.actions import Drop
from circumvent.lab.blocking import Blocking
from circumvent.lab.engine import Path as Way
from circumvent.lab.engine import symmetric
from circumvent.lab.rules.endpoint import AnyPacket
from circumvent.lab.scope import Scope
from circumvent.vpn.wireguard.handshake import public_key
from tests.bench.run import run
from tests.lab import wireguard
from tests.lab.inner import start_inner
from tests.lab_scenarios.vpn_world import RESOLVER, vpn_world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bench.run import Run
    from tests.lab_scenarios.vpn_world import VpnWorld

#: Seconds in one direction.
DELAY: Final = 0.05
#: Where nobody answers, and nothing says so.
_SILENT: Final = "198.19.0.0/16"
_NUMBER: Final = 240


def check_profiles(folder: Path, *, alive: int = 50, dead: int = 50) -> Run:
    """Check so many profiles, each at an address in a network of its own, with ``--all --fast``.

    :raises RuntimeError: when the check prints no report.
    """
    rule = Blocking(name="dead", when=AnyPacket(), then=Drop(), scope=Scope(servers=(_SILENT,)))
    with vpn_world(folder, rule, way=Way(far=symmetric(delay=DELAY))) as world:
        held = folder / "profiles"
        held.mkdir()
        for name, text in _serve(world, alive, dead).items():
            (held / name).write_text(text, encoding="ascii")
        with world.wire.in_client():
            named = sorted(str(path) for path in held.iterdir())
            return run(["check", *named, *world.arguments, "--all"], directory=folder)


def _serve(world: VpnWorld, alive: int, dead: int) -> dict[str, str]:
    """Start one peer at many addresses that knows as many clients; return the files of all, the dead ones' too."""
    private = secrets.token_bytes(32)
    clients = [secrets.token_bytes(32) for _ in range(alive + dead)]
    addresses = [f"198.18.{number + 1}.10" for number in range(alive)]
    lines = [f"private_key={private.hex()}", f"listen_port={wireguard.PORT}"]
    for number, client in enumerate(clients):
        lines += [f"public_key={public_key(client).hex()}", f"allowed_ip={_inside(number)}/32"]
    folder = world.folder / "crowd"
    folder.mkdir()
    plan = {
        "program": "wireguard-go",
        "configuration": "".join(f"{line}\n" for line in lines),
        "inside": ["10.66.0.1", "fd66::1"],
        "client": "fd66::2",
        "mtu": None,
        "ready": str(folder / wireguard.READY),
    }
    with world.wire.in_world():
        daemon = start_inner(
            [sys.executable, "-m", "tests.lab.wireguard", json.dumps(plan)],
            number=_NUMBER,
            directory=folder,
            addresses=addresses,
            behind=["10.66.0.0/24"],
            own_folders=[wireguard.SOCKETS["wireguard-go"]],
        )
        world.daemons.append(daemon)
        wireguard._wait_for(folder / wireguard.READY, daemon)
        world.open_the_way(_NUMBER)
    places = [*addresses, *(f"198.19.{number + 1}.10" for number in range(dead))]
    files = zip(clients, places, strict=True)
    return {
        f"profile-{number:03}.conf": _profile(private, client, _inside(number), place)
        for number, (client, place) in enumerate(files)
    }


def _inside(number: int) -> str:
    return f"10.66.0.{number + 2}"


def _profile(private: bytes, client: bytes, inside: str, place: str) -> str:
    return (
        f"[Interface]\nPrivateKey = {_text(client)}\nAddress = {inside}/24\nDNS = {RESOLVER[0]}\n\n"
        f"[Peer]\nPublicKey = {_text(public_key(private))}\nAllowedIPs = 0.0.0.0/0\n"
        f"Endpoint = {place}:{wireguard.PORT}\n"
    )


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode("ascii")
