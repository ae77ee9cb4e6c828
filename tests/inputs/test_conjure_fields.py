"""Conjure lines, as Tor Browser and conjure's own documents have them."""

from __future__ import annotations

import pytest

from circumvent.inputs.bridge_lines import parse_bridge
from circumvent.inputs.problem import LineError
from circumvent.model.bridge import ConjureSettings
from circumvent.model.words import Exposure

FINGERPRINT = "A84C946BF4E14E63A3C92E140532A4594F2C24CD"
PLACE = "143.110.214.222:80"


def read(more: str) -> tuple[str, ConjureSettings]:
    option = parse_bridge(f"Bridge conjure {PLACE} {FINGERPRINT} {more}")
    assert isinstance(option.settings, ConjureSettings)
    assert (option.kind, option.exposure) == ("conjure", Exposure.NOTABLE)
    assert (option.settings.bridge, option.settings.fingerprint) == (PLACE, bytes.fromhex(FINGERPRINT))
    return str(option.endpoint), option.settings


def test_a_line_with_fronts() -> None:
    """The first of them is connected to, in the hope that one of them works."""
    endpoint, settings = read(
        "url=https://registration.example/api fronts=a.front.example,b.front.example,a.front.example transport=prefix"
    )
    assert endpoint == "a.front.example:443"
    assert settings.url == "https://registration.example/api"
    assert settings.fronts == ("b.front.example",)
    assert (settings.registrar, settings.phantom) == ("bdapi", "prefix")


def test_an_older_line_has_one_front_and_no_transport() -> None:
    endpoint, settings = read("url=https://registration.example:8443/api/ front=a.front.example")
    assert endpoint == "a.front.example:8443"
    assert settings.url == "https://registration.example:8443/api"
    assert (settings.fronts, settings.phantom) == ((), "min")


def test_a_bare_line_is_for_the_registrar_of_tor_browser() -> None:
    endpoint, settings = read("transport=something")
    assert endpoint == "registration.refraction.network:443"
    assert (settings.url, settings.phantom) == ("https://registration.refraction.network/api", "min")


def test_through_an_amp_cache() -> None:
    line = "url=https://amp.example registrar=ampcache ampcache=https://cache.example/ transport=dtls"
    endpoint, settings = read(line)
    assert endpoint == "amp-example.cache.example:443"
    assert (settings.registrar, settings.amp_cache) == ("ampcache", "https://cache.example")
    assert read(f"{line} fronts=www.front.example stun=stun.example:3478")[0] == "www.front.example:443"


def test_by_dns_nobody_is_asked() -> None:
    """Who would be is in a file of the client's: the place of the bridge stands for it."""
    endpoint, settings = read("registrar=dns url=https://registration.example fronts=a.example,b.example")
    assert (endpoint, settings.registrar) == (PLACE, "dns")


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("registrar=pigeon", "registrar"),
        ("url=ftp://registration.example", "url"),
        ("url=https://a:b@registration.example", "url"),
        ("url=https://registration.example/\u00fc", "url"),
        ("url=https://amp.example registrar=ampcache", "ampcache"),
        ("url=https://amp.example:8443 registrar=ampcache ampcache=https://cache.example", "port"),
    ],
)
def test_damaged_lines(more: str, said: str) -> None:
    with pytest.raises(LineError, match=said):
        read(more)
