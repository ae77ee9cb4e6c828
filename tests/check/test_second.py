"""Second looks: which endpoints, and through what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent.check.schedule import Schedule
from circumvent.check.second import at_address, carriers, fastest, silent_entries, takes, tried
from circumvent.model.option import Endpoint
from circumvent.model.words import Proof
from tests.check.fakes import Script, install, make
from tests.check.test_schedule import candidates
from tests.diagnose.build import attempt, silence

if TYPE_CHECKING:
    import pytest

    from circumvent.check.schedule import Entry
    from circumvent.model.option import Option
    from circumvent.model.record import Attempt


def scheduled(*tried: tuple[Option, list[Attempt]]) -> Schedule:
    plan = Schedule([option for option, _ in tried], trials=3, candidates=candidates)
    for option, attempts in tried:
        plan.entries[option.id].attempts.extend(attempts)
    return plan


def dark(address: str = "198.51.100.9") -> list[Attempt]:
    return [silence(address=address), silence(address=address)]


def ids(plan: Schedule, *, user_held: bool = False) -> list[str]:
    return [entry.option.id for entry in silent_entries(plan, user_held=user_held)]


def test_silent_twice_and_of_the_catalogue() -> None:
    plan = scheduled(
        (make("twice", user=False), dark()),
        (make("once", user=False), dark()[:1]),
        (make("mine"), dark()),
        (make("udp", "doq", user=False), dark()),
        (make("row", user=False, baseline=True), dark()),
        (make("nameless", user=False), [silence(), silence()]),
    )
    assert ids(plan) == ["twice"]
    assert ids(plan, user_held=True) == ["twice", "mine"]


def test_one_that_answered_in_this_run_may_have_shut_us_out_itself() -> None:
    answered = attempt(Proof.REACHED, "eof_error", address="198.51.100.9")
    assert ids(scheduled((make("a", user=False), [answered, *dark()]))) == []
    neighbour = (make("b", user=False), [attempt(address="198.51.100.9")])
    assert ids(scheduled((make("a", user=False), dark()), neighbour)) == []


def test_what_works_and_can_carry_the_fastest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Script())
    plan = scheduled(
        (make("slow", "socks5"), [attempt(latency_ms=300.0)]),
        (make("fast", "http-connect"), [attempt(latency_ms=100.0)]),
        (make("mixed", "socks5"), [attempt(latency_ms=10.0), silence()]),
        (make("resolver", "dot"), [attempt(latency_ms=10.0)]),
    )
    assert [option.id for option in carriers(plan)] == ["fast", "slow"]


def test_of_a_dual_stack_endpoint_the_address_that_every_tunnel_takes() -> None:
    def entry(*addresses: str) -> Entry:
        plan = scheduled((make("a", user=False), [silence(address=address) for address in addresses]))
        return plan.entries["a"]

    assert tried(entry("2001:db8::9", "198.51.100.9")) == "198.51.100.9"
    assert tried(entry("198.51.100.9", "2001:db8::9")) == "198.51.100.9"
    assert tried(entry("2001:db8::8", "2001:db8::9")) == "2001:db8::9"
    assert tried(entry()) is None


def test_socks4a_is_not_told_addresses_that_it_does_not_know() -> None:
    assert takes(make("a", "socks4a"), "198.51.100.9")
    assert not takes(make("a", "socks4a"), "2001:db8::9")
    assert takes(make("b", "socks5"), "2001:db8::9")


def test_nothing_is_the_fastest_of_nothing() -> None:
    assert fastest([]) is None


def test_the_very_address_is_asked_for_with_the_names_that_tls_needs() -> None:
    option = make("a", host="dns.example")
    moved = at_address(option, "198.51.100.9")
    assert moved.endpoint == Endpoint(host="198.51.100.9", port=853)
    assert (moved.sni, moved.verify_name) == ("dns.example", "dns.example")
    literal = at_address(make("b"), "198.51.100.9")
    assert (literal.sni, literal.verify_name) == (None, None)
