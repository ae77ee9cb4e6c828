"""Tor bridge lines, as people paste them.

``[Bridge] [transport] address:port [fingerprint] [key=value …]`` (tor's manual, "Bridge"), with or without ``Bridge``
and ``$``, in quotes, in a JSON list, as a line of ``torrc`` or of Tor Browser's preferences, numbered, quoted in a mail,
several in one line of chat, or as one ``bridge://`` link of Orbot. Which transport it is, the first word tells: one with
a dot or a bracket is the address of a bridge without a disguise.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_plus

from circumvent.inputs.draft import draft
from circumvent.inputs.hosts import clean_host, parse_port
from circumvent.inputs.problem import LineError
from circumvent.inputs.uri import split_link
from circumvent.model.bridge import MeekSettings, Obfs4Settings, TorSettings, WebtunnelSettings
from circumvent.model.option import is_address
from circumvent.model.words import Exposure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from circumvent.inputs.uri import Link
    from circumvent.model.option import Option

#: Most bridges taken from one line, and most arguments of one.
MOST_IN_LINE: Final = 100
MOST_ARGUMENTS: Final = 32
VANILLA: Final = ""
#: Words that begin a line with a transport; those that this version does not speak are named when they are left out.
SPOKEN: Final = frozenset(
    {VANILLA, "obfs4", "webtunnel", "meek", "meek_lite", "dnstt", "conjure", "snowflake"}
)
TRANSPORTS: Final = SPOKEN | {
    "obfs2", "obfs3", "scramblesuit",
}  # fmt: skip
SCHEME: Final = "bridge"

_ADDRESS: Final = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|\d{1,3}(?:\.\d{1,3}){3}):(\d{1,6})")
#: What every bridge line has somewhere: most lines of long lists need no closer look.
_HINT: Final = re.compile(r"[0-9\]]:[0-9]")
_FINGERPRINT: Final = re.compile(r"\$?([0-9A-Fa-f]{40})(?:[~=]\w{1,19})?")
_ARGUMENT: Final = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,40})=(\S*)")
#: Quotes and the like never belong to a bridge line.
_QUOTES: Final = str.maketrans(dict.fromkeys("\"'`\u201c\u201d\u2018\u2019\u00ab\u00bb<>", " "))
_TRAILING: Final = ",;)]}"
_USUAL_PORTS: Final = {"https": 443, "http": 80}
_NODE_ID_BYTES, _KEY_BYTES, _HASH_BYTES = 20, 32, 32
#: Lines of a ``torrc`` that go with bridges and are none.
_TORRC: Final = re.compile(
    r"(?:UseBridges|UpdateBridgesFromAuthority|ClientTransportPlugin)\s", re.IGNORECASE
)
#: An e-mail program broke the line before one of these words.
_CONTINUES: Final = re.compile(r"\s*(?:>\s*)*(?:\$?[0-9A-Fa-f]{40}(?:\s|$)|[a-z][a-z0-9-]{1,20}=\S)")


@dataclass(frozen=True, slots=True)
class BridgeLine:
    """A bridge line taken apart; nothing in it has been judged yet. Its ``repr`` shows the transport alone."""

    transport: str
    address: str
    port: str
    fingerprint: str | None
    arguments: dict[str, str]

    def __repr__(self) -> str:
        return f"BridgeLine(transport={self.transport!r})"


def bridges_in(text: str) -> tuple[BridgeLine, ...]:
    """Return the bridge lines in a line of text, in order; empty if there are none.

    An address and a port alone are none: a proxy looks the same. ``Bridge`` before it, a known transport, or a
    fingerprint after it makes it one.
    """
    if text[: len(SCHEME) + 3].lower() == f"{SCHEME}://":
        text = unquote_plus(text[len(SCHEME) + 3 :].partition("#")[0])
    if not _HINT.search(text):
        return ()
    words = text.translate(_QUOTES).split()
    return tuple(found for _, found in zip(range(MOST_IN_LINE), _scan(words), strict=False))


def parse_bridge(text: str) -> Option:
    """Read one bridge line into an option without id.

    :raises LineError: when it is none, holds several, or can't be used.
    """
    found = bridges_in(text)
    if len(found) != 1:
        raise LineError("this is not one bridge line." if not found else "these are several bridge lines.")
    return to_option(found[0])


def to_option(line: BridgeLine) -> Option:
    """Turn a bridge line into an option without id.

    :raises LineError: when this version does not speak its transport, or something in it is damaged.
    """
    make = _MAKERS.get(line.transport)
    if make is None:
        raise LineError(
            f'"{line.transport}" bridges are not supported by this version.', label=line.transport
        )
    return make(line)


def is_torrc(line: str) -> bool:
    """Tell whether a line of ``torrc`` belongs to bridges without being one."""
    return _TORRC.match(line) is not None


def unwrapped(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Return lines with their numbers (from 1), putting together bridge lines that a mail program broke.

    A line that continues one is taken into it, and its number is that of the beginning.
    """
    number = 0
    while number < len(lines):
        begun, whole = number, lines[number]
        number += 1
        if bridges_in(whole):
            while number < len(lines) and number - begun < MOST_ARGUMENTS and _CONTINUES.match(lines[number]):
                if bridges_in(lines[number]):
                    break
                whole = f"{whole} {lines[number].lstrip('> ')}"
                number += 1
        yield begun + 1, whole


