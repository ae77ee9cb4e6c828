"""Forms of gateways, and what is answered to them."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model.secret import Secret
from circumvent.vpn.openconnect import document, forms
from circumvent.vpn.openconnect.forms import Answer, Field, Form, FormError, Obstacle, Unanswerable

USER, PASSWORD = Secret("alice"), Secret("a <b> & 'c'")
#: What ocserv 1.1.6 says first, as it came.
OCSERV = b"""<?xml version="1.0" encoding="UTF-8"?>
<config-auth client="vpn" type="auth-request">
<version who="sg">0.1(1)</version>
<auth id="main">
<message>Please enter your username.</message>
<form method="post" action="/auth">
<input type="text" name="username" label="Username:" />
<select name="group_list" label="Group:">
<option value="a">First</option>
<option value="b">b</option>
</select>
</form></auth>
</config-auth>"""


def form_of(body: bytes) -> Form:
    form = forms.parse_answer(body).form
    assert form is not None
    return form


def request(inside: str, before: str = "") -> bytes:
    return f'<config-auth type="auth-request">{before}<auth><form action="/x">{inside}</form></auth></config-auth>'.encode()


def texts(message: bytes) -> dict[str, str]:
    return {element.name: element.text for element in document.parse(message).walk()}


def test_ocservs_form() -> None:
    form = form_of(OCSERV)
    assert form.action == "/auth"
    assert form.fields == (Field("text", "username"),)
    assert form.groups == (("a", "First"), ("b", "b"))
    assert form.secrets == frozenset()


def test_the_first_message_says_who_and_where() -> None:
    said = texts(forms.init_request("https://vpn.example/students", "b", no_certificate=True))
    assert said["group-access"] == "https://vpn.example/students"
    assert said["group-select"] == "b"
    assert "client-cert-fail" in said


@pytest.mark.parametrize(("group", "chosen"), [(None, "a"), ("b", "b"), ("First", "a")])
def test_a_group_is_chosen_by_value_or_label(group: str | None, chosen: str) -> None:
    said = texts(forms.reply(form_of(OCSERV), USER, PASSWORD, group))
    assert (said["username"], said["group-select"]) == ("alice", chosen)


def test_the_group_that_the_gateway_chose() -> None:
    form = form_of(OCSERV.replace(b'value="b"', b'value="b" selected="true"'))
    assert forms.choose_group(form, None) == "b"


def test_secrets_are_written_so_that_they_are_read_again() -> None:
    body = request('<input type="hidden" name="state" value="&lt;1&gt;"/><input type="password" name="password"/><input type="submit" name="Login"/>', '<opaque is-for="sg"><k v="&amp;">1</k></opaque>')  # fmt: skip
    message = forms.reply(form_of(body), USER, PASSWORD, None)
    said = texts(message)
    assert said["password"] == PASSWORD.reveal()
    assert said["state"] == "<1>"
    opaque = document.parse(message).find("opaque")
    assert opaque is not None
    assert opaque.children[0].attributes == {"v": "&"}
    assert "alice" not in repr(form_of(body))


@pytest.mark.parametrize(
    ("inside", "obstacle"),
    [
        ('<input type="password" name="secondary_password"/>', Obstacle.SECOND_SECRET),
        ('<input type="password" name="password"/><input type="password" name="answer"/>', Obstacle.SECOND_SECRET),
        ('<input type="text" name="birthday"/>', Obstacle.OTHER),
        ('<select name="group_list"><option>one</option></select>', Obstacle.GROUP),
    ],
)  # fmt: skip
def test_what_the_profile_does_not_have(inside: str, obstacle: Obstacle) -> None:
    with pytest.raises(Unanswerable) as raised:
        forms.reply(form_of(request(inside)), USER, PASSWORD, "two")
    assert raised.value.obstacle is obstacle
    assert PASSWORD.reveal() not in str(raised.value)


def test_without_credentials_nothing_is_answered() -> None:
    with pytest.raises(Unanswerable) as raised:
        forms.reply(form_of(OCSERV), None, None, None)
    assert raised.value.obstacle is Obstacle.CREDENTIALS


def test_half_a_password_is_not_sent() -> None:
    with pytest.raises(Unanswerable):
        forms.reply(form_of(request('<input type="password" name="password"/>')), USER, Secret("a\0b"), None)


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b'<config-auth type="complete"><session-token> T </session-token></config-auth>', Answer(complete=True, token="T")),
        (b'<config-auth type="auth-reply"><auth id="success"/></config-auth>', Answer(complete=True)),
        (b'<auth id="success"/>', Answer(complete=True)),
        (b'<config-auth type="auth-request"><client-cert-request/></config-auth>', Answer(obstacle=Obstacle.CERTIFICATE)),
        (b'<config-auth type="auth-request"><host-scan/></config-auth>', Answer(obstacle=Obstacle.HOST_SCAN)),
        (b'<config-auth type="auth-request"><auth><sso-v2-login/></auth></config-auth>', Answer(obstacle=Obstacle.BROWSER)),
        (b'<config-auth type="auth-request"><auth><error id="1">No</error></auth></config-auth>', Answer(failed=True)),
        (b'<config-auth type="auth-request"><error>No</error></config-auth>', Answer(failed=True)),
        (b'<config-auth type="auth-request"/>', Answer(obstacle=Obstacle.OTHER)),
    ],
)  # fmt: skip
def test_other_answers(body: bytes, answer: Answer) -> None:
    assert forms.parse_answer(body) == answer


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>Hello</body></html>",
        b"nothing",
        b'<config-auth type="complete"><session-token>a\nb</session-token></config-auth>',
        request('<input type="file" name="f"/>'),
        request('<input type="text" name="a b"/>'),
        request('<input type="text" name="1"/>'),
        request('<input type="text" name="a"/>' * 33),
        request("").replace(b'"/x"', b'"https://elsewhere.example/"'),
        request("").replace(b'"/x"', b'"//elsewhere.example/"'),
        request("").replace(b'"/x"', b'"/a&#10;b"'),
    ],
)
def test_what_is_no_form_of_a_gateway(body: bytes) -> None:
    with pytest.raises(FormError):
        forms.parse_answer(body)


def test_cookies() -> None:
    headers = [
        ("set-cookie", "webvpncontext=abc; Max-Age=300; Secure"),
        ("set-cookie", "webvpn=a=b;path=/"),
        ("set-cookie", "broken"),
        ("set-cookie", "odd=\xe9"),
        ("set-cookie", "a b=c"),
        ("set-cookie", "long=" + "x" * 5000),
        ("server", "webvpn=no"),
    ]
    assert forms.cookies(headers) == {"webvpncontext": "abc", "webvpn": "a=b"}


@given(st.binary(max_size=200))
def test_any_body_is_an_answer_or_an_error(body: bytes) -> None:
    with suppress(FormError):
        forms.parse_answer(body)


PIECES = st.sampled_from([
    '<input type="text" name="username"/>', '<input type="password" name="password"/>', "<select>", "</select>",
    '<option value="v">', "</option>", "<error/>", "<opaque>", "</opaque>", '<input name="&lt;"/>', "text",
])  # fmt: skip


@given(st.lists(PIECES, max_size=12), st.text(max_size=20), st.text(max_size=20))
def test_any_form_is_answered_or_refused(pieces: list[str], user: str, password: str) -> None:
    with suppress(FormError, Unanswerable):
        form = forms.parse_answer(request("".join(pieces))).form
        if form is not None:
            said = texts(forms.reply(form, Secret(user), Secret(password), None))
            assert said.get("password", password) == password
