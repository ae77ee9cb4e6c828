"""The answers of Tor's circumvention-settings API are hostile: given these bytes, expect these bridges, or the one error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.inputs.bridge_lines import bridges_in
from circumvent.recommend import answer
from circumvent.recommend.answer import (
    LONGEST_LINE,
    MOST_BRIDGES,
    AnswerError,
    Nothing,
    Recommendation,
    line_text,
    of_kinds,
    question,
    read_answer,
    read_built_in,
    with_built_in,
)

CERT = "cert=bjRaMrr1BRiAW8IE9U5z27fQaYgOhX1UCmOpg2pFpoMvo6ZgQMzLsaTzzQNTlm7hNcb+Sg"
FINGERPRINT = "D9A82D2F9C2F65A18407B1D2B764F130847F8B5D"
OBFS4 = f"obfs4 9.9.9.9:443 {FINGERPRINT} {CERT} iat-mode=0"
MEEK = "meek_lite 192.0.2.20:80 url=https://host.example.net front=www.example.net utls=HelloRandomizedALPN"
WEBTUNNEL = f"webtunnel [2001:db8::1]:443 {FINGERPRINT} url=https://site.example.net/secret ver=0.0.3"
VANILLA = f"9.9.9.9:9001 {FINGERPRINT}"


def told(*lines: str, kind: str = "obfs4", source: str = "bridgedb") -> bytes:
    bridges = {"type": kind, "source": source, "bridge_strings": list(lines)}
    return json.dumps({"settings": [{"bridges": bridges}], "country": "ir"}).encode()


def problem(line: str) -> str:
    (found,) = read_answer(told(line)).bridges
    assert found.line == ""
    assert found.problem is not None
    return found.problem


@pytest.mark.parametrize("line", [OBFS4, MEEK, WEBTUNNEL, VANILLA])
def test_a_line_comes_out_as_it_went_in(line: str) -> None:
    assert read_answer(told(line)).lines == (line,)
    assert read_answer(told(f'  "Bridge {line}",')).lines == (line,)


def test_a_line_is_in_no_repr() -> None:
    assert "9.9.9.9" not in repr(read_answer(told(OBFS4)))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "holds what none can have"),
        ("obfs4 9.9.9.9:443 é", "holds what none can have"),
        (f"{OBFS4}\nCookieAuthentication 0", "holds what none can have"),
        (f"{OBFS4} {'x' * LONGEST_LINE}", "too long"),
        (f"{OBFS4} {OBFS4}", "not one bridge line"),
        ("[[option]]", "not one bridge line"),
        ("obfs4 9.9.9.9:443", "has no cert"),
        (f"scramblesuit 9.9.9.9:443 {FINGERPRINT}", "not supported"),
        (f"192.168.1.1:9001 {FINGERPRINT}", "must not probe your own network"),
        (
            f"webtunnel [2001:db8::1]:443 {FINGERPRINT} url=https://router.lan/",
            "must not probe your own network",
        ),
    ],
)
def test_what_cannot_be_used_has_a_reason(line: str, said: str) -> None:
    assert said in problem(line)


def test_private_addresses_can_be_allowed() -> None:
    line = f"192.168.1.1:9001 {FINGERPRINT}"
    assert read_answer(told(line), allow_private=True).lines == (line,)


def test_what_stands_around_a_line_is_left_out() -> None:
    assert read_answer(told(f"{OBFS4} ; rm -rf /")).lines == (OBFS4,)


def test_the_same_line_is_tried_once() -> None:
    found = read_answer(told(OBFS4, OBFS4))
    assert (len(found.bridges), found.lines) == (2, (OBFS4,))


def test_there_is_an_end_to_it() -> None:
    lines = [
        OBFS4.replace("9.9.9.9", f"9.9.{one // 200}.{one % 200 + 1}") for one in range(MOST_BRIDGES + 50)
    ]
    found = read_answer(told(*lines))
    assert (len(found.lines), found.left_out) == (MOST_BRIDGES, 50)


@pytest.mark.parametrize(
    ("document", "nothing", "refused"),
    [
        ({}, Nothing.NOT_NEEDED, None),
        ({"settings": None, "country": "de"}, Nothing.NOT_NEEDED, None),
        ({"settings": []}, Nothing.NOT_NEEDED, None),
        ({"settings": [{}]}, Nothing.NOT_NEEDED, None),
        ({"settings": [{"bridges": {"type": "obfs4", "source": "bridgedb"}}]}, Nothing.NOT_NEEDED, None),
        ({"errors": [{"code": 404, "detail": "x"}]}, Nothing.NO_TRANSPORT, 404),
        ({"errors": [{"code": 406}]}, Nothing.NO_COUNTRY, 406),
        ({"errors": [{"code": 500}], "settings": []}, None, 500),
        ({"errors": [{"code": -7}]}, None, 0),
        ({"errors": []}, Nothing.NOT_NEEDED, None),
    ],
)
def test_nothing_has_a_reason(document: Any, nothing: Nothing | None, refused: int | None) -> None:
    found = read_answer(json.dumps(document).encode())
    assert (found.nothing, found.refused, found.bridges) == (nothing, refused, ())


@pytest.mark.parametrize(
    ("country", "shown"), [("ir", "IR"), ("", None), ("Iran", None), ("\x1b[", None), ("é1", None)]
)
def test_a_country_is_two_letters(country: str, shown: str | None) -> None:
    assert read_answer(json.dumps({"country": country}).encode()).country == shown


@pytest.mark.parametrize(
    "body",
    [b"", b"\xff", b"[]", b'{"settings": {}}', b'{"settings": [{"bridges": {"bridge_strings": [7]}}]}', b"[" * 9999,
     b'{"x":' * 9999, b" " * (answer.LONGEST_ANSWER + 1), b'{"country": "\\ud800"}'],
)  # fmt: skip
def test_what_is_no_answer_raises_one_error(body: bytes) -> None:
    with pytest.raises(AnswerError):
        read_answer(body)


def test_words_of_an_answer_are_short_and_clean() -> None:
    (found,) = read_answer(told("nonsense", kind="\x1b[31m" + "x" * 500, source="\u202e" * 9)).bridges
    assert len(found.transport) <= 40
    assert "\x1b" not in found.transport
    assert "\u202e" not in found.source


def test_lines_that_are_named_only_are_put_in() -> None:
    named = {
        "settings": [
            {"bridges": {"type": "obfs4", "source": "builtin"}},
            {"bridges": {"type": "x", "source": "builtin"}},
        ]
    }
    found = read_answer(json.dumps(named).encode())
    assert found.to_look_up == ("obfs4", "x")
    whole = with_built_in(found, read_built_in(json.dumps({"obfs4": [OBFS4, "no"], "meek": [MEEK]}).encode()))
    assert (whole.lines, whole.to_look_up, len(whole.bridges)) == ((OBFS4,), (), 2)


def test_kinds_that_were_not_asked_for_have_a_reason() -> None:
    found = read_answer(told(OBFS4, MEEK, VANILLA))
    assert of_kinds(found, ()) == found
    assert of_kinds(found, ("meek", "vanilla")).lines == (MEEK, VANILLA)
    assert "not asked for" in str(of_kinds(found, ("meek",)).bridges[0].problem)


def test_a_question_says_no_more_than_it_must() -> None:
    assert json.loads(question(None)) == {}
    assert json.loads(question("IR", ("obfs4",))) == {"country": "ir", "transports": ["obfs4"]}


@given(st.binary(max_size=400) | st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["settings", "bridges", "type", "source", "bridge_strings", "errors", "code", "country"]), inner), max_leaves=12).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_any_bytes_are_an_answer_or_the_one_error(body: bytes) -> None:
    try:
        found = read_answer(body)
    except AnswerError:
        return
    assert isinstance(found, Recommendation)


@given(
    st.lists(
        st.text(alphabet=st.characters(codec="ascii"), max_size=80) | st.sampled_from([OBFS4, MEEK, VANILLA]),
        max_size=5,
    ).map(" ".join)
)
def test_whatever_is_tried_is_one_line_that_reads_as_itself(text: str) -> None:
    (found,) = read_answer(told(text)).bridges
    if found.problem is None:
        assert found.line.isprintable()
        (again,) = bridges_in(f"Bridge {found.line}")
        assert line_text(again) == found.line
