"""Settings of ``l2tp``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class L2tpSettings:
    """Settings of ``l2tp``. ``ipsec`` is off for the rare server that speaks L2TP in clear."""

    ipsec: bool = True
