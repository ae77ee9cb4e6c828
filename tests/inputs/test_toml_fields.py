"""Fields: types are checked, and no error shows a value."""

from __future__ import annotations

import pytest

from circumvent.inputs.problem import LineError
from circumvent.inputs.toml_fields import ALL_FIELDS, FIELDS, Fields


def test_an_error_has_the_line_of_its_field_and_the_options_label() -> None:
    fields = Fields({"label": "office", "port": "secret-port"}, {"label": 2, "port": 7})
    with pytest.raises(LineError) as raised:
        fields.number("port")
    assert (raised.value.where, raised.value.label) == (7, "office")
    assert "secret" not in raised.value.sentence
    assert repr(fields) == "Fields()"


def test_one_text_is_a_list_of_one() -> None:
    assert Fields({"alpn": "h2"}, {}).texts("alpn") == ("h2",)
    assert Fields({}, {}).texts("alpn") == ()


@pytest.mark.parametrize("value", [[1], ["x"] * 40, [""], {"a": 1}, 5])
def test_what_is_no_list_of_texts(value: object) -> None:
    with pytest.raises(LineError):
        Fields({"alpn": value}, {}).texts("alpn")


def test_every_field_of_a_kind_is_a_field() -> None:
    assert all(names <= ALL_FIELDS for names in FIELDS.values())
