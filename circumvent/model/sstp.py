"""What an SSTP option holds beside host, name and password."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SstpSettings:
    """Settings of ``sstp``.

    ``pap`` allows the password itself to be sent, inside TLS, to a server that does not speak MS-CHAPv2.
    ``pin`` is SHA-256 of the public key (SubjectPublicKeyInfo) that the server must show; its certificate may then
    be anybody's.
    """

    pap: bool = False
    pin: bytes | None = None
