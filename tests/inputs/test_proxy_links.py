"""Proxies: what is a proxy and what is not."""

from __future__ import annotations

import pytest

from circumvent.inputs.links import parse_link
from circumvent.inputs.problem import LineError


@pytest.mark.parametrize(
    ("link", "kind"), [("https://h.example", "http-connect"), ("https://h.example/", "doh")]
)
def test_a_path_tells_a_resolver_from_a_proxy(link: str, kind: str) -> None:
    assert parse_link(link).kind == kind


@pytest.mark.parametrize("userinfo", ["not-base64", "AAAA", "/w=="])
def test_base64_that_hides_no_password(userinfo: str) -> None:
    with pytest.raises(LineError):
        parse_link(f"socks://{userinfo}@h.example")


def test_empty_userinfo_is_none() -> None:
    assert parse_link("socks5://@h.example").user is None
