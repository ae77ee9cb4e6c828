"""WireGuard and AmneziaWG profiles: the file that their apps read (``wg``(8), ``wg-quick``(8)), and links."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from circumvent.convert.problem import CannotWrite
from circumvent.model.wireguard import Disguise, WireguardSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from circumvent.model.option import Option

#: What a profile is for here: everything goes through it.
_EVERYTHING: Final = "0.0.0.0/0, ::/0"
#: Fields of a file that links have elsewhere, or not at all.
_NOT_IN_LINKS: Final = frozenset({"PrivateKey", "Endpoint", "AllowedIPs"})


def write_conf(option: Option) -> str:
    """Return the file: ``[Interface]`` with our side, ``[Peer]`` with the server's.

    What it was read from may have had more (ports, routes, commands); none of that decides whether it works.

    :raises CannotWrite: for what is no such profile, or one of a later version.
    """
    settings = _settings(option)
    interface = [f"{name} = {value}" for name, value in _interface(settings)]
    peer = [f"{name} = {value}" for name, value in _peer(option, settings)]
    return "\n".join(["[Interface]", *interface, "", "[Peer]", *peer, ""])


def link_of(option: Option) -> str:
    """Return ``wireguard://`` or ``awg://`` with the private key before the host and all else as parameters.

    :raises CannotWrite: as :func:`write_conf`.
    """
    settings = _settings(option)
    values = {**dict(_interface(settings)), **dict(_peer(option, settings))}
    told = {
        name.lower(): value.replace(", ", ",") for name, value in values.items() if name not in _NOT_IN_LINKS
    }
    query = "&".join(f"{name}={quote(value, safe=':,')}" for name, value in told.items())
    scheme = "wireguard" if settings.disguise is None else "awg"
    return f"{scheme}://{quote(settings.private_key.reveal(), safe='')}@{option.endpoint}?{query}"


def _settings(option: Option) -> WireguardSettings:
    if not isinstance(option.settings, WireguardSettings):
        raise CannotWrite("it is no WireGuard profile")
    return option.settings


def _interface(settings: WireguardSettings) -> Iterator[tuple[str, str]]:
    yield "PrivateKey", settings.private_key.reveal()
    if settings.addresses:
        yield "Address", ", ".join(settings.addresses)
    if settings.resolvers:
        yield "DNS", ", ".join(settings.resolvers)
    if settings.mtu is not None:
        yield "MTU", str(settings.mtu)
    if settings.disguise is not None:
        yield from disguise_fields(settings.disguise)


def disguise_fields(disguise: Disguise) -> Iterator[tuple[str, str]]:
    """Yield the fields of AmneziaWG that change anything.

    :raises CannotWrite: for a profile of a later version.
    """
    if disguise.later:
        raise CannotWrite("it has fields of a later version, which are not kept")
    counts = {"Jc": disguise.junk_count, "Jmin": disguise.junk_least, "Jmax": disguise.junk_most}
    yield from ((name, str(count)) for name, count in counts.items() if count)
    yield from ((f"S{place}", str(size)) for place, size in enumerate(disguise.paddings, 1) if size)
    for place, (first, last) in enumerate(disguise.headers, 1):
        if (first, last) != (place, place):
            yield f"H{place}", f"{first}" if last == first else f"{first}-{last}"
    yield from ((f"I{place}", packet) for place, packet in enumerate(disguise.packets, 1))


def _peer(option: Option, settings: WireguardSettings) -> Iterator[tuple[str, str]]:
    yield "PublicKey", base64.b64encode(settings.peer_key).decode("ascii")
    if settings.preshared_key is not None:
        yield "PresharedKey", settings.preshared_key.reveal()
    yield "Endpoint", str(option.endpoint)
    yield "AllowedIPs", _EVERYTHING
    if settings.keepalive is not None:
        yield "PersistentKeepalive", str(settings.keepalive)
    if settings.reserved is not None:
        yield "Reserved", ", ".join(map(str, settings.reserved))
