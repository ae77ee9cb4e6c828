"""STUN and TURN servers with one fault each, over UDP and TCP. A real coturn proves the right way."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from circumvent.net import stun
from circumvent.net.stun import Address, Attribute, Class, Message, Method

if TYPE_CHECKING:
    from tests.faults.tcp import Connection

REALM: Final = "test.example"
NONCE: Final = b"nonce-1"
MAPPED: Final = Address(ipaddress.ip_address("192.0.2.55"), 5555)
RELAYED: Final = Address(ipaddress.ip_address("192.0.2.77"), 7777)


def binding(
    request: Message,
    mapped: Address = MAPPED,
    *,
    transaction_id: bytes | None = None,
    attributes: tuple[tuple[int, bytes], ...] | None = None,
) -> Message:
    """Return the right answer to a Binding request, but for what is given."""
    right = ((Attribute.XOR_MAPPED_ADDRESS, stun.pack_xor_address(mapped, request.transaction_id)),)
    return Message(
        method=Method.BINDING,
        kind=Class.SUCCESS,
        transaction_id=request.transaction_id if transaction_id is None else transaction_id,
        attributes=right if attributes is None else attributes,
    )


def error(request: Message, code: int, *more: tuple[int, bytes]) -> Message:
    """Return an error response."""
    return Message(
        method=request.method,
        kind=Class.ERROR,
        transaction_id=request.transaction_id,
        attributes=((Attribute.ERROR_CODE, bytes([0, 0, code // 100, code % 100])), *more),
    )


@dataclass(slots=True)
class StunServer:
    """Answers Binding requests; ``fault`` says what is wrong."""

    fault: str = ""
    count: int = 0

    def answers(self, data: bytes) -> list[bytes]:
        """Return what goes back for one datagram."""
        request = stun.decode(data)
        self.count += 1
        if self.fault in _ANSWERS:
            return _ANSWERS[self.fault]
        if self.fault == "stall after two" and self.count > 2:
            return []
        if self.fault == "loses every fifth" and self.count % 5 == 0:
            return []
        if self.fault == "loses every twentieth" and self.count % 20 == 0:
            return []
        if self.fault == "loses the first" and self.count == 1:
            return []
        return [stun.encode(self._answer(request), fingerprint=True)]

    def _answer(self, request: Message) -> Message:
        match self.fault:
            case "another transaction":
                return binding(request, transaction_id=bytes(12))
            case "no address":
                return binding(request, attributes=())
            case "broken address":
                return binding(request, attributes=((Attribute.XOR_MAPPED_ADDRESS, b"\0\1\0"),))
            case "changing address":
                return binding(request, Address(MAPPED.ip, MAPPED.port + self.count))
            case "request back":
                return request
            case "error 420":
                return error(request, 420)
            case "error 401":
                return error(request, 401)
            case "no error code":
                return Message(method=request.method, kind=Class.ERROR, transaction_id=request.transaction_id)
            case _:
                return binding(request)

    def converse(self, connection: Connection) -> None:
        """Answer over a stream."""
        deframer = stun.Deframer()
        while data := connection.read_some():
            for frame in deframer.feed(data):
                for answer in self.answers(frame):
                    connection.send(answer)


_ANSWERS: Final[dict[str, list[bytes]]] = {
    "silence": [],
    "garbage": [b"\xff" * 40, b"", b"\0" * 20],
    "block page": [b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"],
}


@dataclass(slots=True)
class TurnServer:
    """Allocates for one user; ``fault`` says what is wrong."""

    user: str = "lab"
    password: str = "right"
    fault: str = ""
    nonce: bytes = NONCE
    seen: list[tuple[int, Message]] = field(default_factory=list)
    algorithms: bytes | None = None

    def answers(self, data: bytes) -> list[bytes]:
        """Return what goes back for one datagram."""
        channel = stun.parse_channel_data(data)
        if channel is not None:
            return self._echo(data)
        request = stun.decode(data)
        self.seen.append((request.method, request))
        key = self._key()
        if self.fault == "garbage":
            return [b"garbage!" * 4]
        if request.get(Attribute.USERNAME) is None:
            return [stun.encode(self._challenge(request, 401))]
        if not stun.verify(request, key):
            return [stun.encode(self._challenge(request, 401))]
        if self.fault == "stale nonce" and self.nonce == NONCE:
            self.nonce = b"nonce-2"
            return [stun.encode(self._challenge(request, 438))]
        if self.fault == "always stale":
            return [stun.encode(self._challenge(request, 438))]
        answer = self._answer(request)
        signed = b"another key" if self.fault == "wrong integrity" else key
        if self.fault == "no integrity" or answer.kind is Class.ERROR:
            return [stun.encode(answer)]
        return [stun.encode(answer, key=signed, algorithm=self._algorithm)]

    def converse(self, connection: Connection) -> None:
        """Answer over a stream."""
        deframer = stun.Deframer(channel=stun.FIRST_CHANNEL)
        while data := connection.read_some():
            for frame in deframer.feed(data):
                for answer in self.answers(frame):
                    connection.send(answer)

    @property
    def _algorithm(self) -> stun.PasswordAlgorithm:
        sha256 = self.algorithms is not None
        return stun.PasswordAlgorithm.SHA256 if sha256 else stun.PasswordAlgorithm.MD5

    def _key(self) -> bytes:
        return stun.long_term_key(self.user, REALM, self.password, self._algorithm)

    def _challenge(self, request: Message, code: int) -> Message:
        if self.fault == "no realm":
            return error(request, code)
        more: list[tuple[int, bytes]] = [(Attribute.REALM, REALM.encode()), (Attribute.NONCE, self.nonce)]
        if self.algorithms is not None:
            more.append((Attribute.PASSWORD_ALGORITHMS, self.algorithms))
        return error(request, code, *more)

    def _answer(self, request: Message) -> Message:
        if request.method == Method.ALLOCATE and self.fault == "quota":
            return error(request, 486)
        if request.method == Method.ALLOCATE and self.fault == "no capacity":
            return error(request, 508)
        if request.method == Method.CHANNEL_BIND and self.fault == "forbidden":
            return error(request, 403)
        relayed = stun.pack_xor_address(RELAYED, request.transaction_id)
        allocated = request.method == Method.ALLOCATE and self.fault != "no relayed address"
        return Message(
            method=request.method,
            kind=Class.SUCCESS,
            transaction_id=request.transaction_id,
            attributes=((Attribute.XOR_RELAYED_ADDRESS, relayed),) if allocated else (),
        )

    def _echo(self, data: bytes) -> list[bytes]:
        match self.fault:
            case "relays nothing":
                return []
            case "changes packets":
                return [data[:-1] + bytes([data[-1] ^ 1])]
            case "another channel":
                return [b"\x40\x01" + data[2:]]
            case _:
                return [data]
