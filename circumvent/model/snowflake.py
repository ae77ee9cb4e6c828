"""Settings of snowflake bridges: how to ask the broker for a proxy, and who must answer behind that."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class SnowflakeSettings:
    """Settings of ``snowflake``.

    ``url`` is the broker's, ``""`` where the line names none; ``fronts`` are asked in its place, in this order; ``amp_cache`` is
    the URL of a cache through which it is asked; ``sqs`` tells that the line names a queue, which is not spoken. ``stun`` are
    servers with their ports. ``bridge`` (20 bytes) is whom the broker is asked for, ``fingerprint`` who must answer at the end.
    ``imitate`` and ``no_sni`` are what the line says about the ClientHello; of these only the second is done.
    """

    url: str = field(default="", repr=False)
    fronts: tuple[str, ...] = field(default=(), repr=False)
    amp_cache: str = field(default="", repr=False)
    sqs: bool = False
    stun: tuple[tuple[str, int], ...] = field(default=(), repr=False)
    bridge: bytes = field(repr=False)
    imitate: str = ""
    no_sni: bool = False
    fingerprint: bytes | None = field(default=None, repr=False)
