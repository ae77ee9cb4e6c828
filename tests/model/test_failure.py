"""Failure strings: each once, and the groups hold known ones only."""

from __future__ import annotations

from circumvent.model import failure


def words() -> dict[str, str]:
    return {name: value for name, value in vars(failure).items() if name.isupper() and isinstance(value, str)}


def test_no_word_stands_for_two_things() -> None:
    assert len(set(words().values())) == len(words())


def test_words_can_be_written_anywhere() -> None:
    assert all(
        word.isascii() and word.replace("_", "").isalnum() and word.islower() for word in words().values()
    )


def test_groups_hold_known_words() -> None:
    groups = [group for group in vars(failure).values() if isinstance(group, frozenset)]
    assert groups
    assert frozenset().union(*groups) <= set(words().values())


def test_what_is_permanent_is_no_time_limit() -> None:
    assert not failure.PERMANENT_FAILURES & (failure.TIMEOUT_FAILURES | failure.LOCAL_FAILURES)
    assert failure.CERTIFICATE_FAILURES < failure.PERMANENT_FAILURES
