"""What is fuzzed: every parser of what users hold, and every codec of what peers send, with the errors that they document.

A target takes any bytes. Whatever it raises is a defect.
"""

from __future__ import annotations

import base64
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from circumvent.convert import CannotWrite, write
from circumvent.ids import IdMaker, canonical
from circumvent.inputs import read_inputs
from circumvent.inputs.der import DerError, rounds, signed_content
from circumvent.inputs.draft import clean_label
from circumvent.inputs.mobileconfig import read_mobileconfig
from circumvent.inputs.problem import LineError
from circumvent.inputs.sswan import read_sswan
from circumvent.model.secret import Secret
from circumvent.names.stamps import StampError, format_stamp, parse_stamp
from circumvent.net import packets, socks, stun
from circumvent.net.errors import PeerError
from circumvent.satellite.ask import METHOD
from circumvent.satellite.dish import GET_STATUS, read_history, read_status
from circumvent.satellite.grpc import GrpcError, UnaryCall, read_web
from circumvent.satellite.router import read_router
from circumvent.vpn import http_head, mschapv2, ppp
from circumvent.vpn.amneziawg.tags import TagError, parse_tags
from circumvent.vpn.ikev2 import message as ike
from circumvent.vpn.ikev2 import payloads
from circumvent.vpn.ikev2.eap import EapPeer
from circumvent.vpn.ikev2.errors import IkeError
from circumvent.vpn.ikev2.identity import parse_identity
from circumvent.vpn.l2tp import control as l2tp
from circumvent.vpn.l2tp import ikev1
from circumvent.vpn.openconnect import cstp, document, forms
from circumvent.vpn.openvpn import decompress, fragment, framing, key_method, packet, push, static_key
from circumvent.vpn.sstp import message as sstp
from circumvent.vpn.wireguard.framing import Plain
from circumvent.vpn.wireguard.handshake import Identity
from circumvent.vpn.wireguard.peer import Peer, PresharedKeyError
from tests.fuzz import tor

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.model.option import Option


def _guarded(function: Callable[[bytes], object], *errors: type[Exception]) -> Callable[[bytes], None]:
    def target(data: bytes) -> None:
        with suppress(*errors):
            function(data)

    return target


def _in_pieces(make: Callable[[], Any], *errors: type[Exception]) -> Callable[[bytes], None]:
    """A parser of a stream gets its bytes in pieces, whose sizes the bytes themselves say."""

    def target(data: bytes) -> None:
        reader, rest = make(), data
        with suppress(*errors):
            while rest:
                size = rest[0] % 64 + 1
                reader.feed(rest[1 : 1 + size])
                rest = rest[1 + size :]

    return target


def _text(function: Callable[[str], object], *errors: type[Exception]) -> Callable[[bytes], None]:
    return _guarded(lambda data: function(data.decode("utf-8", "replace")), *errors)


def read(data: bytes) -> tuple[Option, ...]:
    """Read a file of any sort; what is said of it repeats no long run of it."""
    parsed = read_inputs(["-"], ids=IdMaker(bytes(32)), stdin=lambda limit: data[:limit], allow_private=True)
    for option in parsed.options:
        assert option.label in {clean_label(option.label), option.endpoint.host}
        repr(option)
    parsed.sentences()
    return parsed.options


def written_again(data: bytes) -> None:
    """Whatever was read and can be written is read again as the same."""
    for option in read(data)[:4]:
        for form in ("toml", "link"):
            with suppress(CannotWrite):
                found = read(write([option], form).encode())
                assert len(found) == 1
                if form == "toml":
                    assert canonical(found[0]) == canonical(option)


def stamp(data: bytes) -> None:
    """A stamp that can be read can be written, and is read again as the same."""
    text = "sdns://" + base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")
    with suppress(StampError):
        parsed = parse_stamp(text)
        assert parse_stamp(format_stamp(parsed)) == parsed


def wireguard(data: bytes) -> None:
    """A peer that has begun a handshake takes any datagram."""
    peer = Peer(Identity(private=bytes(range(32)), peer=bytes([9]) + bytes(31)), Plain(None))
    list(peer.initiate(1.0, 1.7e9))
    with suppress(PresharedKeyError):
        peer.receive(data, 2.0)


def openvpn_control(data: bytes) -> None:
    """Head and body of a control packet."""
    with suppress(packet.PacketError):
        _, _, rest = packet.read_head(data)
        packet.decode(data[: len(data) - len(rest)], rest)


def openvpn_framing(data: bytes) -> None:
    """Every framing of compression."""
    for compression in framing.Compression:
        with suppress(framing.FramingError):
            framing.unframe(data, compression)


def openvpn_compressed(data: bytes) -> None:
    """Blocks of LZ4 and LZO."""
    for read_block in (decompress.lz4, decompress.lzo1x):
        with suppress(decompress.DecompressError):
            read_block(data)


