"""STUN and TURN servers: ``stun:``, ``stuns:`` (RFC 7064), ``turn:``, ``turns:`` (RFC 7065).

The RFCs give TURN no user name in the URI; people paste ``turn:user:password@host`` all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.inputs.draft import draft
from circumvent.inputs.problem import LineError
from circumvent.model.option import Option, VoiceSettings
from circumvent.model.secret import Secret

if TYPE_CHECKING:
    from circumvent.inputs.uri import Link

#: RFC 8489, section 18.6.
_PORT: Final = 3478
_TLS_PORT: Final = 5349


def parse_voice(link: Link) -> Option:
    """Read a STUN or TURN URI.

    :raises LineError: when a part does not fit, or it asks for DTLS.
    """
    kind = link.scheme.removesuffix("s")
    secure = link.scheme.endswith("s")
    if link.path not in ("", "/"):
        raise LineError(f"{link.scheme} links end after the port. Leave out what follows it.")
    user, password = _credentials(link, kind)
    return draft(
        kind,
        host=link.host,
        port=link.port(_TLS_PORT if secure else _PORT),
        label=link.label,
        settings=VoiceSettings(transport=_transport(link, secure=secure)),
        user=Secret(user) if user is not None else None,
        password=Secret(password) if password is not None else None,
    )


def _transport(link: Link, *, secure: bool) -> str:
    """Return ``udp``, ``tcp`` or ``tls`` (RFC 7065, section 3.1)."""
    asked = link.parameters().get("transport", "tcp" if secure else "udp").lower()
    if asked not in ("udp", "tcp"):
        raise LineError("this link asks for neither UDP nor TCP.")
    if not secure:
        return asked
    if asked == "udp":
        raise LineError("DTLS is not supported by this version. Ask for a link over TCP.")
    return "tls"


def _credentials(link: Link, kind: str) -> tuple[str | None, str | None]:
    parts = link.user_and_password
    if parts is None:
        found = link.parameters()
        parts = (found["username"], found.get("credential")) if "username" in found else None
    if parts is None:
        return None, None
    if kind == "stun":
        raise LineError("a STUN server has no user name. Leave out what stands before the @.")
    user, password = parts
    if not user or password is None:
        raise LineError("this TURN link needs both user name and password: turn:user:password@host.")
    return user, password
