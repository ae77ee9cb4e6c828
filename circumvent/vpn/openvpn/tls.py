"""TLS inside the control channel, between two memory buffers.

Not Python's ``ssl`` but pyOpenSSL, which aioquic brings anyhow: the data channel's keys are exported from TLS
(RFC 5705), and ``ssl`` has no exporter; and profiles name ciphers and old versions in OpenSSL's own words. The chain is
judged by OpenSSL, as OpenVPN lets it be judged: profiles trust an authority of their own, whose certificates have no
alternative names and are made with all that people make certificates with (Ed25519, keys of 1024 bits), which the web's
rules of :mod:`circumvent.net.verify` refuse. The time of judgement is an argument.
"""

from __future__ import annotations

import re
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from OpenSSL import SSL, crypto

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError, Refusal
from circumvent.net.verify import read_pem
from circumvent.vpn.openvpn.certificate import check_issuer, check_leaf
from circumvent.vpn.openvpn.key_method import EXPORTER_LABEL
from circumvent.vpn.openvpn.static_key import KEY

if TYPE_CHECKING:
    from cryptography import x509

    from circumvent.model.openvpn import OpenvpnSettings, ServerRules

#: Octets moved at once.
CHUNK: Final = 64 * 1024
_VERSIONS: Final = {
    "1.0": SSL.TLS1_VERSION,
    "1.1": SSL.TLS1_1_VERSION,
    "1.2": SSL.TLS1_2_VERSION,
    "1.3": SSL.TLS1_3_VERSION,
}
#: OpenSSL's verification results (x509_vfy.h) with a word of their own.
_WORDS: Final = {
    9: failures.SSL_NOT_YET_VALID,
    10: failures.SSL_EXPIRED,
    2: failures.SSL_UNKNOWN_AUTHORITY,
    18: failures.SSL_UNKNOWN_AUTHORITY,
    19: failures.SSL_UNKNOWN_AUTHORITY,
    20: failures.SSL_UNKNOWN_AUTHORITY,
    21: failures.SSL_UNKNOWN_AUTHORITY,
}
#: Alerts that complain about our certificate (RFC 8446, section 6.2), as OpenSSL names them.
_COMPLAINT: Final = re.compile(
    r"(?:bad certificate|unsupported certificate|certificate revoked|certificate expired|certificate unknown|unknown ca"
    r"|access denied|certificate required|handshake failure)$"
)
_ALERT: Final = re.compile(r"alert ([a-z ]{2,40})$")


class IdentityError(ValueError):
    """The profile's certificate or key can't be used. The message is ours and repeats nothing of them."""


class LockedKeyError(IdentityError):
    """The private key is locked with a passphrase that is not there, or is wrong."""


@dataclass(slots=True)
class Judgement:
    """What came of the chain while OpenSSL walked through it, and the failure if there is one."""

    rules: ServerRules
    failure: PeerError | None = None
    leaf: x509.Certificate | None = None
    seen: list[int] = field(default_factory=list)

    def certificate(self, item: x509.Certificate, error: int, depth: int, *, good: bool) -> bool:
        """Judge one certificate of the path, from the root down to the leaf; tell whether to go on."""
        self.seen.append(depth)
        if not good and not self._by_fingerprint(depth):
            self.failure = _verify_words(error)
            return False
        try:
            if depth == 1:
                check_issuer(item, self.rules)
            if depth == 0:
                self.leaf = item
                if self.rules.issuer_hashes and 1 not in self.seen:
                    check_issuer(item, self.rules)
                check_leaf(item, self.rules)
        except PeerError as exc:
            self.failure = exc
            return False
        except ValueError:
            self.failure = PeerError(failures.SSL_INVALID_CERTIFICATE, "malformed")
            return False
        return True

    def _by_fingerprint(self, depth: int) -> bool:
        """Tell whether a fingerprint stands in for an authority (``peer-fingerprint`` without ``ca``)."""
        return bool(self.rules.fingerprints) and self.rules.ca is None and depth >= 0


