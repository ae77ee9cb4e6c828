"""The examples of RFC 7064 and RFC 7065 (appendix A of each)."""

from __future__ import annotations

import pytest

from circumvent.inputs.links import parse_link
from circumvent.model.option import VoiceSettings


@pytest.mark.parametrize(
    ("uri", "endpoint", "transport"),
    [
        ("stun:example.org", "example.org:3478", "udp"),
        ("stuns:example.org", "example.org:5349", "tls"),
        ("stun:example.org:8000", "example.org:8000", "udp"),
        ("turn:example.org", "example.org:3478", "udp"),
        ("turns:example.org", "example.org:5349", "tls"),
        ("turn:example.org:8000", "example.org:8000", "udp"),
        ("turn:example.org?transport=udp", "example.org:3478", "udp"),
        ("turn:example.org?transport=tcp", "example.org:3478", "tcp"),
        ("turns:example.org?transport=tcp", "example.org:5349", "tls"),
    ],
)
def test_the_examples_of_the_rfcs(uri: str, endpoint: str, transport: str) -> None:
    option = parse_link(uri)
    assert (str(option.endpoint), option.settings) == (endpoint, VoiceSettings(transport=transport))
