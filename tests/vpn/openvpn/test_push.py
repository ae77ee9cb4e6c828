"""What servers say: options, refusals, and anything at all."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.vpn.openvpn.framing import Compression
from circumvent.vpn.openvpn.push import LONGEST, Denial, Messages, PushError, denial, parse_push


def test_a_reply_as_servers_of_today_send_it() -> None:
    pushed = parse_push(
        "PUSH_REPLY,route-gateway 10.8.0.1,topology subnet,ping 10,ping-restart 60,ifconfig-ipv6 fd00::1000/64 fd00::1,"
        "ifconfig 10.8.0.2 255.255.255.0,peer-id 3,cipher AES-256-GCM,protocol-flags cc-exit tls-ekm,tun-mtu 1400,"
        "dhcp-option DNS 10.8.0.1,dhcp-option DOMAIN example,dns server 0 address 9.9.9.9:53 [fd00::53],redirect-gateway def1,"
        'block-outside-dns,route 192.168.0.0 255.255.0.0,setenv "up" "rm"'
    )
    assert pushed.addresses == ("fd00::1000", "10.8.0.2")
    assert pushed.gateways == ("10.8.0.1", "fd00::1")
    assert pushed.resolvers == ("10.8.0.1", "9.9.9.9", "fd00::53")
    assert (pushed.cipher, pushed.peer_id, pushed.key_export, pushed.mtu) == ("AES-256-GCM", 3, True, 1400)
    assert not pushed.more
    assert pushed.strange is None


def test_older_topologies() -> None:
    net30 = parse_push("PUSH_REPLY,route 10.8.0.1,topology net30,ifconfig 10.8.0.6 10.8.0.5")
    assert (net30.addresses, net30.gateways) == (("10.8.0.6",), ("10.8.0.1",))
    p2p = parse_push("PUSH_REPLY,topology p2p,ifconfig 10.8.0.2 10.8.0.1")
    assert p2p.gateways == ("10.8.0.1",)


def test_a_reply_in_parts() -> None:
    first = parse_push("PUSH_REPLY,ifconfig 10.8.0.2 255.255.255.0,push-continuation 2")
    assert first.more
    whole = parse_push("PUSH_REPLY,peer-id 7,push-continuation 1", first)
    assert (whole.addresses, whole.peer_id, whole.more) == (("10.8.0.2",), 7, False)


@pytest.mark.parametrize(
    ("option", "framing"),
    [
        ("comp-lzo no", Compression.LZO),
        ("compress", Compression.STUB),
        ("compress stub-v2", Compression.STUB_V2),
        ("compress migrate", Compression.NONE),
    ],
)
def test_framings(option: str, framing: Compression) -> None:
    assert parse_push(f"PUSH_REPLY,{option}").compression is framing


@pytest.mark.parametrize("option", ["compress zstd", "protocol-flags aead-epoch"])
def test_what_changes_packets_and_is_not_spoken(option: str) -> None:
    assert parse_push(f"PUSH_REPLY,{option}").strange is not None


@pytest.mark.parametrize(
    "option",
    [
        "ifconfig 10.8.0.2",
        "ifconfig x y",
        "peer-id 99999999",
        "peer-id -1",
        "tun-mtu x",
        "ifconfig-ipv6",
        "dhcp-option DNS x",
    ],
)
def test_broken_options(option: str) -> None:
    with pytest.raises(PushError):
        parse_push(f"PUSH_REPLY,{option}")


@pytest.mark.parametrize(
    ("message", "word"),
    [
        ("AUTH_FAILED", Denial.REJECTED),
        ("AUTH_FAILED,wrong", Denial.REJECTED),
        ("AUTH_FAILED,CRV1:R,E:abc:bGFi:code?", Denial.CHALLENGE),
        ("AUTH_FAILED,TEMP[backoff 42]: later", Denial.TEMPORARY),
        ("AUTH_FAILED,SESSION: expired", Denial.SESSION),
        ("AUTH_FAILED,Data channel cipher negotiation failed (no shared cipher)", Denial.CIPHER),
        ("AUTH_PENDING,timeout 30", Denial.PENDING),
        ("INFO_PRE,WEB_AUTH::https://example", Denial.PENDING),
        ("HALT,go away", Denial.HALT),
        ("RESTART,[P]", Denial.RESTART),
        ("PUSH_REPLY,AUTH_FAILED", None),
        ("AUTH_FAILEDX", None),
    ],
)
def test_ways_to_say_no(message: str, word: Denial | None) -> None:
    assert denial(message) is word


@given(st.text(max_size=200))
def test_any_text_is_a_reply_or_an_error(text: str) -> None:
    denial(text)
    for each in (
        text,
        f"PUSH_REPLY,{text}",
        f"PUSH_REPLY,ifconfig {text}",
        f"PUSH_REPLY,dns server 0 address {text}",
    ):
        with suppress(PushError):
            parse_push(each)


@given(st.lists(st.binary(max_size=60), max_size=10))
def test_any_octets_are_messages_or_an_error(pieces: list[bytes]) -> None:
    messages = Messages()
    with suppress(PushError):
        for piece in pieces:
            messages.feed(piece)


def test_messages_end_with_zero_and_have_an_end() -> None:
    messages = Messages()
    assert messages.feed(b"PUSH_RE") == []
    assert messages.feed(b"PLY\0\0AUTH_FAILED\0x") == ["PUSH_REPLY", "AUTH_FAILED"]
    with pytest.raises(PushError, match="endless"):
        messages.feed(bytes(b"a" * (LONGEST + 1)))
    with pytest.raises(PushError, match="no text"):
        Messages().feed(b"a\x1b[31m\0")
    with pytest.raises(PushError, match="too many"):
        parse_push("PUSH_REPLY," + "," * 3000)
