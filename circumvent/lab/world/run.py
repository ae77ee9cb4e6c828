"""The process of the world: reads a description, opens every port, says so in one line, serves until it is ended.

The line on standard output is ``{"ready": true, "servers": N, "seconds": S}``, or ``{"ready": false, "error": "..."}``
before it ends with status 1. Standard error is its log. It dies with its parent.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import dns.name

from circumvent.lab.world import crypt, openvpn, pages, prepare, real, resolver, voice
from circumvent.lab.world.answers import MOST_UDP, Responder, Zone
from circumvent.lab.world.children import Children
from circumvent.lab.world.connect import ConnectServer
from circumvent.lab.world.description import (
    Bridge,
    Character,
    Connect,
    DescriptionError,
    Disguise,
    Dnscrypt,
    DnscryptRelay,
    Names,
    Odoh,
    Openvpn,
    Silent,
    Socks,
    Voice,
    Web,
    Wireguard,
)
from circumvent.lab.world.disguises import MEEK_PORT, WEBTUNNEL_PORT, MeekServer, WebtunnelServer, inner
from circumvent.lab.world.http import ALPN, http_server
from circumvent.lab.world.listen import BUFFER, Listeners, server_context
from circumvent.lab.world.oblivious import Relay, Target
from circumvent.lab.world.outward import Outward
from circumvent.lab.world.quic import serve_http3
from circumvent.lab.world.socks import SocksServer
from circumvent.lab.world.wireguard import Tunnel, serve_wireguard

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.lab.world.description import Server, Service
    from circumvent.lab.world.http import Handler
    from circumvent.lab.world.prepare import Prepared

_PR_SET_PDEATHSIG: Final = 1
#: Descriptors that a world with all its connections may need.
_DESCRIPTORS: Final = 16384


class Running:
    """A world whose servers run in this process's event loop."""

    def __init__(self, prepared: Prepared) -> None:
        self._prepared = prepared
        self._listeners = Listeners()
        self._children = Children()
        self._zones: dict[str, Zone] = {}
        self._honest = self._responder("", Names())

    async def start(self) -> None:
        """Open every port of every server, and start the daemons that stand in for some.

        :raises OSError: when a port cannot be had, or a daemon does not come up.
        """
        for server in self._prepared.world.servers:
            for service in server.services:
                left = real.rest(server, service)
                try:
                    if left is not None:
                        await self._serve(server, left)
                except OSError as exc:
                    raise OSError(exc.errno, f"{server.name}: {exc.strerror or exc}") from exc
        daemons = [
            command
            for server in self._prepared.world.servers
            for command in real.commands(self._prepared, server)
        ]
        try:
            await self._children.start(daemons)
        except* OSError as group:
            raise OSError(str(group.exceptions[0])) from None

    def close(self) -> None:
        """Close every port and end every daemon."""
        self._listeners.close()
        self._children.close()

    async def _serve(self, server: Server, service: Service) -> None:
        listeners, addresses, pair = self._listeners, server.addresses, self._prepared.pairs[server.name]
        match service:
            case Names():
                await resolver.serve_names(
                    listeners, addresses, service, self._responder(server.name, service), pair
                )
            case Dnscrypt() | DnscryptRelay():
                await self._serve_crypt(server, service)
            case Odoh():
                await self._serve_https(server, self._oblivious(server, service))
            case Web():
                await self._serve_web(server, service)
            case Socks():
                await listeners.tcp(
                    addresses, service.port, SocksServer(service, self._outward(server)).serve
                )
            case Connect():
                tls = server_context(pair, "http/1.1") if service.tls else None
                proxy = ConnectServer(service, self._outward(server))
                await listeners.tcp(addresses, service.port, proxy.serve, tls=tls)
            case Voice():
                await voice.serve_voice(listeners, addresses, service, pair)
            case Wireguard() | Openvpn():
                await self._serve_tunnel(server, service)
            case Silent() | Disguise():
                await self._serve_beside_bridge(server, service)

    async def _serve_crypt(self, server: Server, service: Dnscrypt | DnscryptRelay) -> None:
        if isinstance(service, DnscryptRelay):
            allowed = set(self._prepared.world.addresses())
            await crypt.serve_relay(self._listeners, server.addresses, service.port, allowed)
            return
        crypted = crypt.CryptServer(
            self._responder(server.name, Names()),
            name=server.name,
            provider_key=self._prepared.provider_key(server.name),
            constructions=service.constructions,
        )
        await crypt.serve_dnscrypt(self._listeners, server.addresses, service, crypted)

    async def _serve_beside_bridge(self, server: Server, service: Silent | Disguise) -> None:
        """Serve what is no bridge itself, which tor's own program is: between a web site and one, or in its place."""
        if isinstance(service, Silent):
            tls = server_context(self._prepared.pairs[server.name])
            await self._listeners.tcp(server.addresses, service.port, _say_nothing, tls=tls)
            return
        bridge, own = self._prepared.world.server(service.bridge), (inner(server),)
        port = next(one.port for one in bridge.services if isinstance(one, Bridge))
        meek, webtunnel = MeekServer((bridge.ipv4, port)), WebtunnelServer((bridge.ipv4, port))
        await self._listeners.tcp(own, MEEK_PORT, meek.serve)
        await self._listeners.tcp(own, WEBTUNNEL_PORT, webtunnel.serve)

    async def _serve_tunnel(self, server: Server, service: Wireguard | Openvpn) -> None:
        answers, addresses = self._datagram_answers(server), server.addresses
        if isinstance(service, Wireguard):
            tunnel = Tunnel(self._prepared.tunnels[server.name], answers)
            await serve_wireguard(self._listeners, addresses, service.port, tunnel)
        else:
            peer = openvpn.Server(self._prepared.pairs[server.name], answers)
            await openvpn.serve_openvpn(self._listeners, addresses, service.port, peer)

    async def _serve_web(self, server: Server, web: Web) -> None:
        handler = pages.handler_of(web)
        await self._serve_https(server, handler)
        if web.clear:
            await self._listeners.tcp(server.addresses, 80, http_server(handler))
        if web.http3:
            pair = self._prepared.pairs[server.name]
            await serve_http3(self._listeners, server.addresses, 443, pair, handler)

    async def _serve_https(self, server: Server, handler: Handler) -> None:
        context = server_context(self._prepared.pairs[server.name], *ALPN)
        await self._listeners.tcp(server.addresses, 443, http_server(handler), tls=context)

    def _oblivious(self, server: Server, service: Odoh) -> Handler:
        if service.role == "target":
            return Target(self._responder(server.name, Names())).handle
        return Relay(resolve=self._honest.addresses, trust=self._prepared.ca, source=server.ipv4).handle

    def _outward(self, server: Server) -> Outward:
        return Outward(self._honest.addresses, server.addresses)

    def _datagram_answers(self, server: Server) -> Callable[[bytes], bytes | None]:
        responder = self._responder(server.name, Names())
        return lambda message: responder.respond(message, limit=MOST_UDP)

    def _responder(self, identity: str, names: Names) -> Responder:
        return Responder(
            zone=self._zone(names.character),
            identity=identity,
            character=names.character,
            listed=frozenset(dns.name.from_text(name) for name in names.listed),
            lies=names.lies,
        )

    def _zone(self, character: Character) -> Zone:
        name = prepare.zone_of(character)
        if name not in self._zones:
            self._zones[name] = Zone(self._prepared.zone(name).read_text(encoding="ascii"))
        return self._zones[name]


