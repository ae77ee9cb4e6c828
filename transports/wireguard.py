"""WireGuard and AmneziaWG: does the peer of a profile answer, and do packets go through.

A peer is silent to keys that it does not know, so silence says nothing about why. There is no goodbye in the protocol: a
tunnel that is left alone is forgotten by both sides.
"""

from __future__ import annotations

import base64
import ipaddress
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.model.wireguard import WireguardSettings
from circumvent.model.words import Proof, Reason
from circumvent.net.errors import CannotTry, PeerError
from circumvent.net.stream import Datagram
from circumvent.net.tunnel import TunnelFacts
from circumvent.transports.tunnel_proof import prove_tunnel
from circumvent.vpn.amneziawg.disguise import Disguised
from circumvent.vpn.wireguard.framing import Plain
from circumvent.vpn.wireguard.handshake import Identity
from circumvent.vpn.wireguard.peer import Cookie, Finished, Packet, Peer, PresharedKeyError

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.model.secret import Secret
    from circumvent.net.stream import DatagramStream
    from circumvent.net.trace import OpenStep
    from circumvent.transport import Context
    from circumvent.vpn.wireguard.framing import Framing
    from circumvent.vpn.wireguard.peer import Event

#: Seconds after which an initiation is made again. The protocol waits five, which no step here lasts.
AGAIN: Final = (1.0, 1.5, 2.5, 5.0)
#: What "port unreachable" is believed at: anybody can send one.
REFUSALS: Final = 2
#: Round trips in which the newest of several initiations should be answered.
PATIENCE: Final = 1.5
#: The packet size inside where a profile names none: that of wg-quick on an ordinary line, in bytes.
MTU: Final = 1420
#: What each packet has around it, in bytes, outer IPv6 and UDP included.
_AROUND: Final = 80
_ORDINARY_LINE: Final = 1500


class WireguardTransport:
    """Tries options of the kinds ``wireguard`` and ``amneziawg``: ``connect``, ``tunnel_handshake``, then the tunnel's."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Bring the tunnel up, and send packets of our own through it.

        :raises StepFailed: when a step failed; the proof so far stands.
        :raises CannotTry: when nothing was sent.
        """
        settings = settings_of(option)
        if settings.disguise is not None and settings.disguise.later:
            raise CannotTry(Reason.UNSUPPORTED, "AmneziaWG 3 is not spoken yet")
        datagrams = await context.dialer.datagram(option.endpoint, context.trace)
        tunnel = WireguardTunnel(datagrams, settings, context)
        try:
            await tunnel.open()
            await prove_tunnel(tunnel, option, context)
        finally:
            await tunnel.aclose()


