"""Whether a certificate chain proves a name: our own decision, for TLS and QUIC alike.

The path is built and checked by :mod:`cryptography.x509.verification` (signatures, validity, name constraints,
path length, critical extensions); this module adds the name rules of RFC 9525, the extended key usage, hashes of
DNS stamps, and the words: expired, not yet valid, unknown authority, another name, or simply invalid.

Roots are the Mozilla bundle that ships with the package, and what the user adds. The operating system's store,
``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` never decide: state roots are installed there.
"""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cryptography.x509.verification import Policy, ServerVerifier

#: Chains longer than this are refused unread; real ones have two to four certificates.
LONGEST_CHAIN: Final = 16
#: A single certificate larger than this is refused unread.
LARGEST_CERTIFICATE: Final = 64 * 1024
#: How many certificates may stand between leaf and root.
DEPTH: Final = 8
#: The smallest RSA key that counts, in bits (CA/Browser Forum baseline requirements, section 6.1.5).
SMALLEST_RSA: Final = 2048
#: What the library raises about a certificate that is none.
_MALFORMED: Final = (
    ValueError,
    TypeError,
    KeyError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
)
_SECOND: Final = timedelta(seconds=1)

Chain = Sequence[x509.Certificate]


class TrustStore:
    """Certificates that are trusted to vouch for names, and the time at which validity is judged."""

    def __init__(self, roots: Iterable[x509.Certificate], now: Callable[[], float] | None = None) -> None:
        """Trust ``roots``; ``now`` returns seconds since 1970 (default: the system clock)."""
        self._roots = tuple(roots)
        self._now = time.time if now is None else now
        self._store = Store(list(self._roots)) if self._roots else None

    @classmethod
    def mozilla(cls, extra_pem: Sequence[str] = (), now: Callable[[], float] | None = None) -> TrustStore:
        """Trust the bundled Mozilla roots and the certificates in each of ``extra_pem``.

        :raises ValueError: when one of ``extra_pem`` holds no readable certificate.
        """
        extra = [certificate for text in extra_pem for certificate in read_pem(text)]
        return cls((*_mozilla_roots(), *extra), now)

    def with_extra(self, pem: str) -> TrustStore:
        """Return a store that also trusts the certificates in ``pem``.

        :raises ValueError: when ``pem`` holds no readable certificate.
        """
        return TrustStore((*self._roots, *read_pem(pem)), self._now)

    def only(self, pem: str) -> TrustStore:
        """Return a store that trusts the certificates in ``pem`` and nobody else, at the same time.

        :raises ValueError: when ``pem`` holds no readable certificate.
        """
        return TrustStore(read_pem(pem), self._now)

    @property
    def roots(self) -> tuple[x509.Certificate, ...]:
        """Return the certificates that are trusted."""
        return self._roots

    def at(self, moment: float) -> TrustStore:
        """Return a store with the same roots that judges as of ``moment`` (seconds since 1970)."""
        return TrustStore(self._roots, lambda: moment)

    def verify(
        self, chain_der: Sequence[bytes], name: str | None, *, certificate_hashes: Sequence[bytes] = ()
    ) -> None:
        """Decide whether ``chain_der`` (leaf first) proves ``name``, a DNS name or an IP address.

        Without ``name`` only ``certificate_hashes`` are checked: SHA-256 of the TBS part of a certificate that
        must be the leaf or vouch for it.

        :raises PeerError: with ``ssl_expired``, ``ssl_not_yet_valid``, ``ssl_unknown_authority``,
            ``ssl_invalid_hostname``, ``ssl_invalid_certificate``, or ``wrong_key`` when a hash is missing.
        """
        chain = parse_chain(chain_der)
        path: Chain = _signed_path(chain)
        if name is not None:
            path = self._verified_path(chain, name)
        if certificate_hashes and not any(tbs_hash(item) in certificate_hashes for item in path):
            raise PeerError(failures.WRONG_KEY, "no certificate of the chain has the expected hash")

    def trusts(self, chain_der: Sequence[bytes]) -> bool:
        """Tell whether the chain leads to one of the roots, whatever its name and dates."""
        try:
            return self._vouched(parse_chain(chain_der))
        except PeerError:
            return False

    def _verified_path(self, chain: Chain, name: str) -> Chain:
        now = datetime.fromtimestamp(self._now(), UTC)
        try:
            path = self._build(chain, now)
        except VerificationError as exc:
            raise self._explain(chain, now, exc) from exc
        key = chain[0].public_key()
        if isinstance(key, RSAPublicKey) and key.key_size < SMALLEST_RSA:  # issuers' keys the library watches
            raise PeerError(failures.SSL_INVALID_CERTIFICATE, f"an RSA key of {key.key_size} bits")
        if not matches(chain[0], name):
            raise PeerError(failures.SSL_INVALID_HOSTNAME, "the certificate is for another name")
        return path

    def _build(self, chain: Chain, now: datetime) -> Chain:
        """Return the verified path, leaf first, whatever its name.

        :raises VerificationError: when there is none at ``now``.
        """
        if self._store is None:
            raise VerificationError("no roots")
        builder = PolicyBuilder().store(self._store).time(now).max_chain_depth(DEPTH)
        builder = builder.extension_policies(ca_policy=_ca_policy(), ee_policy=_leaf_policy())
        verifier = _any_verifier(builder, chain[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what old roots do wrong is no news here
            return verifier.verify(chain[0], list(chain[1:]))

    def _explain(self, chain: Chain, now: datetime, reason: VerificationError) -> PeerError:
        """Put a failed verification into one word."""
        if not self._vouched(chain):
            return PeerError(failures.SSL_UNKNOWN_AUTHORITY, _self_signed(chain))
        moments = self._moments(chain)
        for past in sorted((moment for moment in moments if moment < now), reverse=True):
            if self._holds(chain, past):
                return PeerError(failures.SSL_EXPIRED, f"since {past:%Y-%m-%d}")
        for future in sorted(moment for moment in moments if moment > now):
            if self._holds(chain, future):
                return PeerError(failures.SSL_NOT_YET_VALID, f"before {future:%Y-%m-%d}")
        if not _names(chain[0]):
            return PeerError(failures.SSL_INVALID_HOSTNAME, "the certificate has no alternative names")
        return PeerError(failures.SSL_INVALID_CERTIFICATE, _reason_words(reason))

    def _vouched(self, chain: Chain) -> bool:
        """Tell whether signatures lead from the leaf to a root, whatever else is wrong."""
        top = _signed_path(chain)[-1]
        return any(root == top or _issued(root, top) for root in self._roots)

    def _holds(self, chain: Chain, moment: datetime) -> bool:
        try:
            self._build(chain, moment)
        except VerificationError:
            return False
        return True

    def _moments(self, chain: Chain) -> list[datetime]:
        """Return the borders of the path's validity: if it is valid at any time, it is at one of them."""
        path = _signed_path(chain)
        path += [root for root in self._roots if root == path[-1] or _issued(root, path[-1])]
        ends = [item.not_valid_after_utc - _SECOND for item in path]
        return [*ends, *(item.not_valid_before_utc + _SECOND for item in path)]


def read_pem(text: str) -> list[x509.Certificate]:
    """Return the certificates in a PEM text.

    :raises ValueError: when there is none, or one can't be read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return x509.load_pem_x509_certificates(text.encode("utf-8", "replace"))


def parse_chain(chain_der: Sequence[bytes]) -> list[x509.Certificate]:
    """Read the certificates that a peer presented.

    :raises PeerError: ``ssl_invalid_certificate`` when there are none, too many, or one can't be read.
    """
    if not chain_der:
        raise PeerError(failures.SSL_INVALID_CERTIFICATE, "no certificate")
    if len(chain_der) > LONGEST_CHAIN or max(map(len, chain_der)) > LARGEST_CERTIFICATE:
        raise PeerError(failures.SSL_INVALID_CERTIFICATE, "the chain is too long")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            chain = [x509.load_der_x509_certificate(der) for der in chain_der]
            for item in chain:  # what is malformed inside shows when it is first read
                _ = item.extensions, item.subject, item.issuer
            _ = chain[0].public_key()
        except _MALFORMED as exc:
            raise PeerError(failures.SSL_INVALID_CERTIFICATE, "malformed") from exc
    return chain


def tbs_hash(certificate: x509.Certificate) -> bytes:
    """Return the SHA-256 of the to-be-signed part, as DNS stamps hold it."""
    return hashlib.sha256(certificate.tbs_certificate_bytes).digest()


def matches(leaf: x509.Certificate, name: str) -> bool:
    """Tell whether the certificate is for ``name`` (RFC 9525 section 6): alternative names only, no common name."""
    names = _names(leaf)
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return any(matches_name(pattern, name) for pattern in names.get_values_for_type(x509.DNSName))
    return address in names.get_values_for_type(x509.IPAddress)


def matches_name(pattern: str, name: str) -> bool:
    """Tell whether a DNS name of a certificate covers ``name``.

    A ``*`` counts only as the whole first label, covers one label, and never stands directly above a top-level
    domain (RFC 9525 section 6.3).
    """
    wanted = name.lower().removesuffix(".")
    given = pattern.lower().removesuffix(".")
    if "*" not in given:
        return bool(wanted) and given == wanted
    first, _, parent = given.partition(".")
    label, _, rest = wanted.partition(".")
    return first == "*" and "*" not in parent and "." in parent and bool(label) and rest == parent


@functools.cache
def _mozilla_roots() -> tuple[x509.Certificate, ...]:
    """Read the bundle, one certificate at a time: one that a later library refuses must not cost the others."""
    text = resources.files("circumvent.net").joinpath("mozilla.pem").read_text("ascii")
    mark = "-----END CERTIFICATE-----"
    roots: list[x509.Certificate] = []
    for part in text.split(mark)[:-1]:
        begin = part.index("-----BEGIN CERTIFICATE-----")
        try:
            roots += read_pem(part[begin:] + mark)
        except ValueError:
            continue
    return tuple(roots)


def _names(leaf: x509.Certificate) -> x509.SubjectAlternativeName:
    """Return the alternative names of a certificate, empty when it has none."""
    try:
        return leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return x509.SubjectAlternativeName([])


def _any_verifier(builder: PolicyBuilder, leaf: x509.Certificate) -> ServerVerifier:
    """Verify for a name that the leaf is certainly for: the path is judged first, the name after it."""
    names = _names(leaf)
    for pattern in names.get_values_for_type(x509.DNSName):
        with suppress(ValueError):  # what a certificate calls a name need not be one
            return builder.build_server_verifier(x509.DNSName(pattern.replace("*", "any", 1)))
    for address in names.get_values_for_type(x509.IPAddress):
        if isinstance(address, ipaddress.IPv4Address | ipaddress.IPv6Address):
            return builder.build_server_verifier(x509.IPAddress(address))
    return builder.build_server_verifier(x509.DNSName("name.invalid"))


def _issued(issuer: x509.Certificate, subject: x509.Certificate) -> bool:
    try:
        if issuer.subject != subject.issuer:
            return False
        subject.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _signed_path(chain: Chain) -> list[x509.Certificate]:
    """Follow signatures from the leaf upwards through what the peer presented."""
    path = [chain[0]]
    left = list(chain[1:])
    while path[-1].subject != path[-1].issuer:
        issuer = next((item for item in left if _issued(item, path[-1])), None)
        if issuer is None:
            break
        left.remove(issuer)
        path.append(issuer)
    return path


def _self_signed(chain: Chain) -> str | None:
    if chain[0].subject == chain[0].issuer:
        return "self_signed"
    return "self_signed_root" if chain[-1].subject == chain[-1].issuer else None


def _reason_words(reason: VerificationError) -> str:
    """Return the library's reason without what the peer wrote (it quotes subjects in parentheses)."""
    text = str(reason).removeprefix("validation failed: ").partition(" (encountered")[0]
    text = text.removeprefix("candidates exhausted: ")
    return "".join(char for char in text if char.isascii() and char.isprintable())[:120]


def _require_ca(_policy: Policy, _certificate: x509.Certificate, extension: x509.BasicConstraints) -> None:
    if not extension.ca:
        raise ValueError("an issuer is no certificate authority")


def _require_signing(
    _policy: Policy, _certificate: x509.Certificate, extension: x509.KeyUsage | None
) -> None:
    if extension is not None and not extension.key_cert_sign:
        raise ValueError("an issuer may not sign certificates")


def _require_server(
    _policy: Policy, _certificate: x509.Certificate, extension: x509.ExtendedKeyUsage | None
) -> None:
    wanted = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE)
    if extension is not None and not any(usage in wanted for usage in extension):
        raise ValueError("the certificate is for no server")


@functools.cache
def _ca_policy() -> ExtensionPolicy:
    """Return what issuers must have: laxer than the web's rules, so that roots people make themselves pass."""
    policy = ExtensionPolicy.permit_all()
    policy = policy.require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _require_ca)
    policy = policy.may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _require_signing)
    return policy.may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _require_server)


@functools.cache
def _leaf_policy() -> ExtensionPolicy:
    policy = ExtensionPolicy.permit_all()
    policy = policy.require_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)
    return policy.may_be_present(x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _require_server)
