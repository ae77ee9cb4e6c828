"""Private strings in free texts: how they are found, and how they are taken out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from circumvent.model.option import is_address
from circumvent.redaction.detail import STEPS, public_word

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What stands in place of what is hidden.
HIDDEN: Final = "hidden"
#: An id that is a keyed hash.
KEYED_ID: Final = re.compile(r"[a-z0-9-]{1,24}-[a-z2-7]{8}")
_SATELLITE_WORDS: Final = re.compile(
    r"satellite|starlink|iridium|thuraya|inmarsat|\bbgan\b|viasat|surfbeam|hughesnet|oneweb|eutelsat|\bdish\b",
    re.IGNORECASE,
)
HARDWARE_ADDRESS: Final = re.compile(
    r"(?<![0-9A-Fa-f:-])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![0-9A-Fa-f:-])"
)
URL: Final = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s\"'<>]+")
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d):\d\d:\d\d(?:\.\d+)?(Z|[+-]\d\d:\d\d)?")
_DEEPEST: Final = 10
#: Details whose content is the same for everybody, and steps that speak of controls only.
_SEEN_BY_ALL: Final = frozenset({"canaries", "controls", "issuer", "operator", "partly", "top_issuer"})
_STEPS_OF_CONTROLS: Final = frozenset({"bulk_tls", "control_http", "control_tls"})
_SHORTEST_KEY: Final = 8
_SHORTEST_NEEDLE: Final = 3
ABOUT_THE_USER: Final = frozenset({
    "client", "client_subnet", "ecs", "local", "local_address", "location", "mac", "mapped", "mapped_address",
    "public_address", "reflexive", "relayed", "relayed_address", "source", "source_address", "ssid", "whoami",
})  # fmt: skip


class Needles:
    """Private strings, and how to take them out of a text."""

    def __init__(self, found: Iterator[str], *, public: frozenset[str]) -> None:
        """Prepare for the texts ``found``, except those that are ``public`` (in small letters) anyway."""
        needles = sorted(
            {text for text in found if len(text) >= _SHORTEST_NEEDLE and text.lower() not in public},
            key=len,
            reverse=True,
        )
        self._pattern = (
            re.compile("|".join(_whole_word(needle) for needle in needles), re.IGNORECASE)
            if needles
            else None
        )

    def remove(self, text: str) -> str:
        """Return ``text`` with every private string replaced."""
        return text if self._pattern is None else self._pattern.sub(f"({HIDDEN})", text)


def _whole_word(needle: str) -> str:
    before = r"(?<![A-Za-z0-9])" if needle[0].isalnum() and len(needle) < 8 else ""
    after = r"(?![A-Za-z0-9])" if needle[-1].isalnum() and len(needle) < 8 else ""
    return f"{before}{re.escape(needle)}{after}"


def texts_of(value: Any, depth: int = 0) -> Iterator[str]:
    """Yield the texts inside a value that may be private, and the hosts in them.

    What is not private: the closed vocabulary, and what every path that works sees alike (canary names and their
    answers, controls, issuers). Hiding that everywhere would hide the evidence.
    """
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        yield from _texts_of_table(value, depth)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts_of(item, depth + 1)
    elif isinstance(value, str) and not public_word(value) and not _is_ordinary(value):
        yield value
        host, _, port = value.rpartition(":")
        if host and port.isdigit():
            yield host
            yield host.strip("[]")


def _texts_of_table(table: dict[Any, Any], depth: int) -> Iterator[str]:
    if table.get("name") in _STEPS_OF_CONTROLS:
        return
    for key, item in table.items():
        if key in _SEEN_BY_ALL and depth > 0:
            continue
        yield from texts_of(item, depth + 1)
        if isinstance(key, str) and len(key) > _SHORTEST_KEY and ("." in key or ":" in key):
            yield key


def _is_ordinary(text: str) -> bool:
    """Tell whether a text is an id or a word that reports are full of, which must not be cut out of sentences."""
    return (
        bool(re.fullmatch(r"a\d{1,6}|place-\d+|hidden(?::\d+)?", text) or KEYED_ID.fullmatch(text))
        or text in _COMMON_WORDS
    )


#: Words of reports; a label that is one of them tells nobody anything.
_COMMON_WORDS: Final = STEPS | {
    "user", "catalogue", "works", "degraded", "unstable", "blocked", "refused", "unreachable", "not_run", "not run",
}  # fmt: skip


def own_addresses(row: dict[str, Any]) -> Iterator[str]:
    """Yield the user's own addresses that servers told us in an option's details."""
    pending: list[Any] = [row]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            for key, item in value.items():
                if key in ABOUT_THE_USER:
                    yield from texts_of(item)
                else:
                    pending.append(item)
        elif isinstance(value, list | tuple):
            pending.extend(value)


def tells_satellite(text: Any) -> bool:
    """Tell whether a text speaks of a satellite link."""
    return isinstance(text, str) and _SATELLITE_WORDS.search(text) is not None


def to_the_hour(started: Any) -> str:
    """Return a time (RFC 3339) without minutes and seconds; empty if it is none."""
    match = _TIME.fullmatch(str(started))
    return f"{match[1]}:00:00{match[2] or 'Z'}" if match else ""


def host_of_url(url: Any) -> str:
    """Return scheme and host of a URL: no user name, path, query or fragment."""
    try:
        parts = urlsplit(str(url))
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return HIDDEN
    if not host or not re.fullmatch(r"[A-Za-z0-9._:-]{1,253}", host):
        return HIDDEN
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{shown}" + (f":{port}" if port else "")


def is_plain_address(resolver: Any) -> bool:
    """Tell whether a resolver is given as an address, with or without port."""
    if not isinstance(resolver, str):
        return False
    match = re.fullmatch(r"\[([^\]]+)\](?::\d+)?|([0-9.]+)(?::\d+)?", resolver)
    return is_address(resolver) or (match is not None and is_address(match[1] or match[2]))
