"""TURN: can a call be relayed (RFC 8656)? How packets come back to us: :mod:`circumvent.transports.turn_loop`."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.model.option import Endpoint
from circumvent.model.words import Proof
from circumvent.net.errors import CannotTry, NetError, PeerError, Refusal
from circumvent.net.stun import (
    FIRST_CHANNEL,
    REQUESTED_TRANSPORT_UDP,
    Attribute,
    Class,
    Message,
    Method,
    PasswordAlgorithm,
    StunError,
    encode,
    long_term_key,
    pack_xor_address,
    verify,
)
from circumvent.net.stun_link import RTO, Link, transact
from circumvent.transports.turn_loop import ChannelLoop, SocketLoop
from circumvent.transports.voice import PACKETS, is_authenticated, open_link, paced_call, refusal

if TYPE_CHECKING:
    from circumvent.model.option import Option
    from circumvent.net.stun import Address
    from circumvent.net.trace import OpenStep
    from circumvent.transport import Context

CHANNEL: Final = FIRST_CHANNEL
#: What a packet of a call holds: an RTP header and 20 ms of Opus at 32 kbit/s.
PAYLOAD_BYTES: Final = 92
#: How many packets are sent to the relay itself before a socket beside it is tried; the waits between double.
SELF_TRIES: Final = 2
#: RFC 8489, section 14.8, and RFC 8656, section 19.
_UNAUTHENTICATED: Final = 401
_STALE_NONCE: Final = 438
#: A nonce may go stale once; a server that always says so is not asked for ever.
_MOST_TRIES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What a server wants in signed requests (RFC 8489, section 9.2): its realm, nonce, password algorithms."""

    realm: bytes
    nonce: bytes
    algorithms: bytes | None

    @property
    def algorithm(self) -> PasswordAlgorithm:
        """Return the first algorithm of the server's list that we know; MD5 where it has no list.

        :raises PeerError: when we know none.
        """
        if self.algorithms is None:
            return PasswordAlgorithm.MD5
        rest = self.algorithms
        while len(rest) >= 4:
            number, length = struct.unpack_from("!HH", rest)
            if number in set(PasswordAlgorithm):
                return PasswordAlgorithm(number)
            rest = rest[4 + length + -length % 4 :]
        raise PeerError(
            failures.PROXY_PROTOCOL_ERROR, "the server wants a password algorithm that is not known"
        )


class TurnTransport:
    """Steps: ``connect``, (``tls_handshake``,) ``tunnel_handshake``, ``authenticate``, ``carry``, ``voice``."""

    async def attempt(self, option: Option, context: Context) -> None:
        """Allocate a relayed address, and send packets through it back to ourselves."""
        link = await open_link(option, context)
        client = _Client(link, option, context)
        try:
            await client.challenge()
            await client.authenticate()
            await client.carry()
            if context.goal.at_least(Proof.SUSTAINED):
                await client.voice()
        finally:
            await client.aclose()


