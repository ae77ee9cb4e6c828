"""Whatever bytes come, in whatever order, no rule raises: an engine that ends is a lab that lies."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from circumvent.lab.actions import Deny, Drop, Finish, Hold, Lose, Mark, Page, Refuse, Reset, TurnIntoReset
from circumvent.lab.blocking import Action, Blocking, Residual, ResidualKey, Trigger
from circumvent.lab.dns import ResponseCode
from circumvent.lab.flow import DOWN, UP, Direction
from circumvent.lab.names import Names
from circumvent.lab.packet import Endpoint, PacketError, build_ip, build_tcp, build_udp, parse
from circumvent.lab.rules.dns import DnsQuestion, ForgeAnswer
from circumvent.lab.rules.encrypted import FullyEncrypted
from circumvent.lab.rules.endpoint import AnyPacket, Syn, SynAck
from circumvent.lab.rules.http import HttpRequest
from circumvent.lab.rules.limits import Amount, TooManyConnections
from circumvent.lab.rules.probing import ActiveProbing, Reaction
from circumvent.lab.rules.protocols import Unrecognised
from circumvent.lab.rules.quic import QuicClientHello, QuicVersion
from circumvent.lab.rules.redirect import ORACLE, Redirect
from circumvent.lab.rules.tls import ClientHello, DtlsClientHello, HelloWanted, ServerHello
from circumvent.lab.rules.tunnels import FirstSizes, OpenVpn, WireGuard
from circumvent.lab.scope import Scope
from circumvent.lab.shaping import Police, Shape
from tests.lab_engine.talk import Net, client_hello, quic_initials

NAMES = Names(suffixes=("blocked.example",))
HELLO = HelloWanted(names=NAMES, ja4=("t13d",))
TRIGGERS: tuple[Trigger, ...] = (
    ClientHello(wanted=HELLO, handshake_needed=False),
    ClientHello(wanted=HELLO, reassemble=False, join_records=False, handshake_needed=False, direction=DOWN),
    ServerHello(), DtlsClientHello(wanted=HELLO), QuicVersion(), QuicClientHello(wanted=HELLO),
    QuicClientHello(wanted=HELLO, reassemble=False), DnsQuestion(names=NAMES), HttpRequest(hosts=NAMES, keywords=("x",)),
    FullyEncrypted(), OpenVpn(), WireGuard(), FirstSizes(sizes=((1, 50), (1, 50))), Unrecognised(),
    Amount(payload=500), TooManyConnections(limit=1), AnyPacket(), Syn(), SynAck(),
)  # fmt: skip
ACTIONS: tuple[Action, ...] = (
    Drop(), Lose(fraction=0.5), Hold(seconds=0.1), Mark(word="x"), Reset(to_server=True), TurnIntoReset(), Finish(),
    Page(), Refuse(), Deny(), ForgeAnswer(addresses=("1.2.3.4",)), ForgeAnswer(code=ResponseCode.NXDOMAIN, drop=False),
    Police(rate=1000), Shape(rate=1000),
)  # fmt: skip
SEEDS = (
    b"", client_hello(), client_hello()[:200], quic_initials()[0], b"GET / HTTP/1.1\r\nHost: blocked.example\r\n\r\n",
    bytes.fromhex("12340100000100000000000007626c6f636b6564076578616d706c650000010001"),
    b"\x38" + bytes(20), b"\x01\0\0\0" + bytes(144), b"\x96" * 100, b"\x16\xfe\xff" + bytes(30),
)  # fmt: skip
PAYLOADS = st.builds(
    lambda seed, cut, tail: seed[:cut] + tail,
    st.sampled_from(SEEDS),
    st.integers(0, 1500),
    st.binary(max_size=40),
)


@st.composite
def packets(draw: st.DrawFn) -> tuple[Direction, bytes]:
    """A packet between a few ends: TCP, UDP, or bytes of any protocol."""
    direction = draw(st.sampled_from((UP, DOWN)))
    six = draw(st.booleans())
    client = Endpoint.of("fd78::2" if six else "10.78.0.2", draw(st.sampled_from((500, 40000))))
    server = Endpoint.of("2001:db8::1" if six else "8.8.8.8", draw(st.sampled_from((53, 443, 1))))
    if draw(st.integers(0, 9)) == 0:
        server = ORACLE if not six else server
    source, destination = (client, server) if direction is UP else (server, client)
    payload = draw(PAYLOADS)
    match draw(st.sampled_from(("tcp", "udp", "other"))):
        case "tcp":
            sequence, acknowledgment = draw(st.integers(0, 3000)), draw(st.integers(0, 2**32 - 1))
            flags = draw(st.sampled_from((0x02, 0x12, 0x10, 0x18, 0x11, 0x04, 0x00, 0xFF)))
            raw = build_tcp(
                source,
                destination,
                sequence=sequence,
                acknowledgment=acknowledgment,
                flags=flags,
                payload=payload,
            )
        case "udp":
            raw = build_udp(source, destination, payload)
        case _:
            protocol = draw(st.sampled_from((1, 47, 50, 58, 44, 0)))
            raw = build_ip(
                source.address, destination.address, protocol, payload, dont_fragment=draw(st.booleans())
            )
    return direction, raw


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(TRIGGERS), st.sampled_from(ACTIONS), st.booleans(), st.lists(packets(), max_size=25))
def test_no_rule_raises(
    trigger: Trigger, action: Action, packet_alone: bool, sent: list[tuple[Direction, bytes]]
) -> None:
    residual = Residual(key=ResidualKey.CLIENT_SERVER, seconds=(0.001, 0.01))
    net = Net(
        Redirect(name="redirect", scope=Scope(ports=(1,)), ipv4=("9.9.9.9", 0), ipv6=("2001:db8::9", 53)),
        ActiveProbing(name="probe", suspect=trigger, probe=b"x", confirmed_by=(Reaction.ANSWERS,)),
        Blocking(name="rule", when=trigger, then=action, residual=residual, lasts=0 if packet_alone else 1.0),
    )
    for direction, raw in sent:
        try:
            parse(raw)
        except PacketError:
            continue  # an engine drops it
        net.send(direction, raw)
    assert net.censor.counters["rule"].fired >= 0
