"""What a client says to snowflake's broker, and what that answers (protocol 1.0).

A poll is ``1.0``, a line feed, and JSON: ``offer`` (a session description, as JSON of its own), ``nat``, ``fingerprint`` (of the
bridge). The answer is JSON with ``answer``, the session description of a proxy, or ``error``, a sentence. The broker looks at the
offer before it looks for a proxy: a poll without one is answered by an error and takes nobody's proxy.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from circumvent.tor.errors import TorError

# Specification.
VERSION: Final = b"1.0\n"
LONGEST: Final = 100_000  #: bytes that both sides read
#: Seconds for which the broker waits for a proxy's answer.
PROXY_TIME: Final = 10.0
_OFFER, _ANSWER = "offer", "answer"


class Nat(StrEnum):
    """What a client says of the NAT that it is behind; the broker picks a proxy that can get through it."""

    UNKNOWN = "unknown"
    RESTRICTED = "restricted"
    UNRESTRICTED = "unrestricted"


class Refused(StrEnum):
    """What a broker says in place of an answer. The values are our words for it."""

    NO_PROXIES = "no_proxies"
    PROXY_SILENT = "proxy_silent"
    UNKNOWN_BRIDGE = "unknown_bridge"
    NO_OFFER = "no_offer"
    OTHER = "other"


_SENTENCES: Final = {
    "no snowflake proxies currently available": Refused.NO_PROXIES,
    "timed out waiting for answer!": Refused.PROXY_SILENT,
    "bridge with requested fingerprint is unknown to the broker": Refused.UNKNOWN_BRIDGE,
    "no supplied offer": Refused.NO_OFFER,
}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the broker's: the session description of a proxy, or why there is none."""

    sdp: str | None
    refused: Refused | None = None


def poll(sdp: str | None, *, nat: Nat, bridge: bytes) -> bytes:
    """Return a poll with the offer ``sdp``, or without one, for a proxy that leads to ``bridge`` (20 bytes)."""
    offer = "" if sdp is None else _compact({"type": _OFFER, "sdp": sdp})
    body = {"offer": offer, "nat": str(nat), "fingerprint": bridge.hex().upper()}
    return VERSION + _compact(body).encode("ascii")


def read_reply(data: bytes) -> Reply:
    """Read what the broker answered.

    :raises TorError: when it is none of its answers.
    """
    if len(data) > LONGEST:
        raise TorError("the broker's answer is too long")
    said = _object(data)
    error, answer = said.get("error"), said.get(_ANSWER)
    if isinstance(error, str) and error:
        return Reply(None, _SENTENCES.get(error, Refused.OTHER))
    if not isinstance(answer, str) or not answer:
        raise TorError("the broker's answer has neither an answer nor an error")
    described = _object(answer)
    sdp = described.get("sdp")
    if described.get("type") != _ANSWER or not isinstance(sdp, str):
        raise TorError("the proxy's answer is no session description")
    return Reply(sdp)


def _object(text: bytes | str) -> dict[str, object]:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise TorError("the broker's answer is not JSON") from exc
    if not isinstance(said, dict):
        raise TorError("the broker's answer is no JSON object")
    return said


def _compact(value: dict[str, str]) -> str:
    return json.dumps(value, separators=(",", ":"))