class ControlTls:
    """One TLS client connection; octets in by :meth:`feed`, out by :meth:`pending`."""

    def __init__(self, settings: OpenvpnSettings, *, now: float) -> None:
        """Prepare a connection; the chain is judged as of ``now`` (seconds since 1970).

        :raises IdentityError: when the profile's certificates or key can't be used.
        """
        self.judgement = Judgement(settings.rules)
        context = _context(settings, now, self.judgement)
        self._connection = SSL.Connection(context, None)
        self._connection.set_connect_state()
        self.finished = False
        self.closed = False

    def feed(self, data: bytes) -> None:
        """Take octets of the server."""
        while data:
            data = data[self._connection.bio_write(data) :]

    def pending(self) -> bytes:
        """Return octets for the server."""
        made = bytearray()
        with suppress(SSL.WantReadError, SSL.ZeroReturnError):
            while True:
                made += self._connection.bio_read(CHUNK)
        return bytes(made)

    def shake(self, *, wrapped: bool) -> bool:
        """Go as far as possible in the handshake; tell whether it is complete.

        ``wrapped`` tells that packets are authenticated below TLS, so that nobody else can have sent an alert.

        :raises PeerError: when the server's certificate is not what the profile wants, or TLS fails.
        :raises Refusal: when the server complains about our certificate.
        """
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return False
        except SSL.Error as exc:
            raise self._failed(exc, authenticated=wrapped) from None
        self.finished = True
        return True

    def write(self, data: bytes) -> None:
        """Encrypt a message of ours."""
        self._connection.sendall(data)

    def read(self) -> bytes:
        """Return what the server said since the last call.

        :raises Refusal: when the server complains about our certificate.
        :raises PeerError: when TLS fails.
        """
        made = bytearray()
        try:
            while True:
                made += self._connection.recv(CHUNK)
        except SSL.WantReadError:
            pass
        except SSL.ZeroReturnError:
            self.closed = True
        except SSL.Error as exc:
            if not made:
                raise self._failed(exc, authenticated=True) from None
        return bytes(made)

    def export_keys(self) -> bytes:
        """Return the key material of the data channel (RFC 5705)."""
        return self._connection.export_keying_material(EXPORTER_LABEL, KEY)

    @property
    def version(self) -> str:
        """Return the version of TLS."""
        return self._connection.get_protocol_version_name()

    @property
    def cipher(self) -> str:
        """Return the cipher suite."""
        return self._connection.get_cipher_name() or ""

    def _failed(self, exc: SSL.Error, *, authenticated: bool) -> PeerError:
        if self.judgement.failure is not None:
            return self.judgement.failure
        reason = _reason(exc)
        alert = _ALERT.search(reason)
        if alert is None:
            return PeerError(failures.SSL_FAILED_HANDSHAKE, reason or None)
        if _COMPLAINT.search(alert[1]):
            said = f"the server refuses this client's certificate ({alert[1]})"
            return Refusal(failures.AUTH_REJECTED, said, authenticated=authenticated)
        return PeerError(failures.SSL_FAILED_HANDSHAKE, f"alert: {alert[1]}")


def _context(settings: OpenvpnSettings, now: float, judgement: Judgement) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # old versions, where the profile asks for them
            context.set_min_proto_version(_VERSIONS.get(settings.tls_minimum or "1.2", SSL.TLS1_2_VERSION))
            if settings.tls_maximum in _VERSIONS:
                context.set_max_proto_version(_VERSIONS[settings.tls_maximum])
        # Level 0: whether a key is long enough is the profile's authority's business, as it is in OpenVPN.
        context.set_cipher_list(f"{settings.tls_ciphers or 'DEFAULT'}:@SECLEVEL=0".encode())
        if settings.tls_ciphersuites:
            context.set_tls13_ciphersuites(settings.tls_ciphersuites.encode())
    except (SSL.Error, ValueError):
        raise IdentityError("the profile names ciphers of TLS that are not known") from None
    context.set_options(SSL.OP_NO_TICKET | SSL.OP_NO_COMPRESSION | SSL.OP_NO_RENEGOTIATION)
    _trust(context, settings, now)
    _identify(context, settings)

    def verify(_: SSL.Connection, item: crypto.X509, error: int, depth: int, good: int) -> bool:
        return judgement.certificate(item.to_cryptography(), error, depth, good=bool(good))

    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, verify)
    return context


def _trust(context: SSL.Context, settings: OpenvpnSettings, now: float) -> None:
    store = context.get_cert_store()
    if store is None:
        raise AssertionError  # pragma: no cover - every context has one
    store.set_time(datetime.fromtimestamp(now, UTC))
    if settings.rules.ca is None:
        return
    try:
        for root in read_pem(settings.rules.ca):
            store.add_cert(crypto.X509.from_cryptography(root))
    except (ValueError, crypto.Error):
        raise IdentityError("the profile's ca holds no readable certificate") from None


def _identify(context: SSL.Context, settings: OpenvpnSettings) -> None:
    """Load who we are.

    :raises IdentityError: when it can't be used.
    """
    if settings.certificate is None or settings.key is None:
        return
    password = settings.key_password.reveal().encode() if settings.key_password is not None else None
    try:
        certificates = read_pem(settings.certificate + "\n" + (settings.extra_certificates or ""))
    except ValueError:
        raise IdentityError("the profile's cert holds no readable certificate") from None
    try:
        key = load_pem_private_key(settings.key.reveal().encode(), password)
    except TypeError:
        if password is None:
            raise LockedKeyError("the private key is locked with a passphrase") from None
        key = load_pem_private_key(settings.key.reveal().encode(), None)
    except (ValueError, UnsupportedAlgorithm):
        if password is not None:
            raise LockedKeyError("the passphrase does not open the private key") from None
        raise IdentityError("the profile's key can't be read") from None
    try:
        context.use_certificate(certificates[0])
        for item in certificates[1:]:
            context.add_extra_chain_cert(item)
        context.use_privatekey(key)  # type: ignore[arg-type]  # kinds that OpenSSL refuses are refused by it
        context.check_privatekey()
    except (SSL.Error, crypto.Error, TypeError, ValueError):
        raise IdentityError("the profile's cert and key do not belong together") from None


def _verify_words(error: int) -> PeerError:
    word = _WORDS.get(error)
    if word is not None:
        return PeerError(word, "by the profile's ca" if word == failures.SSL_UNKNOWN_AUTHORITY else None)
    return PeerError(failures.SSL_INVALID_CERTIFICATE, f"verification result {error}")


def _reason(exc: SSL.Error) -> str:
    """Return OpenSSL's own words for the last error: a closed list, nothing of the peer's."""
    errors = exc.args[0] if exc.args and isinstance(exc.args[0], list) else []
    return str(errors[-1][-1])[:80] if errors else ""
