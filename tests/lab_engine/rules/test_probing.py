"""Active probing: a suspicious first packet, a connection of the censor's own, and a block of what answers so."""

from __future__ import annotations

import math

import pytest

from circumvent.lab.flow import DOWN
from circumvent.lab.packet import ACK, FIN, PSH, RST, SYN, Endpoint, build_tcp
from circumvent.lab.rules.encrypted import FullyEncrypted
from circumvent.lab.rules.probing import PROBERS, ActiveProbing, Reaction
from tests.lab_engine.rules.test_encrypted import noise
from tests.lab_engine.talk import Net, Outcome, Tcp, client_hello, opened


def rule(*confirmed_by: Reaction, blocked_for: float = math.inf) -> ActiveProbing:
    return ActiveProbing(
        name="probe",
        suspect=FullyEncrypted(),
        probe=b"who are you?",
        confirmed_by=confirmed_by,
        answer_begins=b"I am",
        blocked_for=blocked_for,
    )


def answer(net: Net, to: Outcome, flags: int, payload: bytes = b"", sequence: int = 1000) -> Outcome:
    """The server answers the prober's last packet."""
    (packet,) = to.to_server
    taken = packet.payload_length + bool(packet.flags & SYN)
    raw = build_tcp(
        packet.receiver,
        packet.sender,
        sequence=sequence,
        acknowledgment=(packet.sequence + taken) % 2**32,
        flags=flags,
        payload=payload,
    )
    return net.send(DOWN, raw)


def suspect(net: Net, family: int, port: int = 40000) -> Outcome:
    outcome = opened(net, family=family, client_port=port).up(noise(300))
    assert outcome.passed  # the client notices nothing
    return outcome


def probe(net: Net, family: int) -> Outcome:
    """Until the probe is on its way."""
    opening = suspect(net, family)
    (syn,) = opening.to_server
    assert (syn.flags, syn.sender.address) == (SYN, Endpoint.of(PROBERS[family == 6]).address)
    asked = answer(net, opening, SYN | ACK)
    (packet,) = asked.to_server
    assert packet.payload == b"who are you?"
    assert (packet.flags, packet.acknowledgment) == (ACK | PSH, 1001)
    assert not asked.passed  # and so does nobody on the client's side
    return asked


def blocked(net: Net, family: int, **how: object) -> bool:
    return Tcp(net, family=family, client_port=45000, **how).up(flags=SYN).silence  # type: ignore[arg-type]  # by name


def test_the_right_answer_confirms(family: int) -> None:
    net = Net(rule(Reaction.ANSWERS))
    asked = probe(net, family)
    assert not blocked(net, family)
    (bye,) = answer(net, asked, ACK | PSH, b"I am a tunnel", 1001).to_server
    assert bye.flags == RST | ACK
    assert blocked(net, family)
    assert not blocked(net, family, server_port=444)


@pytest.mark.parametrize(
    ("flags", "payload", "reaction"),
    [
        (ACK | PSH, b"HTTP/1.1 400 Bad Request", Reaction.CLOSES),
        (ACK | FIN, b"", Reaction.CLOSES),
        (RST, b"", Reaction.RESETS),
    ],
)
def test_other_reactions(family: int, flags: int, payload: bytes, reaction: Reaction) -> None:
    for wanted in Reaction:
        net = Net(rule(wanted))
        answer(net, probe(net, family), flags, payload, 1001)
        assert blocked(net, family) is (wanted is reaction)


def test_silence_is_an_answer(family: int) -> None:
    net = Net(rule(Reaction.SILENT))
    asked = probe(net, family)
    assert answer(net, asked, ACK, b"", 1001).silence
    net.now += 11
    assert blocked(net, family)


def test_a_server_that_the_prober_never_reached_is_not_confirmed(family: int) -> None:
    net = Net(rule(Reaction.SILENT))
    suspect(net, family)
    net.now += 11
    assert not blocked(net, family)


def test_one_probe_for_one_server_and_none_for_tls(family: int) -> None:
    net = Net(rule(Reaction.ANSWERS))
    assert suspect(net, family).to_server
    assert not suspect(net, family, 40001).to_server
    tls = Net(rule(Reaction.ANSWERS))
    assert opened(tls, family=family).up(client_hello()).untouched
    assert tls.fired("probe") == 0


def test_a_block_ends(family: int) -> None:
    net = Net(rule(Reaction.RESETS, blocked_for=100))
    answer(net, probe(net, family), RST, b"", 1001)
    assert blocked(net, family)
    net.now += 101
    assert not blocked(net, family)
