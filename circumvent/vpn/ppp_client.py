"""The client of a PPP link: LCP, authentication, IPCP, and IP packets (RFC 1661, section 3).

Frames in, frames out, no I/O. The link below is reliable (TLS), so nothing is sent twice and there is no restart
timer: whoever drives this has time limits of its own. Every negotiation is bounded, because the other side may never
agree.
"""

from __future__ import annotations

import enum
import struct
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Final

from circumvent.vpn import mschapv2, ppp
from circumvent.vpn.ppp import (
    ChapCode,
    Code,
    Frame,
    IpcpOption,
    LcpOption,
    Options,
    Packet,
    PapCode,
    PppError,
    Protocol,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from circumvent.model.secret import Secret

#: What we can receive, in bytes: fits with room into the packets of what carries us.
MRU: Final = 1400
#: Least and most that a peer may want to receive.
LEAST_MRU: Final = 576
MOST_MRU: Final = 1500
#: Requests of one protocol, ours and theirs, before there is no agreement.
MOST_REQUESTS: Final = 12
_ANY: Final = bytes(4)


class Phase(enum.Enum):
    """Where the link is (RFC 1661, section 3.2)."""

    ESTABLISH = "establish"
    AUTHENTICATE = "authenticate"
    NETWORK = "network"
    OPEN = "open"
    ENDED = "ended"


class Rejected(Exception):
    """The server does not accept name or password; ``args`` has it in words of ours."""


class NoCredentials(Exception):
    """The server wants name and password, and there are none."""


class Impostor(Exception):
    """The server did not show that it knows the password."""


class NoAgreement(Exception):
    """The two sides cannot agree on how to talk; ``args`` says on what."""


@dataclass(slots=True)
class _Negotiation:
    """One control protocol's options: what we ask for, what the peer asks for (RFC 1661, section 4)."""

    protocol: Protocol
    wanted: dict[int, bytes]
    adopt: Callable[[int, bytes], bytes | None]
    judge: Callable[[int, bytes], bytes | None]
    ours: bool = False
    theirs: bool = False
    identifier: int = 0
    requests: int = 0
    heard: int = 0
    agreed: dict[int, bytes] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return self.ours and self.theirs

    def request(self) -> bytes:
        """Ask for what we want."""
        self.requests += 1
        if self.requests > MOST_REQUESTS:
            raise NoAgreement(self.protocol.name)
        self.identifier = (self.identifier + 1) & 0xFF
        options = ppp.encode_options(tuple(self.wanted.items()))
        return _control(self.protocol, Code.CONFIGURE_REQUEST, self.identifier, options)

    def receive(self, packet: Packet) -> list[bytes]:
        """Take in a Configure packet."""
        options = ppp.parse_options(packet.data)
        if packet.code == Code.CONFIGURE_REQUEST:
            return [self._answer(packet.identifier, options)]
        if packet.identifier != self.identifier or self.ours:
            return []  # an answer to a request that is not the last
        if packet.code == Code.CONFIGURE_ACK:
            self.ours = True
            return []
        for kind, value in options:
            if packet.code == Code.CONFIGURE_REJECT or kind not in self.wanted:
                self.wanted.pop(kind, None)
                continue
            better = self.adopt(kind, value)
            if better is None:
                self.wanted.pop(kind)
            else:
                self.wanted[kind] = better
        return [self.request()]

    def _answer(self, identifier: int, options: Options) -> bytes:
        """Say yes to what the peer asks for, or to which of it no, or what instead."""
        self.heard += 1
        if self.heard > MOST_REQUESTS:
            raise NoAgreement(self.protocol.name)
        verdicts = [(kind, value, self.judge(kind, value)) for kind, value in options]
        rejected = tuple((kind, value) for kind, value, verdict in verdicts if verdict is None)
        others = tuple(
            (kind, verdict) for kind, value, verdict in verdicts if verdict is not None and verdict != value
        )
        if rejected:
            return _control(self.protocol, Code.CONFIGURE_REJECT, identifier, ppp.encode_options(rejected))
        if others:
            return _control(self.protocol, Code.CONFIGURE_NAK, identifier, ppp.encode_options(others))
        self.theirs = True
        self.agreed = dict(options)
        return _control(self.protocol, Code.CONFIGURE_ACK, identifier, ppp.encode_options(options))


def _control(protocol: int, code: int, identifier: int, data: bytes) -> bytes:
    return ppp.encode_frame(protocol, ppp.encode_packet(Packet(code, identifier, data)))


class PppClient:
    """One link. :meth:`start` and :meth:`receive` return frames to send; IP packets gather in :attr:`packets`.

    :raises Rejected, NoCredentials, Impostor, NoAgreement: from :meth:`receive`, when the link will not come up.
    """

    def __init__(self, user: Secret | None, password: Secret | None, random: Random, *, pap: bool) -> None:
        """Make a client that is silent yet. ``pap`` allows the password itself to be sent."""
        self.phase = Phase.ESTABLISH
        self.packets: list[bytes] = []
        self.method: str | None = None
        #: ``MasterSendKey | MasterReceiveKey`` after MS-CHAPv2, zeros otherwise (MS-SSTP, section 3.2.5.2.4).
        self.keys = bytes(32)
        self._user = user
        self._password = password
        self._random = random
        self._pap = pap
        self._expected: bytes | None = None
        self._nt_response = b""
        self._signed_in = False
        self._magic = random.randbytes(4)
        self._lcp = _Negotiation(
            Protocol.LCP,
            {LcpOption.MRU: struct.pack("!H", MRU), LcpOption.MAGIC: self._magic},
            self._adopt_lcp,
            self._judge_lcp,
        )
        self._ipcp = _Negotiation(
            Protocol.IPCP,
            {IpcpOption.ADDRESS: _ANY, IpcpOption.DNS: _ANY, IpcpOption.SECOND_DNS: _ANY},
            _adopt_ipcp,
            _judge_ipcp,
        )

    @property
    def address(self) -> str | None:
        """Our address, once the link is open."""
        return _address(self._ipcp.wanted.get(IpcpOption.ADDRESS, _ANY))

    @property
    def peer(self) -> str | None:
        """The server's address inside, if it said one."""
        return _address(self._ipcp.agreed.get(IpcpOption.ADDRESS, _ANY))

    @property
    def resolvers(self) -> tuple[str, ...]:
        """The resolvers that the server names."""
        values = [self._ipcp.wanted.get(kind, _ANY) for kind in (IpcpOption.DNS, IpcpOption.SECOND_DNS)]
        return tuple(dict.fromkeys(text for value in values if (text := _address(value)) is not None))

    @property
    def mtu(self) -> int:
        """The largest IP packet that both sides take, in bytes."""
        value = self._lcp.agreed.get(LcpOption.MRU, b"")
        theirs = struct.unpack("!H", value)[0] if len(value) == 2 else MOST_MRU
        return min(MRU, theirs)

    def start(self) -> list[bytes]:
        """Begin to negotiate the link."""
        return [self._lcp.request()]

    def begin_network(self) -> list[bytes]:
        """Ask for an address: when authentication is over, and whatever binds it has been sent."""
        return [self._ipcp.request()]

    def terminate(self) -> list[bytes]:
        """Say goodbye."""
        self.phase = Phase.ENDED
        return [_control(Protocol.LCP, Code.TERMINATE_REQUEST, self._random.randrange(256), b"")]

    def receive(self, data: bytes) -> list[bytes]:
        """Take in one frame.

        :raises PppError: when it is none.
        """
        frame = ppp.parse_frame(data)
        match frame.protocol:
            case Protocol.LCP:
                return self._take_lcp(ppp.parse_packet(frame.payload), frame.payload)
            case Protocol.CHAP if self.phase is Phase.AUTHENTICATE or self._signed_in:
                return self._take_chap(ppp.parse_packet(frame.payload))
            case Protocol.PAP if self.phase is Phase.AUTHENTICATE:
                return self._take_pap(ppp.parse_packet(frame.payload))
            case Protocol.IPCP if self.phase in (Phase.NETWORK, Phase.OPEN):
                return self._take_ipcp(ppp.parse_packet(frame.payload), frame.payload)
            case Protocol.IPV4 if self.phase is Phase.OPEN:
                self.packets.append(frame.payload)
                return []
            case Protocol.CHAP | Protocol.PAP | Protocol.IPCP | Protocol.IPV4:
                return []  # too early, or too late: discarded (RFC 1661, section 3.4)
            case _:
                return self._reject_protocol(frame)

    def _reject_protocol(self, frame: Frame) -> list[bytes]:
        """Tell the peer that we do not speak what it began (RFC 1661, section 5.7)."""
        if not self._lcp.done:
            return []
        told = struct.pack("!H", frame.protocol) + frame.payload[: LEAST_MRU - 8]
        return [_control(Protocol.LCP, Code.PROTOCOL_REJECT, self._random.randrange(256), told)]

    def _take_lcp(self, packet: Packet, payload: bytes) -> list[bytes]:
        match packet.code:
            case Code.ECHO_REQUEST if self._lcp.done and len(packet.data) >= 4:
                return [
                    _control(Protocol.LCP, Code.ECHO_REPLY, packet.identifier, self._magic + packet.data[4:])
                ]
            case Code.TERMINATE_REQUEST:
                self.phase = Phase.ENDED
                return [_control(Protocol.LCP, Code.TERMINATE_ACK, packet.identifier, b"")]
            case Code.PROTOCOL_REJECT if packet.data[:2] == struct.pack("!H", Protocol.IPCP):
                raise NoAgreement("IPv4")
            case code if code in _CONFIGURE and self._lcp.done:
                if packet.code == Code.CONFIGURE_REQUEST:
                    raise NoAgreement("LCP, a second time")
                return []
            case code if code in _CONFIGURE:
                replies = self._lcp.receive(packet)
                return replies + self._established() if self._lcp.done else replies
            case code if code > Code.DISCARD_REQUEST:
                return [_control(Protocol.LCP, Code.CODE_REJECT, packet.identifier, payload[: LEAST_MRU - 4])]
            case _:
                return []

    def _established(self) -> list[bytes]:
        """Go on to authentication, if the server wants any."""
        wanted = self._lcp.agreed.get(LcpOption.AUTHENTICATION)
        if wanted is None:
            self.phase = Phase.NETWORK
            return []
        if self._user is None or self._password is None:
            raise NoCredentials
        self.phase = Phase.AUTHENTICATE
        if wanted == ppp.CHAP_MD:
            self.method = "mschapv2"
            return []
        self.method = "pap"
        try:
            data = ppp.encode_credentials(self._user.reveal().encode(), self._password.reveal().encode())
        except ValueError:
            raise NoAgreement("PAP: the name or the password is too long for it") from None
        return [_control(Protocol.PAP, PapCode.REQUEST, 1, data)]

    def _adopt_lcp(self, kind: int, _value: bytes) -> bytes | None:
        """Take a new magic number of our own making (a link that is looped back has ours); insist on nothing."""
        if kind != LcpOption.MAGIC:
            return None
        self._magic = self._random.randbytes(4)
        return self._magic

    def _judge_lcp(self, kind: int, value: bytes) -> bytes | None:
        """Say what we agree to in place of an option's value; ``None``: not to the option at all."""
        match kind:
            case LcpOption.MRU:
                size = struct.unpack("!H", value)[0] if len(value) == 2 else 0
                return value if size >= LEAST_MRU else struct.pack("!H", MOST_MRU)
            case LcpOption.AUTHENTICATION:
                allowed = value == ppp.CHAP_MD or (self._pap and value == ppp.PAP_ONLY)
                return value if allowed else ppp.CHAP_MD
            case LcpOption.ACCM | LcpOption.MAGIC:
                return value if len(value) == 4 else None
            case LcpOption.PROTOCOL_COMPRESSION | LcpOption.ADDRESS_COMPRESSION:
                return value if not value else None
            case _:
                return None

    def _take_chap(self, packet: Packet) -> list[bytes]:
        match packet.code:
            case ChapCode.CHALLENGE if self._expected is None:
                return [self._respond(packet)]
            case ChapCode.CHALLENGE:
                raise NoAgreement("one login: the server wants another")
            case ChapCode.SUCCESS if self.phase is Phase.AUTHENTICATE and self._expected is not None:
                if not mschapv2.is_authentic(packet.data, self._expected):
                    raise Impostor
                if self._password is not None:
                    self.keys = mschapv2.session_keys(self._nt_response, self._password)
                self._sign_in()
                return []
            case ChapCode.FAILURE:
                raise Rejected(mschapv2.parse_failure(packet.data).meaning)
            case _:
                return []

    def _respond(self, packet: Packet) -> bytes:
        challenge = ppp.parse_challenge(packet.data)
        if len(challenge) != mschapv2.CHALLENGE_BYTES or self._user is None or self._password is None:
            raise PppError("a challenge of MS-CHAPv2 has 16 bytes")
        user = self._user.reveal()
        mine = self._random.randbytes(mschapv2.CHALLENGE_BYTES)
        try:
            response = mschapv2.challenge_response(challenge, mine, user, self._password)
        except ValueError as exc:
            raise NoAgreement("MS-CHAPv2: the name or the password is too long for it") from exc
        self._nt_response = response
        self._expected = mschapv2.authenticator_response(response, challenge, mine, user, self._password)
        data = ppp.encode_response(mschapv2.response_value(mine, response), user.encode())
        return _control(Protocol.CHAP, ChapCode.RESPONSE, packet.identifier, data)

    def _take_pap(self, packet: Packet) -> list[bytes]:
        if packet.code == PapCode.NAK:
            raise Rejected("name or password is wrong")
        if packet.code == PapCode.ACK and self.method == "pap":
            self._sign_in()
        return []

    def _sign_in(self) -> None:
        self._signed_in = True
        self.phase = Phase.NETWORK

    def _take_ipcp(self, packet: Packet, payload: bytes) -> list[bytes]:
        if packet.code == Code.TERMINATE_REQUEST:
            self.phase = Phase.ENDED
            return [_control(Protocol.IPCP, Code.TERMINATE_ACK, packet.identifier, b"")]
        if packet.code > Code.CODE_REJECT:
            return [_control(Protocol.IPCP, Code.CODE_REJECT, packet.identifier, payload[: LEAST_MRU - 4])]
        if packet.code not in _CONFIGURE or (self._ipcp.done and packet.code != Code.CONFIGURE_REQUEST):
            return []
        replies = self._ipcp.receive(packet)
        if self._ipcp.done and self.phase is Phase.NETWORK:
            if self.address is None:
                raise NoAgreement("an address")
            self.phase = Phase.OPEN
        return replies


_CONFIGURE: Final = frozenset(
    {Code.CONFIGURE_REQUEST, Code.CONFIGURE_ACK, Code.CONFIGURE_NAK, Code.CONFIGURE_REJECT}
)


def encode_ip(packet: bytes) -> bytes:
    """Write the frame of an IPv4 packet."""
    return ppp.encode_frame(Protocol.IPV4, packet)


def _adopt_ipcp(_kind: int, value: bytes) -> bytes | None:
    """Take the address that the server assigns."""
    return value if len(value) == 4 else None


def _judge_ipcp(kind: int, value: bytes) -> bytes | None:
    """Let the server have its address, and no compression of headers."""
    return value if kind == IpcpOption.ADDRESS and len(value) == 4 else None


def _address(value: bytes) -> str | None:
    address = IPv4Address(value) if len(value) == 4 else IPv4Address(0)
    return None if address.is_unspecified or address.is_multicast or address.is_loopback else str(address)
