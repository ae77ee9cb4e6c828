"""A server that answers as it is told to, for whatever a real one would never say."""

from __future__ import annotations

import secrets
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from circumvent.vpn.ikev2 import auth
from circumvent.vpn.ikev2.boxes import make_box
from circumvent.vpn.ikev2.groups import key_exchange
from circumvent.vpn.ikev2.keys import ike_keys
from circumvent.vpn.ikev2.message import (
    HEADER_BYTES,
    Header,
    Message,
    Payload,
    generic_header,
    pack_clear,
    pack_payloads,
    parse_clear,
    parse_header,
    parse_payloads,
)
from circumvent.vpn.ikev2.numbers import Exchange, Flag, Group, Kind, Notify
from circumvent.vpn.ikev2.payloads import Notification, Proposal, pack_ke, pack_sa, parse_ke, parse_sa
from circumvent.vpn.ikev2.sa import IkeSa, Secured
from circumvent.vpn.ikev2.sa_init import SaInit
from circumvent.vpn.ikev2.suites import chosen_ike, ike_offer

if TYPE_CHECKING:
    from collections.abc import Sequence

OFFER: Final = ike_offer(())
DESTINATION: Final = ("198.51.100.1", 500)


class Responder:
    """The other side of one IKE SA."""

    def __init__(self, *, fragments: bool = True, hashes: bytes = b"\x00\x02") -> None:
        self.spi = secrets.token_bytes(8)
        self.nonce = secrets.token_bytes(32)
        self._fragments = fragments
        self._hashes = hashes
        self.secured: Secured | None = None

    def init(self, request: bytes) -> bytes:
        """Answer IKE_SA_INIT with the first of everything that is offered."""
        message = parse_clear(request)
        (first, *_) = parse_sa(message.require(Kind.SA))
        group, public = parse_ke(message.require(Kind.KE))
        chosen = {one.kind: one for one in reversed(first.transforms)}
        chosen[4] = next(one for one in first.transforms if one.kind == 4 and one.number == group)
        proposal = Proposal(first.number, first.protocol, b"", tuple(chosen.values()))
        exchange = key_exchange(Group(group))
        told = [Notification(Notify.SIGNATURE_HASH_ALGORITHMS, self._hashes)]
        told += [Notification(Notify.FRAGMENTATION_SUPPORTED)] if self._fragments else []
        payloads = [
            Payload(Kind.SA, pack_sa((proposal,))),
            Payload(Kind.KE, pack_ke(group, exchange.public)),
            Payload(Kind.NONCE, self.nonce),
            *(Payload(Kind.NOTIFY, one.pack()) for one in told),
        ]
        answer = pack_clear(self.header(message, Exchange.IKE_SA_INIT, 0), payloads)
        suite = chosen_ike(OFFER, (proposal,))
        spis = message.header.initiator_spi, self.spi
        nonces = message.require(Kind.NONCE), self.nonce
        self.secured = Secured(
            suite=suite,
            keys=ike_keys(suite, exchange.shared(public), nonces, spis),
            initiator_spi=spis[0],
            responder_spi=spis[1],
            nonces=nonces,
            first_request=request,
            first_response=answer,
            fragments=self._fragments,
            hashes=frozenset(),
        )
        return answer

    def header(self, message: Message, exchange: int, message_id: int) -> Header:
        """Return the header of an answer to ``message``."""
        return Header(
            initiator_spi=message.header.initiator_spi,
            responder_spi=self.spi,
            next_payload=Kind.NONE,
            exchange=exchange,
            flags=Flag.RESPONSE,
            message_id=message_id,
        )

    def notify(self, request: bytes, *told: Notification) -> bytes:
        """Answer IKE_SA_INIT with notifications alone."""
        message = parse_clear(request)
        header = replace(self.header(message, Exchange.IKE_SA_INIT, 0), responder_spi=bytes(8))
        return pack_clear(header, [Payload(Kind.NOTIFY, one.pack()) for one in told])

    def open(self, data: bytes) -> tuple[Payload, ...]:
        """Open a message that came in one piece."""
        secured = self._secured
        box = make_box(secured.suite.encr, secured.suite.integ, secured.keys.initiator)
        start = HEADER_BYTES + 4
        plaintext = box.open(data[:start], data[start:])
        return parse_payloads(data[HEADER_BYTES], plaintext[: len(plaintext) - 1 - plaintext[-1]])

    def open_all(self, datagrams: list[bytes]) -> tuple[Payload, ...]:
        """Open a message that came in fragments."""
        secured = self._secured
        box = make_box(secured.suite.encr, secured.suite.integ, secured.keys.initiator)
        start = HEADER_BYTES + 8
        parts = [box.open(data[:start], data[start:]) for data in datagrams]
        chain = b"".join(part[: len(part) - 1 - part[-1]] for part in parts)
        return parse_payloads(datagrams[0][HEADER_BYTES], chain)

    def seal(
        self,
        payloads: Sequence[Payload],
        *,
        message_id: int = 1,
        exchange: int = Exchange.IKE_AUTH,
        flags: int = Flag.RESPONSE,
        pieces: int = 0,
        spi: bytes | None = None,
    ) -> list[bytes]:
        """Seal a message, in so many ``pieces`` if that is not 0."""
        secured = self._secured
        header = Header(
            initiator_spi=secured.initiator_spi if spi is None else spi,
            responder_spi=secured.responder_spi,
            next_payload=Kind.SKF if pieces else Kind.SK,
            exchange=exchange,
            flags=flags,
            message_id=message_id,
        )
        chain = pack_payloads(payloads)
        first = payloads[0].kind if payloads else Kind.NONE
        if not pieces:
            return [self._sealed(header, first, b"", chain)]
        size = -(-len(chain) // pieces)
        parts = [chain[start : start + size] for start in range(0, len(chain), size)]
        return [
            self._sealed(header, first if number == 1 else 0, struct.pack("!HH", number, len(parts)), part)
            for number, part in enumerate(parts, start=1)
        ]

    def _sealed(self, header: Header, first: int, between: bytes, chain: bytes) -> bytes:
        secured = self._secured
        box = make_box(secured.suite.encr, secured.suite.integ, secured.keys.responder)
        padding = -(len(chain) + 1) % box.block
        plaintext = chain + bytes(padding) + bytes([padding])
        size = len(between) + box.overhead + len(plaintext)
        prefix = header.pack(HEADER_BYTES + 4 + size) + generic_header(first, size) + between
        return prefix + box.seal(prefix, plaintext)

    def psk_auth(self, secret: bytes, identity: bytes) -> Payload:
        """Return the AUTH payload of a shared key (or of EAP)."""
        secured = self._secured
        octets = self.octets(identity)
        return Payload(Kind.AUTH, auth.shared_key_auth(secured.suite.prf, secret, octets))

    def octets(self, identity: bytes) -> bytes:
        """Return what the server signs."""
        secured = self._secured
        key = secured.keys.proof_responder
        return auth.signed_octets(secured.suite.prf, secured.first_response, secured.nonces[0], key, identity)

    @property
    def _secured(self) -> Secured:
        assert self.secured is not None
        return self.secured


def agreed(responder: Responder | None = None) -> tuple[IkeSa, Responder]:
    """Return both sides after the first exchange."""
    responder = responder or Responder()
    init = SaInit(OFFER, DESTINATION)
    answer = responder.init(init.request)
    message = init.answers(answer)
    assert message is not None
    secured = init.take(message, answer)
    assert secured is not None
    assert secured.keys == responder._secured.keys
    assert parse_header(answer).responder_spi == responder.spi
    return IkeSa(secured), responder
