"""The engine: both segments, the censor between them, hop limits, MTUs, and what the client's side records."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from circumvent.lab.actions import Drop, Reset
from circumvent.lab.blocking import Blocking
from circumvent.lab.censor import Censor
from circumvent.lab.dns import read_question
from circumvent.lab.engine import ROUTERS, Engine, EngineCounters, Path, Place, Segment, symmetric
from circumvent.lab.flow import DOWN, UP, Direction
from circumvent.lab.link import LinkConfig
from circumvent.lab.names import Names
from circumvent.lab.packet import ACK, RST, SYN, Endpoint, Packet, build_tcp, build_udp, checksums_hold, parse
from circumvent.lab.rules.dns import DnsQuestion, ForgeAnswer
from circumvent.lab.rules.endpoint import AnyPacket, Syn
from circumvent.lab.rules.redirect import Redirect
from circumvent.lab.scope import Scope
from tests.lab_engine.talk import CLIENTS, SERVERS

Arrival = tuple[float, Direction, Packet]
WAYS = {Place.CLIENT: DOWN, Place.WORLD: UP}


def ends(family: int, port: int = 443) -> tuple[Endpoint, Endpoint]:
    return Endpoint.of(CLIENTS[family], 40000), Endpoint.of(SERVERS[family], port)


def run(engine: Engine) -> list[Arrival]:
    """Let everything arrive."""
    arrived: list[Arrival] = []
    while (due := engine.next_time()) is not None:
        arrived += [(round(due, 6), WAYS[place], parse(raw)) for place, raw in engine.deliver(due)]
    assert all(checksums_hold(packet) for _, _, packet in arrived)
    return arrived


def test_delays_on_both_ways(family: int) -> None:
    path = Path(
        near=Segment(hops=1, up=LinkConfig(delay=0.001), down=LinkConfig(delay=0.002)),
        far=Segment(hops=2, up=LinkConfig(delay=0.01), down=LinkConfig(delay=0.02)),
    )
    engine = Engine(path, Censor([]))
    client, server = ends(family)
    engine.take(Place.CLIENT, build_udp(client, server, b"up"), 1.0)
    engine.take(Place.WORLD, build_udp(server, client, b"down"), 1.0)
    ((there, up, sent), (back, down, answered)) = run(engine)
    assert (there, up, back, down) == (1.011, UP, 1.022, DOWN)
    assert sent.hop_limit == answered.hop_limit == 61


def test_a_forged_answer_wins_the_race(family: int) -> None:
    rule = Blocking(
        name="dns",
        when=DnsQuestion(names=Names(exact=("blocked.example",))),
        then=ForgeAnswer(addresses=("10.10.34.35", "d0::11"), drop=False),
        lasts=0,
    )
    engine = Engine(Path(near=symmetric(delay=0.005), far=symmetric(delay=0.03)), Censor([rule]))
    client, server = ends(family, 53)
    question = bytes.fromhex("12340100000100000000000007626c6f636b6564076578616d706c650000010001")
    assert read_question(question) is not None
    engine.take(Place.CLIENT, build_udp(client, server, question), 0.0)
    arrived = run(engine)
    assert [(time, way) for time, way, _ in arrived] == [(0.01, DOWN), (0.035, UP)]


def test_what_is_dropped_goes_nowhere(family: int) -> None:
    engine = Engine(Path(), Censor([Blocking(name="all", when=AnyPacket(), then=Drop())]))
    engine.take(Place.CLIENT, build_udp(*ends(family), b"x"), 0.0)
    assert run(engine) == []
    assert engine.report()["rules"]["all"]["fired"] == 1


def test_forged_packets_follow_the_packet(family: int) -> None:
    rule = Blocking(name="syn", when=Syn(), then=Reset(to_server=True))
    engine = Engine(Path(), Censor([rule]))
    engine.take(Place.CLIENT, build_tcp(*ends(family), sequence=9, flags=SYN), 0.0)
    flags = [(way, packet.flags) for _, way, packet in run(engine)]
    assert flags == [(DOWN, RST | ACK), (UP, SYN), (UP, RST | ACK)]


@pytest.mark.parametrize(("hop_limit", "router"), [(1, 1), (2, 2), (3, 3), (4, 4), (5, None)])
def test_hop_limits_name_the_routers_in_order(family: int, hop_limit: int, router: int | None) -> None:
    """Two routers before the censor, two beyond."""
    rule = Blocking(name="syn", when=Syn(), then=Reset())
    engine = Engine(Path(near=symmetric(hops=2), far=symmetric(hops=2, delay=0.01)), Censor([rule]))
    engine.take(Place.CLIENT, build_tcp(*ends(family), sequence=9, flags=SYN, hop_limit=hop_limit), 0.0)
    arrived = run(engine)
    sources = [packet.source for _, way, packet in arrived if way is DOWN and packet.protocol in (1, 58)]
    number = int(ip_address(ROUTERS[family == 6]))
    assert [int.from_bytes(source) - number for source in sources] == ([] if router is None else [router])
    assert any(way is UP for _, way, _ in arrived) is (router is None)
    # The censor answers only what came as far as to it: so a probe finds its place.
    resets = [packet for _, way, packet in arrived if way is DOWN and packet.flags & RST]
    assert bool(resets) is (hop_limit > 2)


def test_hop_limits_of_the_world_end_too(family: int) -> None:
    engine = Engine(Path(near=symmetric(hops=2), far=symmetric(hops=2)), Censor([]))
    client, server = ends(family)
    engine.take(Place.WORLD, build_udp(server, client, b"x", hop_limit=1), 0.0)
    ((_, way, error),) = run(engine)
    assert way is UP
    assert int.from_bytes(error.source) - int(ip_address(ROUTERS[family == 6])) == 4


def test_too_long_for_a_segment(family: int) -> None:
    engine = Engine(Path(near=symmetric(mtu=1500), far=symmetric(mtu=1300)), Censor([]))
    client, server = ends(family)
    engine.take(Place.CLIENT, build_tcp(client, server, sequence=1, flags=ACK, payload=bytes(1400)), 0.0)
    ((_, way, error),) = run(engine)
    assert way is DOWN
    assert tuple(error.payload[:2]) == ((3, 4) if family == 4 else (2, 0))
    assert int.from_bytes(error.payload[4:8]) == 1300
    assert engine.counters.too_big == 1


def test_what_may_be_cut_is_cut() -> None:
    engine = Engine(Path(near=symmetric(mtu=1500), far=symmetric(mtu=1300)), Censor([]))
    client, server = ends(4)
    engine.take(Place.CLIENT, build_udp(client, server, bytes(1400), identification=1), 0.0)
    assert [len(packet.raw) for _, _, packet in run(engine)] == [1300, 148]


def test_no_errors_about_errors(family: int) -> None:
    engine = Engine(Path(near=symmetric(hops=1), far=symmetric(hops=1)), Censor([]))
    client, server = ends(family)
    engine.take(Place.CLIENT, build_udp(client, server, b"x", hop_limit=1), 0.0)
    ((_, _, error),) = run(engine)
    engine.take(
        Place.WORLD,
        bytes(error.raw[:8]) + b"\x01" + error.raw[9:]
        if family == 4
        else error.raw[:7] + b"\x01" + error.raw[8:],
        0.0,
    )
    assert run(engine) == []


def test_garbage_is_counted() -> None:
    engine = Engine(Path(), Censor([]))
    for raw in (b"", b"\x45", bytes(100)):
        engine.take(Place.CLIENT, raw, 0.0)
    assert run(engine) == []
    assert engine.counters.malformed == 3


@pytest.mark.parametrize("address", ["224.0.0.251", "255.255.255.255", "ff02::2", "fe80::1"])
def test_what_concerns_the_neighbours_alone_goes_nowhere_and_sets_off_no_rule(address: str) -> None:
    family = 6 if ":" in address else 4
    engine = Engine(Path(), Censor([Blocking(name="all", when=AnyPacket(), then=Drop())]))
    engine.take(Place.CLIENT, build_udp(ends(family)[0], Endpoint.of(address, 5353), b"x"), 0.0)
    assert run(engine) == []
    assert engine.counters.local == 1
    assert engine.censor.silent_rules() == ("all",)


def test_the_same_seed_gives_the_same_run(family: int) -> None:
    def once(seed: int) -> list[tuple[float, bytes]]:
        path = Path(far=symmetric(delay=0.05, jitter=0.04, loss=0.2, reorder=0.1))
        engine = Engine(path, Censor([]), seed=seed)
        client, server = ends(family)
        for number in range(100):
            engine.take(Place.CLIENT, build_udp(client, server, bytes((number,))), number / 100)
        return [(time, packet.payload) for time, _, packet in run(engine)]

    assert once(1) == once(1)
    assert once(1) != once(2)


def test_the_tap_sees_what_the_client_sends_and_gets(family: int) -> None:
    seen: list[tuple[float, Direction]] = []
    rule = Blocking(name="syn", when=Syn(), then=Reset(drop=True))
    engine = Engine(
        Path(near=symmetric(delay=0.01)),
        Censor([rule]),
        tap=lambda now, way, _: seen.append((round(now, 6), way)),
    )
    engine.take(Place.CLIENT, build_tcp(*ends(family), sequence=9, flags=SYN), 1.0)
    run(engine)
    assert seen == [(1.0, UP), (1.02, DOWN)]


@pytest.mark.parametrize("how", [{"hops": 31}, {"hops": -1}, {"mtu": 100}])
def test_nonsense_is_refused(how: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="segment"):
        Segment(**how)  # type: ignore[arg-type]  # fields by name


def test_a_program_in_the_middle(family: int) -> None:
    """A redirected client speaks with it over the near segment alone; it speaks with the world over the far one."""
    helper = Endpoint.of({4: "10.78.252.1", 6: "fd78:0:0:fc::1"}[family], 7)
    rule = Redirect(
        name="box", scope=Scope(ports=(443,)), ipv4=("10.78.252.1", 7), ipv6=("fd78:0:0:fc::1", 7)
    )
    engine = Engine(
        Path(near=symmetric(delay=0.01), far=symmetric(delay=0.1)),
        Censor([rule]),
        middle=("10.78.252.1", "fd78:0:0:fc::1"),
        clients=("10.78.0.2/32", "fd78::2/128"),
    )
    client, server = ends(family)

    def arrived() -> tuple[float, Place, Packet]:
        """The one packet that comes out."""
        found = []
        while (due := engine.next_time()) is not None:
            found += [(round(due, 6), place, parse(raw)) for place, raw in engine.deliver(due)]
        (one,) = found
        return one

    engine.take(Place.CLIENT, build_tcp(client, server, sequence=1, flags=SYN), 0.0)
    when, place, packet = arrived()
    assert (when, place, packet.receiver) == (0.01, Place.MIDDLE, helper)
    engine.take(Place.MIDDLE, build_tcp(helper, client, sequence=1, flags=SYN | ACK), 1.0)
    when, place, packet = arrived()
    assert (when, place, packet.sender) == (1.01, Place.CLIENT, server)
    own = Endpoint(helper.address, 5000)
    engine.take(Place.MIDDLE, build_tcp(own, server, sequence=1, flags=SYN), 2.0)
    when, place, packet = arrived()
    assert (when, place, packet.receiver) == (2.1, Place.WORLD, server)
    engine.take(Place.WORLD, build_tcp(server, own, sequence=1, flags=SYN | ACK), 3.0)
    when, place, packet = arrived()
    assert (when, place, packet.receiver) == (3.1, Place.MIDDLE, own)
    engine.take(Place.MIDDLE, build_tcp(own, server, sequence=1, flags=SYN, hop_limit=1), 4.0)
    assert arrived()[1] is Place.MIDDLE


def test_lateness_is_counted_but_for_moments() -> None:
    counters = EngineCounters()
    for seconds in (-0.1, 0.0, 0.02, 0.12, 0.52):
        counters.was_late(seconds)
    assert counters.late_ms == 600