def _scan(words: list[str]) -> Iterator[BridgeLine]:
    position = 0
    while position < len(words):
        start = position
        named = words[position].lower() == "bridge"
        position += named
        transport = words[position].lower() if position < len(words) else ""
        transport = transport if transport in TRANSPORTS - {VANILLA} else VANILLA
        position += transport != VANILLA
        place = _ADDRESS.fullmatch(words[position].rstrip(_TRAILING)) if position < len(words) else None
        if place is None:
            position = start + 1
            continue
        fingerprint, arguments, position = _rest(words, position + 1)
        if named or transport or fingerprint:
            yield BridgeLine(transport, place[1], place[2], fingerprint, arguments)


def _rest(words: list[str], position: int) -> tuple[str | None, dict[str, str], int]:
    """Return fingerprint and arguments, and where the next thing begins."""
    fingerprint: str | None = None
    if position < len(words) and (found := _FINGERPRINT.fullmatch(words[position].rstrip(_TRAILING))):
        fingerprint, position = found[1], position + 1
    arguments: dict[str, str] = {}
    while position < len(words) and len(arguments) < MOST_ARGUMENTS:
        found = _ARGUMENT.fullmatch(words[position].rstrip(_TRAILING))
        if found is None:
            break
        arguments.setdefault(found[1].lower(), found[2])
        position += 1
    return fingerprint, arguments, position


def _vanilla(line: BridgeLine) -> Option:
    return draft(
        "tor",
        host=clean_host(line.address),
        port=parse_port(line.port),
        settings=TorSettings(fingerprint=_fingerprint(line)),
    )


def _obfs4(line: BridgeLine) -> Option:
    node_id, public_key = _obfs4_keys(line.arguments)
    mode = line.arguments.get("iat-mode", "0")
    if mode not in ("0", "1", "2"):
        raise LineError("the iat-mode of this bridge is not 0, 1 or 2. Copy the whole line again.")
    settings = Obfs4Settings(
        node_id=node_id, public_key=public_key, iat_mode=int(mode), fingerprint=_fingerprint(line)
    )
    return draft(
        "obfs4",
        host=clean_host(line.address),
        port=parse_port(line.port),
        settings=settings,
        exposure_override=Exposure.NOTABLE,
    )


def _obfs4_keys(arguments: dict[str, str]) -> tuple[bytes, bytes]:
    """Return node id and public key, from ``cert`` or from the older ``node-id`` and ``public-key``."""
    if "cert" in arguments:
        cert = _base64(arguments["cert"])
        if len(cert) != _NODE_ID_BYTES + _KEY_BYTES:
            raise LineError(
                "the cert of this bridge has 70 letters. Some were lost; copy the whole line again."
            )
        return cert[:_NODE_ID_BYTES], cert[_NODE_ID_BYTES:]
    try:
        node_id = bytes.fromhex(arguments.get("node-id", ""))
        public_key = bytes.fromhex(arguments.get("public-key", ""))
    except ValueError:
        node_id = public_key = b""
    if (len(node_id), len(public_key)) != (_NODE_ID_BYTES, _KEY_BYTES):
        raise LineError("this bridge line has no cert. It may have been cut; copy the whole line again.")
    return node_id, public_key


