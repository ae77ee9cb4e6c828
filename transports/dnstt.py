"""dnstt bridges: Tor's link protocol in DNS questions, which a resolver passes on to the bridge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.model.bridge import DnsttSettings
from circumvent.model.words import Proof, Reason
from circumvent.net.errors import CannotTry, PeerError, StepFailed
from circumvent.net.protocol_codes import rcode_failure
from circumvent.tor.errors import TorError
from circumvent.transports.dnstt_link import open_link
from circumvent.transports.tor_link import prove_tor_link

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

    from circumvent.model.option import Option
    from circumvent.model.record import Json
    from circumvent.tor.dnstt.questions import Encoder
    from circumvent.tor.dnstt.stream import DnsttStream, ResolverLink
    from circumvent.transport import Context

#: Seconds that the steps ``recursion`` and ``noise_handshake`` may take: a resolver may be slow, and tries several servers.
LIMIT: Final = 10.0
#: Seconds until the question of ``recursion`` is asked again: a datagram may be lost.
AGAIN: Final = 1.5
#: How often it is asked at most. The server keeps a poll for up to a second, for which some resolvers give it up.
MOST_ASKED: Final = 6
#: Seconds before it is asked again.
PAUSE: Final = 0.25
_SERVFAIL: Final = 2


class Dnstt:
    """Tries options of kind ``dnstt``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Ask the resolver for the bridge's names, shake hands through it, and prove the relay up to ``context.goal``.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: when nothing was sent.
        """
        settings = option.settings
        if not isinstance(settings, DnsttSettings):
            raise CannotTry(Reason.UNSUPPORTED, "a dnstt bridge without its key")
        failure: StepFailed | CannotTry | None = None
        async with anyio.create_task_group() as group:
            try:
                await _attempt(option, settings, context, group)
            except (StepFailed, CannotTry) as exc:
                failure = exc
            group.cancel_scope.cancel()
        if failure is not None:
            raise failure


async def _attempt(option: Option, settings: DnsttSettings, context: Context, group: TaskGroup) -> None:
    link = await open_link(option, settings, context, group)
    try:
        from circumvent.tor.dnstt.questions import Encoder  # noqa: PLC0415 - loaded while packets fly
        from circumvent.tor.dnstt.stream import DnsttStream  # noqa: PLC0415 - as above

        encoder = Encoder(settings.domain, context.random)
        await _recurse(link, encoder, context, again=settings.resolver == "udp")
        stream = DnsttStream(
            link,
            encoder,
            server_key=settings.public_key,
            chance=context.random,
            now=context.trace.clock.now,
        )
        group.start_soon(stream.run)
        await _shake_hands(stream, context)
        await prove_tor_link(stream, option, context, step="tor_tls")
    finally:
        with anyio.CancelScope(shield=True):
            await link.aclose()


async def _recurse(link: ResolverLink, encoder: Encoder, context: Context, *, again: bool) -> None:
    """Find out whether the resolver passes questions on to the bridge's server (step ``recursion``).

    A poll (TXT) is what dnstt lives on. The same for an address (A), which the server denies, tells a resolver that does
    not reach the server from one that does and lets no TXT pass.
    """
    from circumvent.tor.dnstt.questions import A, asked_type  # noqa: PLC0415 - as above

    trace = context.trace
    async with trace.step("recursion", limit=trace.limit or LIMIT) as step:
        types: list[Json] = []
        step.detail["types"] = types
        for left in reversed(range(MOST_ASKED)):
            asked = trace.clock.now()
            await link.send(encoder.question())
            await link.send(encoder.question(rdtype=A))
            with anyio.move_on_after(AGAIN if again else LIMIT):
                while (message := await link.receive()) is not None:
                    if asked_type(message) == A:
                        types += [] if "A" in types else ["A"]
                    elif _answers(encoder, message, final=not left):
                        types.append("TXT")
                        step.detail["longest_answer"] = len(message)
                        trace.round_trip(trace.clock.now() - asked)
                        trace.prove(Proof.REACHED)
                        return
                    else:
                        break
            await anyio.sleep(PAUSE)
        raise TimeoutError


def _answers(encoder: Encoder, message: bytes, *, final: bool) -> bool:
    """Tell whether a dnstt server answered. A resolver that gave up on it may have better luck, unless this was ``final``.

    :raises PeerError: when the resolver says no, or something else answers.
    """
    from circumvent.tor.dnstt.questions import RcodeError  # noqa: PLC0415 - as above

    try:
        encoder.packets(message)
    except RcodeError as exc:
        if exc.rcode == _SERVFAIL and not final:
            return False
        raise PeerError(*rcode_failure(exc.rcode)) from exc
    except TorError as exc:
        raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc
    return True


async def _shake_hands(stream: DnsttStream, context: Context) -> None:
    """Shake hands with the holder of the bridge's key (step ``noise_handshake``)."""
    trace = context.trace
    async with trace.step("noise_handshake", limit=trace.limit or LIMIT) as step:
        began = trace.clock.now()
        try:
            await stream.shake_hands()
        finally:
            step.detail["strays"] = stream.strays
            step.detail["longest_answer"] = stream.longest
        trace.round_trip(trace.clock.now() - began)


TRANSPORT = Dnstt()
