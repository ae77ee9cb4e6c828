"""URLs of AMP caches: a page of one host under the name of a large service (amp.dev, "AMP Cache URL format")."""

from __future__ import annotations

import base64
import hashlib
from typing import Final
from urllib.parse import urlsplit

import idna

_LONGEST_LABEL: Final = 63
_USUAL_PORTS: Final = {"https": 443, "http": 80}


def cache_url(url: str, cache: str) -> str:
    """Return the URL by which the AMP cache at ``cache`` serves the page at ``url``.

    :raises ValueError: when one of them is no such URL: another scheme, port or user than an AMP cache takes.
    """
    page, server = urlsplit(url), urlsplit(cache)
    port = _USUAL_PORTS.get(page.scheme)
    if port is None or page.port not in (None, port) or page.username is not None or not page.hostname:
        raise ValueError("not a URL that an AMP cache serves")
    if server.scheme not in _USUAL_PORTS or not server.hostname or server.query or server.fragment:
        raise ValueError("not the URL of an AMP cache")
    place = f"{subdomain(page.hostname)}.{server.netloc.rpartition('@')[2]}"
    secure = "/s" if page.scheme == "https" else ""
    query = f"?{page.query}" if page.query else ""
    return f"{server.scheme}://{place}{server.path.rstrip('/')}/c{secure}/{page.hostname}{page.path}{query}"


def subdomain(host: str) -> str:
    """Return the label below the cache's name for a publisher's host: readable, or its hash where that is too long.

    >>> subdomain("amp.refraction.network")
    'amp-refraction-network'
    >>> subdomain("en-us.example.com")
    '0-en--us-example-com-0'
    """
    try:
        shown = idna.decode(host)
        label = shown.replace("-", "--").replace(".", "-")
        if label[2:4] == "--":
            label = f"0-{label}-0"
        if not label.isascii():
            label = f"xn--{label.encode('punycode').decode('ascii')}"
        if len(label) <= _LONGEST_LABEL:
            return label
    except UnicodeError:
        pass
    return base64.b32encode(hashlib.sha256(host.encode()).digest()).decode("ascii").rstrip("=").lower()
