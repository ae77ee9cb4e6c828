"""Resolvers: URLs and bare addresses."""

from __future__ import annotations

import pytest

from circumvent.inputs.dns_links import bare_address, web_url
from circumvent.inputs.problem import LineError


@pytest.mark.parametrize(
    ("host", "port", "path", "url"),
    [
        ("a.example", 443, "/q", "https://a.example/q"),
        ("a.example", 8443, "", "https://a.example:8443/"),
        ("2001:db8::443", 443, "/q", "https://[2001:db8::443]/q"),
    ],
)
def test_urls(host: str, port: int, path: str, url: str) -> None:
    assert web_url(host, port, path) == url


def test_a_path_in_other_letters_is_refused() -> None:
    with pytest.raises(LineError):
        web_url("a.example", 443, "/\u00e4")


def test_bare_addresses() -> None:
    assert bare_address("example.org") is None
    option = bare_address("[2001:db8::1]:53")
    assert option is not None
    assert str(option.endpoint) == "[2001:db8::1]:53"
    with pytest.raises(LineError, match="what listens there"):
        bare_address("192.0.2.1:443")
