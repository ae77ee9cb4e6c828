"""Fate groups: who fails together, and who is tried first."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from circumvent.check.fate import breadth_first, manner, neighbourhood, places, registrable_domain
from circumvent.model.option import Endpoint, Option, Origin


def make(name: str, host: str, *addresses: str, kind: str = "dot", **fields: str) -> Option:
    return Option(
        id=name,
        kind=kind,
        label=name,
        endpoint=Endpoint(host=host, port=853, addresses=addresses),
        origin=Origin(source="catalogue"),
        **fields,  # type: ignore[arg-type]  # the fields of each test
    )


def together(*options: Option) -> bool:
    return len(set(places(options).values())) == 1


def test_what_shares_a_network_an_operator_a_cdn_or_a_domain_is_one_place() -> None:
    assert together(make("a", "198.51.100.1"), make("b", "198.51.100.200"))
    assert not together(make("a", "198.51.100.1"), make("b", "203.0.113.1"))
    assert together(make("a", "2001:db8:1::1"), make("b", "2001:db8:1:ffff::1"))
    assert together(make("a", "a.example.org"), make("b", "b.example.org"))
    assert not together(make("a", "a.example.co.uk"), make("b", "a.other.co.uk"))
    assert together(make("a", "192.0.2.1", operator="Quad9"), make("b", "203.0.113.1", operator="quad9"))
    assert together(make("a", "192.0.2.1", cdn="X"), make("b", "203.0.113.1", cdn="x"))


def test_sharing_is_transitive() -> None:
    bridge = make("b", "b.example.org", "203.0.113.9")
    assert together(make("a", "a.example.org"), bridge, make("c", "203.0.113.1"))


def test_neighbourhoods_and_domains() -> None:
    assert neighbourhood("2001:db8:1:2::3") == "2001:db8:1::/48"
    assert registrable_domain("example") == "example"
    assert registrable_domain("dns.example.com.") == "example.com"


options = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["dot", "doh", "doq"])), min_size=1, max_size=25
).map(
    lambda rows: [
        make(f"o{number}", f"10.0.{network}.{number % 250}", kind=kind)
        for number, (network, kind) in enumerate(rows)
    ]
)


@given(options, st.integers())
def test_breadth_first_takes_each_group_once_before_any_twice(found: list[Option], seed: int) -> None:
    where = places(found)
    order = breadth_first(found, where, Random(seed))
    assert sorted(one.id for one in order) == sorted(one.id for one in found)
    seen: dict[tuple[str, tuple[str, int]], int] = {}
    level = 0
    for option in order:
        group = (where[option.id], manner(option))
        seen[group] = seen.get(group, 0) + 1
        assert seen[group] >= level
        level = max(level, seen[group])


def test_the_order_differs_from_run_to_run() -> None:
    found = [make(f"o{number}", f"10.{number}.0.1") for number in range(20)]
    where = places(found)
    orders = {tuple(one.id for one in breadth_first(found, where, Random(seed))) for seed in range(5)}
    assert len(orders) > 1
