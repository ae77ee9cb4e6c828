"""Offers, and the answers of strangers."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.tor.errors import TorError
from circumvent.tor.snowflake.sdp import (
    LONGEST,
    MOST_CANDIDATES,
    Candidate,
    Description,
    read_answer,
    write_offer,
)

FINGERPRINT = ":".join(["AB"] * 32)
OURS = Description(
    ufrag="u" * 16,
    password="p" * 32,
    fingerprints=(("sha-256", FINGERPRINT),),
    candidates=(
        Candidate(foundation="1", priority=2130706431, host="198.51.100.7", port=5000, type="host"),
        Candidate(foundation="2", priority=1694498815, host="203.0.113.9", port=6000, type="srflx"),
    ),
)
#: An answer of snowflake's proxy 2.10.1, with addresses of the documentation's.
ANSWER = f"""v=0\r
o=- 3252251910165842941 1795364980 IN IP4 0.0.0.0\r
s=-\r
t=0 0\r
a=msid-semantic:WMS*\r
a=fingerprint:sha-256 {FINGERPRINT}\r
a=extmap-allow-mixed\r
a=group:BUNDLE 0\r
m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r
c=IN IP4 0.0.0.0\r
a=setup:active\r
a=mid:0\r
a=sendrecv\r
a=sctp-port:5001\r
a=max-message-size:1000\r
a=ice-ufrag:FLXhvHaRbgeuHFIP\r
a=ice-pwd:GkHIcoIndlyfDJDjDWirLeNjzJfLXqyV\r
a=candidate:1785526713 1 udp 2130706431 198.51.100.7 58062 typ host\r
a=candidate:1785526713 2 udp 2130706431 198.51.100.7 58062 typ host\r
a=candidate:558526145 1 udp 1694498815 203.0.113.9 35900 typ srflx raddr 0.0.0.0 rport 35900\r
a=candidate:2227437215 1 udp 2130706431 2001:db8::2 40373 typ host\r
a=end-of-candidates\r
"""


def test_an_offer_has_the_lines_of_the_client() -> None:
    """As snowflake's client 2.10.1 wrote them, but for numbers and addresses."""
    assert write_offer(OURS, session=7, now=1795364980.4) == (
        "v=0\r\n"
        "o=- 7 1795364980 IN IP4 0.0.0.0\r\n"
        "s=-\r\n"
        "t=0 0\r\n"
        "a=msid-semantic:WMS*\r\n"
        f"a=fingerprint:sha-256 {FINGERPRINT}\r\n"
        "a=extmap-allow-mixed\r\n"
        "a=group:BUNDLE 0\r\n"
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
        "c=IN IP4 0.0.0.0\r\n"
        "a=setup:actpass\r\n"
        "a=mid:0\r\n"
        "a=sendrecv\r\n"
        "a=sctp-port:5000\r\n"
        "a=ice-ufrag:uuuuuuuuuuuuuuuu\r\n"
        "a=ice-pwd:pppppppppppppppppppppppppppppppp\r\n"
        "a=candidate:1 1 udp 2130706431 198.51.100.7 5000 typ host\r\n"
        "a=candidate:1 2 udp 2130706431 198.51.100.7 5000 typ host\r\n"
        "a=candidate:2 1 udp 1694498815 203.0.113.9 6000 typ srflx raddr 0.0.0.0 rport 6000\r\n"
        "a=candidate:2 2 udp 1694498815 203.0.113.9 6000 typ srflx raddr 0.0.0.0 rport 6000\r\n"
        "a=end-of-candidates\r\n"
    )


def test_the_answer_of_a_proxy() -> None:
    said = read_answer(ANSWER)
    assert (said.ufrag, said.setup, said.sctp_port, said.message_bytes) == (
        "FLXhvHaRbgeuHFIP",
        "active",
        5001,
        1000,
    )
    assert said.fingerprints == (("sha-256", FINGERPRINT),)
    assert [(one.host, one.port, one.type) for one in said.candidates] == [
        ("198.51.100.7", 58062, "host"),
        ("203.0.113.9", 35900, "srflx"),
        ("2001:db8::2", 40373, "host"),
    ]
    assert "GkHI" not in repr(said)


def test_an_offer_is_read_like_an_answer() -> None:
    read = read_answer(write_offer(OURS, session=1, now=0.0))
    assert (read.ufrag, read.password, read.fingerprints, read.candidates, read.setup) == (
        OURS.ufrag,
        OURS.password,
        OURS.fingerprints,
        OURS.candidates,
        "actpass",
    )


@pytest.mark.parametrize(
    "candidate",
    [
        "1 1 udp 5 printer.local 5000 typ host",
        "1 1 udp 5 www.example.com 5000 typ host",
        "1 1 tcp 5 198.51.100.8 5000 typ host tcptype active",
        "1 2 udp 5 198.51.100.8 5000 typ host",
        "1 1 udp 5 198.51.100.8 0 typ host",
        "1 1 udp 5 198.51.100.8 70000 typ host",
        "1 1 udp 9999999999 198.51.100.8 5000 typ host",
        "1 1 udp 5 fe80::1%eth0 5000 typ host",
        "1 1 udp 5 198.51.100.8 5000 typ other",
        "nothing",
    ],
)
def test_candidates_that_are_left_alone(candidate: str) -> None:
    """Names above all: who looks one up tells the own network what a stranger wants to know."""
    lines = [line for line in ANSWER.splitlines() if not line.startswith("a=candidate")]
    assert read_answer("\r\n".join([*lines, f"a=candidate:{candidate}"])).candidates == ()


def test_no_more_candidates_than_anybody_has() -> None:
    many = "".join(f"a=candidate:1 1 udp 5 198.51.100.8 {port} typ host\r\n" for port in range(1, 100))
    assert len(read_answer(ANSWER + many).candidates) == MOST_CANDIDATES


@pytest.mark.parametrize(
    ("gone", "instead"),
    [
        ("a=fingerprint", "a=print"),
        ("sha-256", "md5"),
        ("a=ice-ufrag:FLXhvHaRbgeuHFIP", ""),
        ("a=ice-pwd:GkHIcoIndlyfDJDjDWirLeNjzJfLXqyV", "a=ice-pwd:short"),
        ("s=-", "x" * LONGEST),
    ],
)
def test_answers_by_which_nobody_is_reached(gone: str, instead: str) -> None:
    with pytest.raises(TorError):
        read_answer(ANSWER.replace(gone, instead))


@pytest.mark.parametrize("value", ["0", "-1", "99999999999", "x", "\u0667"])
def test_numbers_that_are_none_are_the_usual_ones(value: str) -> None:
    said = read_answer(ANSWER.replace(":5001", f":{value}").replace(":1000", f":{value}"))
    assert (said.sctp_port, said.message_bytes) == (5000, 65536)


@given(st.text())
def test_any_text(text: str) -> None:
    for answer in (text, ANSWER.replace("v=0", text), ANSWER.replace("1785526713", text)):
        with suppress(TorError):
            read_answer(answer)
