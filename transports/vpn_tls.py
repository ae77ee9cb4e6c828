"""Verified TLS to a VPN server: by roots as everywhere, or by the public key that a profile names."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from circumvent.model import failure as failures
from circumvent.model.option import join_host_port
from circumvent.net.errors import PeerError
from circumvent.transports.tls_option import open_tls, tls_config

if TYPE_CHECKING:
    from circumvent.model.option import Endpoint, Option
    from circumvent.net.tls import TlsStream
    from circumvent.net.trace import Trace
    from circumvent.transport import Context

HTTPS: Final = 443
#: Seconds that a step of a login gets at least: behind a server that answers at once stands one that knows the accounts,
#: and another that lends addresses. A login is not repeated, so that its first limit is its last.
LOGIN: Final = 8.0


def host_field(endpoint: Endpoint) -> str:
    """Return what stands in the Host field of a request over TLS (RFC 9110, section 7.2): no port that is the usual one."""
    written = join_host_port(endpoint.host, endpoint.port)
    return written.removesuffix(":443") if endpoint.port == HTTPS else written


def login_limit(trace: Trace) -> float:
    """Return the time limit of a step that waits for a login, in seconds."""
    return max(trace.timeouts.limit if trace.limit is None else trace.limit, LOGIN)


async def open_vpn_tls(option: Option, context: Context, pin: bytes | None) -> TlsStream:
    """Open a TLS connection to ``option``: steps ``resolve``, ``connect``, ``tls_handshake``.

    With a ``pin`` the name and the issuer of the certificate say nothing, and :func:`require_pin` decides: call it
    before anything is sent.

    :raises StepFailed: when a step failed.
    :raises CannotTry: when nothing was sent.
    """
    if pin is None:
        return await open_tls(option, context, ())
    stream = await context.dialer.stream(option.endpoint, context.trace)
    from circumvent.net.tls import start_tls  # noqa: PLC0415 - the crypto library is loaded while SYNs fly

    config = replace(tls_config(option, context, ()), verify_name=None)
    return await start_tls(stream, config, context.trace)


def require_pin(stream: TlsStream, pin: bytes | None) -> None:
    """Compare the peer's public key (SHA-256 of its SubjectPublicKeyInfo) with the one of the profile.

    :raises PeerError: ``wrong_key``, when it is another.
    """
    if pin is None:
        return
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: PLC0415 - as above

    from circumvent.net.verify import parse_chain  # noqa: PLC0415 - as above

    key = parse_chain(stream.peer.chain)[0].public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    if not hmac.compare_digest(digest, pin):
        raise PeerError(failures.WRONG_KEY, "the server's public key is not the one that the profile names")