class WireguardTunnel:
    """A :class:`~circumvent.net.tunnel.PacketTunnel` over one UDP socket."""

    def __init__(self, datagrams: DatagramStream, settings: WireguardSettings, context: Context) -> None:
        """Nothing is sent before :meth:`open`."""
        self._datagrams = datagrams
        self._context = context
        self._trace = context.trace
        self._facts = facts_of(settings)
        identity = Identity(
            private=_key(settings.private_key),
            peer=settings.peer_key,
            **({} if settings.preshared_key is None else {"preshared": _key(settings.preshared_key)}),
        )
        self._peer = Peer(identity, _framing(settings, context), mtu=self._facts.mtu)
        self._kept: list[Datagram] = []

    @property
    def facts(self) -> TunnelFacts:
        """Return what the profile says of the inside."""
        return self._facts

    async def open(self) -> None:
        """Run the step ``tunnel_handshake``.

        :raises StepFailed: when the peer did not answer, or could not prove its key.
        """
        async with self._trace.step("tunnel_handshake") as step:
            try:
                await self._shake_hands(step)
            except PresharedKeyError as exc:
                self._trace.prove(Proof.REACHED)
                raise PeerError(
                    failures.WRONG_KEY, "the peer answered, and its preshared key is not that of the profile"
                ) from exc
            finally:
                if self._peer.ignored:
                    step.detail["ignored"] = self._peer.ignored
            self._trace.prove(Proof.HANDSHAKEN)

    async def _shake_hands(self, step: OpenStep) -> None:
        """Send initiations until one is answered."""
        refused = 0
        cookies = 0
        tries = 0
        while True:
            await self._initiate()
            tries += 1
            step.detail["initiations"] = tries
            with anyio.move_on_after(AGAIN[min(tries, len(AGAIN)) - 1]):
                while True:
                    try:
                        event = await self._next()
                    except ConnectionRefusedError:
                        refused += 1
                        if refused >= REFUSALS:
                            raise
                        continue
                    if isinstance(event, Finished):
                        await self._catch_up(event.seconds)
                        return
                    if isinstance(event, Cookie):
                        cookies += 1
                        step.detail["cookies"] = cookies
                        if (
                            cookies == 1
                        ):  # once: a peer that always says so is asked no faster than one that is silent
                            break

    async def _catch_up(self, round_trip: float) -> None:
        """Wait for the answer to the newest initiation, where a slow peer has answered an earlier one first."""
        newest = self._peer.superseded()
        if newest is None:
            return
        left = newest + PATIENCE * round_trip - self._trace.clock.now()
        with anyio.move_on_after(max(left, 0.0)):
            while self._peer.superseded() is not None:
                await self._next()

    async def _initiate(self) -> None:
        clock = self._trace.clock
        for datagram in self._peer.initiate(clock.now(), clock.wall()):
            await self._datagrams.send(datagram)

    async def _next(self) -> Event | None:
        """Take in one datagram, and return what it says."""
        datagram = await self._datagrams.receive()
        event = self._peer.receive(datagram.data, datagram.arrived)
        if event is not None:
            self._trace.prove(Proof.REACHED)
        if isinstance(event, Finished):
            self._trace.round_trip(event.seconds)
        if isinstance(event, Packet) and event.data:
            self._kept.append(Datagram(event.data, datagram.arrived))
        return event

    async def send(self, packet: bytes) -> None:
        """Send an IP packet; begin another handshake beside it when the keys grow old.

        :raises OSError: as the system raises it.
        """
        now = self._trace.clock.now()
        if self._peer.stale(now):
            await self._initiate()
        await self._datagrams.send(self._peer.seal(packet, now))

    async def receive(self) -> Datagram:
        """Wait for the next IP packet. "Port unreachable" outside is passed over: the peer has answered before.

        :raises OSError: as the system raises it.
        """
        while not self._kept:
            try:
                await self._next()
            except ConnectionRefusedError:
                continue
        return self._kept.pop(0)

    async def aclose(self) -> None:
        """Close the socket; never raises."""
        await self._datagrams.aclose()


def settings_of(option: Option) -> WireguardSettings:
    """Return the settings of an option.

    :raises CannotTry: when it has none.
    """
    if not isinstance(option.settings, WireguardSettings):
        raise CannotTry(Reason.UNSUPPORTED, "this option has no keys")
    return option.settings


def facts_of(settings: WireguardSettings) -> TunnelFacts:
    """Return what a profile says about the inside.

    The peer's own address is in no profile; the first one of our network is a guess that most are set up by.
    """
    inside = [ipaddress.ip_interface(address) for address in settings.addresses]
    gateways = []
    for interface in inside:
        network = interface.network
        if network.prefixlen < network.max_prefixlen - 1 and (first := network[1]) != interface.ip:
            gateways.append(str(first))
    padding = 0 if settings.disguise is None else settings.disguise.paddings[3]
    return TunnelFacts(
        addresses=tuple(str(interface.ip) for interface in inside),
        resolvers=settings.resolvers,
        gateways=tuple(gateways),
        mtu=settings.mtu or min(MTU, _ORDINARY_LINE - _AROUND - padding),
    )


def _framing(settings: WireguardSettings, context: Context) -> Framing:
    plain = Plain(settings.reserved)
    if settings.disguise is None:
        return plain
    return Disguised(settings.disguise, plain, context.random)


def _key(secret: Secret) -> bytes:
    return base64.b64decode(secret.reveal())


TRANSPORT = WireguardTransport()
