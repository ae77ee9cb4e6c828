"""What a WireGuard or AmneziaWG profile says, as far as it decides what is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from circumvent.model.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Disguise:
    """How AmneziaWG changes the packets; the defaults change nothing.

    Before an initiation go ``packets`` (I1 to I5, as written), then ``junk_count`` packets of random bytes, each of
    ``junk_least`` to ``junk_most`` bytes. ``paddings`` are the random bytes before an initiation, a response, a cookie
    reply and a data message (S1 to S4), ``headers`` the first and last number that stands for the type of each (H1 to H4).
    ``later`` names fields of a version that is not spoken yet.
    """

    junk_count: int = 0
    junk_least: int = 0
    junk_most: int = 0
    paddings: tuple[int, int, int, int] = (0, 0, 0, 0)
    headers: tuple[tuple[int, int], ...] = ((1, 1), (2, 2), (3, 3), (4, 4))
    packets: tuple[str, ...] = ()
    later: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WireguardSettings:
    """Settings of ``wireguard`` and ``amneziawg``.

    ``private_key`` and ``preshared_key`` are base64 as in the profile, ``peer_key`` is the peer's public key (32 bytes).
    ``addresses`` are ours inside, with prefix length where the profile has one; ``resolvers`` what ``DNS`` says.
    ``reserved`` are the three bytes that Cloudflare WARP puts behind the type of each message. ``disguise`` is that of
    AmneziaWG.
    """

    private_key: Secret
    peer_key: bytes
    preshared_key: Secret | None = None
    addresses: tuple[str, ...] = ()
    resolvers: tuple[str, ...] = ()
    mtu: int | None = None
    keepalive: int | None = None
    reserved: bytes | None = None
    disguise: Disguise | None = None
