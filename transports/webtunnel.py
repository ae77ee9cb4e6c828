"""WebTunnel bridges: Tor's link protocol behind a web site, after an HTTP upgrade at a secret path."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.model.bridge import WebtunnelSettings
from circumvent.model.words import Proof, Reason
from circumvent.net.errors import CannotTry, PeerError
from circumvent.net.protocol_codes import http_status_failure
from circumvent.tor.webtunnel import SWITCHING_PROTOCOLS, UpgradeReader, chain_hash, request
from circumvent.transports.http_connect import Continued
from circumvent.transports.tor_channel import spoken
from circumvent.transports.tor_link import prove_tor_link

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.net.stream import ByteStream
    from circumvent.transport import Context

#: How much is read at once while the head of the answer arrives, in bytes.
CHUNK: Final = 4096


class Webtunnel:
    """Tries options of kind ``webtunnel``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Connect, speak TLS to the web site, upgrade, and prove the relay inside up to ``context.goal``.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: when nothing was sent.
        """
        if not isinstance(option.settings, WebtunnelSettings):
            raise CannotTry(Reason.UNSUPPORTED, "a WebTunnel bridge without its URL")
        settings = option.settings
        stream = await context.dialer.stream(option.endpoint, context.trace)
        try:
            if settings.tls:
                stream = await _start_tls(stream, option, settings, context)
            stream = await _upgrade(stream, settings, context)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(stream)
            raise
        await prove_tor_link(stream, option, context, step="tor_tls")


async def _start_tls(
    stream: ByteStream, option: Option, settings: WebtunnelSettings, context: Context
) -> ByteStream:
    """Shake hands with the web site. A pinned chain stands in the place of the authorities and the name."""
    from circumvent.net.tls import TlsConfig, start_tls  # noqa: PLC0415 - the crypto library is loaded while SYNs fly

    name = option.sni or option.endpoint.host
    config = TlsConfig(
        server_name=name,
        verify_name=None if settings.chain_hash is not None else name,
        trust=context.trust if option.ca is None else context.trust.with_extra(option.ca),
    )
    tls = await start_tls(stream, config, context.trace)
    if settings.chain_hash is not None:
        async with context.trace.step("pin"):
            if not hmac.compare_digest(chain_hash(tls.peer.chain), settings.chain_hash):
                with anyio.CancelScope(shield=True):
                    await tls.aclose()
                raise PeerError(failures.WRONG_KEY, "the chain is another one than the line's")
    return tls


async def _upgrade(stream: ByteStream, settings: WebtunnelSettings, context: Context) -> ByteStream:
    """Ask for the upgrade at the secret path (step ``http_upgrade``)."""
    async with context.trace.step("http_upgrade") as step:
        await stream.send(request(settings.host, settings.path))
        reader = UpgradeReader()
        with spoken():
            while (answer := reader.feed(await stream.receive(CHUNK))) is None:
                pass
        context.trace.prove(Proof.REACHED)
        step.detail["status"] = answer.status
        if not answer.accepted:
            if answer.status == SWITCHING_PROTOCOLS:
                raise PeerError(failures.WRONG_ANSWER, "it switches to another protocol")
            error, detail = http_status_failure(answer.status)
            raise PeerError(error, detail)
    return Continued(stream, answer.rest) if answer.rest else stream


TRANSPORT = Webtunnel()
