"""One session with an OpenVPN server: reset, TLS, keys, options, and then packets.

The layers are :mod:`circumvent.vpn.openvpn`; here they meet a link, a clock, and the steps of an attempt.
"""

from __future__ import annotations

import re
import secrets
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import anyio

from circumvent.model import failure as failures
from circumvent.model.openvpn import OpenvpnSettings, Wrapping
from circumvent.model.record import Fidelity
from circumvent.model.words import Proof, Reason
from circumvent.net.errors import CannotTry, PeerError, Refusal
from circumvent.net.gate import begin_crypto, crypto
from circumvent.net.stream import Datagram
from circumvent.net.tunnel import TunnelFacts
from circumvent.vpn.openvpn import key_method, wrap
from circumvent.vpn.openvpn.control import ControlChannel
from circumvent.vpn.openvpn.data import (
    CIPHERS,
    DEFAULT_CIPHERS,
    CipherError,
    DataChannel,
    DataError,
    choose_cipher,
    spoken,
)
from circumvent.vpn.openvpn.fragment import WHOLE, FragmentError, Reassembly
from circumvent.vpn.openvpn.framing import EXIT, OCC, PING, Compression, FramingError, frame, unframe
from circumvent.vpn.openvpn.key_method import ClientKeys, KeyMethodError, ServerKeys
from circumvent.vpn.openvpn.packet import DATA, PacketError, read_first_octet
from circumvent.vpn.openvpn.push import (
    PUSH_REQUEST,
    Denial,
    Messages,
    Pushed,
    PushError,
    denial,
    parse_push,
)
from circumvent.vpn.openvpn.static_key import KeyTextError, parse_client_key, parse_static
from circumvent.vpn.openvpn.tls import ControlTls, IdentityError

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.model.openvpn import Remote
    from circumvent.model.option import Option
    from circumvent.net.trace import OpenStep, Trace
    from circumvent.transports.openvpn_link import Link

#: Seconds that TLS and the log-in may take at least: each has several flights, and servers ask others about passwords.
PATIENCE: Final = 10.0
#: Seconds between two requests for our options.
_ASK_AGAIN: Final = 3.0
#: Packets of the data channel that arrive before its keys are made, and are kept.
_EARLY: Final = 16
_OWN_WORDS: Final = re.compile(r"[A-Z0-9-]{1,40}")

_DENIALS: Final = {
    Denial.REJECTED: "the server refuses the user name, the password or the certificate",
    Denial.CIPHER: "the server shares no cipher of the data channel with this profile: their settings differ",
    Denial.CHALLENGE: "the server wants a further answer (a one-time code), which can't be given here",
    Denial.TEMPORARY: "the server refuses for now and says that this is temporary",
    Denial.SESSION: "the server says that the session has ended, and wants a new log-in",
    Denial.PENDING: "the server waits for a further log-in (in a browser, or a one-time code)",
    Denial.HALT: "the server ended the session",
}


def make_wrapping(settings: OpenvpnSettings, second: int) -> wrap.Wrapping:
    """Return the protection that the profile wants; ``second`` is the time of day.

    :raises CannotTry: when its key can't be used.
    """
    key = settings.wrap_key.reveal() if settings.wrap_key is not None else ""
    try:
        match settings.wrapping:
            case Wrapping.TLS_AUTH:
                if settings.digest not in wrap.DIGESTS:
                    raise CannotTry(
                        Reason.UNSUPPORTED, "the profile's auth names a digest that is not spoken"
                    )
                return wrap.TlsAuth(
                    parse_static(key),
                    direction=settings.key_direction,
                    digest=settings.digest,
                    second=second,
                )
            case Wrapping.TLS_CRYPT:
                return wrap.TlsCrypt(parse_static(key), second=second)
            case Wrapping.TLS_CRYPT_V2:
                return wrap.TlsCryptV2(*parse_client_key(key), second=second)
            case _:
                return wrap.Plain()
    except KeyTextError:
        raise CannotTry(Reason.UNSUPPORTED, f"its {settings.wrapping} key can't be used") from None


