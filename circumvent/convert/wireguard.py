"""WireGuard and AmneziaWG profiles as the file that their apps read (``wg``(8), ``wg-quick``(8))."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from circumvent.convert.problem import CannotWrite
from circumvent.model.wireguard import Disguise, WireguardSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from circumvent.model.option import Option

#: What a profile is for here: everything goes through it.
_EVERYTHING = "0.0.0.0/0, ::/0"


def write_conf(option: Option) -> str:
    """Return the file: ``[Interface]`` with our side, ``[Peer]`` with the server's.

    What it was read from may have had more (ports, routes, commands); none of that decides whether it works.

    :raises CannotWrite: for what is no such profile, or one of a later version.
    """
    settings = option.settings
    if not isinstance(settings, WireguardSettings):
        raise CannotWrite("it is no WireGuard profile")
    return "\n".join(["[Interface]", *_interface(settings), "", "[Peer]", *_peer(option, settings), ""])


def _interface(settings: WireguardSettings) -> Iterator[str]:
    yield f"PrivateKey = {settings.private_key.reveal()}"
    if settings.addresses:
        yield f"Address = {', '.join(settings.addresses)}"
    if settings.resolvers:
        yield f"DNS = {', '.join(settings.resolvers)}"
    if settings.mtu is not None:
        yield f"MTU = {settings.mtu}"
    if settings.disguise is not None:
        yield from _disguise(settings.disguise)


def _disguise(disguise: Disguise) -> Iterator[str]:
    """Yield the fields of AmneziaWG that change anything."""
    if disguise.later:
        raise CannotWrite("it has fields of a later version, which are not kept")
    counts = {"Jc": disguise.junk_count, "Jmin": disguise.junk_least, "Jmax": disguise.junk_most}
    yield from (f"{name} = {count}" for name, count in counts.items() if count)
    yield from (f"S{place} = {size}" for place, size in enumerate(disguise.paddings, 1) if size)
    for place, (first, last) in enumerate(disguise.headers, 1):
        if (first, last) != (place, place):
            yield f"H{place} = {first}" + (f"-{last}" if last != first else "")
    yield from (f"I{place} = {packet}" for place, packet in enumerate(disguise.packets, 1) if packet)


def _peer(option: Option, settings: WireguardSettings) -> Iterator[str]:
    yield f"PublicKey = {base64.b64encode(settings.peer_key).decode('ascii')}"
    if settings.preshared_key is not None:
        yield f"PresharedKey = {settings.preshared_key.reveal()}"
    yield f"Endpoint = {option.endpoint}"
    yield f"AllowedIPs = {_EVERYTHING}"
    if settings.keepalive is not None:
        yield f"PersistentKeepalive = {settings.keepalive}"
    if settings.reserved is not None:
        yield f"Reserved = {', '.join(map(str, settings.reserved))}"
