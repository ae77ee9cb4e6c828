"""The arguments of a dnstt bridge line: ``doh=`` or ``dot=`` or ``udp=`` (the resolver), ``pubkey=``, ``domain=``.

The address of such a line means nothing. Without ``pubkey=`` only the way to the server can be tried, and without ``domain=``
only the resolver. ``udp=`` and ``dot=`` are an address or name with a port, ``doh=`` is a URL. Of
several resolvers dnstt's client takes the one of ``doh=``, then ``dot=``, then ``udp=``; so do we.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from circumvent.inputs.draft import draft
from circumvent.inputs.hosts import clean_host, parse_port
from circumvent.inputs.problem import LineError
from circumvent.inputs.uri import split_link
from circumvent.model.bridge import DnsttSettings
from circumvent.model.words import Exposure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from circumvent.model.option import Option

_PLACE: Final = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[^:\[\]]{1,255})(?::(\d{1,6}))?")
_KEY: Final = re.compile(r"[0-9A-Fa-f]{64}")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?")
#: Longer ones leave less than 80 bytes for a packet in a question, with which dnstt's client does not begin.
LONGEST_DOMAIN: Final = 101
_USUAL_PORTS: Final = {"dot": "853", "udp": "53"}


def dnstt_option(arguments: Mapping[str, str], fingerprint: bytes | None) -> Option:
    """Return the option of a line without id.

    :raises LineError: when something in it is missing or damaged.
    """
    key, domain = arguments.get("pubkey"), arguments.get("domain")
    if key is not None and not _KEY.fullmatch(key):
        raise LineError("the pubkey of this bridge has 64 letters and digits. Copy the whole line again.")
    if domain is None:
        if key is not None:
            raise LineError(
                "this bridge line has no domain. It may have been cut; copy the whole line again."
            )
        domain = ""
    elif not _DOMAIN.fullmatch(domain):
        raise LineError("this bridge line has no domain. It may have been cut; copy the whole line again.")
    if len(domain.rstrip(".")) > LONGEST_DOMAIN:
        raise LineError("the domain of this bridge is too long.")
    resolver, host, port, url = _resolver(arguments)
    settings = DnsttSettings(
        domain=domain.rstrip("."),
        public_key=None if key is None else bytes.fromhex(key),
        resolver=resolver,
        url=url,
        fingerprint=fingerprint,
    )
    return draft("dnstt", host=host, port=port, settings=settings, exposure_override=Exposure.NOTABLE)


def _resolver(arguments: Mapping[str, str]) -> tuple[str, str, int, str]:
    """Return the way to the resolver, its host and port, and its URL where it has one."""
    if "doh" in arguments:
        link = split_link(arguments["doh"])
        target = (link.path or "/") + (f"?{link.query}" if link.query else "")
        if link.scheme != "https" or link.userinfo is not None or not re.fullmatch(r"[!-~]+", target):
            raise LineError("the doh of this bridge is not a URL with https://.")
        port = link.port(443)
        named = f"[{link.host}]" if ":" in link.host else link.host
        return "doh", link.host, port, f"https://{named}{'' if port == 443 else f':{port}'}{target}"
    for resolver, usual in _USUAL_PORTS.items():
        if resolver in arguments:
            place = _PLACE.fullmatch(arguments[resolver])
            if place is None:
                raise LineError(f"the {resolver} of this bridge is not an address with a port.")
            return resolver, clean_host(place[1]), parse_port(place[2] or usual), ""
    raise LineError("this bridge line names no resolver (doh, dot or udp). Copy the whole line again.")
