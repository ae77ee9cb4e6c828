"""The arguments of a snowflake bridge line.

``url=`` (the broker), ``fronts=`` or ``front=``, ``ampcache=``, ``ice=`` (``stun:`` servers), ``fingerprint=`` (whom to ask the
broker for), ``utls-imitate=``, ``utls-nosni=``, ``sqsqueue=`` with ``sqscreds=``. The address of such a line means nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from circumvent.inputs.draft import draft
from circumvent.inputs.hosts import clean_host, parse_port
from circumvent.inputs.problem import LineError
from circumvent.inputs.uri import split_link
from circumvent.model.option import is_address
from circumvent.model.snowflake import SnowflakeSettings
from circumvent.model.words import Exposure
from circumvent.net.amp import subdomain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from circumvent.inputs.uri import Link
    from circumvent.model.option import Option

#: Most fronts and STUN servers that are taken from a line.
MOST_FRONTS: Final = 8
MOST_STUN: Final = 16
#: The bridge that a client asks for whose line names none (snowflake's broker specification).
DEFAULT_BRIDGE: Final = bytes.fromhex("2B280B23E1107BB62ABFC40DDCC8824814F80A72")
_STUN: Final = re.compile(r"stun:(\[[0-9A-Fa-f:.]{2,45}\]|[^:\[\]?]{1,255})(?::(\d{1,6}))?", re.IGNORECASE)
_STUN_PORT: Final = "3478"
_FINGERPRINT: Final = re.compile(r"[0-9A-Fa-f]{40}")
_IMITATE: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_USUAL_PORTS: Final = {"https": 443, "http": 80}


def snowflake_option(arguments: Mapping[str, str], fingerprint: bytes | None) -> Option:
    """Return the option of a line without id.

    :raises LineError: when something in it is missing or damaged.
    """
    asked = _asked(arguments)
    fronts = tuple(clean_host(front) for front in _fronts(arguments))
    queue = arguments.get("sqsqueue", "")
    broker = _link(arguments["url"], "url") if "url" in arguments else None
    cache = _link(arguments["ampcache"], "ampcache") if arguments.get("ampcache") else None
    if broker is None and not queue:
        raise LineError("this bridge line has no url. It may have been cut; copy the whole line again.")
    if broker is not None and cache is not None:
        _fit_for_a_cache(broker, cache)
    first = cache or broker or _link(queue, "sqsqueue")
    host = fronts[0] if fronts else _contacted(broker, cache) or first.host
    settings = SnowflakeSettings(
        url="" if broker is None else _whole(broker),
        fronts=fronts,
        amp_cache="" if cache is None else _whole(cache),
        sqs=bool(queue),
        stun=_stun(arguments.get("ice", "")),
        bridge=asked or DEFAULT_BRIDGE,
        imitate=_imitate(arguments),
        no_sni=arguments.get("utls-nosni", "").lower() in ("true", "yes"),
        fingerprint=fingerprint or asked,
    )
    return draft(
        "snowflake",
        host=host,
        port=first.port(_USUAL_PORTS[first.scheme]),
        settings=settings,
        exposure_override=Exposure.NOTABLE,
    )


def _asked(arguments: Mapping[str, str]) -> bytes | None:
    value = arguments.get("fingerprint", "")
    if value and not _FINGERPRINT.fullmatch(value):
        raise LineError(
            "the fingerprint of this bridge has 40 letters and digits. Copy the whole line again."
        )
    return bytes.fromhex(value) if value else None


def _fronts(arguments: Mapping[str, str]) -> list[str]:
    named = arguments.get("fronts") or arguments.get("front", "")
    return [front for front in named.split(",") if front][:MOST_FRONTS]


def _link(text: str, name: str) -> Link:
    link = split_link(text)
    if link.scheme not in _USUAL_PORTS or link.userinfo is not None:
        raise LineError(f"the {name} of this bridge begins with neither https:// nor http://.")
    if not re.fullmatch(r"(?:/[!-~]*)?", link.path) or link.query:
        raise LineError(f"the {name} of this bridge holds more than host and path.")
    return link


def _whole(link: Link) -> str:
    host, port = link.host, link.port(_USUAL_PORTS[link.scheme])
    named = f"[{host}]" if ":" in host else host
    return (
        f"{link.scheme}://{named}{'' if port == _USUAL_PORTS[link.scheme] else f':{port}'}{link.path or '/'}"
    )


def _fit_for_a_cache(broker: Link, cache: Link) -> None:
    """Refuse what no cache has a place for: publishers with a port, and addresses."""
    if broker.port(_USUAL_PORTS[broker.scheme]) != _USUAL_PORTS[broker.scheme] or is_address(broker.host):
        raise LineError("an AMP cache reaches brokers by a name and the usual port only.")
    if is_address(cache.host):
        raise LineError("the ampcache of this bridge has no host name.")


def _contacted(broker: Link | None, cache: Link | None) -> str | None:
    """Return the host of a cache for this broker: it has a label of its own for each."""
    if broker is None or cache is None:
        return None
    return clean_host(f"{subdomain(broker.host)}.{cache.host}")


def _stun(text: str) -> tuple[tuple[str, int], ...]:
    """Return the STUN servers; other ones (``turn:``), which snowflake's client passes over, are left out."""
    found = (_STUN.fullmatch(part.strip()) for part in text.split(","))
    servers = [(clean_host(match[1]), parse_port(match[2] or _STUN_PORT)) for match in found if match]
    return tuple(dict.fromkeys(servers))[:MOST_STUN]


def _imitate(arguments: Mapping[str, str]) -> str:
    value = arguments.get("utls-imitate", "")
    return value if _IMITATE.fullmatch(value) else ""
