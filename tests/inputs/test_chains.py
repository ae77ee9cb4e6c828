"""Chains: carriers first, whatever the order, and no circle."""

from __future__ import annotations

from circumvent.ids import IdMaker
from circumvent.inputs.chains import LONGEST_CHAIN, Chained, resolve_chains
from circumvent.inputs.draft import draft


def test_a_chain_of_the_longest_length_and_one_more() -> None:
    ids = IdMaker(bytes(32))
    first = ids.named(draft("socks5", host="h0.example", port=1, label="0"))
    links = [
        Chained(draft("socks5", host=f"h{number}.example", port=1, label=str(number)), str(number - 1))
        for number in range(1, LONGEST_CHAIN + 2)
    ]
    done, failed = resolve_chains({first.id: first}, links[::-1], ids)
    assert [option.label for option in done] == ["1", "2", "3", "4"]
    assert done[0].via == first.id
    assert [item.option.label for item, _ in failed] == ["5"]
