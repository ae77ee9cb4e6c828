"""The link to a Tor relay over any byte stream, and the proof that goes through it.

Written once for every way to a bridge: a socket, obfs4, webtunnel, meek. Steps: the link's own TLS, ``tunnel_handshake``
(VERSIONS, CERTS, AUTH_CHALLENGE, NETINFO), ``circuit`` (CREATE_FAST), ``carry`` (the relay's signed descriptor),
``sustain_down``, ``sustain_up``; ``idle`` where that is asked for.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.model.words import Proof
from circumvent.net.errors import PeerError
from circumvent.tor import cells, certs
from circumvent.tor.cells import Command
from circumvent.tor.errors import NotValidNowError
from circumvent.transports.tor_channel import Channel, open_hop, spoken
from circumvent.transports.tor_directory import Directory

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.net.stream import ByteStream
    from circumvent.net.tls import TlsStream
    from circumvent.net.trace import OpenStep
    from circumvent.tor.cells import Netinfo
    from circumvent.tor.certs import Identity
    from circumvent.transport import Context

#: Letters of the host names that tor makes up for the link's TLS (base32), and how many there are of them.
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz234567"
_SHORTEST_NAME, _LONGEST_NAME = 4, 25
#: Seconds that the goodbye may take.
_GOODBYE: Final = 0.1
_GONE: Final = (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError)


async def prove_tor_link(
    stream: ByteStream, option: Option, context: Context, *, step: str = "tls_handshake", direct: bool = False
) -> None:
    """Speak Tor's link protocol over ``stream`` and prove as much as ``context.goal`` asks for; closes the stream.

    The peer must be the relay of the settings' ``fingerprint``. Where there is none, whoever answers is believed, and
    the step's detail says so. ``step`` is the name of the link's TLS; ``direct``: we are connected to the relay itself.

    :raises StepFailed: when a step failed; the proof so far stands.
    """
    # Inside a disguise what we are connected to is a web server or a resolver, which is none of the bridge's business.
    address = context.trace.address if direct else None
    tls = await _start_tls(stream, context, step)
    channel = Channel(tls)
    try:
        identity = await _handshake(channel, tls, option, context, address)
        async with context.trace.step("circuit"):
            hop = await open_hop(channel, context)
        directory = Directory(channel, hop, identity, context, address, below=stream)
        await directory.carry()
        if context.goal.at_least(Proof.SUSTAINED):
            await directory.sustain()
        if context.idle is not None:
            await directory.idle(context.idle)
        with anyio.move_on_after(_GOODBYE), suppress(*_GONE):
            await hop.destroy()
    finally:
        with anyio.CancelScope(shield=True):
            await channel.aclose()


async def _start_tls(stream: ByteStream, context: Context, step: str) -> TlsStream:
    """Shake hands as tor does: a name that was made up, and no word about the certificate yet.

    Who answers is proved inside, by certificates that name the one of this connection (tor-spec, "Link handshake").
    """
    from circumvent.net.tls import TlsConfig, start_tls  # noqa: PLC0415 - the crypto library is loaded while SYNs fly

    length = context.random.randint(_SHORTEST_NAME, _LONGEST_NAME)
    name = "".join(context.random.choice(_LETTERS) for _ in range(length))
    config = TlsConfig(server_name=f"www.{name}.com", verify_name=None, trust=context.trust)
    return await start_tls(stream, config, context.trace, step=step)


async def _handshake(
    channel: Channel, tls: TlsStream, option: Option, context: Context, address: str | None
) -> Identity:
    """Agree on a link protocol and let the relay prove who it is, before it hears anything of us."""
    trace, fingerprint = context.trace, _fingerprint(option)
    async with trace.step("tunnel_handshake") as step:
        step.detail["authenticated"] = fingerprint is not None
        await channel.send(cells.versions())
        with spoken():
            channel.protocol = cells.agree(await channel.receive(Command.VERSIONS))
            step.detail["version"] = channel.protocol
            shown = cells.read_certs((await channel.receive(Command.CERTS)).payload)
            cells.read_auth_challenge((await channel.receive(Command.AUTH_CHALLENGE)).payload)
            theirs = cells.read_netinfo((await channel.receive(Command.NETINFO)).payload)
            _note_clock(theirs, context, step)
            identity = _verify(shown, tls.peer.chain[0], theirs, trace.clock.wall())
        if fingerprint is not None and identity.fingerprint != fingerprint:
            raise PeerError(failures.WRONG_KEY, "another relay answered")
        trace.prove(Proof.HANDSHAKEN)
        await channel.send(cells.netinfo(address))
    return identity


def _verify(
    shown: tuple[cells.Certificate, ...], tls_certificate: bytes, theirs: Netinfo, now: float
) -> Identity:
    """Verify the certificates at our time. What is good at the relay's own time only means that the clocks differ."""
    try:
        return certs.verify(shown, tls_certificate, now)
    except NotValidNowError as exc:
        try:
            certs.verify(shown, tls_certificate, theirs.time)
        except NotValidNowError:
            word = failures.SSL_EXPIRED if now > exc.moment else failures.SSL_NOT_YET_VALID
            raise PeerError(word, str(exc)) from exc
        raise PeerError(failures.CLOCK_SKEW, str(exc)) from exc


def _note_clock(theirs: Netinfo, context: Context, step: OpenStep) -> None:
    """Read the relay's clock: local minus its time, in seconds. Bridges may keep theirs to themselves (0)."""
    if theirs.time:
        clock = context.trace.clock
        step.detail["clock_skew_s"] = round(clock.local(clock.now()) - theirs.time, 1)


def _fingerprint(option: Option) -> bytes | None:
    fingerprint: bytes | None = getattr(option.settings, "fingerprint", None)
    return fingerprint
