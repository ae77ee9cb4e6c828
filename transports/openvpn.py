"""OpenVPN (draft-openvpn-wire-protocol): over UDP and TCP; plain, tls-auth, tls-crypt and tls-crypt-v2."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from circumvent.model.openvpn import OpenvpnSettings
from circumvent.model.option import Option, Origin
from circumvent.model.words import Proof, Reason
from circumvent.net.errors import CannotTry, StepFailed
from circumvent.net.gate import begin_crypto
from circumvent.transport import Carrier, load
from circumvent.transports.openvpn_link import DatagramLink, Link, StreamLink
from circumvent.transports.openvpn_session import Session, make_wrapping, offered_ciphers
from circumvent.transports.tunnel_proof import prove_tunnel
from circumvent.vpn.openvpn.tls import ControlTls, IdentityError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from circumvent.model.openvpn import Proxy, Remote
    from circumvent.model.option import Endpoint
    from circumvent.net.stream import Dialer
    from circumvent.net.trace import Trace
    from circumvent.transport import Context

#: Variants of one option that are tried: more is a list of servers, and belongs into options of their own.
MOST_REMOTES: Final = 6
#: What two servers may take to answer, all of them together may; but each has at least so many seconds.
LEAST: Final = 2.0


class Openvpn:
    """Steps: ``connect``, ``tunnel_handshake``, ``tls_handshake``, ``authenticate``, then those of the tunnel."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Try the profile's servers in their order; the first that answers decides.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: when the profile wants what this version does not speak.
        """
        settings = option.settings
        if not isinstance(settings, OpenvpnSettings):
            raise CannotTry(Reason.UNSUPPORTED, "this option has no OpenVPN profile")
        require_spoken(settings)
        remotes = [_located(remote, option.endpoint) for remote in settings.remotes[:MOST_REMOTES]]
        if settings.shuffled:
            context.random.shuffle(remotes)
        *others, last = remotes
        limit = _limit(context.trace, len(remotes))
        for remote in others:
            try:
                await self._try(option, settings, remote, context, limit)
            except StepFailed:
                if context.trace.proof is not Proof.NONE:
                    raise
                context.trace.another_way()
            else:
                return
        await self._try(option, settings, last, context, limit)

    async def _try(
        self, option: Option, settings: OpenvpnSettings, remote: Remote, context: Context, limit: float | None
    ) -> None:
        trace = context.trace
        try:
            tls = await begin_crypto(trace, ControlTls, settings, now=trace.clock.wall())
        except IdentityError as exc:
            raise CannotTry(Reason.UNSUPPORTED, str(exc)) from None
        with _limited(trace, limit):
            link = await open_link(remote, context)
        session = Session(option, settings, remote, link, trace)
        try:
            with _limited(trace, limit):
                await session.reset()
            await session.start_tls(tls)
            if await session.log_in():
                await prove_tunnel(session, option, context)
        finally:
            await session.aclose()


@contextmanager
def _limited(trace: Trace, limit: float | None) -> Iterator[None]:
    """Let steps that begin here have this limit (seconds)."""
    usual, trace.limit = trace.limit, limit
    try:
        yield
    finally:
        trace.limit = usual


def _limit(trace: Trace, count: int) -> float | None:
    """Return the limit of the steps until a server has answered, where there are ``count`` of them (seconds)."""
    if count <= 2:
        return trace.limit
    usual = trace.timeouts.limit if trace.limit is None else trace.limit
    return max(usual * 2 / count, LEAST)


def _located(remote: Remote, endpoint: Endpoint) -> Remote:
    """Return ``remote`` with the addresses of the option's endpoint, if it has the same host."""
    if remote.endpoint.host != endpoint.host:
        return remote
    return replace(remote, endpoint=replace(remote.endpoint, addresses=endpoint.addresses))


def require_spoken(settings: OpenvpnSettings) -> None:
    """Refuse what can't be tried, before anything is sent.

    :raises CannotTry: with the words for it.
    """
    if settings.unsupported is not None:
        raise CannotTry(Reason.UNSUPPORTED, settings.unsupported)
    make_wrapping(settings, 0)
    offered_ciphers(settings)


async def open_link(remote: Remote, context: Context) -> Link:
    """Open the way to one server, through the profile's proxy if it has one.

    :raises StepFailed: when a step failed.
    :raises CannotTry: when nothing was sent.
    """
    dialer = context.dialer if remote.proxy is None else _through(remote.proxy, context)
    if remote.transport == "tcp":
        return StreamLink(await dialer.stream(remote.endpoint, context.trace), context.trace.clock)
    return DatagramLink(await dialer.datagram(remote.endpoint, context.trace))


def _through(proxy: Proxy, context: Context) -> Dialer:
    """Return a dialer through ``http-proxy`` or ``socks-proxy``."""
    transport = load(proxy.kind)
    if not isinstance(transport, Carrier):
        raise CannotTry(
            Reason.UNSUPPORTED, "the profile's proxy can't be used"
        )  # pragma: no cover - both are carriers
    carrier = Option(
        id="",
        kind=proxy.kind,
        label="proxy",
        endpoint=proxy.endpoint,
        origin=Origin(source="profile"),
        user=proxy.user,
        password=proxy.password,
    )
    return transport.dialer(carrier, context)


TRANSPORT = Openvpn()
