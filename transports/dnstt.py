"""dnstt bridges: Tor's link protocol in DNS questions, which a resolver passes on to the bridge."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn

import anyio

from circumvent.model import failure as failures
from circumvent.model.bridge import DnsttSettings
from circumvent.model.words import Proof, Reason
from circumvent.names.exchange import STRAY_PATIENCE
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
#: Seconds until the question of ``recursion`` is asked again, twice as long each time. A datagram may be lost; and the server
#: keeps a poll for up to a second, for which some resolvers give it up, unless another question comes.
FIRST_WAIT: Final = 0.3
MOST_ASKED: Final = 6
#: Seconds before a resolver that gave up (SERVFAIL) is asked again.
PAUSE: Final = 0.25
#: How a line ends that is not all of a bridge.
NO_KEY: Final = "this resolver leads to its server; no tunnel without its key"
NO_DOMAIN: Final = "this resolver passes questions on; the line has no bridge"


class Dnstt:
    """Tries options of kind ``dnstt``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Ask the resolver for the bridge's names, shake hands through it, and prove the relay up to ``context.goal``.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: when nothing was sent, or the line has no key: then with what the resolver lets pass.
        """
        settings = option.settings
        if not isinstance(settings, DnsttSettings):
            raise CannotTry(Reason.UNSUPPORTED, "a dnstt bridge without a resolver")
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
        if not settings.domain:
            await _try_resolver(link, context)
        from circumvent.tor.dnstt.questions import Encoder  # noqa: PLC0415 - loaded while packets fly
        from circumvent.tor.dnstt.stream import DnsttStream  # noqa: PLC0415 - as above

        encoder = Encoder(settings.domain, context.random)
        await _recurse(link, encoder, context)
        if settings.public_key is None:
            await _try_way(link, encoder, context)
        stream = DnsttStream(
            link,
            encoder,
            server_key=settings.public_key,
            chance=context.random,
            now=context.trace.clock.now,
        )
        running, ended = anyio.CancelScope(), anyio.Event()
        group.start_soon(_run, stream, running, ended)
        try:
            await _shake_hands(stream, context)
        except StepFailed as exc:
            running.cancel()
            await ended.wait()
            if exc.error == failures.GENERIC_TIMEOUT:
                await _look_closer(link, encoder, context)
            context.trace.failure = exc.failure
            raise
        await prove_tor_link(stream, option, context, step="tor_tls")
    finally:
        with anyio.CancelScope(shield=True):
            await link.aclose()


async def _run(stream: DnsttStream, scope: anyio.CancelScope, ended: anyio.Event) -> None:
    """Let the stream have the link, until ``scope`` is cancelled; then others may."""
    try:
        with scope:
            await stream.run()
    finally:
        ended.set()


async def _look_closer(link: ResolverLink, encoder: Encoder, context: Context) -> None:
    """Where nobody shakes hands: find out whether the questions for it pass at all (step ``questions``)."""
    from circumvent.transports import dnstt_keyless as keyless  # noqa: PLC0415 - few handshakes fail

    limit = context.trace.limit or context.trace.timeouts.limit
    with suppress(StepFailed):
        await keyless.measure_questions(link, keyless.ServersZone(encoder), context, limit)


async def _try_resolver(link: ResolverLink, context: Context) -> NoReturn:
    """Ask for names of nobody's, and end."""
    from circumvent.transports import dnstt_keyless as keyless  # noqa: PLC0415 - few lines have no key

    zone = keyless.RootZone(context)
    await keyless.recurse_to_root(link, zone, context, context.trace.limit or LIMIT)
    await keyless.measure(link, zone, context, context.trace.limit or context.trace.timeouts.limit)
    raise CannotTry(Reason.UNSUPPORTED, NO_DOMAIN)


async def _try_way(link: ResolverLink, encoder: Encoder, context: Context) -> NoReturn:
    """Ask for names of the server's that begin no session, and end."""
    from circumvent.transports import dnstt_keyless as keyless  # noqa: PLC0415 - few lines have no key

    limit = context.trace.limit or context.trace.timeouts.limit
    await keyless.measure(link, keyless.ServersZone(encoder), context, limit)
    raise CannotTry(Reason.UNSUPPORTED, NO_KEY)


async def _recurse(link: ResolverLink, encoder: Encoder, context: Context) -> None:
    """Find out whether the resolver passes questions on to the bridge's server (step ``recursion``).

    A poll (TXT) is what dnstt lives on. Where none comes back at once, the same for an address (A), which the server denies,
    tells a resolver that does not reach the server from one that does and lets no TXT pass. After a wrong answer the right
    one may still follow: anybody can send the first. A resolver that gave up on the server (SERVFAIL) is asked again.
    """
    from circumvent.tor.dnstt.questions import A, asked_type  # noqa: PLC0415 - as above

    trace = context.trace
    async with trace.step("recursion", limit=trace.limit or LIMIT) as step:
        types: list[Json] = []
        step.detail["types"] = types
        began = trace.clock.now()
        for turn in range(MOST_ASKED):
            if turn:
                await link.send(encoder.question(rdtype=A))
            await link.send(encoder.question())
            problem: PeerError | None = None
            with anyio.move_on_after(FIRST_WAIT * 2**turn) as window:
                while problem is None or problem.error != failures.DNS_SERVFAIL:
                    message = await link.receive()
                    if asked_type(message) == A:
                        types += [] if "A" in types else ["A"]
                        continue
                    if (problem := _problem(encoder, message)) is None:
                        types.append("TXT")
                        step.detail["longest_answer"] = len(message)
                        trace.round_trip(trace.clock.now() - began)
                        trace.prove(Proof.REACHED)
                        return
                    window.deadline = anyio.current_time() + STRAY_PATIENCE
            patient = problem is None or problem.error == failures.DNS_SERVFAIL
            if problem is not None and not (patient and turn < MOST_ASKED - 1):
                raise problem
            await anyio.sleep(0 if problem is None else PAUSE)
        raise TimeoutError


def _problem(encoder: Encoder, message: bytes) -> PeerError | None:
    """Return what keeps a message from being the answer of a dnstt server; ``None`` if it is one."""
    from circumvent.tor.dnstt.questions import RcodeError  # noqa: PLC0415 - as above

    try:
        encoder.packets(message)
    except RcodeError as exc:
        return PeerError(*rcode_failure(exc.rcode))
    except TorError as exc:
        return PeerError(failures.WRONG_ANSWER, str(exc))
    return None


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
