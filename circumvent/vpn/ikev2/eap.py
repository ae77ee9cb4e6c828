"""EAP (RFC 3748) with MS-CHAPv2 (draft-kamath-pppext-eap-mschapv2), the peer's side."""

from __future__ import annotations

import secrets
import struct
from enum import IntEnum
from typing import TYPE_CHECKING, Final

from circumvent.vpn import mschapv2
from circumvent.vpn.ikev2.errors import IkeError, LoginFailed, WrongPeer

if TYPE_CHECKING:
    from circumvent.model.secret import Secret

#: A conversation has no more packets from the server: identity, a method we refuse, challenge, success or failure.
MOST_PACKETS: Final = 12


class Code(IntEnum):
    """RFC 3748, section 4."""

    REQUEST = 1
    RESPONSE = 2
    SUCCESS = 3
    FAILURE = 4


class Type(IntEnum):
    """RFC 3748, section 5, and the draft."""

    IDENTITY = 1
    NOTIFICATION = 2
    NAK = 3
    MSCHAPV2 = 26


class _Op(IntEnum):
    """The draft, section 2."""

    CHALLENGE = 1
    RESPONSE = 2
    SUCCESS = 3
    FAILURE = 4


class EapPeer:
    """Answers a server's requests. ``msk`` is there once it has proved that it knows the password."""

    def __init__(self, user: Secret, password: Secret) -> None:
        self._user = user
        self._password = password
        self._packets = 0
        self._peer_challenge = secrets.token_bytes(mschapv2.CHALLENGE_BYTES)
        self._expected: bytes | None = None
        self._key: bytes | None = None
        self._code: int | None = None
        self._proved = False
        #: The server asked for the password's proof, so that a login was tried.
        self.tried = False
        #: Whether the conversation ended well.
        self.done = False

    def __repr__(self) -> str:
        return "EapPeer()"

    @property
    def msk(self) -> bytes:
        """Return the master session key of 64 bytes (the draft, section 4).

        :raises IkeError: before the server has proved itself.
        """
        if self._key is None or not self._proved:
            raise IkeError("EAP ended before the server had proved that it knows the password")
        return self._key + bytes(32)

    def take(self, packet: bytes, *, authenticated: bool) -> bytes | None:
        """Take a packet of the server's; return our answer, ``None`` after the success that ends it.

        :raises LoginFailed: when the server says that it failed.
        :raises WrongPeer: when the server does not know the password itself.
        :raises IkeError: when the packet is malformed or out of order.
        """
        if len(packet) < 4:
            raise IkeError("an EAP packet is cut short")
        code, identifier, length = struct.unpack_from("!BBH", packet)
        self._packets += 1
        if length != len(packet) or self._packets > MOST_PACKETS:
            raise IkeError("an EAP packet of impossible length, or one too many")
        if code == Code.FAILURE:
            raise LoginFailed(self._code, authenticated=authenticated)
        if code == Code.SUCCESS:
            _ = self.msk
            self.done = True
            return None
        if code != Code.REQUEST or length < 5:
            raise IkeError("an EAP packet that is no request")
        answer = self._answer(packet[4], packet[5:])
        return struct.pack("!BBH", Code.RESPONSE, identifier, 4 + len(answer)) + answer

    def _answer(self, kind: int, data: bytes) -> bytes:
        if kind == Type.IDENTITY:
            return bytes([kind]) + self._user.reveal().encode("utf-8")
        if kind == Type.NOTIFICATION:
            return bytes([kind])
        if kind != Type.MSCHAPV2:
            # RFC 3748, section 5.3.1: what we speak instead.
            return bytes([Type.NAK, Type.MSCHAPV2])
        return bytes([kind]) + self._mschapv2(data)

    def _mschapv2(self, data: bytes) -> bytes:
        op = data[0] if data else 0
        if op == _Op.CHALLENGE:
            return self._respond(data)
        if op == _Op.SUCCESS and self._expected is not None:
            if not mschapv2.is_authentic(data[4:], self._expected):
                raise WrongPeer("the server does not know the password")
            self._proved = True
            return bytes([op])
        if op == _Op.FAILURE and self.tried:
            self._code = mschapv2.parse_failure(data[4:]).code
            return bytes([op])
        raise IkeError("a packet of EAP-MSCHAPv2 out of order")

    def _respond(self, data: bytes) -> bytes:
        """Answer a challenge: one only, whatever a failure says of retries."""
        if self.tried or len(data) < 21 or data[4] != mschapv2.CHALLENGE_BYTES:
            raise IkeError("a malformed challenge of EAP-MSCHAPv2, or a second one")
        self.tried = True
        challenge = data[5:21]
        user = self._user.reveal()
        response = mschapv2.challenge_response(challenge, self._peer_challenge, user, self._password)
        self._expected = mschapv2.authenticator_response(
            response, challenge, self._peer_challenge, user, self._password
        )
        keys = mschapv2.session_keys(response, self._password)
        self._key = keys
        value = mschapv2.response_value(self._peer_challenge, response)
        name = user.encode("utf-8")
        size = 5 + len(value) + len(name)
        return struct.pack("!BBHB", _Op.RESPONSE, data[1], size, len(value)) + value + name
