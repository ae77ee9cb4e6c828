"""An OpenVPN server over UDP without a network device: key method 2, keys exported from TLS, AES-256-GCM.

Its clients show no certificate and log in by name and password. What is behind it: :mod:`circumvent.lab.world.inside`.
"""

from __future__ import annotations

import asyncio
import secrets
import struct
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from OpenSSL import SSL

from circumvent.lab.world.inside import answer_inside
from circumvent.net.packets import PacketError as InnerError
from circumvent.vpn.openvpn.data import DataChannel, DataError
from circumvent.vpn.openvpn.key_method import EXPORTER_LABEL, RANDOM, data_keys
from circumvent.vpn.openvpn.packet import (
    ControlPacket,
    Opcode,
    PacketError,
    decode,
    encode_body,
    encode_head,
    read_first_octet,
)
from circumvent.vpn.openvpn.push import PUSH_REQUEST
from circumvent.vpn.openvpn.reliability import Receiver, Sender
from circumvent.vpn.openvpn.static_key import KEY, Pair

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from circumvent.lab.world.inside import Respond
    from circumvent.lab.world.listen import Listeners
    from circumvent.lab.world.prepare import Pair as Files

USER: Final = "lab"
PASSWORD: Final = "lab-password"  # noqa: S105 - known to everybody in the laboratory
PUSH_REPLY: Final = (
    b"PUSH_REPLY,topology subnet,route-gateway 10.68.0.1,ifconfig 10.68.0.2 255.255.255.0,"
    b"ifconfig-ipv6 fd68::2/64 fd68::1,dhcp-option DNS 10.68.0.1,peer-id 0,cipher AES-256-GCM,"
    b"key-derivation tls-ekm,tun-mtu 1500\0"
)
AUTH_FAILED: Final = b"AUTH_FAILED\0"
CIPHER: Final = "AES-256-GCM"
#: Clients that are remembered, octets of TLS in one packet, and the longest message of a client.
MOST_SESSIONS: Final = 16
CHUNK: Final = 1100
_MOST_PLAIN: Final = 16 * 1024
_BEGIN: Final = b"\0\0\0\0\x02"
_PRE_MASTER: Final = 48
_HEAD: Final = 9


class Session:
    """One client's session, from its reset on. Datagrams in, datagrams out."""

    def __init__(self, context: SSL.Context, respond: Respond, client_session: bytes) -> None:
        self._respond = respond
        self.client_session = client_session
        self._own_session = secrets.token_bytes(8)
        self._sender, self._receiver = Sender(), Receiver()
        self._sender.queue(Opcode.RESET_SERVER, b"")
        self._tls = SSL.Connection(context, None)
        self._tls.set_accept_state()
        self._waiting, self._plain = bytearray(), bytearray()
        self._logged_in: bool | None = None
        self._data: DataChannel | None = None

    def control(self, datagram: bytes, now: float) -> None:
        """Take a packet of the control channel.

        :raises PacketError: when it is none of this session.
        """
        packet = decode(datagram[:_HEAD], datagram[_HEAD:])
        if packet.session_id != self.client_session:
            raise PacketError("of another session")
        self._sender.acknowledge(packet.acks, now)
        if packet.packet_id is None:
            return
        self._receiver.accept(packet.packet_id, packet.payload if packet.opcode is Opcode.CONTROL else b"")
        for payload in self._receiver.take():
            while payload:
                payload = payload[self._tls.bio_write(payload) :]  # noqa: PLW2901 - what is left of it
        self._turn()

    def data(self, datagram: bytes) -> bytes | None:
        """Take a packet of the data channel; return the answer to what is in it."""
        if self._data is None:
            return None
        try:
            answer = answer_inside(self._data.open(datagram), self._respond)
        except (DataError, InnerError):
            return None
        return None if answer is None else self._data.seal(answer)

    def flush(self, now: float) -> list[bytes]:
        """Return the datagrams of the control channel that are to leave now."""
        while self._waiting and self._sender.room > 0:
            self._sender.queue(Opcode.CONTROL, bytes(self._waiting[:CHUNK]))
            del self._waiting[:CHUNK]
        made = [self._packet(one.opcode, one.packet_id, one.payload) for one in self._sender.due(now)]
        while self._receiver.owes:
            made.append(self._packet(Opcode.ACK, None, b""))
        return made

    def next_time(self) -> float | None:
        """Return when :meth:`flush` has something to send again."""
        return self._sender.next_time()

    def _turn(self) -> None:
        """Go on with TLS, and with what is said inside it."""
        with suppress(SSL.Error):
            self._tls.do_handshake()
            while True:
                self._plain += self._tls.recv(CHUNK)
        if len(self._plain) > _MOST_PLAIN:
            self._plain.clear()
        if self._logged_in is None:
            self._read_keys()
        if self._logged_in is not None and PUSH_REQUEST in self._plain:
            del self._plain[: self._plain.index(PUSH_REQUEST) + len(PUSH_REQUEST)]
            self._tls.sendall(PUSH_REPLY if self._logged_in else AUTH_FAILED)
        with suppress(SSL.Error):
            while True:
                self._waiting += self._tls.bio_read(64 * CHUNK)

    def _read_keys(self) -> None:
        """Read the client's message of key method 2 once it is whole, and answer it."""
        place, texts = len(_BEGIN) + _PRE_MASTER + 2 * RANDOM, []
        for _ in range(4):  # options, user, password, peer information
            if len(self._plain) < place + 2:
                return
            end = place + 2 + int.from_bytes(self._plain[place : place + 2])
            if len(self._plain) < end:
                return
            texts.append(bytes(self._plain[place + 2 : end]).rstrip(b"\0"))
            place = end
        del self._plain[:place]
        self._logged_in = texts[1:3] == [USER.encode(), PASSWORD.encode()]
        options = b"V4,dev-type tun\0"
        answer = _BEGIN + secrets.token_bytes(2 * RANDOM) + struct.pack("!H", len(options)) + options
        self._tls.sendall(answer + bytes(6))  # no user, no password, no peer information
        keys = data_keys(self._tls.export_keying_material(EXPORTER_LABEL, KEY))
        if self._logged_in:
            self._data = DataChannel(CIPHER, Pair(keys.receive, keys.send), peer_id=0)

    def _packet(self, opcode: Opcode, packet_id: int | None, payload: bytes) -> bytes:
        acks = self._receiver.acks(4)
        packet = ControlPacket(
            opcode=opcode,
            session_id=self._own_session,
            acks=acks,
            peer_session_id=self.client_session if acks else None,
            packet_id=packet_id,
            payload=payload,
        )
        return encode_head(packet) + encode_body(packet)


