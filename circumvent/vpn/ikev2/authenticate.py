"""IKE_AUTH, the second exchange (RFC 7296, sections 1.2 and 2.16; RFC 5998): who both are, and the first CHILD SA."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from circumvent.vpn.ikev2 import auth
from circumvent.vpn.ikev2.eap import EapPeer
from circumvent.vpn.ikev2.errors import IkeError, Notified, WrongPeer
from circumvent.vpn.ikev2.esp import EspSa
from circumvent.vpn.ikev2.identity import Identity, parse_identity
from circumvent.vpn.ikev2.keys import child_keys
from circumvent.vpn.ikev2.message import Payload
from circumvent.vpn.ikev2.numbers import X509, CfgAttribute, Kind, Notify
from circumvent.vpn.ikev2.payloads import (
    EVERYTHING,
    Configuration,
    Notification,
    notifications,
    pack_cert,
    pack_configuration_request,
    pack_sa,
    pack_selectors,
    parse_cert,
    parse_configuration,
    parse_sa,
    parse_selectors,
)
from circumvent.vpn.ikev2.suites import chosen_child

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from circumvent.model.secret import Secret
    from circumvent.vpn.ikev2.message import Message
    from circumvent.vpn.ikev2.payloads import Selector
    from circumvent.vpn.ikev2.sa import IkeSa
    from circumvent.vpn.ikev2.suites import Offer

#: More certificates are not read.
MOST_CERTIFICATES: Final = 16
_ASKED: Final = (
    CfgAttribute.IP4_ADDRESS,
    CfgAttribute.IP4_DNS,
    CfgAttribute.IP6_ADDRESS,
    CfgAttribute.IP6_DNS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What we authenticate with: one of a shared key, a certificate with its key, a user with a password.

    ``judge`` decides about the peer's identity and certificates (leaf first), and returns the leaf's public key; it is ``None`` where a shared key proves the peer. ``remote`` is
    the identity that the peer must give itself where no certificate says who it is. ``authorities`` are SHA-1 digests of the
    public keys of those whose certificates we accept (RFC 7296, section 3.7).
    """

    local: Identity
    remote: Identity | None = None
    psk: Secret | None = None
    certificates: tuple[bytes, ...] = ()
    key: auth.PrivateKey | None = field(default=None, repr=False)
    user: Secret | None = None
    password: Secret | None = None
    judge: Callable[[Identity, Sequence[bytes]], auth.PublicKey] | None = None
    authorities: tuple[bytes, ...] = ()
    eap_only: bool = False

    @property
    def eap(self) -> EapPeer | None:
        """Return a new conversation where a user and a password are given and nothing else serves."""
        if self.psk is not None or self.key is not None or self.user is None or self.password is None:
            return None
        return EapPeer(self.user, self.password)


@dataclass(frozen=True, slots=True, kw_only=True)
class Established:
    """A CHILD SA that is up."""

    esp: EspSa
    configuration: Configuration
    selectors: tuple[Selector, ...]


