"""The laboratory in words. Whole screens are among the golden files of the command line."""

from __future__ import annotations

from circumvent.lab.permission import Permission
from circumvent.say import lab
from circumvent.say.blocks import Grid, Points
from tests.cli import lab_runs


def points(
    *, status: int = 1, words: tuple[str, ...] = (), fired: dict[str, int] | None = None
) -> dict[str, str]:
    """The points under a run, by their words."""
    blocks = lab.truth_beside_verdict(lab_runs.result(fired=fired), status=status, words=words)
    last = blocks[-1]
    assert isinstance(last, Points)
    return {point.lead: point.text for point in last.points}


def test_a_rule_that_never_fired_is_a_mistake() -> None:
    told = points(fired={"sni-reset": 1, "quic-drop": 0, "cut": 3})["rules"]
    assert told == "sni-reset fired once, quic-drop never fired, WRONG, cut fired 3 times"


def test_the_run_can_be_repeated_and_a_link_is_not() -> None:
    again = "circumvent lab run russia-tspu-tls --seed 7"
    assert points(words=("--only", "doh"))["repeat"].startswith(f"{again} --only doh   (exit 1")
    assert points(words=("socks5://me:hunter2@192.0.2.1",))["repeat"].startswith(f"{again}   (")
    assert points(status=0)["repeat"].endswith("(exit 0: all right)")


def test_in_a_long_list_options_of_a_kind_share_a_row_but_not_the_wrong_ones() -> None:
    result = lab_runs.result()
    rows = result.comparison.rows
    (grid,) = (block for block in lab.truth_beside_verdict(result, status=1) if isinstance(block, Grid))
    labels = [row[0] for row in grid.rows]
    wrong = [row.label for row in rows if not row.right]
    if len(rows) > lab.MOST_ROWS:
        assert labels[: len(wrong)] == wrong
    else:
        assert labels == [row.label for row in rows]
    assert {labels[number] for number in grid.wrong} == set(wrong)


def test_a_refusal_says_how_to_allow_it_and_what_can_be_seen_anyway() -> None:
    no = Permission(linux=True, allowed=False, reason="no", remedies=("sysctl a=1", "modprobe tun"))
    assert lab.refusal(no, "open", ("open",)) == (
        "This kernel does not allow a laboratory: no. To allow it, as root: sysctl a=1; modprobe tun. "
        "Or run it as root. A recorded run can be seen anywhere: circumvent lab replay open"
    )
    away = Permission(linux=False, allowed=False, reason="darwin")
    assert lab.refusal(away, "offline", ("open",)) == (
        "The laboratory needs Linux: a virtual machine, or WSL on Windows. "
        "A recorded run can be seen anywhere: circumvent lab replay NAME (recorded: open)"
    )
