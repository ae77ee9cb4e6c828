"""Loads what attempts need while the first packets are under way.

The libraries for TLS, DNS, QUIC and HTTP take about as long to import as four round trips. Nothing of them is needed
to send the first packets, so they are loaded while those fly, one module a turn of the event loop, in the order in
which options need them. Who begins while a module loads is seen late, and would look slow: so only a few options are
begun before (:data:`FIRST`), all others after.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Options that are begun at once, before anything is loaded; their packets hide the time that it takes.
FIRST: Final = 4
#: Seconds between two modules, in which what arrived meanwhile is answered.
PAUSE: Final = 0.01
#: A module that loads in fewer seconds is followed by the next at once.
SHORT: Final = 0.002

_TLS: Final = ("circumvent.net.verify", "circumvent.net.tls")
_NAMES: Final = (
    "dns.message",
    "circumvent.names.carry",
    "circumvent.names.dnssec",
    "circumvent.names.record",
    "circumvent.names.sustain",
)
_QUIC: Final = ("aioquic.quic.connection", "circumvent.net.quic", "circumvent.net.http3")
_HTTP: Final = ("h2.connection", "httpcore", "circumvent.net.http")
_VERDICTS: Final = ("circumvent.diagnose.conclude",)


async def warm_up(kinds: Iterable[str]) -> None:
    """Import what attempts of these kinds need, those first that come first."""
    for name in dict.fromkeys(_modules(list(dict.fromkeys(kinds)))):
        if name not in sys.modules:
            began = anyio.current_time()
            import_module(name)
            if anyio.current_time() - began > SHORT:
                await anyio.sleep(PAUSE)


def _modules(kinds: list[str]) -> Iterator[str]:
    for kind in kinds:
        traits = KINDS[kind]
        yield traits.module
        if not traits.quic:
            yield from _TLS
        if traits.family == "names":
            yield from _NAMES
    if any(KINDS[kind].quic for kind in kinds):
        yield from _QUIC
        yield from (KINDS[kind].module for kind in kinds)
        if {"h3", "https"} & set(kinds):
            yield "circumvent.transports.web_h3"
    yield from _HTTP
    yield from _VERDICTS
