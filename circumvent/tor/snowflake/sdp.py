"""Session descriptions of one data channel (RFC 8866, RFC 8829, RFC 8839, RFC 8841): our offer out, a proxy's answer in.

The offer has the lines, and their order, of the library that snowflake's client uses. Whatever is in an answer was written by a
stranger: names in it are never looked up, and of what has no use here nothing is read.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from circumvent.tor.errors import TorError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Most candidates that are taken, and most characters of an answer.
MOST_CANDIDATES: Final = 16
LONGEST: Final = 32 * 1024
DEFAULT_SCTP_PORT: Final = 5000
DEFAULT_MESSAGE_BYTES: Final = 65_536  #: RFC 8841, section 6

_UFRAG: Final = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PASSWORD: Final = re.compile(r"[A-Za-z0-9+/]{22,256}")
_FINGERPRINT: Final = re.compile(
    r"(sha-(?:256|384|512)) ((?:[0-9A-Fa-f]{2}:){31,63}[0-9A-Fa-f]{2})", re.IGNORECASE
)
_CANDIDATE: Final = re.compile(
    r"(?P<foundation>[A-Za-z0-9+/]{1,32}) (?P<component>\d{1,3}) udp (?P<priority>\d{1,10})"
    r" (?P<host>\S{1,45}) (?P<port>\d{1,5}) typ (?P<type>host|srflx|prflx|relay)(?: .*)?",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An address at which a peer may be reached (RFC 8839, section 5.1), of component 1, over UDP."""

    foundation: str
    priority: int
    host: str
    port: int
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What one side says of itself. ``setup`` is its part in DTLS; fingerprints are (hash, hexadecimal with colons)."""

    ufrag: str
    password: str = field(repr=False)
    fingerprints: tuple[tuple[str, str], ...]
    candidates: tuple[Candidate, ...] = ()
    setup: str = "actpass"
    sctp_port: int = DEFAULT_SCTP_PORT
    message_bytes: int = DEFAULT_MESSAGE_BYTES


def write_offer(ours: Description, *, session: int, now: float) -> str:
    """Write an offer; ``session`` is its number (63 bits), ``now`` seconds since 1970. Related addresses are left out."""
    kind, value = ours.fingerprints[0]
    lines = [
        "v=0",
        f"o=- {session} {now:.0f} IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        "a=msid-semantic:WMS*",
        f"a=fingerprint:{kind} {value}",
        "a=extmap-allow-mixed",
        "a=group:BUNDLE 0",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        f"a=setup:{ours.setup}",
        "a=mid:0",
        "a=sendrecv",
        f"a=sctp-port:{ours.sctp_port}",
        f"a=ice-ufrag:{ours.ufrag}",
        f"a=ice-pwd:{ours.password}",
        *_candidate_lines(ours.candidates),
        "a=end-of-candidates",
    ]
    return "".join(f"{line}\r\n" for line in lines)


def read_answer(text: str) -> Description:
    """Read a proxy's answer.

    :raises TorError: when it does not say how to reach anybody.
    """
    if len(text) > LONGEST:
        raise TorError("the proxy's answer is too long")
    values: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, value = line.strip().partition(":")
        if name.startswith("a=") and value:
            values.setdefault(name[2:], []).append(value)
    fingerprints = [
        found for value in values.get("fingerprint", []) if (found := _FINGERPRINT.fullmatch(value))
    ]
    if not fingerprints:
        raise TorError("the proxy's answer names no certificate")
    return Description(
        ufrag=_one(values, "ice-ufrag", _UFRAG),
        password=_one(values, "ice-pwd", _PASSWORD),
        fingerprints=tuple((found[1].lower(), found[2].upper()) for found in fingerprints[:MOST_CANDIDATES]),
        candidates=_candidates(values.get("candidate", [])),
        setup=values.get("setup", ["active"])[0],
        sctp_port=_number(values, "sctp-port", DEFAULT_SCTP_PORT, 65_535),
        message_bytes=_number(values, "max-message-size", DEFAULT_MESSAGE_BYTES, 1 << 30),
    )


def _candidate_lines(candidates: Sequence[Candidate]) -> list[str]:
    """Write each candidate twice, for both components, as that library does."""
    lines = []
    for one in candidates:
        nowhere = "::" if ":" in one.host else "0.0.0.0"
        related = "" if one.type == "host" else f" raddr {nowhere} rport {one.port}"
        place = f"udp {one.priority} {one.host} {one.port} typ {one.type}{related}"
        lines += [f"a=candidate:{one.foundation} {component} {place}" for component in (1, 2)]
    return lines


def _candidates(values: list[str]) -> tuple[Candidate, ...]:
    """Return candidates with addresses; ones with names (``….local``) would be asked for in the own network."""
    found: dict[tuple[str, int], Candidate] = {}
    for value in values:
        match = _CANDIDATE.fullmatch(value)
        if match is None or int(match["component"]) != 1 or len(found) == MOST_CANDIDATES:
            continue
        try:
            host = str(ipaddress.ip_address(match["host"]))
        except ValueError:
            continue
        port, priority = int(match["port"]), int(match["priority"])
        if "%" in host or not 0 < port <= 65_535 or priority >= 1 << 32:
            continue
        found.setdefault(
            (host, port),
            Candidate(
                foundation=match["foundation"],
                priority=priority,
                host=host,
                port=port,
                type=match["type"].lower(),
            ),
        )
    return tuple(found.values())


def _one(values: dict[str, list[str]], name: str, form: re.Pattern[str]) -> str:
    value = values.get(name, [""])[0]
    if not form.fullmatch(value):
        raise TorError(f"the proxy's answer has no {name}")
    return value


def _number(values: dict[str, list[str]], name: str, default: int, largest: int) -> int:
    value = values.get(name, [str(default)])[0]
    if not re.fullmatch(r"[0-9]{1,10}", value) or not 0 < int(value) <= largest:
        return default
    return int(value)
