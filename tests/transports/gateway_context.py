"""Options and contexts for tries of VPN gateways, in the laboratory and on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from circumvent.model.option import Endpoint, Option, Origin
from circumvent.model.secret import Secret
from circumvent.net.clock import Clock
from tests.faults.dns import Honest
from tests.faults.tunnel import OWN_RESOLVER, PUBLIC, Network
from tests.names.tries import context, plan
from tests.transports.voice_context import Result, attempt

if TYPE_CHECKING:
    from circumvent.model.option import Settings
    from circumvent.transport import Context
    from tests.lab.openconnect import Gateway
    from tests.lab.pki import Pki
    from tests.lab.sstp import SstpServer

__all__ = [
    "HONEST",
    "Result",
    "attempt",
    "gateway_option",
    "lab_context",
    "local_context",
    "local_option",
    "network",
]

HONEST = Honest()


def gateway_option(kind: str, server: Gateway | SstpServer, settings: Settings = None, **more: Any) -> Option:
    """Return the profile of a real server."""
    return _option(
        kind,
        Endpoint(
            host=server.name, port=more.pop("port", server.port), addresses=(more.pop("at", server.address),)
        ),
        settings,
        **{"user": server.user, "password": server.password, **more},
    )


def local_option(kind: str, port: int, settings: Settings = None, **more: Any) -> Option:
    """Return the profile of a server on loopback."""
    given = {"user": "alice", "password": "correct horse", **more}
    return _option(kind, Endpoint(host="lab.example", port=port, addresses=("127.0.0.1",)), settings, **given)


def _option(
    kind: str, endpoint: Endpoint, settings: Settings, *, user: str | None, password: str | None, **more: Any
) -> Option:
    return Option(
        id=f"{kind}-test",
        kind=kind,
        label="test",
        endpoint=endpoint,
        origin=Origin(source="argument"),
        settings=settings,
        user=None if user is None else Secret(user),
        password=None if password is None else Secret(password),
        **more,
    )


def lab_context(anchor: str, server: Gateway | SstpServer, **more: Any) -> Context:
    """Return what one attempt at a real server needs; the laboratory's resolver is the internet behind it."""
    names = plan(anchor, resolvers=(("198.51.100.10",),))
    return context(names, ca_file=server.ca_file, **more)


def local_context(pki: Pki, **more: Any) -> Context:
    """Return what one attempt at a server on loopback needs."""
    names = plan(HONEST.anchor, resolvers=tuple((address,) for address in PUBLIC))
    return context(names, ca_file=pki.ca_file, clock=Clock(started_wall=1_800_000_000.0), **more)


def network(**more: Any) -> Network:
    """Return a small internet in which everything works."""
    return Network(resolvers=dict.fromkeys((OWN_RESOLVER, *PUBLIC), HONEST), **more)
