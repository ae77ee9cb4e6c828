"""Scopes and windows: what they are asked, they answer; what they cannot mean is refused."""

from __future__ import annotations

import pytest

from circumvent.lab.flow import DOWN, UP, FlowTable
from circumvent.lab.packet import Endpoint, build_udp, parse
from circumvent.lab.scope import Prefixes, Scope, Window, port_set


def covers(scope: Scope, *, source: int = 40000, port: int = 443, marks: tuple[str, ...] = ()) -> bool:
    packet = parse(build_udp(Endpoint.of("10.0.0.1", source), Endpoint.of("8.8.8.8", port), b"x"))
    flow = FlowTable().find(packet, UP, 0.0)
    flow.marks.update(marks)
    return scope.covers(flow) and scope.allows_marks(flow)


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (Scope(), True),
        (Scope(protocols=("udp",)), True),
        (Scope(protocols=("tcp", "gre", "esp")), False),
        (Scope(ports=(443,)), True),
        (Scope(ports=("400-500",)), True),
        (Scope(ports=(53, "1000-2000")), False),
        (Scope(servers=("8.8.0.0/16", "2001:db8::/32")), True),
        (Scope(servers=("2001:db8::/32",)), False),
        (Scope(servers=("0.0.0.0/0",), spared_servers=("8.8.8.8/32",)), False),
        (Scope(clients=("10.0.0.0/8",)), True),
        (Scope(spared_clients=("10.0.0.0/8",)), False),
        (Scope(family=4), True),
        (Scope(family=6), False),
        (Scope(opened_by=UP), True),
        (Scope(opened_by=DOWN), False),
        (Scope(source_port_above=True), True),
        (Scope(marked="seen"), False),
    ],
)
def test_each_restriction(scope: Scope, covered: bool) -> None:
    assert covers(scope) is covered


def test_marks_and_source_ports() -> None:
    assert covers(Scope(marked="seen"), marks=("seen",))
    assert not covers(Scope(source_port_above=True), source=400)


@pytest.mark.parametrize(
    "how",
    [
        {"protocols": ("sctp",)},
        {"family": 5},
        {"ports": ("x",)},
        {"ports": ("9-1",)},
        {"servers": ("10.0.0.1/8",)},
    ],
)
def test_nonsense_is_refused(how: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Scope(**how)  # type: ignore[arg-type]  # fields by name


def test_sets() -> None:
    assert port_set((1, "3-5")) == {1, 3, 4, 5}
    assert Endpoint.of("fd00::1").address not in Prefixes(("10.0.0.0/8",))


def test_windows() -> None:
    cut = Window(begin=10)
    assert [cut.holds(now) for now in (0, 9.9, 10, 1e9)] == [False, False, True, True]
    curfew = Window(begin=40, end=60, period=60)
    assert [curfew.holds(now) for now in (0, 39, 40, 59, 60, 100)] == [False, False, True, True, False, True]
    for begin, end, period in ((5, 5, None), (-1, 5, None), (0, 20, 10)):
        with pytest.raises(ValueError, match="window"):
            Window(begin=begin, end=end, period=period)