def offered_ciphers(settings: OpenvpnSettings) -> tuple[str, ...]:
    """Return the ciphers of the data channel that the profile wants and we speak.

    :raises CannotTry: when there is none.
    """
    wanted = settings.ciphers or DEFAULT_CIPHERS
    spoken = tuple(cipher for cipher in wanted if cipher in CIPHERS)
    if not spoken:
        raise CannotTry(Reason.UNSUPPORTED, "its ciphers of the data channel are not spoken")
    return spoken


class Session:
    """One session over one link; a :class:`~circumvent.net.tunnel.PacketTunnel` once :meth:`log_in` is through."""

    def __init__(
        self, option: Option, settings: OpenvpnSettings, remote: Remote, link: Link, trace: Trace
    ) -> None:
        self._option = option
        self._settings = settings
        self._remote = remote
        self._link = link
        self._trace = trace
        self._control = ControlChannel(
            make_wrapping(settings, int(trace.clock.wall())), secrets.token_bytes(8), reliable=link.reliable
        )
        self._tls: ControlTls | None = None
        self._plain = bytearray()
        self._keys = ClientKeys.split(secrets.token_bytes(key_method.PRE_MASTER + 2 * key_method.RANDOM))
        self._data: DataChannel | None = None
        self._compression = Compression(settings.compression) if settings.compression else Compression.NONE
        self._reassembly = Reassembly()
        self._early: deque[Datagram] = deque(maxlen=_EARLY)
        self._facts = TunnelFacts(addresses=())
        self.unreadable = 0

    # The handshake, step by step.

    async def reset(self) -> None:
        """Say that we want a session, and wait until the server says the same."""
        async with self._trace.step("tunnel_handshake") as step:
            step.detail.update(
                {"wrapping": self._settings.wrapping.value, "transport": self._remote.transport}
            )
            try:
                await self._until(lambda: self._control.answered)
            finally:
                self._describe(step)
            self._trace.prove(Proof.REACHED)
            if self._control.round_trip is not None:
                self._trace.round_trip(self._control.round_trip)

    async def start_tls(self, tls: ControlTls) -> None:
        """Shake hands inside the control channel; the server's certificate is judged on the way."""
        self._tls = tls
        wrapped = self._settings.wrapping is not Wrapping.PLAIN
        if self._settings.wrapping in (Wrapping.PLAIN, Wrapping.TLS_AUTH):  # else nobody sees the ClientHello
            self._trace.fidelity = Fidelity(tls="openssl")
        async with self._trace.step("tls_handshake", limit=self._limit()) as step:
            try:
                turn = begin_crypto
                while not await turn(self._trace, tls.shake, wrapped=wrapped):
                    turn = crypto
                    self._control.write(tls.pending())
                    await self._turn()
            except PeerError:
                self._control.write(tls.pending())  # the alert that says what we did not like
                with suppress(OSError, anyio.ClosedResourceError, anyio.BrokenResourceError):
                    await self._flush()
                raise
            finally:
                self._describe(step)
            self._control.write(tls.pending())
            step.detail.update({"version": tls.version, "cipher": tls.cipher})
            await self._flush()

    async def log_in(self) -> bool:
        """Exchange keys and account (key method 2), and wait for our options.

        ``False``: the profile wants a password and has none. An empty one would count as a wrong one, so nothing is sent.
        """
        async with self._trace.step("authenticate", limit=self._limit()) as step:
            step.detail["credentials"] = not self._lacks_password
            if self._lacks_password:
                return False
            ciphers = offered_ciphers(self._settings)
            self._say(self._own_message(ciphers))
            try:
                server = await self._server_keys()
                # In TLS 1.3 only this shows that the server took our certificate.
                self._trace.prove(Proof.HANDSHAKEN)
                pushed = await self._pushed(step)
            finally:
                self._describe(step)
            await crypto(self._trace, self._open_data, server, pushed, ciphers, step)
            await self._flush()
        return True

    @property
    def _lacks_password(self) -> bool:
        given = self._option.user is not None and self._option.password is not None
        return self._settings.asks_password and not given

    def _own_message(self, ciphers: tuple[str, ...]) -> bytes:
        settings, option = self._settings, self._option
        options = key_method.options_text(
            transport=self._remote.transport,
            family=self._trace.family or "ipv4",
            cipher=settings.fallback or ciphers[0],
            digest=settings.digest,
            key_direction=settings.key_direction,
            tls_auth=settings.wrapping is Wrapping.TLS_AUTH,
            mtu=settings.mtu,
        )
        return key_method.encode_client(
            self._keys,
            options=options,
            user=option.user.reveal() if option.user is not None else None,
            password=option.password.reveal() if option.password is not None else None,
            peer_info=key_method.peer_info(ciphers=ciphers, export=True),
        )

    async def _server_keys(self) -> ServerKeys:
        found: tuple[ServerKeys, bytes] | None = None

        def whole() -> bool:
            nonlocal found
            try:
                found = key_method.decode_server(bytes(self._plain))
            except KeyMethodError as exc:
                raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc
            if found is None and len(self._plain) > _MOST_PLAIN:
                raise PeerError(failures.WRONG_ANSWER, "an endless message")
            return found is not None

        await self._until(whole)
        if found is None:
            raise AssertionError  # pragma: no cover - it was waited for
        self._plain = bytearray(found[1])
        return found[0]

    async def _pushed(self, step: OpenStep) -> Pushed:
        """Ask for our options until they come, or a refusal."""
        messages = Messages()
        pushed = Pushed(more=True)
        while pushed.more:
            self._say(PUSH_REQUEST)
            await self._until(lambda: bool(self._plain), most=_ASK_AGAIN)
            try:
                for message in messages.feed(bytes(self._plain)):
                    self._refuse(message, step)
                    if message.startswith("PUSH_REPLY"):
                        pushed = parse_push(message, pushed)
            except PushError as exc:
                raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc
            self._plain.clear()
        return pushed

    def _refuse(self, message: str, step: OpenStep) -> None:
        """Raise what a message says, if it is a no."""
        word = denial(message)
        if word is None:
            return
        step.detail["denial"] = word.value
        if word is Denial.RESTART:
            raise PeerError(failures.ORIGIN_DOWN, "the server is being restarted")
        raise Refusal(failures.AUTH_REJECTED, _DENIALS[word], authenticated=True)

    def _open_data(
        self, server: ServerKeys, pushed: Pushed, ciphers: tuple[str, ...], step: OpenStep
    ) -> None:
        """Make the keys of the data channel, and take over what was pushed."""
        tls, peer = self._tls, self._control.peer_session_id
        if tls is None or peer is None:
            raise AssertionError  # pragma: no cover - the steps before raised
        if pushed.strange is not None:
            raise CannotTry(Reason.UNSUPPORTED, f"the server wants {pushed.strange}, which is not spoken")
        if not pushed.addresses:
            raise PeerError(failures.WRONG_ANSWER, "the server gives no address inside the tunnel")
        try:
            cipher = choose_cipher(pushed.cipher, server.options, ciphers, self._settings.fallback)
        except CipherError as exc:
            raise PeerError(failures.WRONG_ANSWER, str(exc)) from exc
        if pushed.key_export:
            material = tls.export_keys()
        else:
            material = key_method.derive_by_prf(self._keys, server, self._control.session_id, peer)
        digest = pushed.digest or self._settings.digest
        if not spoken(cipher, digest):
            named = cipher if _OWN_WORDS.fullmatch(cipher) else "another cipher"
            raise CannotTry(Reason.UNSUPPORTED, f"the data channel wants {named}, which is not spoken")
        self._data = DataChannel(
            cipher, key_method.data_keys(material), digest=digest, peer_id=pushed.peer_id
        )
        if pushed.compression is not None:
            self._compression = pushed.compression
        step.detail.update({"data_cipher": cipher, "key_export": pushed.key_export})
        self._facts = TunnelFacts(
            addresses=pushed.addresses,
            resolvers=tuple(dict.fromkeys((*self._settings.resolvers, *pushed.resolvers))),
            gateways=tuple(one for one in pushed.gateways if one not in pushed.addresses),
            mtu=min(pushed.mtu or self._settings.mtu, self._settings.mtu, 1500),
        )

    # Packets of the tunnel.

    @property
    def facts(self) -> TunnelFacts:
        """Return what is known of the tunnel's inside."""
        return self._facts

    async def send(self, packet: bytes) -> None:
        """Send one IP packet."""
        await self._link.send(self._seal(packet))

    async def receive(self) -> Datagram:
        """Wait for the next IP packet that authenticated."""
        while True:
            if self._early:
                datagram = self._early.popleft()
            else:
                await self._turn()
                continue
            packet = self._open(datagram.data)
            if packet is not None:
                return Datagram(packet, datagram.arrived)

    async def aclose(self) -> None:
        """Say that we leave, if there is a session to leave, and close."""
        if self._data is not None and (self._remote.exit_notify or not self._link.reliable):
            # Where this can't be sent, the connection is gone, and the session with it.
            gone = suppress(OSError, anyio.ClosedResourceError, anyio.BrokenResourceError)
            with anyio.CancelScope(shield=True), anyio.move_on_after(0.1), gone:
                await self._link.send(self._seal(EXIT))
        await self._link.aclose()

    def _seal(self, packet: bytes) -> bytes:
        if self._data is None:
            raise AssertionError  # pragma: no cover - log_in() comes first
        framed = frame(packet, self._compression)
        return self._data.seal(WHOLE + framed if self._remote.fragment else framed)

    def _open(self, data: bytes) -> bytes | None:
        """Return the IP packet in a datagram; ``None`` for what is none: pings, garbage, what is compressed."""
        if self._data is None:
            return None
        try:
            framed: bytes | None = self._data.open(data)
            if self._remote.fragment:
                framed = self._reassembly.take(framed or b"")
            packet = unframe(framed or b"", self._compression)
        except (DataError, FragmentError, FramingError):
            self.unreadable += 1
            return None
        return None if not packet or packet == PING or packet.startswith(OCC) else packet

    # What moves the control channel.

    async def _until(self, done: Callable[[], bool], *, most: float | None = None) -> None:
        """Go on until something is so, or for so many seconds at most."""
        end = None if most is None else self._trace.clock.now() + most
        while not done() and (end is None or self._trace.clock.now() < end):
            await self._turn(end)

    async def _turn(self, end: float | None = None) -> None:
        """Send what is due, and wait for one packet, until something is due again, or until the ``end``."""
        await self._flush()
        wakes = [wake for wake in (self._control.next_time(), end) if wake is not None]
        with anyio.move_on_after(max(min(wakes) - self._trace.clock.now(), 0) if wakes else None):
            datagram = await self._link.receive()
            await self._take(datagram)

    async def _take(self, datagram: Datagram) -> None:
        """Sort a packet: of the data channel, or of the control channel."""
        try:
            opcode = read_first_octet(datagram.data[0])[0] if datagram.data else None
        except PacketError:
            opcode = None
        if opcode in DATA:
            self._early.append(datagram)
            return
        self._control.receive(datagram.data, datagram.arrived)
        arrived = self._control.read()
        if self._tls is not None and arrived:
            self._tls.feed(arrived)
            if self._tls.finished:
                self._plain += await crypto(self._trace, self._tls.read)
                self._control.write(self._tls.pending())
                if self._tls.closed and not self._plain:
                    raise anyio.EndOfStream

    def _say(self, message: bytes) -> None:
        """Send a message inside TLS."""
        if self._tls is None:
            raise AssertionError  # pragma: no cover - start_tls() comes first
        self._tls.write(message)
        self._control.write(self._tls.pending())

    async def _flush(self) -> None:
        for packet in self._control.flush(self._trace.clock.now()):
            await self._link.send(packet)

    def _limit(self) -> float | None:
        """Return the limit of a step with several flights, in seconds."""
        own = self._trace.limit if self._trace.limit is not None else self._trace.timeouts.limit
        return max(own, PATIENCE)

    def _describe(self, step: OpenStep) -> None:
        step.detail["repeated"] = self._control.repeated
        step.detail["ignored"] = self._control.ignored


#: More than this many octets before the server's keys are whole is no handshake.
_MOST_PLAIN: Final = 16 * 1024

__all__ = ["PATIENCE", "IdentityError", "Session", "make_wrapping", "offered_ciphers"]
