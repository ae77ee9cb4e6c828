"""Details: what is not on the list goes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.redaction.detail import KEYS, public_detail, public_numbers, public_part, public_word


@pytest.mark.parametrize(
    "word",
    ["TLS_AES_256_GCM_SHA384", "ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.3", "h2", "connection_reset", "socks5"],
)
def test_words_that_stay(word: str) -> None:
    assert public_word(word)


@pytest.mark.parametrize("word", ["", "hunter2", "TLS_", "TLS_HOST_EXAMPLE", "a.example", "192.0.2.1", "AES"])
def test_words_that_go(word: str) -> None:
    assert not public_word(word)


def test_numbers_that_may_be_addresses_go() -> None:
    assert public_part(3221225985) == 3221225985
    assert public_part(0x20010DB8000000000000000000000001) is None


def test_tables_of_numbers() -> None:
    assert public_numbers({"p": None, "ok": 1, "x": "secret", "Secret key": 1}) == {"p": None, "ok": 1}
    assert public_numbers(None) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*sorted(KEYS)[:9], "x", "host"]), inner)
    ),
)


def texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(text for item in value.values() for text in texts(item))]
    return (
        [text for item in value for text in texts(item)]
        if isinstance(value, list)
        else [value] * isinstance(value, str)
    )


@given(st.dictionaries(st.sampled_from([*sorted(KEYS)[:9], "x", "host"]), JSON))
def test_every_text_that_stays_is_on_a_list(detail: dict[str, Any]) -> None:
    kept = public_detail(detail)
    assert all(text in KEYS or public_word(text) for text in texts(kept))
    assert public_detail(kept) == kept