class Server:
    """All sessions, by the addresses of clients."""

    def __init__(self, pair: Files, respond: Respond) -> None:
        self._context = SSL.Context(SSL.TLS_SERVER_METHOD)
        self._context.use_certificate_chain_file(pair.chain)
        self._context.use_privatekey_file(pair.key)
        self._respond = respond
        self.sessions: dict[Hashable, Session] = {}

    def take(self, datagram: bytes, client: Hashable, now: float) -> list[bytes]:
        """Take a datagram of a client; return those that answer it."""
        try:
            opcode, _ = read_first_octet(datagram[0]) if datagram else (None, 0)
            if opcode in (Opcode.DATA_V1, Opcode.DATA_V2):
                session = self.sessions.get(client)
                answer = None if session is None else session.data(datagram)
                return [] if answer is None else [answer]
            session = self._session(datagram, opcode, client)
            if session is None:
                return []
            session.control(datagram, now)
        except PacketError:
            return []
        return session.flush(now)

    def _session(self, datagram: bytes, opcode: Opcode | None, client: Hashable) -> Session | None:
        session, named = self.sessions.get(client), datagram[1:_HEAD]
        if opcode is Opcode.RESET_CLIENT and (session is None or session.client_session != named):
            self.sessions.pop(client, None)
            while len(self.sessions) >= MOST_SESSIONS:
                del self.sessions[next(iter(self.sessions))]
            session = self.sessions[client] = Session(self._context, self._respond, named)
        return session


async def serve_openvpn(listeners: Listeners, addresses: Sequence[str], port: int, server: Server) -> None:
    """Serve it on a port of every address.

    :raises OSError: when the port can't be had.
    """
    await listeners.udp(addresses, port, lambda: _Datagrams(server))


class _Datagrams(asyncio.DatagramProtocol):
    """Datagrams of all clients, and what is to be sent to them again."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        self._send(self._server.take(data, addr, time.monotonic()), addr)

    def _send(self, datagrams: Sequence[bytes], client: Any) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        for datagram in datagrams:
            self._transport.sendto(datagram, client)
        session = self._server.sessions.get(client)
        due = None if session is None else session.next_time()
        if datagrams and due is not None:
            asyncio.get_running_loop().call_later(max(due - time.monotonic(), 0.0), self._again, client)

    def _again(self, client: Any) -> None:
        session = self._server.sessions.get(client)
        if session is not None:
            self._send(session.flush(time.monotonic()), client)
