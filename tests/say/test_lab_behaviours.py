"""What is said of documented behaviours."""

from __future__ import annotations

from circumvent.lab.behaviours import behaviours
from circumvent.say.blocks import Heading, Points, Sentence
from circumvent.say.lab_behaviours import behaviour_in_full, behaviour_list


def test_a_list_has_a_point_for_each() -> None:
    found = behaviours().values()
    sentence, _, points = behaviour_list(found)
    assert isinstance(sentence, Sentence)
    assert sentence.text.startswith("71 documented behaviours of censors.")
    assert isinstance(points, Points)
    assert [point.lead for point in points.points] == [one.id for one in found]


def test_one_in_full_leaves_out_what_there_is_not() -> None:
    one = behaviours()["kz-mitm-2024"]
    blocks = behaviour_in_full(one, ())
    (points,) = (block for block in blocks if isinstance(block, Points))
    said = {point.lead: point.text for point in points.points}
    assert said["no model"] == one.absent
    assert "model differs" not in said
    assert "scenarios" not in said
    assert not any(isinstance(block, Heading) for block in blocks)


def test_one_in_full_says_from_when_to_when_and_who_imitates_it() -> None:
    blocks = behaviour_in_full(behaviours()["cn-fully-encrypted"], ("china-gfw-fully-encrypted",))
    (points,) = (block for block in blocks if isinstance(block, Points))
    said = {point.lead: point.text for point in points.points}
    assert said["since"] == "2021-11 to 2023-03"
    assert said["scenarios"] == "china-gfw-fully-encrypted"
    assert isinstance(blocks[-1], Heading)
