"""The arguments of a conjure bridge line: ``url=``, ``fronts=`` (or ``front=``), ``registrar=``, ``ampcache=``, ``transport=``.

The address of such a line is that of a bridge that only conjure's stations connect to.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from circumvent.inputs.draft import draft
from circumvent.inputs.hosts import clean_host
from circumvent.inputs.problem import LineError
from circumvent.inputs.uri import split_link
from circumvent.model.bridge import ConjureSettings
from circumvent.model.option import join_host_port
from circumvent.model.words import Exposure
from circumvent.net.amp import subdomain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from circumvent.inputs.uri import Link
    from circumvent.model.option import Option

#: The registrar that Tor Browser starts conjure's client with, for lines that name none.
USUAL_URL: Final = "https://registration.refraction.network/api"
REGISTRARS: Final = frozenset({"bdapi", "ampcache", "dns"})
#: What can be spoken to a phantom; the client takes every other word, and none, for the first.
PHANTOMS: Final = ("min", "prefix", "dtls")
MOST_FRONTS: Final = 8
_USUAL_PORTS: Final = {"https": 443, "http": 80}


def conjure_option(
    arguments: Mapping[str, str], *, address: str, port: int, fingerprint: bytes | None
) -> Option:
    """Return the option of a line without id.

    :raises LineError: when something in it is damaged.
    """
    registrar = arguments.get("registrar", "bdapi")
    if registrar not in REGISTRARS:
        raise LineError("the registrar of this bridge is not bdapi, ampcache or dns.")
    link, url = _url(arguments.get("url", USUAL_URL), "url")
    host, at, cache = link.host, link.port(_USUAL_PORTS[link.scheme]), ""
    if registrar == "ampcache":
        server, cache = _url(arguments.get("ampcache", ""), "ampcache")
        if at != _USUAL_PORTS[link.scheme]:
            raise LineError("the url of this bridge has a port, which no AMP cache takes.")
        host, at = f"{subdomain(link.host)}.{server.host}", server.port(_USUAL_PORTS[server.scheme])
    fronts = _fronts(arguments)
    phantom = arguments.get("transport", PHANTOMS[0])
    settings = ConjureSettings(
        url=url,
        registrar=registrar,
        phantom=phantom if phantom in PHANTOMS else PHANTOMS[0],
        bridge=join_host_port(address, port),
        amp_cache=cache,
        fronts=fronts[1:],
        fingerprint=fingerprint,
    )
    if registrar == "dns":  # nothing is asked: the place of the bridge stands for it
        host, at, fronts = address, port, ()
    host = fronts[0] if fronts else host
    return draft("conjure", host=host, port=at, settings=settings, exposure_override=Exposure.NOTABLE)


def _url(text: str, name: str) -> tuple[Link, str]:
    """Return a URL taken apart, and as it is written."""
    if not text.startswith(("https://", "http://")):
        raise LineError(f"the {name} of this bridge begins with neither https:// nor http://.")
    link = split_link(text)
    if link.userinfo is not None or link.query:
        raise LineError(f"the {name} of this bridge has more in it than a place and a path.")
    if not re.fullmatch(r"[!-~]*", link.path or ""):
        raise LineError(f"the {name} of this bridge holds letters that a URL cannot have.")
    port = link.port(_USUAL_PORTS[link.scheme])
    named = f"[{link.host}]" if ":" in link.host else link.host
    shown = named if port == _USUAL_PORTS[link.scheme] else f"{named}:{port}"
    return link, f"{link.scheme}://{shown}{(link.path or '').rstrip('/')}"


def _fronts(arguments: Mapping[str, str]) -> tuple[str, ...]:
    said = arguments.get("fronts") or arguments.get("front", "")
    return tuple(dict.fromkeys(clean_host(front) for front in said.split(",")[:MOST_FRONTS] if front))
