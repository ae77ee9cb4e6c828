"""A secret shows itself only when asked by name."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model.secret import Secret


@given(st.text(min_size=4).filter(lambda text: text not in "Secret()***"))
def test_no_way_of_printing_shows_it(value: str) -> None:
    secret = Secret(value)
    shown = f"{secret} {secret!r} {secret!s} {[secret]} {(secret,)} %s" % secret
    assert value not in shown
    assert secret.reveal() == value


def test_secrets_compare_by_value() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1


def test_a_secret_in_an_error_message_stays_one() -> None:
    with pytest.raises(ValueError, match=r"^no Secret\(\)$"):
        raise ValueError(f"no {Secret('hunter2')!r}")
    assert pickle.loads(pickle.dumps(Secret("x"))) == Secret("x")
