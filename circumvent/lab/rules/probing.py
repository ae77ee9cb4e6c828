"""Active probing: after a suspicious first packet the censor connects to the server itself, and blocks what it finds.

The prober speaks just enough TCP for one request: it opens a connection from an address of its own, sends its probe, and
judges the answer. What is confirmed is blocked for all clients. China has probed so for Tor since 2011 (Examining How the
Great Firewall Discovers Hidden Circumvention Servers, IMC 2015) and for Shadowsocks since 2019 (How China Detects and
Blocks Shadowsocks, IMC 2020).
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from circumvent.lab.actions import Drop
from circumvent.lab.blocking import EVERYTHING, Action, Judgement, Trigger
from circumvent.lab.flow import UP, Flow, FlowKey
from circumvent.lab.packet import ACK, FIN, PSH, RST, SYN, TCP, Endpoint, Packet, build_tcp
from circumvent.lab.rule import DROPPED, Memory, Sight, Verdict
from circumvent.lab.scope import Scope  # noqa: TC001 - scenario files are read by the types of fields

#: Where probes come from, unless a rule says otherwise; the wire must route it: ``WireConfig(beyond=PROBERS)``.
PROBERS: Final = ("203.0.113.200", "2001:db8:9:9::200")
#: Probes that are under way at once.
_MOST_PROBES: Final = 64
_FIRST_PORT: Final = 20000
_PORTS: Final = 20000
_DROP: Final = Drop()


class Reaction(enum.Enum):
    """How a server takes a probe."""

    ANSWERS = "answers"
    RESETS = "resets"
    CLOSES = "closes"
    SILENT = "silent"


class _Stage(enum.Enum):
    OPENING = enum.auto()
    ASKED = enum.auto()


@dataclass(slots=True)
class _Probe:
    server: Endpoint
    prober: Endpoint
    sequence: int
    begun: float
    stage: _Stage = _Stage.OPENING


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveProbing:
    """Probe the servers of flows that ``suspect`` condemns, and act on all flows to a server that is confirmed.

    ``probe`` is what the prober sends. A server is confirmed if its reaction is one of ``confirmed_by``;
    ``answer_begins`` narrows ``ANSWERS`` to those that begin so. ``SILENT`` means nothing for ``patience`` seconds.
    ``blocked_for`` is how long its address and port are blocked, in seconds.
    """

    name: str
    suspect: Trigger
    probe: bytes
    confirmed_by: tuple[Reaction, ...]
    then: Action = _DROP
    scope: Scope = EVERYTHING
    answer_begins: bytes = b""
    patience: float = 10.0
    blocked_for: float = math.inf
    probability: float = 1.0
    probers: tuple[str, ...] = PROBERS

    def see(self, sight: Sight, memory: Memory) -> Verdict | None:
        """Watch clients, block confirmed servers, drive probes."""
        if sight.packet.protocol != TCP:
            return None
        probes = _probes(memory)
        self._settle_silent(sight.now, probes, memory)
        probe = probes.get(sight.flow.key)
        if probe is not None:
            return self._probed(probe, sight, memory)
        key = sight.flow.key
        if memory.penalties.holds((key.server, key.server_port), sight.now):
            return self.then.act(sight, memory, 0)
        if sight.flow.states.get(self.name) is None:
            sight.flow.states[self.name] = self.scope.covers(sight.flow)
        if not sight.flow.states[self.name]:
            return None
        judgement = self.suspect.judge(sight, memory)
        if judgement is not Judgement.NO:
            sight.flow.states[self.name] = False
        if judgement is Judgement.YES and memory.random.random() < self.probability:
            return self._begin(sight, memory)
        return None

    def _begin(self, sight: Sight, memory: Memory) -> Verdict | None:
        server = sight.flow.server
        if memory.table.get(("probed", server)) is not None:
            return None
        prober = self._prober(server, memory)
        probes = _probes(memory)
        if len(probes) >= _MOST_PROBES or prober is None:
            return None
        memory.keep(("probed", server), True)
        probe = _Probe(server, prober, memory.random.getrandbits(32), sight.now)
        probes[sight.flow.key._replace(client=prober.address, client_port=prober.port)] = probe
        opening = build_tcp(
            prober, server, sequence=probe.sequence, flags=SYN, window=64240, options=b"\x02\x04\x05\xb4"
        )
        return Verdict(to_server=(opening,))

    def _prober(self, server: Endpoint, memory: Memory) -> Endpoint | None:
        own = [
            address for text in self.probers if len(address := ip_address(text).packed) == len(server.address)
        ]
        if not own:
            return None
        return Endpoint(memory.random.choice(own), _FIRST_PORT + memory.random.randrange(_PORTS))

    def _probed(self, probe: _Probe, sight: Sight, memory: Memory) -> Verdict:
        """Take an answer to the prober; it never reaches the client."""
        packet, flow = sight.packet, sight.flow
        if sight.direction is UP:  # a client with the prober's address
            return DROPPED
        if packet.flags & RST:
            self._conclude(Reaction.RESETS, probe, flow, sight.now, memory)
            return DROPPED
        if probe.stage is _Stage.OPENING:
            if packet.flags & (SYN | ACK) != SYN | ACK:
                return DROPPED
            probe.stage = _Stage.ASKED
            asked = self._say(probe, packet, ACK | PSH, self.probe)
            return Verdict(drop=True, to_server=(asked,))
        if packet.payload_length or packet.flags & FIN:
            reaction = Reaction.ANSWERS if packet.payload_length else Reaction.CLOSES
            if reaction is Reaction.ANSWERS and not packet.payload.startswith(self.answer_begins):
                reaction = Reaction.CLOSES
            self._conclude(reaction, probe, flow, sight.now, memory)
            return Verdict(drop=True, to_server=(self._say(probe, packet, RST | ACK, b""),))
        return DROPPED

    def _say(self, probe: _Probe, packet: Packet, flags: int, payload: bytes) -> bytes:
        taken = packet.payload_length + bool(packet.flags & (SYN | FIN))
        return build_tcp(
            probe.prober,
            probe.server,
            sequence=packet.acknowledgment,
            acknowledgment=packet.sequence + taken,
            flags=flags,
            window=64240,
            payload=payload,
        )

    def _conclude(self, reaction: Reaction, probe: _Probe, flow: Flow, now: float, memory: Memory) -> None:
        _probes(memory).pop(flow.key, None)
        self._confirm(reaction, probe, now, memory)

    def _confirm(self, reaction: Reaction, probe: _Probe, now: float, memory: Memory) -> None:
        if reaction in self.confirmed_by:
            memory.penalties.punish((probe.server.address, probe.server.port), now + self.blocked_for)

    def _settle_silent(self, now: float, probes: dict[FlowKey, _Probe], memory: Memory) -> None:
        """Conclude the probes that have waited long enough; a server that was never reached is not confirmed."""
        for key in [key for key, probe in probes.items() if now - probe.begun > self.patience]:
            probe = probes.pop(key)
            if probe.stage is _Stage.ASKED:
                self._confirm(Reaction.SILENT, probe, now, memory)


def _probes(memory: Memory) -> dict[FlowKey, _Probe]:
    """Return the probes that are under way, by the flow that they are."""
    probes: dict[FlowKey, _Probe] = memory.table.setdefault("probes", {})
    return probes
