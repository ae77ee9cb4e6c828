"""Stamps are read and written; garbage is refused with one error."""

from __future__ import annotations

import base64
import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.names.stamps import Stamp, StampError, StampKind, default_port, format_stamp, parse_stamp

ADGUARD = "sdns://AQIAAAAAAAAAFDE3Ni4xMDMuMTMwLjEzMDo1NDQzINErR_JS3PLCu_iZEIbq95zkSV2LFsigxDIuUso_OQhzIjIuZG5zY3J5cHQuZGVmYXVsdC5uczEuYWRndWFyZC5jb20"


def stamp_of(data: bytes) -> str:
    return "sdns://" + base64.urlsafe_b64encode(data).decode().rstrip("=")


def lp(text: str) -> bytes:
    return bytes([len(text)]) + text.encode()


def test_a_doh_stamp_with_address_and_name() -> None:
    text = "sdns://AgcAAAAAAAAADTIxNy4xNjkuMjAuMjIADWRucy5hYS5uZXQudWsKL2Rucy1xdWVyeQ"
    stamp = parse_stamp(text)
    assert stamp == Stamp(
        kind=StampKind.DOH,
        properties=7,
        port=443,
        address="217.169.20.22",
        host="dns.aa.net.uk",
        path="/dns-query",
    )
    assert (stamp.dnssec, stamp.no_log, stamp.no_filter) == (True, True, True)
    assert format_stamp(stamp) == text


def test_a_doh_stamp_without_address_or_path() -> None:
    text = "sdns://AgcAAAAAAAAAAAAHOS45LjkuOQA"
    assert parse_stamp(text) == Stamp(kind=StampKind.DOH, properties=7, port=443, host="9.9.9.9")
    assert format_stamp(parse_stamp(text)) == text


def test_a_dnscrypt_stamp() -> None:
    stamp = parse_stamp(ADGUARD)
    assert (stamp.kind, stamp.properties) == (StampKind.DNSCRYPT, 2)
    assert (stamp.address, stamp.port) == ("176.103.130.130", 5443)
    assert stamp.provider == "2.dnscrypt.default.ns1.adguard.com"
    assert stamp.public_key.hex() == "d12b47f252dcf2c2bbf8991086eaf79ce4495d8b16c8a0c4322e52ca3f390873"
    assert format_stamp(stamp) == ADGUARD


def test_a_relay_before_a_server() -> None:
    relay = stamp_of(b"\x81" + lp("192.0.2.7:8443"))
    stamp = parse_stamp(relay + "/" + ADGUARD.removeprefix("sdns://"))
    assert stamp.provider == "2.dnscrypt.default.ns1.adguard.com"
    assert stamp.relay == Stamp(kind=StampKind.DNSCRYPT_RELAY, address="192.0.2.7", port=8443)
    assert parse_stamp(format_stamp(stamp)) == stamp


def test_a_server_is_no_relay() -> None:
    with pytest.raises(StampError, match="DNSCRYPT stamp can't stand before"):
        parse_stamp(ADGUARD + "/" + ADGUARD.removeprefix("sdns://"))


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("192.0.2.1", "dns.example", 443),
        ("192.0.2.1:8443", "dns.example", 8443),
        (":8443", "dns.example", 8443),
        ("192.0.2.1:8443", "dns.example:5443", 5443),
        ("192.0.2.1", "dns.example:5443", 5443),
    ],
)
def test_old_stamps_have_the_port_with_the_address(address: str, host: str, port: int) -> None:
    stamp = parse_stamp(stamp_of(b"\x02" + bytes(8) + lp(address) + b"\0" + lp(host) + lp("/q")))
    assert (stamp.port, stamp.host) == (port, "dns.example")
    assert stamp.address in {"", "192.0.2.1"}


