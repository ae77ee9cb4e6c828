"""snowflake bridges: Tor's link over a data channel to a volunteer's device, which a broker finds.

A volunteer is asked for only where the way is gone to its end, so without the ``snowflake`` extra a try stops before that.
"""

from __future__ import annotations

import asyncio
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.model.snowflake import SnowflakeSettings
from circumvent.model.words import Reason
from circumvent.net.dial import DirectDialer
from circumvent.net.errors import CannotTry, PeerError, StepFailed
from circumvent.tor.errors import TorError
from circumvent.tor.snowflake.broker import PROXY_TIME, Refused
from circumvent.tor.snowflake.sdp import read_answer
from circumvent.transports.snowflake_broker import reach_broker
from circumvent.transports.snowflake_network import Network, look
from circumvent.transports.tor_link import prove_tor_link

if TYPE_CHECKING:
    from types import ModuleType

    from circumvent.model.option import Option
    from circumvent.model.record import Json
    from circumvent.tor.snowflake.sdp import Description
    from circumvent.transport import Context
    from circumvent.transports.snowflake_broker import Broker
    from circumvent.transports.snowflake_channel import DataChannel

#: Seconds that ``rendezvous`` may take (the broker waits ten for a proxy), and each step of the data channel.
RENDEZVOUS: Final = PROXY_TIME + 5.0
CHANNEL: Final = 10.0

BY_QUEUE: Final = "its broker is asked by a queue (SQS), which is not spoken"
THROUGH_ANOTHER: Final = "its broker answers; a data channel can't be carried"
#: What is missing comes first: people read "needs …".
NO_EXTRA: Final = "circumvent[snowflake] to go on; its broker answers"
NO_ASYNCIO: Final = "its broker answers; the data channel needs asyncio"
#: What a broker that has no answer says, in our words.
SAID: Final = {
    Refused.NO_PROXIES: "no snowflake proxy is available just now",
    Refused.PROXY_SILENT: "the proxy that was picked did not answer",
    Refused.UNKNOWN_BRIDGE: "the broker does not know this bridge",
}


@dataclass(slots=True)
class _Found:
    """What is known before a proxy is asked for."""

    broker: Broker | None = None
    network: Network | None = None
    failure: StepFailed | CannotTry | None = None
    no_way: StepFailed | None = None


class Snowflake:
    """Tries options of kind ``snowflake``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Reach the broker and the STUN servers, get a proxy, and prove the relay behind it up to ``context.goal``.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: when nothing was sent, and where no proxy may be asked for.
        """
        settings = option.settings
        if not isinstance(settings, SnowflakeSettings):
            raise CannotTry(Reason.UNSUPPORTED, "a snowflake bridge without its broker")
        if not settings.url:
            raise CannotTry(Reason.UNSUPPORTED, BY_QUEUE)
        found = _Found()
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(_look, settings, context, found)
                group.start_soon(_reach, option, settings, context, found)
            await _go_on(option, context, found)
        finally:
            if found.broker is not None:
                with anyio.CancelScope(shield=True):
                    await found.broker.aclose()


async def _reach(option: Option, settings: SnowflakeSettings, context: Context, found: _Found) -> None:
    try:
        found.broker = await reach_broker(option, settings, context)
    except (StepFailed, CannotTry) as exc:
        found.failure = exc


async def _look(settings: SnowflakeSettings, context: Context, found: _Found) -> None:
    """Ask the STUN servers beside the broker, as the client does. Through a tunnel they would answer for its far end."""
    if not isinstance(context.dialer, DirectDialer):
        return
    try:
        found.network = await look(settings.stun, context.dialer, context)
    except StepFailed as exc:
        found.no_way = exc


async def _go_on(option: Option, context: Context, found: _Found) -> None:
    trace = context.trace
    if found.broker is None:
        if isinstance(found.failure, StepFailed):
            trace.failure = found.failure.failure
        raise found.failure or CannotTry(Reason.UNSUPPORTED)
    if found.no_way is not None:
        trace.failure = found.no_way.failure
        raise found.no_way
    trace.failure = None
    if found.network is None or not isinstance(context.dialer, DirectDialer):
        raise CannotTry(Reason.UNSUPPORTED, THROUGH_ANOTHER)
    with trace.waiting():  # half a second of libraries
        module = _channel_module()
    channel: DataChannel = module.DataChannel(found.network.servers, context.dialer, context)
    try:
        await _open(channel, found.broker, found.network, context)
        await found.broker.aclose()
        await _prove(channel, option, context)
    finally:
        with anyio.CancelScope(shield=True):
            await channel.aclose()


def _channel_module() -> ModuleType:
    """Import what the extra brings.

    :raises CannotTry: when it is not there, or not of use.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise CannotTry(Reason.UNSUPPORTED, NO_ASYNCIO) from None
    try:
        return importlib.import_module("circumvent.transports.snowflake_channel")
    except ImportError:
        raise CannotTry(Reason.MISSING_EXTRA, NO_EXTRA) from None


async def _open(channel: DataChannel, broker: Broker, network: Network, context: Context) -> None:
    """Get a proxy (step ``rendezvous``) and open the data channel to it (``ice``, ``dtls_handshake``, ``data_channel``)."""
    trace = context.trace
    async with trace.step("rendezvous", limit=trace.limit or RENDEZVOUS) as step:
        step.detail["nat"] = str(network.nat)
        proxy = await _answer(await channel.offer(), broker, network, step.detail)
    trace.watch(channel)  # what fails from now on is not the connection to the broker
    async with trace.step("ice", limit=trace.limit or CHANNEL):
        await channel.connect(proxy)
    async with trace.step("dtls_handshake", limit=trace.limit or CHANNEL):
        await channel.shake_hands(proxy)
    async with trace.step("data_channel", limit=trace.limit or CHANNEL):
        await channel.open(proxy)


async def _answer(offer: str, broker: Broker, network: Network, detail: dict[str, Json]) -> Description:
    reply = await broker.ask(offer, network.nat)
    detail["said"] = str(reply.refused or "answer")
    if reply.sdp is None:
        words = SAID.get(reply.refused or Refused.OTHER)
        if words is None:
            raise PeerError(failures.WRONG_ANSWER, "the broker does not take the offer")
        raise PeerError(failures.NO_PROXY, words)
    try:
        return read_answer(reply.sdp)
    except TorError as exc:
        raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc


async def _prove(channel: DataChannel, option: Option, context: Context) -> None:
    """Speak Tor's link protocol through the proxy, with the tasks that move its packets beside it."""
    from circumvent.tor.snowflake.stream import SnowflakeStream  # noqa: PLC0415 - few checks come so far

    stream = SnowflakeStream(channel, chance=context.random, now=context.trace.clock.now)
    failure: StepFailed | CannotTry | None = None
    async with anyio.create_task_group() as group:
        group.start_soon(stream.run)
        try:
            await prove_tor_link(stream, option, context, step="tor_tls")
        except (StepFailed, CannotTry) as exc:
            failure = exc
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure


TRANSPORT = Snowflake()
