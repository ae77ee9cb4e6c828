"""From an option to a login, and the judgement on the server's certificate (RFC 7296, section 2.15; RFC 4945)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from circumvent.model import failure as failures
from circumvent.model.ikev2 import Ikev2Settings
from circumvent.model.words import Reason
from circumvent.net.errors import CannotTry, PeerError
from circumvent.net.verify import parse_chain, read_pem
from circumvent.vpn import mschapv2
from circumvent.vpn.ikev2.authenticate import Login, authority_digest
from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.identity import Identity, covers, identity
from circumvent.vpn.ikev2.numbers import Id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.model.option import Option
    from circumvent.transport import Context
    from circumvent.vpn.ikev2.auth import PrivateKey, PublicKey

#: Digests of authorities that are named in a request for a certificate: with all roots it would be three datagrams.
MOST_AUTHORITIES: Final = 20
_SPKI: Final = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def settings_of(option: Option) -> Ikev2Settings:
    """Return the option's settings, or the default ones."""
    return option.settings if isinstance(option.settings, Ikev2Settings) else Ikev2Settings()


def make_login(option: Option, context: Context) -> Login | None:
    """Return what to authenticate with; ``None`` where the option has no credentials.

    :raises CannotTry: when an identity, certificate or key of the profile can't be used.
    """
    settings = settings_of(option)
    try:
        remote = None if settings.remote_id is None else identity(settings.remote_id)
        if settings.psk is not None:
            return Login(local=_local(option, settings), remote=remote, psk=settings.psk)
        judge = _Judge(option, context, remote)
        if settings.certificate is not None and settings.private_key is not None:
            chain = read_pem(settings.certificate)
            return Login(
                local=_local(option, settings, chain[0]),
                remote=remote,
                certificates=tuple(one.public_bytes(serialization.Encoding.DER) for one in chain),
                key=_private_key(settings.private_key.reveal()),
                judge=judge.decide,
                authorities=judge.authorities(),
            )
        if option.user is None or option.password is None:
            return None
        if max(len(option.user.reveal()), len(option.password.reveal())) > mschapv2.LONGEST:
            raise CannotTry(Reason.UNSUPPORTED, "a user name or password of more than 256 characters")
        return Login(
            local=_local(option, settings),
            remote=remote,
            user=option.user,
            password=option.password,
            judge=judge.decide,
            authorities=judge.authorities(),
            eap_only=settings.eap_only,
        )
    except IkeError as exc:
        raise CannotTry(Reason.UNSUPPORTED, f"an identity of the profile can't be used: {exc}") from exc
    except ValueError as exc:
        detail = "the profile's certificate or key can't be read"
        raise CannotTry(Reason.UNSUPPORTED, detail) from exc


def _local(option: Option, settings: Ikev2Settings, leaf: x509.Certificate | None = None) -> Identity:
    if settings.local_id is not None:
        return identity(settings.local_id)
    if leaf is not None:
        return Identity(Id.DER_DN, leaf.subject.public_bytes())
    # Without a name of ours, what a shared key is looked up by is anything that is not empty.
    return identity("@circumvent" if option.user is None else option.user.reveal())


def _private_key(pem: str) -> PrivateKey:
    key = serialization.load_pem_private_key(pem.encode("ascii", "replace"), password=None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ValueError("neither RSA nor ECDSA")  # noqa: TRY004 - the caller's word for what can't be used
    return key


class _Judge:
    """Decides about the server's certificates: the profile's authority or the bundled roots, the profile's name."""

    def __init__(self, option: Option, context: Context, remote: Identity | None) -> None:
        # A profile that names its authority means that one and no other.
        self._trust = context.trust if option.ca is None else context.trust.only(option.ca)
        self._remote = remote
        self._name = option.verify_name or option.endpoint.host

    def authorities(self) -> tuple[bytes, ...]:
        """Return digests of the authorities that we accept: many servers show a certificate only when asked so."""
        roots = self._trust.roots
        return tuple(
            authority_digest(one.public_key().public_bytes(*_SPKI)) for one in roots[:MOST_AUTHORITIES]
        )

    def decide(self, _peer: Identity, chain: Sequence[bytes]) -> PublicKey:
        """Return the public key of the server's certificate.

        The certificate decides who it is. What the server calls itself besides (servers of Windows: by their subject)
        proves nothing more, and clients do not insist on it.

        :raises PeerError: with an ``ssl_*`` word.
        """
        leaf = parse_chain(chain)[0]
        remote = self._remote
        name = self._name if remote is None else remote.name
        self._trust.verify(chain, _any_name(leaf) if name is None else name)
        if remote is not None and name is None and not covers(leaf, remote):
            raise PeerError(failures.SSL_INVALID_HOSTNAME, "the certificate is for another name")
        return leaf.public_key()


def _any_name(leaf: x509.Certificate) -> str:
    """Return a name that the certificate is for, where only its path is judged by the verifier.

    :raises PeerError: when it has no DNS name and no address.
    """
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        names = x509.SubjectAlternativeName([])
    told = [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]
    usable = [name for name in told if "*" not in name]
    if not usable:
        raise PeerError(failures.SSL_INVALID_HOSTNAME, "the certificate has no alternative names")
    return usable[0]
