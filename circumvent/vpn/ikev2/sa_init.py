"""IKE_SA_INIT, the first exchange (RFC 7296, section 1.2): the suite, the keys, what else is agreed.

A peer may want the request again: with a cookie of its own in front (section 2.6), or with a public value of another
group (section 1.3). Nothing in this exchange is authenticated; whatever is wrong shows in the next.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from circumvent.vpn.ikev2.errors import IkeError, Notified
from circumvent.vpn.ikev2.groups import key_exchange
from circumvent.vpn.ikev2.keys import NONCE_BYTES, ike_keys, nat_hash
from circumvent.vpn.ikev2.message import Header, Message, Payload, pack_clear, parse_clear
from circumvent.vpn.ikev2.numbers import Exchange, Flag, Group, Hash, Kind, Notify
from circumvent.vpn.ikev2.payloads import (
    Notification,
    notifications,
    pack_ke,
    pack_sa,
    parse_ke,
    parse_sa,
)
from circumvent.vpn.ikev2.sa import Secured
from circumvent.vpn.ikev2.suites import chosen_ike

if TYPE_CHECKING:
    from circumvent.vpn.ikev2.groups import KeyExchange
    from circumvent.vpn.ikev2.suites import Offer

_NO_SPI: Final = bytes(8)
_NONCE: Final = 32
#: A cookie has 1 to 64 bytes (section 2.6).
_LONGEST_COOKIE: Final = 64
#: The request goes out again for a cookie or another group, but not for ever.
MOST_REQUESTS: Final = 5
#: What we can verify (RFC 7427, section 4).
_HASHES: Final = (Hash.SHA2_256, Hash.SHA2_384, Hash.SHA2_512)


class SaInit:
    """The initiator's side of the first exchange.

    ``destination`` is the peer's address and port as we see them.
    """

    def __init__(
        self,
        offer: Offer,
        destination: tuple[str, int],
        *,
        fragments: bool = True,
        group: Group | None = None,
    ) -> None:
        self._offer = offer
        self._destination = destination
        self._fragments = fragments
        self._spi = secrets.token_bytes(8)
        self._nonce = secrets.token_bytes(_NONCE)
        self._cookie: bytes | None = None
        self._exchange: KeyExchange = key_exchange(offer.groups[0] if group is None else group)
        self._tried = {self._exchange.group}
        self._requests = 0
        #: What the peer wanted the request again for: ``cookie``, ``group``.
        self.wanted: list[str] = []
        self.request = self._make()

    def _make(self) -> bytes:
        """Write the request (section 1.2), with the cookie as its first payload if there is one."""
        self._requests += 1
        if self._requests > MOST_REQUESTS:
            raise IkeError("the peer always wants another first request")
        spis = self._spi, _NO_SPI
        # Our own address is hashed wrongly on purpose: the peer then sees an address translation between us, and ESP
        # comes in UDP. Another protocol than UDP can't be sent without the right to raw sockets.
        told = [
            Notification(Notify.NAT_DETECTION_SOURCE_IP, secrets.token_bytes(20)),
            Notification(Notify.NAT_DETECTION_DESTINATION_IP, nat_hash(spis, *self._destination)),
            Notification(
                Notify.SIGNATURE_HASH_ALGORITHMS, b"".join(one.to_bytes(2, "big") for one in _HASHES)
            ),
        ]
        if self._fragments:
            told.append(Notification(Notify.FRAGMENTATION_SUPPORTED))
        cookie = [] if self._cookie is None else [Notification(Notify.COOKIE, self._cookie)]
        payloads = [
            *(Payload(Kind.NOTIFY, one.pack()) for one in cookie),
            Payload(Kind.SA, pack_sa(self._offer.pack())),
            Payload(Kind.KE, pack_ke(self._exchange.group, self._exchange.public)),
            Payload(Kind.NONCE, self._nonce),
            *(Payload(Kind.NOTIFY, one.pack()) for one in told),
        ]
        header = Header(
            initiator_spi=self._spi,
            responder_spi=_NO_SPI,
            next_payload=Kind.NONE,
            exchange=Exchange.IKE_SA_INIT,
            flags=Flag.INITIATOR,
            message_id=0,
        )
        return pack_clear(header, payloads)

    def answers(self, data: bytes) -> Message | None:
        """Return the message if it is an answer to our exchange, well-formed; else ``None``: anybody can send datagrams."""
        try:
            message = parse_clear(data)
        except IkeError:
            return None
        header = message.header
        ours = header.initiator_spi == self._spi and header.message_id == 0 and header.is_response
        return message if ours and header.exchange == Exchange.IKE_SA_INIT else None

    def take(self, message: Message, data: bytes) -> Secured | None:
        """Take the answer; ``None`` when :attr:`request` is a new one that must be sent now.

        :raises Notified: when the peer sent an error.
        :raises IkeError: when the answer is malformed, or chooses what was not offered.
        """
        told = notifications(message)
        for one in told:
            if one.number == Notify.COOKIE and message.first(Kind.SA) is None:
                self._again_with_cookie(one.data)
                return None
            if one.number == Notify.INVALID_KE_PAYLOAD:
                self._again_with_group(one.data)
                return None
            if one.is_error:
                raise Notified(one.number)
        return self._secure(message, data, told)

    def _again_with_cookie(self, cookie: bytes) -> None:
        if not 1 <= len(cookie) <= _LONGEST_COOKIE:
            raise IkeError("a cookie has an impossible length")
        self._cookie = cookie
        self.wanted.append("cookie")
        self.request = self._make()

    def _again_with_group(self, data: bytes) -> None:
        """Make a key of the group that the peer wants, unless it was not offered (section 1.3) or tried before."""
        number = int.from_bytes(data, "big")
        if number not in self._offer.groups or number in self._tried:
            raise Notified(Notify.INVALID_KE_PAYLOAD)
        self._exchange = key_exchange(Group(number))
        self._tried.add(self._exchange.group)
        self.wanted.append("group")
        self.request = self._make()

    def _secure(self, message: Message, data: bytes, told: list[Notification]) -> Secured:
        suite = chosen_ike(self._offer, parse_sa(message.require(Kind.SA)))
        group, public = parse_ke(message.require(Kind.KE))
        nonce = message.require(Kind.NONCE)
        spi = message.header.responder_spi
        if group != self._exchange.group or suite.group != group or spi == _NO_SPI:
            raise IkeError("the answer contradicts itself")
        if not NONCE_BYTES[0] <= len(nonce) <= NONCE_BYTES[1]:
            raise IkeError("a nonce has an impossible length")
        hashes = [one.data for one in told if one.number == Notify.SIGNATURE_HASH_ALGORITHMS]
        nonces, spis = (self._nonce, nonce), (self._spi, spi)
        return Secured(
            suite=suite,
            keys=ike_keys(suite, self._exchange.shared(public), nonces, spis),
            initiator_spi=self._spi,
            responder_spi=spi,
            nonces=nonces,
            first_request=self.request,
            first_response=data,
            fragments=self._fragments and any(one.number == Notify.FRAGMENTATION_SUPPORTED for one in told),
            hashes=frozenset(
                int.from_bytes(data[start : start + 2], "big")
                for data in hashes
                for start in range(0, min(len(data), 64), 2)
            ),
        )