def _webtunnel(line: BridgeLine) -> Option:
    link, named, target = _url(line.arguments)
    host, port = link.host, _port(link)
    addresses, port = _webtunnel_place(line.arguments, port)
    name = line.arguments.get("servername")
    return draft(
        "webtunnel",
        host=host,
        port=port,
        addresses=() if is_address(host) else addresses,
        sni=clean_host(name) if name else None,
        settings=WebtunnelSettings(
            host=named,
            path=target,
            tls=link.scheme == "https",
            chain_hash=_chain_hash(line.arguments),
            fingerprint=_fingerprint(line),
        ),
        exposure_override=Exposure.NOTABLE,
    )


def _url(arguments: dict[str, str]) -> tuple[Link, str, str]:
    """Return the ``url`` of a line, taken apart: all of it, host (and port if it is not the usual one), path."""
    if "url" not in arguments:
        raise LineError("this bridge line has no url. It may have been cut; copy the whole line again.")
    link = split_link(arguments["url"])
    if link.scheme not in ("https", "http") or link.userinfo is not None:
        raise LineError("the url of this bridge begins with neither https:// nor http://.")
    target = (link.path or "/") + (f"?{link.query}" if link.query else "")
    if not re.fullmatch(r"[!-~]+", target):
        raise LineError("the url of this bridge holds letters that a URL cannot have.")
    named = f"[{link.host}]" if ":" in link.host else link.host
    port = _port(link)
    return link, named if port == _USUAL_PORTS[link.scheme] else f"{named}:{port}", target


def _port(link: Link) -> int:
    return link.port(_USUAL_PORTS[link.scheme])


def _meek(line: BridgeLine) -> Option:
    link, named, target = _url(line.arguments)
    front = line.arguments.get("front") or line.arguments.get("fronts", "").partition(",")[0]
    return draft(
        "meek",
        host=clean_host(front) if front else link.host,
        port=_port(link),
        settings=MeekSettings(url=f"{link.scheme}://{named}{target}", fingerprint=_fingerprint(line)),
        exposure_override=Exposure.NOTABLE,
    )


def _dnstt(line: BridgeLine) -> Option:
    from circumvent.inputs.dnstt_fields import dnstt_option  # noqa: PLC0415 - few lines are of this kind

    return dnstt_option(line.arguments, _fingerprint(line))


def _conjure(line: BridgeLine) -> Option:
    from circumvent.inputs.conjure_fields import conjure_option  # noqa: PLC0415 - few lines are of this kind

    return conjure_option(
        line.arguments,
        address=clean_host(line.address),
        port=parse_port(line.port),
        fingerprint=_fingerprint(line),
    )


def _snowflake(line: BridgeLine) -> Option:
    from circumvent.inputs.snowflake_fields import snowflake_option  # noqa: PLC0415 - few lines are of this kind

    return snowflake_option(line.arguments, _fingerprint(line))


def _webtunnel_place(arguments: dict[str, str], port: int) -> tuple[tuple[str, ...], int]:
    """Return where to connect to if ``addr`` says so; the address of the line itself means nothing."""
    place = _ADDRESS.fullmatch(arguments.get("addr", ""))
    if place is None:
        return (), port
    return (clean_host(place[1]),), parse_port(place[2])


def _chain_hash(arguments: dict[str, str]) -> bytes | None:
    if "cert" not in arguments:
        return None
    value = _base64(arguments["cert"])
    if len(value) != _HASH_BYTES:
        raise LineError("the cert of this bridge is damaged. Copy the whole line again.")
    return value


def _fingerprint(line: BridgeLine) -> bytes | None:
    return None if line.fingerprint is None else bytes.fromhex(line.fingerprint)


def _base64(text: str) -> bytes:
    """Decode base64 of either alphabet, with or without padding; empty when it is none."""
    packed = text.rstrip("=").translate(str.maketrans("-_", "+/"))
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


_MAKERS: Final[dict[str, Callable[[BridgeLine], Option]]] = {
    VANILLA: _vanilla,
    "obfs4": _obfs4,
    "webtunnel": _webtunnel,
    "meek": _meek,
    "meek_lite": _meek,
    "dnstt": _dnstt,
    "conjure": _conjure,
    "snowflake": _snowflake,
}
