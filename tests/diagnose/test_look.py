"""Questions that the rules ask of the observations."""

from __future__ import annotations

from circumvent.diagnose.look import Look, best_proof, carried, counted, failed_with, ids, seen_twice, silent
from circumvent.model.words import Proof
from tests.diagnose.build import attempt, option, silence


def test_only_counted_attempts_speak() -> None:
    row = option("a", "dot", silence(), attempt(counted=False))
    assert len(counted(row)) == 1
    assert best_proof(row) is Proof.NONE
    assert not carried(row)
    assert not seen_twice(row)
    assert ids([row]) == (row.attempts[0].id,)


def test_silence_is_no_byte_and_no_word() -> None:
    assert silent(option("a", "dot", silence(), silence()))
    assert not silent(option("a", "dot"))
    assert not silent(option("a", "dot", silence(bytes_received=1)))
    assert not silent(option("a", "dot", silence(), attempt(Proof.NONE, "connection_refused")))


def test_failures_are_found_by_their_word() -> None:
    row = option("a", "dot", attempt(Proof.NONE, "eof_error"), silence(), attempt())
    assert [one.id for one in failed_with(row, "eof_error")] == [row.attempts[0].id]


def test_facts_are_found_by_path_and_missing_ones_are_none() -> None:
    look = Look([], {"routes": {"ipv6": True}, "tcp_proxied": False})
    assert look.fact("routes", "ipv6") is True
    assert look.fact("tcp_proxied") is False
    assert look.fact("routes", "ipv6", "deeper") is None
    assert look.fact("nothing", "here") is None


def test_a_place_is_up_if_something_proved_itself_there_over_tcp() -> None:
    up = option("a", "dot", attempt(Proof.HANDSHAKEN), place="here")
    udp = option("b", "doq", attempt(), place="there")
    reached = option("c", "dot", attempt(Proof.REACHED, "eof_error"), place="elsewhere")
    assert Look([up, udp, reached], {}).up_over_tcp == {"here"}


def test_what_is_asked_twice_is_worked_out_once() -> None:
    look = Look([], {})
    made: list[int] = []
    for _ in range(2):
        look.remember("thing", lambda: made.append(1))
    assert made == [1]
