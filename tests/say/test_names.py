"""Names: the label, with more where labels repeat, and never raw."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from circumvent.model.kinds import KINDS
from circumvent.say.names import MOST, Names, kind_title, short_kind
from tests.say.hostile import HOSTILE, raw_in
from tests.say.reports import option


def test_kinds_of_one_name_stand_together() -> None:
    found = [option("Quad9", "doh"), option("Quad9", "dot"), option("work", "socks5")]
    assert Names(found).listed(found) == "Quad9 (DoH, DoT), work (SOCKS5)"


def test_what_repeats_is_told_apart_by_port_then_by_id() -> None:
    ports = [option("a", "socks5", id=f"o{n}", endpoint=f"192.0.2.1:{n}") for n in (1080, 1081)]
    assert [Names(ports).of(one) for one in ports] == ["a:1080", "a:1081"]
    same = [option("a", "socks5", id=f"o{n}", endpoint="192.0.2.1:1080") for n in (1, 2)]
    assert [Names(same).of(one) for one in same] == ["a [o1]", "a [o2]"]


def test_a_long_list_is_named_in_part_and_counted_whole() -> None:
    found = [option(f"option {n}", "doh", id=f"o{n}") for n in range(MOST + 7)]
    said = Names(found).listed(found)
    assert said.endswith(" and 7 more")
    assert said.count("option") == MOST


def test_a_stranger_is_named_all_the_same() -> None:
    assert Names(()).of(option("a", "doh")) == "a"
    assert kind_title("\x1b[31mnew") == "\\x1b[31mnew"


def test_every_kind_has_a_short_word() -> None:
    assert all(short_kind(kind) for kind in KINDS)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "", HOSTILE]), st.sampled_from(["doh", "dot"]), st.integers(1, 2)
        ),
        max_size=6,
    )
)
def test_no_two_options_are_called_the_same(rows: list[tuple[str, str, int]]) -> None:
    found = [
        option(label, kind, id=f"o{index}", endpoint=f"h:{port}")
        for index, (label, kind, port) in enumerate(rows)
    ]
    names = Names(found)
    said = [names.with_kind(one) for one in found]
    assert len(set(said)) == len(said)
    assert raw_in("".join(said)) == set()
