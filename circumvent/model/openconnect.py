"""What an OpenConnect option holds beside host, name and password."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenconnectSettings:
    """Settings of ``openconnect``.

    ``path`` is what stands after the host in the gateway's URL, with its query: a user group, or the secret of a
    camouflaged gateway, so it is printed nowhere. ``group`` is the choice in the gateway's list of groups.
    ``pin`` is SHA-256 of the public key (SubjectPublicKeyInfo) that the gateway must show; its certificate may then
    be anybody's.
    """

    path: str = "/"
    group: str | None = None
    pin: bytes | None = None

    def __repr__(self) -> str:
        return f"OpenconnectSettings(pin={self.pin is not None})"