class _Client:
    """One allocation, from the first request to its release."""

    def __init__(self, link: Link, option: Option, context: Context) -> None:
        self._link = link
        self._option = option
        self._context = context
        self._trace = context.trace
        self._challenge: Challenge | None = None
        self._key: bytes | None = None
        self._relayed: Address | None = None
        self._mapped: Address | None = None
        self._loop: Link | None = None

    async def challenge(self) -> None:
        """Ask without credentials: a server that wants some says so with its realm and nonce."""
        async with self._trace.step("tunnel_handshake") as step:
            answer = await self._request(Method.ALLOCATE, _ALLOCATION, step)
            if answer.kind is Class.SUCCESS:
                self._take_allocation(answer, step)
            elif answer.error_code == _UNAUTHENTICATED:
                self._take_challenge(answer)
            else:
                raise refusal(answer, step, authenticated=is_authenticated(self._option))
            self._trace.prove(Proof.HANDSHAKEN)

    async def authenticate(self) -> None:
        """Allocate with the credentials, unless the server wanted none."""
        if self._relayed is not None:
            return
        async with self._trace.step("authenticate") as step:
            if self._option.user is None or self._option.password is None:
                step.detail["authenticated"] = is_authenticated(self._option)
                raise Refusal(
                    failures.AUTH_REJECTED,
                    "the server wants a user name and a password",
                    authenticated=is_authenticated(self._option),
                )
            self._take_allocation(await self._signed(Method.ALLOCATE, _ALLOCATION, step), step)

    async def carry(self) -> None:
        """Send a fresh packet around: through the relay to itself, else to a socket of our own beside it."""
        async with self._trace.step("carry") as step:
            refused: NetError | None = None
            step.detail["loop"] = "relay"
            try:
                self._loop = await self._through_itself(step)
            except Refusal as exc:
                refused = exc
            arrived = None if self._loop is None else await self._echo(self._loop, step, tries=SELF_TRIES)
            if self._loop is None or arrived is None:
                # Relays may be forbidden to send to themselves, and address translation may not turn packets round.
                step.detail["loop"] = "socket"
                self._loop = await self._to_ourselves(step, refused)
                arrived = await self._echo(self._loop, step)
            if arrived is None:
                raise AssertionError  # pragma: no cover - without a number of tries it goes on until the limit
            self._trace.carry_arrived(arrived)
            self._trace.prove(Proof.CARRIED)

    async def voice(self) -> None:
        """Send a second of a call around."""
        loop = self._loop
        if loop is None:
            raise AssertionError  # pragma: no cover - carry() raised
        payloads = [self._context.random.randbytes(PAYLOAD_BYTES) for _ in range(PACKETS)]
        numbers = {payload: number for number, payload in enumerate(payloads)}
        async with self._trace.step("voice") as step:
            call = await paced_call(loop, self._trace, payloads, numbers.get, step)
            call.require_few_lost()
            self._trace.prove(Proof.SUSTAINED)

    async def aclose(self) -> None:
        """Give the allocation back and close whatever is open; never raises."""
        await self.release()
        if self._loop is not None:
            await self._loop.aclose()
        await self._link.aclose()

    async def _through_itself(self, step: OpenStep) -> Link:
        """Bind a channel to our own relayed address.

        :raises Refusal: when the server forbids that.
        """
        if self._relayed is None:
            raise AssertionError  # pragma: no cover - authenticate() raised
        number = (Attribute.CHANNEL_NUMBER, struct.pack("!HH", CHANNEL, 0))
        await self._signed(Method.CHANNEL_BIND, (number,), step, peer=self._relayed)
        return ChannelLoop(self._link, CHANNEL)

    async def _to_ourselves(self, step: OpenStep, refused: NetError | None) -> Link:
        """Let the relay send to a second socket of ours, which has sent to it first, so that its way back is open.

        :raises PeerError: what was ``refused`` before, when this can't be tried.
        """
        relayed, mapped = self._relayed, self._mapped
        if relayed is None or mapped is None:
            raise refused or PeerError(failures.WRONG_ANSWER, "an allocation without our mapped address")
        await self._signed(Method.CREATE_PERMISSION, (), step, peer=mapped)
        place = self._trace.address, self._trace.family
        try:
            peer = await self._context.dialer.datagram(
                Endpoint(host=str(relayed.ip), port=relayed.port), self._trace
            )
        except CannotTry as exc:
            raise refused or PeerError(failures.WRONG_ANSWER, "the relayed address is private") from exc
        finally:
            self._trace.address, self._trace.family = place
        self._loop = loop = SocketLoop(self._link, peer, self._context.random)
        await loop.open()
        return loop

    async def release(self) -> None:
        """Give the allocation back (lifetime 0) without waiting for the answer (RFC 8656, section 7)."""
        if self._relayed is None:
            return
        request = self._message(Method.REFRESH, ((Attribute.LIFETIME, bytes(4)),))
        with anyio.CancelScope(shield=True), anyio.move_on_after(0.1):
            try:
                await self._link.send(request)
            except (OSError, anyio.ClosedResourceError, anyio.BrokenResourceError):
                return  # the connection is gone, and the allocation with it, or soon

    async def _echo(self, loop: Link, step: OpenStep, *, tries: int | None = None) -> float | None:
        """Return when a fresh packet came back; ``None`` after so many ``tries``.

        Each repetition is a new packet, so that none counts for another.
        """
        payloads: set[bytes] = set()
        while tries is None or len(payloads) < tries:
            payload = self._context.random.randbytes(PAYLOAD_BYTES)
            payloads.add(payload)
            await loop.send(payload)
            step.detail["packets"] = len(payloads)
            with anyio.move_on_after(RTO * 2 ** (len(payloads) - 1)):
                while True:
                    frame = await loop.receive()
                    if frame.data in payloads:
                        return frame.arrived
        return None

    async def _signed(
        self,
        method: Method,
        attributes: tuple[tuple[int, bytes], ...],
        step: OpenStep,
        *,
        peer: Address | None = None,
    ) -> Message:
        """Send a request with the credentials until its nonce is fresh enough, and return the success."""
        for _ in range(_MOST_TRIES):
            answer = await self._request(method, attributes, step, peer=peer)
            if answer.kind is Class.SUCCESS:
                return answer
            if answer.error_code != _STALE_NONCE:
                break
            self._take_challenge(answer)
        raise refusal(answer, step, authenticated=is_authenticated(self._option))

    async def _request(
        self,
        method: Method,
        attributes: tuple[tuple[int, bytes], ...],
        step: OpenStep,
        *,
        peer: Address | None = None,
    ) -> Message:
        request = self._message(method, attributes, peer=peer)
        answer = await transact(self._link, request, self._trace, step, accept=self._acceptable)
        self._trace.prove(Proof.REACHED)
        if answer.round_trip is not None:
            self._trace.round_trip(answer.round_trip)
        try:
            answer.message.error_code  # noqa: B018 - broken values are found here, once
        except StunError as exc:
            raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc
        return answer.message

    def _acceptable(self, answer: Message) -> bool:
        """Tell whether an answer is signed as it must be: a success, once we have signed (RFC 8489, 9.2.5).

        On a stream nobody else can have sent it, so that there it is an answer from the wrong server.
        """
        if self._key is None or answer.kind is Class.ERROR or verify(answer, self._key):
            return True
        if self._link.reliable:
            raise PeerError(failures.WRONG_KEY, "the answer is not signed with the password")
        return False

    def _message(
        self, method: Method, attributes: tuple[tuple[int, bytes], ...], *, peer: Address | None = None
    ) -> bytes:
        transaction_id = self._context.random.randbytes(12)
        if peer is not None:
            attributes += ((Attribute.XOR_PEER_ADDRESS, pack_xor_address(peer, transaction_id)),)
        challenge, user = self._challenge, self._option.user
        if challenge is not None and user is not None:
            attributes += (
                (Attribute.USERNAME, user.reveal().encode()),
                (Attribute.REALM, challenge.realm),
                (Attribute.NONCE, challenge.nonce),
            )
            if challenge.algorithms is not None:
                attributes += (
                    (Attribute.PASSWORD_ALGORITHMS, challenge.algorithms),
                    (Attribute.PASSWORD_ALGORITHM, struct.pack("!HH", challenge.algorithm, 0)),
                )
        message = Message(
            method=method, kind=Class.REQUEST, transaction_id=transaction_id, attributes=attributes
        )
        algorithm = PasswordAlgorithm.MD5 if challenge is None else challenge.algorithm
        return encode(message, key=self._key, algorithm=algorithm)

    def _take_challenge(self, answer: Message) -> None:
        realm, nonce = answer.get(Attribute.REALM), answer.get(Attribute.NONCE)
        if nonce is None or (realm is None and self._challenge is None):
            raise PeerError(failures.WRONG_ANSWER, "the server wants credentials and names no realm or nonce")
        if realm is None and self._challenge is not None:
            realm = self._challenge.realm
        self._challenge = Challenge(
            realm=realm or b"", nonce=nonce, algorithms=answer.get(Attribute.PASSWORD_ALGORITHMS)
        )
        user, password = self._option.user, self._option.password
        if user is not None and password is not None:
            try:
                text = self._challenge.realm.decode()
            except UnicodeDecodeError as exc:
                raise PeerError(failures.WRONG_ANSWER, "the realm is not UTF-8") from exc
            self._key = long_term_key(user.reveal(), text, password.reveal(), self._challenge.algorithm)

    def _take_allocation(self, answer: Message, step: OpenStep) -> None:
        try:
            relayed = answer.address(Attribute.XOR_RELAYED_ADDRESS)
            self._mapped = answer.address(Attribute.XOR_MAPPED_ADDRESS)
        except StunError as exc:
            raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc
        if relayed is None:
            raise PeerError(failures.WRONG_ANSWER, "an allocation without a relayed address")
        self._relayed = relayed
        step.detail["relayed_family"] = relayed.family


_ALLOCATION: Final[tuple[tuple[int, bytes], ...]] = (
    (Attribute.REQUESTED_TRANSPORT, REQUESTED_TRANSPORT_UDP),
)


TRANSPORT = TurnTransport()
