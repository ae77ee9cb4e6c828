"""What web servers answer: the control paths, a portal's login page, a block page, a geo-fence.

::

    GET  /             200, a fixed sentence
    GET  /text         200, a fixed sentence
    GET  /nonce/X      200, body X
    GET  /bytes/N      200, N bytes
    GET  /status/N     status N without a body
    GET  /login        200, a login page
    POST (any path)    200, the number of bytes received
"""

from __future__ import annotations

import re
import tomllib
from importlib import resources
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from circumvent.lab.world.http import Answer, Request

if TYPE_CHECKING:
    from circumvent.lab.world.description import Web
    from circumvent.lab.world.http import Handler

TEXT: Final = b"the control of the laboratory\n"
LOGIN: Final = b"<!doctype html><title>Hotel network</title><form action=/login>Please sign in: <input name=room></form>\n"
BLOCKED: Final = (
    b"<!doctype html><title>Access denied</title><p>Access to this site has been blocked by order of the "
    b"laboratory's authorities.</p>\n"
)
FENCED: Final = (
    b"<!doctype html><title>Not available</title><p>This service is not available in your country.</p>\n"
)
#: The longest body that is served, in bytes.
MOST_BYTES: Final = 16 * 1024 * 1024
_HTML: Final = "text/html; charset=utf-8"
_NUMBER: Final = re.compile(r"[0-9]{1,9}")


def control(request: Request) -> Answer:
    """Answer as the control server does."""
    path = request.path.partition("?")[0]
    if request.method == "POST":
        return Answer(body=str(request.received).encode())
    if request.method not in ("GET", "HEAD"):
        return Answer(status=405, headers=(("allow", "GET, HEAD, POST"),))
    match path.split("/")[1:]:
        case ["" | "text"]:
            return Answer(body=TEXT)
        case ["nonce", value]:
            return Answer(body=unquote_to_bytes(value))
        case ["bytes", number] if _NUMBER.fullmatch(number) and int(number) <= MOST_BYTES:
            return Answer(zeros=int(number))
        case ["status", number] if _NUMBER.fullmatch(number) and 200 <= int(number) <= 599:
            return Answer(status=int(number))
        case ["login"]:
            return Answer(body=LOGIN, media_type=_HTML)
    return Answer(status=404, body=b"not here\n")


def portal(_: Request) -> Answer:
    """Answer as a captive portal does: a login page for everything."""
    return Answer(body=LOGIN, media_type=_HTML)


def block_page(country: str | None) -> Answer:
    """Return what a censor's server answers to which a name was turned."""
    if country is None:
        return Answer(status=403, body=BLOCKED, media_type=_HTML)
    data = resources.files("circumvent.catalog").joinpath("data", "block_pages.toml").read_text("utf-8")
    marks = [row for row in tomllib.loads(data)["block_page"] if row["country"] == country]
    body = "".join(row["text"] for row in marks if row["where"] == "body").encode()
    location = next((row["text"] for row in marks if row["where"] == "location"), None)
    if body or location is None:
        return Answer(status=403, body=BLOCKED + body + b"\n", media_type=_HTML)
    return Answer(status=302, headers=(("location", location),))


def handler_of(web: Web) -> Handler:
    """Return what a web server does with requests."""
    blocked = block_page(web.country)

    def answer(request: Request) -> Answer:
        match web.pages:
            case "portal":
                return portal(request)
            case "block":
                return blocked
            case _:
                return control(request)

    fence = tuple(ip_network(prefix) for prefix in web.shut_out)

    async def handle(request: Request) -> Answer:
        client = ip_address(request.client.partition("%")[0])
        if any(client in prefix for prefix in fence if prefix.version == client.version):
            return Answer(status=web.shut_out_status, body=FENCED, media_type=_HTML)
        return answer(request)

    return handle