class Authentication:
    """One run of IKE_AUTH: :meth:`begin`, then :meth:`take` each answer until it returns :class:`Established`.

    ``authenticated`` tells whether the peer has proved who it is; ``method`` how (``psk``, ``rsa``, ``ecdsa``,
    ``signature``, ``eap``).
    """

    def __init__(self, sa: IkeSa, login: Login, offer: Offer) -> None:
        self._sa = sa
        self._login = login
        self._offer = offer
        self._spi = bytes([secrets.randbelow(255) + 1]) + secrets.token_bytes(3)
        self._eap = login.eap
        self._peer: bytes | None = None
        self._last = self._eap is None
        self.authenticated = False
        self.method: str | None = None

    @property
    def complete(self) -> bool:
        """Tell whether both are authenticated, so that there is an IKE SA, with a CHILD SA or without."""
        return self.authenticated and self._last

    def begin(self) -> list[Payload]:
        """Return the payloads of the first request (section 1.2). With EAP it has no AUTH (section 2.16)."""
        login = self._login
        payloads = [Payload(Kind.IDI, login.local.pack())]
        payloads += [Payload(Kind.CERT, pack_cert(X509, der)) for der in login.certificates]
        if login.authorities:
            payloads.append(Payload(Kind.CERTREQ, pack_cert(X509, b"".join(login.authorities))))
        if login.remote is not None:
            payloads.append(Payload(Kind.IDR, login.remote.pack()))
        if self._eap is None:
            payloads.append(Payload(Kind.AUTH, self._own_auth()))
        elif login.eap_only:
            told = Notification(Notify.EAP_ONLY_AUTHENTICATION)
            payloads.append(Payload(Kind.NOTIFY, told.pack()))
        return [
            *payloads,
            Payload(Kind.CP, pack_configuration_request(_ASKED)),
            Payload(Kind.SA, pack_sa(self._offer.pack(self._spi))),
            Payload(Kind.TSI, pack_selectors(EVERYTHING)),
            Payload(Kind.TSR, pack_selectors(EVERYTHING)),
        ]

    def take(self, message: Message) -> list[Payload] | Established:
        """Take an answer; return the payloads of the next request, or what has been established.

        :raises Notified: when the peer sent an error; :attr:`authenticated` says who it came from.
        :raises WrongPeer: when the peer could not prove the shared key or the key of its certificate.
        :raises LoginFailed: when EAP failed.
        :raises PeerError: as the judge of certificates raises it.
        :raises IkeError: when the answer is malformed.
        """
        if self._peer is None and message.first(Kind.IDR) is not None:
            self._take_peer(message)
        told = next((one.number for one in notifications(message) if one.is_error), None)
        packet = message.first(Kind.EAP)
        if self._eap is not None and packet is not None and not self._eap.done:
            return self._take_eap(packet)
        if told is not None and (message.first(Kind.AUTH) is None or not self._last):
            raise Notified(told)
        if self._eap is not None:
            self._verify_shared(self._eap.msk, message.require(Kind.AUTH))
            self.method = self.method or "eap"
        if not self.authenticated:
            raise IkeError("the answer has no AUTH payload")
        if told is not None:  # an IKE SA without a CHILD SA (section 1.2)
            raise Notified(told)
        return self._establish(message)

    def _take_eap(self, packet: bytes) -> list[Payload]:
        eap = self._eap
        if eap is None:
            raise AssertionError  # pragma: no cover - the caller looked
        if not self.authenticated and not self._login.eap_only:
            raise IkeError("the peer asks for a login before it has proved who it is")
        answer = eap.take(packet, authenticated=self.authenticated)
        if answer is not None:
            return [Payload(Kind.EAP, answer)]
        self._last = True
        secured = self._sa.secured
        body = auth.shared_key_auth(secured.suite.prf, eap.msk, self._own_octets())
        return [Payload(Kind.AUTH, body)]

    def _take_peer(self, message: Message) -> None:
        """Take the peer's identity, and its proof where there is one."""
        login = self._login
        self._peer = message.require(Kind.IDR)
        peer = parse_identity(self._peer)
        body = message.first(Kind.AUTH)
        judged = login.psk is None and body is not None  # then whoever judges the certificate judges the name
        if not judged and login.remote is not None and not login.remote.matches(peer):
            raise WrongPeer("the peer calls itself otherwise than the profile says")
        if body is None:  # RFC 5998: it comes when EAP has ended
            return
        if login.psk is not None:
            self._verify_shared(login.psk.reveal().encode("utf-8"), body)
            self.method = "psk"
            return
        if login.judge is None:
            raise IkeError("nobody can judge the peer's certificate")
        chain = _certificates(message)
        self.method = auth.verify_signature(login.judge(peer, chain), self._peer_octets(), body)
        self.authenticated = True

    def _verify_shared(self, secret: bytes, body: bytes) -> None:
        auth.verify_shared_key(self._sa.secured.suite.prf, secret, self._peer_octets(), body)
        self.authenticated = True

    def _own_auth(self) -> bytes:
        secured, login = self._sa.secured, self._login
        if login.psk is not None:
            secret = login.psk.reveal().encode("utf-8")
            return auth.shared_key_auth(secured.suite.prf, secret, self._own_octets())
        if login.key is None:
            raise IkeError("there is nothing to authenticate with")
        return auth.sign(login.key, self._own_octets(), secured.hashes)

    def _own_octets(self) -> bytes:
        # InitiatorSignedOctets = RealMessage1 | NonceRData | MACedIDForI
        secured = self._sa.secured
        key = secured.keys.proof_initiator
        return auth.signed_octets(
            secured.suite.prf, secured.first_request, secured.nonces[1], key, self._login.local.pack()
        )

    def _peer_octets(self) -> bytes:
        # ResponderSignedOctets = RealMessage2 | NonceIData | MACedIDForR
        secured = self._sa.secured
        if self._peer is None:
            raise IkeError("the answer has no identity")
        key = secured.keys.proof_responder
        return auth.signed_octets(
            secured.suite.prf, secured.first_response, secured.nonces[0], key, self._peer
        )

    def _establish(self, message: Message) -> Established:
        secured = self._sa.secured
        suite, spi = chosen_child(self._offer, parse_sa(message.require(Kind.SA)))
        keys = child_keys(secured.suite.prf, secured.keys.derive, suite, secured.nonces)
        configuration = message.first(Kind.CP)
        return Established(
            esp=EspSa(suite, keys, spi_in=self._spi, spi_out=spi),
            configuration=Configuration() if configuration is None else parse_configuration(configuration)[1],
            selectors=parse_selectors(message.require(Kind.TSI)),
        )


def _certificates(message: Message) -> list[bytes]:
    """Return the X.509 certificates of a message, the peer's own first."""
    read = [parse_cert(body) for body in message.all(Kind.CERT)[:MOST_CERTIFICATES]]
    return [data for encoding, data in read if encoding == X509]


def authority_digest(public_key_info: bytes) -> bytes:
    """Return the digest of an authority's SubjectPublicKeyInfo, as a CERTREQ payload holds it (section 3.7)."""
    return hashlib.sha1(public_key_info, usedforsecurity=False).digest()
