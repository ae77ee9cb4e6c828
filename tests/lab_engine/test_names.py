"""Lists of names: exact ones, suffixes, parts; case and a final dot do not matter."""

from __future__ import annotations

from circumvent.lab.names import Names, canonical


def test_exact() -> None:
    names = Names(exact=("Blocked.example.",))
    assert "blocked.example" in names
    assert "BLOCKED.EXAMPLE." in names
    assert "www.blocked.example" not in names


def test_suffixes_mean_a_name_and_all_below() -> None:
    for written in ("blocked.example", ".blocked.example"):
        names = Names(suffixes=(written,))
        assert "blocked.example" in names
        assert "a.b.Blocked.example" in names
        assert "unblocked.example" not in names
        assert "blocked.example.net" not in names


def test_parts_hit_strangers_too() -> None:
    names = Names(contain=("t.co",))
    assert "t.co" in names
    assert "microsoft.com" in names
    assert "example.net" not in names


def test_nothing_is_in_an_empty_list() -> None:
    assert "" not in Names()
    assert canonical("A.B.") == "a.b"