def openvpn_fragments(data: bytes) -> None:
    """Fragments, one after the other; the first byte of each says how long it is."""
    whole, rest = fragment.Reassembly(), data
    while rest:
        size = rest[0] % 64 + 1
        with suppress(fragment.FragmentError):
            whole.take(rest[1 : 1 + size])
        rest = rest[1 + size :]


def openvpn_push(data: bytes) -> None:
    """Control messages: pushed options, denials."""
    text = data.decode("utf-8", "replace")
    push.denial(text)
    with suppress(push.PushError):
        push.parse_push("PUSH_REPLY," + text)


def ikev2(data: bytes) -> None:
    """A message in clear, and each of its payloads."""
    with suppress(IkeError):
        ike.parse_clear(data)


def ike_payload(data: bytes) -> None:
    """The first byte chooses the payload."""
    readers = (
        payloads.parse_sa, payloads.parse_ke, payloads.parse_notify, payloads.parse_typed, payloads.parse_cert,
        payloads.parse_selectors, payloads.parse_configuration, payloads.deletes, parse_identity,
    )  # fmt: skip
    if data:
        with suppress(IkeError):
            readers[data[0] % len(readers)](data[1:])


def eap(data: bytes) -> None:
    """A server's half of a conversation, in pieces of sixteen to seventy-nine bytes."""
    peer = EapPeer(Secret("anna"), Secret("password"))
    rest = data
    while rest:
        size = rest[0] % 64 + 16
        with suppress(IkeError):
            peer.take(rest[1 : 1 + size], authenticated=True)
        rest = rest[1 + size :]


def point_to_point(data: bytes) -> None:
    """PPP: frame, packet, options, challenge."""
    with suppress(ppp.PppError):
        found = ppp.parse_packet(ppp.parse_frame(data).payload)
        with suppress(ppp.PppError):
            ppp.parse_options(found.data)
        ppp.parse_challenge(found.data)


def openconnect_configuration(data: bytes) -> None:
    """The head of an answer to CONNECT, and the addresses in it."""
    with suppress(http_head.HeadError, cstp.CstpError):
        cstp.read_configuration(http_head.parse_head(data))


def inner_packet(data: bytes) -> None:
    """A packet inside a tunnel."""
    with suppress(packets.PacketError):
        packets.parse(data)


def dish_call(data: bytes) -> None:
    """What answers at a dish's port, after a question was sent."""
    call = UnaryCall("192.168.100.1:9200", METHOD, GET_STATUS)
    call.start()
    with suppress(GrpcError):
        call.feed(data)
        call.result()


#: Every target by its name.
TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "inputs": _guarded(read),
    "convert": written_again,
    "stamps": stamp,
    "amneziawg-tags": _text(parse_tags, TagError),
    "wireguard": wireguard,
    "openvpn-control": openvpn_control,
    "openvpn-stream": _in_pieces(packet.StreamReader, packet.PacketError),
    "openvpn-framing": openvpn_framing,
    "openvpn-compressed": openvpn_compressed,
    "openvpn-fragments": openvpn_fragments,
    "openvpn-keys": _guarded(key_method.decode_server, key_method.KeyMethodError),
    "openvpn-push": openvpn_push,
    "openvpn-static-key": _text(static_key.parse_static, static_key.KeyTextError),
    "openvpn-client-key": _text(static_key.parse_client_key, static_key.KeyTextError),
    "ikev2": ikev2,
    "ikev2-payloads": ike_payload,
    "eap": eap,
    "sswan": _text(read_sswan, LineError),
    "mobileconfig": _guarded(lambda data: list(read_mobileconfig(data)), LineError),
    "signed-message": _guarded(signed_content, DerError),
    "key-file-rounds": _guarded(rounds, DerError),
    "ikev1": _guarded(lambda data: ikev1.parse_answer(data, bytes(8)), ikev1.Ikev1Error),
    "l2tp": _guarded(l2tp.parse, l2tp.L2tpError),
    "sstp": _in_pieces(sstp.Deframer, sstp.SstpError),
    "ppp": point_to_point,
    "mschapv2": _guarded(mschapv2.parse_failure),
    "openconnect-document": _guarded(document.parse, document.DocumentError),
    "openconnect-forms": _guarded(forms.parse_answer, forms.FormError),
    "openconnect-packets": _in_pieces(cstp.Deframer, cstp.CstpError),
    "openconnect-configuration": openconnect_configuration,
    "http-head": _in_pieces(http_head.HeadReader, http_head.HeadError),
    "inner-packets": inner_packet,
    "stun": _guarded(stun.decode, stun.StunError),
    "stun-stream": _in_pieces(stun.Deframer, stun.StunError),
    "socks": _guarded(socks.decode_datagram, PeerError),
    "dish-call": dish_call,
    "dish-call-from-a-page": _guarded(read_web, GrpcError),
    "dish-status": _guarded(read_status),
    "dish-history": _guarded(read_history),
    "dish-router": _guarded(read_router),
    **tor.TARGETS,
}