async def _say_nothing(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    while await reader.read(BUFFER):
        pass


def _set_clock(ahead: float) -> None:
    """Move the clock of this interpreter, as Linux has no namespace for the time of day."""
    if ahead:
        true_time = time.time
        time.time = lambda: true_time() + ahead


async def serve(path: Path) -> int:
    """Run a world until SIGTERM or SIGINT; return the exit status."""
    began = time.monotonic()
    try:
        prepared = prepare.read(path)
        _set_clock(prepared.world.clock)
        running = Running(prepared)
    except (OSError, DescriptionError) as exc:
        _say({"ready": False, "error": str(exc)})
        return 1
    try:
        await running.start()
    except OSError as exc:
        running.close()
        _say({"ready": False, "error": str(exc)})
        return 1
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    _say(
        {
            "ready": True,
            "servers": len(prepared.world.servers),
            "seconds": round(time.monotonic() - began, 3),
        }
    )
    await stopped.wait()
    running.close()
    return 0


def _say(line: dict[str, object]) -> None:
    print(json.dumps(line), flush=True)  # noqa: T201 - this line is the interface


def tie_to_parent(parent: int) -> None:
    """Die when the parent dies, whatever kills it; at once if it is dead already."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


def main(arguments: list[str] | None = None) -> int:
    """Run ``python -m circumvent.lab.world DESCRIPTION [PARENT]``."""
    given = sys.argv[1:] if arguments is None else arguments
    if not 1 <= len(given) <= 2:
        sys.stderr.write("usage: python -m circumvent.lab.world DESCRIPTION.json [PARENT-PID]\n")
        return 2
    if len(given) == 2:
        tie_to_parent(int(given[1]))
    with contextlib.suppress(OSError, ValueError):
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return asyncio.run(serve(Path(given[0])))
