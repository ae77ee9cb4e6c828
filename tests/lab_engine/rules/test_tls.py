"""Rules on ClientHellos: which they see, which they miss because they do not reassemble, which they leave alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from circumvent.lab.actions import Drop, Reset
from circumvent.lab.blocking import Blocking
from circumvent.lab.flow import DOWN
from circumvent.lab.names import Names
from circumvent.lab.packet import ACK, RST
from circumvent.lab.rules.tls import ClientHello, DtlsClientHello, HelloWanted, ServerHello
from circumvent.lab.scope import Scope
from circumvent.lab.tls import ENCRYPTED_CLIENT_HELLO, ENCRYPTED_SNI, read_hello
from circumvent.net.hello import split_record
from tests.lab_engine.talk import Net, Tcp, Udp, client_hello, opened

LISTED = HelloWanted(names=Names(exact=("blocked.example",)))


def sni(*, reassemble: bool = True, join_records: bool = True, **how: object) -> Blocking:
    return Blocking(
        name="sni",
        scope=Scope(protocols=("tcp",), ports=(443,)),
        when=ClientHello(wanted=LISTED, reassemble=reassemble, join_records=join_records),
        then=Reset(to_server=True),
        **how,  # type: ignore[arg-type]  # fields of Blocking, by name
    )


def halves(data: bytes, part: bytes) -> list[bytes]:
    """Cut in the middle of ``part``."""
    at = data.index(part) + len(part) // 2
    return [data[:at], data[at:]]


@pytest.mark.parametrize("reassemble", [False, True])
@pytest.mark.parametrize("join_records", [False, True])
@pytest.mark.parametrize("name", ["blocked.example", "BLOCKED.Example"])
def test_a_listed_name_in_one_segment_is_always_seen(
    family: int, reassemble: bool, join_records: bool, name: str
) -> None:
    net = Net(sni(reassemble=reassemble, join_records=join_records))
    outcome = opened(net, family=family).up(client_hello(name))
    assert outcome.passed
    assert [packet.flags for packet in outcome.to_client] == [RST | ACK]
    assert [packet.flags for packet in outcome.to_server] == [RST | ACK]


@pytest.mark.parametrize("name", ["other.example", "www.blocked.example", None])
def test_other_names_are_left_alone(family: int, name: str | None) -> None:
    net = Net(sni())
    tcp = opened(net, family=family)
    assert tcp.up(client_hello(name)).untouched
    assert tcp.down(b"\x16\x03\x03\0\x01\x02").untouched
    assert net.fired("sni") == 0


@pytest.mark.parametrize(("reassemble", "seen"), [(False, False), (True, True)])
def test_a_name_cut_by_segments(family: int, reassemble: bool, seen: bool) -> None:
    tcp = opened(Net(sni(reassemble=reassemble)), family=family)
    first, second = (tcp.up(part) for part in halves(client_hello(), b"blocked.example"))
    assert first.untouched
    assert second.untouched is not seen


@pytest.mark.parametrize(("reassemble", "seen"), [(False, False), (True, True)])
def test_segments_in_the_wrong_order(family: int, reassemble: bool, seen: bool) -> None:
    tcp = opened(Net(sni(reassemble=reassemble)), family=family)
    first, second = halves(client_hello(), b"blocked.example")
    start = tcp.up_next
    assert tcp.up(second, at=(start + len(first)) % 2**32).untouched
    assert tcp.up(first, at=start).untouched is not seen


def test_single_bytes_and_repetitions(family: int) -> None:
    tcp = opened(Net(sni()), family=family)
    start, hello = tcp.up_next, client_hello()
    outcomes = []
    for index in range(len(hello)):
        outcomes.append(tcp.up(hello[index : index + 1], at=(start + index) % 2**32))
        outcomes.append(tcp.up(hello[index : index + 1], at=(start + index) % 2**32))
    assert not all(outcome.untouched for outcome in outcomes)


@pytest.mark.parametrize("reassemble", [False, True])
@pytest.mark.parametrize(("join_records", "seen"), [(False, False), (True, True)])
def test_a_name_cut_by_records(family: int, reassemble: bool, join_records: bool, seen: bool) -> None:
    tcp = opened(Net(sni(reassemble=reassemble, join_records=join_records)), family=family)
    hello = client_hello()
    middle = hello.index(b"blocked.example") - 5 + 4
    assert tcp.up(split_record(hello, (middle, 16384))).untouched is not seen


def test_a_name_in_the_second_segment_of_a_long_hello(family: int) -> None:
    """As with a post-quantum key share: what comes first fills the segment, the name lies in the next one."""
    hello = client_hello()
    for reassemble, seen in ((False, False), (True, True)):
        tcp = opened(Net(sni(reassemble=reassemble)), family=family)
        at = hello.index(b"blocked.example") - 9
        assert tcp.up(hello[:at]).untouched
        assert tcp.up(hello[at:]).untouched is not seen


def test_a_condemned_flow_stays_so_and_others_do_not(family: int) -> None:
    net = Net(sni())
    bad = opened(net, family=family)
    assert not bad.up(client_hello()).untouched
    assert bad.up(b"more").to_client
    assert opened(net, family=family, client_port=40001).up(client_hello("other.example")).untouched
    assert bad.reset().untouched  # a reset is not answered


def test_a_retransmitted_hello_is_hit_again(family: int) -> None:
    net = Net(sni(reassemble=False))
    tcp = opened(net, family=family)
    start = tcp.up_next
    for _ in range(3):
        assert tcp.up(client_hello(), at=start).to_client
    assert net.fired("sni") == 3


def test_other_ports_are_out_of_scope(family: int) -> None:
    assert opened(Net(sni()), family=family, server_port=8443).up(client_hello()).untouched


def test_no_handshake_no_judgement_unless_the_device_does_not_care(family: int) -> None:
    careful, careless = sni(), sni()
    careless = replace(careless, when=ClientHello(wanted=LISTED, handshake_needed=False))
    assert Tcp(Net(careful), family=family).up(client_hello()).untouched
    assert Tcp(Net(careless), family=family).up(client_hello()).to_client


def test_a_name_sent_by_the_other_side(family: int) -> None:
    rule = replace(sni(), when=ClientHello(wanted=LISTED, direction=DOWN))
    tcp = opened(Net(rule), family=family)
    assert tcp.up(client_hello()).untouched
    assert not tcp.down(client_hello()).untouched


ALLOWED = HelloWanted(spared=Names(suffixes=("allowed.example",)))


@pytest.mark.parametrize(
    ("name", "passes"),
    [("www.allowed.example", True), ("ALLOWED.example", True), ("other.example", False), (None, False)],
)
def test_an_allow_list_of_names(family: int, name: str | None, passes: bool) -> None:
    rule = Blocking(name="list", when=ClientHello(wanted=ALLOWED), then=Drop())
    tcp = opened(Net(rule), family=family)
    outcome = tcp.up(client_hello(name))
    assert outcome.untouched is passes
    assert outcome.silence is not passes
    assert tcp.down(b"late").untouched is passes


@pytest.mark.parametrize(("name", "hit"), [(None, True), ("other.example", False)])
def test_a_missing_name(family: int, name: str | None, hit: bool) -> None:
    rule = Blocking(name="nameless", when=ClientHello(wanted=HelloWanted(nameless=True)), then=Drop())
    assert opened(Net(rule), family=family).up(client_hello(name)).silence is hit


def with_extension(record: bytes, number: int, data: bytes = b"\0") -> bytes:
    """Append an extension to a ClientHello of one record."""
    body = bytearray(record[9:])
    at = 34
    at += 1 + body[at]
    at += 2 + int.from_bytes(body[at : at + 2])
    at += 1 + body[at]
    extension = number.to_bytes(2) + len(data).to_bytes(2) + data
    body[at : at + 2] = (int.from_bytes(body[at : at + 2]) + len(extension)).to_bytes(2)
    body += extension
    message = b"\x01" + len(body).to_bytes(3) + body
    return record[:3] + len(message).to_bytes(2) + bytes(message)


@pytest.mark.parametrize(
    ("name", "number", "hit"),
    [
        ("cloudflare-ech.com", ENCRYPTED_CLIENT_HELLO, True),
        ("cloudflare-ech.com", ENCRYPTED_SNI, False),
        ("other.example", ENCRYPTED_CLIENT_HELLO, False),
    ],
)
def test_ech_by_outer_name_and_extension_together(family: int, name: str, number: int, hit: bool) -> None:
    wanted = HelloWanted(names=Names(exact=("cloudflare-ech.com",)), extensions=(ENCRYPTED_CLIENT_HELLO,))
    rule = Blocking(name="ech", when=ClientHello(wanted=wanted), then=Drop())
    tcp = opened(Net(rule), family=family)
    assert tcp.up(with_extension(client_hello(name), number)).silence is hit
    assert opened(Net(rule), family=family).up(client_hello("cloudflare-ech.com")).untouched


def test_esni_apart_from_ech(family: int) -> None:
    rule = Blocking(
        name="esni", when=ClientHello(wanted=HelloWanted(extensions=(ENCRYPTED_SNI,))), then=Drop()
    )
    assert opened(Net(rule), family=family).up(with_extension(client_hello(), ENCRYPTED_SNI)).silence
    assert (
        opened(Net(rule), family=family).up(with_extension(client_hello(), ENCRYPTED_CLIENT_HELLO)).untouched
    )


@pytest.mark.parametrize("which", ["ja3", "ja4"])
def test_a_fingerprint(family: int, which: str) -> None:
    hello = read_hello(client_hello()[5:])
    assert hello is not None
    ja3, ja4 = hello.ja3(), hello.ja4()
    assert ja3
    assert ja4
    wanted = HelloWanted(ja3=(ja3,)) if which == "ja3" else HelloWanted(ja4=(ja4,))
    rule = Blocking(name="print", when=ClientHello(wanted=wanted), then=Drop())
    assert opened(Net(rule), family=family).up(client_hello()).silence
    assert opened(Net(rule), family=family).up(client_hello(alpn=())).untouched


def test_a_fingerprint_waits_for_the_whole_hello(family: int) -> None:
    hello = read_hello(client_hello()[5:])
    assert hello is not None
    rule = Blocking(
        name="print", when=ClientHello(wanted=HelloWanted(ja4=((hello.ja4() or "")[:10],))), then=Drop()
    )
    tcp = opened(Net(rule), family=family)
    first, second = client_hello()[:100], client_hello()[100:]
    assert tcp.up(first).untouched
    assert tcp.up(second).silence


def test_server_hello_is_dropped_on_its_way_in(family: int) -> None:
    rule = Blocking(name="server", when=ServerHello(), then=Drop(directions=(DOWN,)))
    tcp = opened(Net(rule), family=family)
    assert tcp.up(client_hello()).untouched
    assert tcp.down(bytes.fromhex("160303004a020000460303")).silence
    assert tcp.up(b"").untouched
    plain = opened(Net(rule), family=family, client_port=40001)
    assert plain.up(b"GET / HTTP/1.1\r\n\r\n").untouched
    assert plain.down(b"HTTP/1.1 200 OK\r\n\r\n").untouched


def dtls_hello(name: str) -> bytes:
    body = client_hello(name)[9:]
    session = body[34]
    at = 35 + session
    body = b"\xfe\xfd" + body[2:at] + b"\0" + body[at:]
    message = b"\x01" + len(body).to_bytes(3) + b"\0\0\0\0\0" + len(body).to_bytes(3) + body
    return bytes.fromhex("16feff") + bytes(8) + len(message).to_bytes(2) + message


@pytest.mark.parametrize(("name", "hit"), [("blocked.example", True), ("other.example", False)])
def test_dtls(family: int, name: str, hit: bool) -> None:
    rule = Blocking(name="dtls", when=DtlsClientHello(wanted=LISTED), then=Drop())
    udp = Udp(Net(rule), family=family, server_port=3478)
    assert udp.up(b"\0\x01\0\0\x21\x12\xa4\x42" + bytes(12)).untouched  # STUN comes first
    assert udp.up(dtls_hello(name)).silence is hit
    assert opened(Net(rule), family=family).up(client_hello()).untouched


def test_syn_of_a_new_connection_from_the_same_port_is_judged_anew(family: int) -> None:
    net = Net(sni())
    first = opened(net, family=family)
    assert not first.up(client_hello()).untouched
    again = opened(net, family=family, up_next=5000, down_next=6000)
    assert again.up(client_hello("other.example")).untouched
