"""IP packets in ESP in UDP: the packet tunnel of an IKE SA (RFC 4303, RFC 3948)."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError
from circumvent.net.stream import Datagram
from circumvent.net.tunnel import TunnelFacts
from circumvent.vpn.ikev2.errors import IkeError

if TYPE_CHECKING:
    from circumvent.transports.ikev2_link import Conversation
    from circumvent.vpn.ikev2.authenticate import Established
    from circumvent.vpn.ikev2.message import Message

#: Bytes of a packet inside with which one outside stays below 1500, whatever the suite and family.
MTU: Final = 1400


class Ikev2Tunnel:
    """A :class:`circumvent.net.tunnel.PacketTunnel`. Whoever waits for packets answers the peer's requests too."""

    def __init__(self, conversation: Conversation, established: Established) -> None:
        """Take over a conversation whose CHILD SA is up.

        :raises PeerError: when the server gave us no address inside.
        """
        self._conversation = conversation
        self._esp = established.esp
        self._facts = tunnel_facts(established)
        #: Datagrams that did not prove right.
        self.ignored = 0

    @property
    def facts(self) -> TunnelFacts:
        """Return what the server said of the inside."""
        return self._facts

    async def send(self, packet: bytes) -> None:
        """Send one IP packet; errors are the socket's."""
        await self._conversation.link.send_esp(self._esp.seal(packet))

    async def receive(self) -> Datagram:
        """Wait for the next IP packet that authenticated.

        :raises anyio.EndOfStream: when the peer has deleted the SA.
        :raises OSError: as the system raises it.
        """
        while True:
            if self._conversation.ended:
                raise anyio.EndOfStream
            frame = await self._conversation.link.receive()
            try:
                if frame.ike:
                    await self._answer(self._conversation.opened(frame))
                    continue
                packet = self._esp.open(frame.data)
            except IkeError:
                self.ignored += 1
                continue
            if packet is not None:
                return Datagram(packet, frame.arrived)

    async def _answer(self, message: Message | None) -> None:
        if message is not None and not message.header.is_response:
            await self._conversation.respond(message)

    async def aclose(self) -> None:
        """Delete the SA and close the socket; never raises."""
        await self._conversation.goodbye()
        await self._conversation.link.aclose()


def tunnel_facts(established: Established) -> TunnelFacts:
    """Return what the server said of the inside: addresses that can be ours, and resolvers.

    A server without a pool narrows the selectors to the address that we may use.

    :raises PeerError: when there is no address.
    """
    given = [address for address in established.configuration.addresses if _usable(address)]
    narrowed = [str(one.first) for one in established.selectors if one.first == one.last]
    addresses = given or [address for address in narrowed if _usable(address)]
    if not addresses:
        raise PeerError(failures.PROXY_PROTOCOL_ERROR, "the server gave no address inside the tunnel")
    resolvers = [address for address in established.configuration.resolvers if _usable(address)]
    return TunnelFacts(addresses=tuple(addresses[:4]), resolvers=tuple(resolvers[:8]), mtu=MTU)


def _usable(address: str) -> bool:
    parsed = ipaddress.ip_address(address)
    return not (parsed.is_multicast or parsed.is_unspecified or parsed.is_loopback)