def test_hashes_and_bootstrap_are_lists() -> None:
    hashes = b"\xa0" + b"a" * 32 + b"\x20" + b"b" * 32
    bootstrap = b"\x87" + b"9.9.9.9" + b"\x06" + b"[::1]x"[:5] + b""
    stamp = parse_stamp(stamp_of(b"\x03" + bytes(8) + lp("[2001:db8::1]") + hashes + lp("dns.example")))
    assert stamp.hashes == (b"a" * 32, b"b" * 32)
    assert stamp.address == "2001:db8::1"
    assert stamp.port == 853
    with pytest.raises(StampError):
        parse_stamp(stamp_of(b"\x03" + bytes(8) + lp("192.0.2.1") + hashes + lp("dns.example") + bootstrap))
    bootstrap = b"\x87" + b"9.9.9.9" + b"\x03" + b"::1"
    stamp = parse_stamp(
        stamp_of(b"\x03" + bytes(8) + lp("192.0.2.1") + hashes + lp("dns.example") + bootstrap)
    )
    assert stamp.bootstrap == ("9.9.9.9", "::1")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "ends too early"),
        (b"\x07" + bytes(8), "protocol number 0x07"),
        (b"\x00" + bytes(8) + lp("192.0.2.1") + b"x", "goes on after its end"),
        (b"\x00" + bytes(8) + lp("dns.example"), "no IP address"),
        (b"\x00" + bytes(8) + lp(""), "has no address"),
        (b"\x00" + bytes(8) + lp("192.0.2.1:0"), "port"),
        (b"\x00" + bytes(8) + lp("192.0.2.1:99999"), "port"),
        (b"\x00" + bytes(8) + lp("192.0.2.1\x1b[31m"), "characters"),
        (b"\x00" + bytes(8) + lp("fe80::1%eth0"), "zone"),
        (b"\x00" + bytes(8) + lp("[192.0.2.1]:53"), "brackets"),
        (b"\x01" + bytes(8) + lp("192.0.2.1") + lp("short") + lp("2.dnscrypt-cert.x"), "32 bytes, not 5"),
        (b"\x02" + bytes(8) + lp("") + b"\x05hello" + lp("x.example") + lp("/"), "hash has 32"),
        (b"\x05" + bytes(8) + lp("") + lp("/"), "neither host name nor address"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, message: str) -> None:
    with pytest.raises(StampError, match=message):
        parse_stamp(stamp_of(data))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sdns://",
        "sdns://AA==",
        "sdns://A+/A",
        "sdns://AB",
        "https://x",
        ADGUARD + "/a/b",
        "sdns://" + "A" * 5000,
        "sdns://é",
    ],
)
def test_text_that_is_no_stamp(text: str) -> None:
    with pytest.raises(StampError):
        parse_stamp(text)


@given(st.text(max_size=80))
def test_garbage_text_raises_only_stamp_error(text: str) -> None:
    for candidate in (text, "sdns://" + text):
        with contextlib.suppress(StampError):
            parse_stamp(candidate)


@given(kind=st.sampled_from(list(StampKind)), data=st.binary(max_size=200))
def test_garbage_bytes_raise_only_stamp_error(kind: StampKind, data: bytes) -> None:
    try:
        stamp = parse_stamp(stamp_of(bytes([kind]) + data))
    except StampError:
        return
    assert parse_stamp(format_stamp(stamp)) == stamp


addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6)).map(str)
hosts = st.from_regex(r"[a-z][a-z0-9-]{0,20}(\.[a-z]{2,5}){1,2}", fullmatch=True)
paths = st.from_regex(r"/[a-z0-9/._-]{0,40}", fullmatch=True)
ports = st.integers(1, 65535)


@st.composite
def stamps(draw: st.DrawFn) -> Stamp:
    kind = draw(st.sampled_from(list(StampKind)))
    port = draw(st.one_of(st.just(default_port(kind)), ports))
    properties = 0 if kind is StampKind.DNSCRYPT_RELAY else draw(st.integers(0, 2**64 - 1))
    if kind in {StampKind.PLAIN, StampKind.DNSCRYPT_RELAY}:
        return Stamp(kind=kind, port=port, properties=properties, address=draw(addresses))
    if kind is StampKind.DNSCRYPT:
        key, provider = draw(st.binary(min_size=32, max_size=32)), "2.dnscrypt-cert." + draw(hosts)
        return Stamp(
            kind=kind,
            port=port,
            properties=properties,
            address=draw(addresses),
            public_key=key,
            provider=provider,
        )
    if kind is StampKind.ODOH_TARGET:
        return Stamp(kind=kind, port=port, properties=properties, host=draw(hosts), path=draw(paths))
    hashes = tuple(draw(st.lists(st.binary(min_size=32, max_size=32), max_size=3)))
    return Stamp(
        kind=kind,
        port=port,
        properties=properties,
        address=draw(st.one_of(st.just(""), addresses)),
        host=draw(hosts),
        path=draw(paths) if kind in {StampKind.DOH, StampKind.ODOH_RELAY} else "",
        hashes=hashes,
        bootstrap=tuple(draw(st.lists(addresses, max_size=3))),
    )


@given(stamps())
def test_what_is_written_is_read_again(stamp: Stamp) -> None:
    assert parse_stamp(format_stamp(stamp)) == stamp
