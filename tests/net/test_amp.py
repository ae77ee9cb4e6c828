"""URLs of AMP caches; what must come out is what snowflake's own client makes of the same URLs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.net.amp import cache_url, subdomain

LONG = "a.very-long-name-that-does-not-fit-into-one-label-of-a-domain-name.example"


@pytest.mark.parametrize(
    ("url", "cache", "expected"),
    [
        (
            "https://amp.refraction.network/amp/x",
            "https://cdn.ampproject.org/",
            "https://amp-refraction-network.cdn.ampproject.org/c/s/amp.refraction.network/amp/x",
        ),
        (
            "https://en-us.example.com/a?b=c",
            "https://cdn.ampproject.org",
            "https://0-en--us-example-com-0.cdn.ampproject.org/c/s/en-us.example.com/a?b=c",
        ),
        (
            "http://example.com/y",
            "https://cache.example:8443/x/",
            "https://example-com.cache.example:8443/x/c/example.com/y",
        ),
        (
            "https://xn--mnchen-3ya.example/x",
            "https://cdn.ampproject.org/",
            "https://xn--mnchen-example-gsb.cdn.ampproject.org/c/s/xn--mnchen-3ya.example/x",
        ),
        (
            f"https://{LONG}/z",
            "https://cdn.ampproject.org/",
            f"https://3gdxbedburwpzhj5ngyawt6jue2j5us477522erfkeozuxm7kx5q.cdn.ampproject.org/c/s/{LONG}/z",
        ),
    ],
)
def test_a_page_under_the_name_of_a_cache(url: str, cache: str, expected: str) -> None:
    assert cache_url(url, cache) == expected


@pytest.mark.parametrize(
    ("url", "cache"),
    [
        ("ftp://a.example/", "https://cache.example/"),
        ("https://a.example:8443/", "https://cache.example/"),
        ("https://user@a.example/", "https://cache.example/"),
        ("https:///x", "https://cache.example/"),
        ("https://a.example/", "cache.example"),
        ("https://a.example/", "https://cache.example/?x=y"),
    ],
)
def test_what_no_cache_serves(url: str, cache: str) -> None:
    with pytest.raises(ValueError, match="AMP cache"):
        cache_url(url, cache)


@given(st.text(max_size=100))
def test_any_host_becomes_one_label(host: str) -> None:
    label = subdomain(host)
    assert len(label) <= 63
    assert "." not in label
    assert label.isascii()
