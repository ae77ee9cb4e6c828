"""What is behind the embedded VPN servers: every address answers echoes, and any address is a resolver.

That is what a check sends through a tunnel (:mod:`circumvent.transports.tunnel_proof`), so nothing else needs to be there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from circumvent.net.packets import Echo, Udp, build, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    #: Answers a DNS message, or says nothing.
    Respond = Callable[[bytes], bytes | None]

_DNS: Final = 53


def answer_inside(packet: bytes, respond: Respond) -> bytes | None:
    """Return the packet that answers ``packet``, if any does.

    :raises circumvent.net.packets.PacketError: when it is none.
    """
    inner = parse(packet)
    if isinstance(inner, Echo) and not inner.reply:
        return build(replace(inner, source=inner.destination, destination=inner.source, reply=True))
    if isinstance(inner, Udp) and inner.destination_port == _DNS:
        data = respond(inner.data)
        if data is not None:
            return build(Udp(inner.destination, inner.source, _DNS, inner.source_port, data))
    return None
