"""Settings of ``ikev2``: what a profile says beyond endpoint, user and password."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from circumvent.model.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Ikev2Settings:
    """Settings of ``ikev2``. Which of shared key, certificate, or user and password is there decides the login.

    ``remote_id`` is who the server must be (default: the option's host); ``local_id`` who we say we are (default: the
    certificate's subject, the user, else our address). ``certificate`` is a PEM text, leaf first; ``private_key`` its
    key in PEM. ``proposals`` and ``esp_proposals`` are written as strongSwan writes them; none stands for the usual
    ones. ``eap_only``: the server need not show a certificate (RFC 5998). ``fragmentation``: of messages (RFC 7383).
    """

    psk: Secret | None = None
    remote_id: str | None = None
    local_id: str | None = None
    certificate: str | None = field(default=None, repr=False)
    private_key: Secret | None = None
    proposals: tuple[str, ...] = ()
    esp_proposals: tuple[str, ...] = ()
    eap_only: bool = False
    fragmentation: bool = True
