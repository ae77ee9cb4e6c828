"""The vocabulary of circumvent: closed sets of words that stand in records, reports and on the screen.

Every value is what appears in ``circumvent.report/1`` (see ``docs/contract.md``); none is ever renamed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Proof(StrEnum):
    """What an attempt established, a ladder from nothing to 64 KiB each way (``docs/verdicts.md``)."""

    NONE = "none"
    REACHED = "reached"
    HANDSHAKEN = "handshaken"
    CARRIED = "carried"
    SUSTAINED = "sustained"

    @property
    def rung(self) -> int:
        """Return the height on the ladder, 0 for :attr:`NONE`."""
        return _RUNGS[self]

    def at_least(self, other: Proof) -> bool:
        """Tell whether this proof includes ``other``."""
        return self.rung >= other.rung


_RUNGS: Final = {proof: rung for rung, proof in enumerate(Proof)}


class Status(StrEnum):
    """The verdict on an option."""

    WORKS = "works"
    DEGRADED = "degraded"
    UNSTABLE = "unstable"
    BLOCKED = "blocked"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    NOT_RUN = "not_run"


class Reason(StrEnum):
    """Why an option is :attr:`Status.NOT_RUN`; never an excuse for a failure."""

    BUDGET = "budget"
    DEADLINE = "deadline"
    MISSING_EXTRA = "missing_extra"
    UNSUPPORTED = "unsupported"
    UNSAFE = "unsafe"
    POISONED = "poisoned"
    IN_USE = "in_use"
    NEEDS_CONSENT = "needs_consent"
    OFFLINE = "offline"
    NO_FAMILY = "no_family"
    CLOCK = "clock"
    NAME_PRIVATE = "name_private"
    ENOUGH = "enough"
    NO_TERMINAL = "no_terminal"
    INTERRUPTED = "interrupted"


class Scope(StrEnum):
    """What an option protects; ranks restart in each scope. The order here is the order of the report."""

    SYSTEM = "system"
    PROXY = "proxy"
    APP = "app"
    DIRECT = "direct"
    NAMES = "names"
    VOICE = "voice"


class Exposure(StrEnum):
    """What trying an option shows to somebody who watches the line."""

    ORDINARY = "ordinary"
    NOTABLE = "notable"
    MARKING = "marking"


class NetworkState(StrEnum):
    """What kind of network this is."""

    OPEN = "open"
    FILTERED = "filtered"
    NATIONAL_ONLY = "national_only"
    CAPTIVE_PORTAL = "captive_portal"
    LOCAL_ONLY = "local_only"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


class UdpState(StrEnum):
    """What this network does with UDP."""

    WORKS = "works"
    LOSSY = "lossy"
    BLOCKED = "blocked"
    UNKNOWN = "unknown"


class Evidence(StrEnum):
    """What a ``blocked`` verdict rests on (``docs/verdicts.md``)."""

    FORGED = "E1"
    SAME_ADDRESS = "E2"
    SECOND_VANTAGE = "E3"
    CLASS = "class"


class FindingKind(StrEnum):
    """One thing a network does. Kinds that need probes not built yet are absent."""

    DNS_INJECTION = "dns_injection"
    DNS_LYING_RESOLVER = "dns_lying_resolver"
    DNS_REDIRECTED = "dns_redirected"
    DNS_BLOCKED = "dns_blocked"
    UDP_BLOCKED = "udp_blocked"
    UDP_LOSSY = "udp_lossy"
    QUIC_BLOCKED = "quic_blocked"
    TLS_INTERCEPTION = "tls_interception"
    CAPTIVE_PORTAL = "captive_portal"
    NATIONAL_ONLY = "national_only"
    OFFLINE = "offline"
    IPV6_BROKEN = "ipv6_broken"
    CLOCK_SKEW = "clock_skew"
    TCP_PROXIED = "tcp_proxied"
    FLOW_CUT = "flow_cut"
    VPN_ALREADY_ON = "vpn_already_on"
    MTU_TROUBLE = "mtu_trouble"
    GPS_DENIED = "gps_denied"
    JAMMING_SUSPECTED = "jamming_suspected"
    OBSTRUCTED = "obstructed"
    NO_SERVICE_HERE = "no_service_here"
    ACCOUNT_INACTIVE = "account_inactive"


class Redaction(StrEnum):
    """How much of a report is taken out before it leaves the machine."""

    NONE = "none"
    DEFAULT = "default"
    STRICT = "strict"
