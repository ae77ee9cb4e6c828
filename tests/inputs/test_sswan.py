"""Profiles of the strongSwan app: given this text, expect this option, or this sentence at this line."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.ids import IdMaker
from circumvent.inputs.problem import LineError
from circumvent.inputs.read import read_inputs
from circumvent.inputs.sswan import is_sswan, read_sswan
from circumvent.model.ikev2 import Ikev2Settings
from circumvent.model.option import Option
from tests.inputs.ikev2_profiles import PASSWORD, USER, credentials, p12

if TYPE_CHECKING:
    from pathlib import Path


def profile(**more: Any) -> str:
    parts: dict[str, Any] = {
        "uuid": "26b0da8e-6b7f-4f34-9bd1-33a8d5e1f2c4",
        "name": "office",
        "type": "ikev2-eap",
        "remote": {"addr": "VPN.example.com", "id": "vpn.example.com"},
        "local": {"eap_id": USER},
        **more,
    }
    return json.dumps({name: value for name, value in parts.items() if value is not None}, indent=1)


def test_a_profile_is_an_option_without_a_password(tmp_path: Path) -> None:
    (tmp_path / "office.sswan").write_text(profile())
    parsed = read_inputs([str(tmp_path / "office.sswan")], ids=IdMaker())
    (option,) = parsed.options
    assert (option.kind, option.label, str(option.endpoint)) == ("ikev2", "office", "vpn.example.com:500")
    assert option.user is not None
    assert (option.user.reveal(), option.password) == (USER, None)
    assert isinstance(option.settings, Ikev2Settings)
    assert option.settings.remote_id == "vpn.example.com"
    assert USER not in repr(option)


def test_authority_port_and_algorithms(tmp_path: Path) -> None:
    authority, _ = credentials(tmp_path)
    remote = {"addr": "2001:db8::7", "port": 4500, "cert": base64.b64encode(authority.pem.encode()).decode()}
    more = {
        "remote": remote,
        "ike-proposal": "aes256-sha256-ecp256,aes256gcm16-prfsha384-ecp384",
        "esp-proposal": "aes256gcm16",
    }
    option = read_sswan(profile(**more))
    assert (option.ca, option.endpoint.port, option.endpoint.host) == (authority.pem, 4500, "2001:db8::7")
    assert isinstance(option.settings, Ikev2Settings)
    assert len(option.settings.proposals) == 2
    lines = {"addr": "a.example", "cert": authority.pem}
    assert read_sswan(profile(remote=lines)).ca == authority.pem


def test_a_certificate_in_the_profile_is_opened_with_its_password(tmp_path: Path) -> None:
    _, client = credentials(tmp_path)
    local = {"p12": base64.b64encode(p12(client)).decode(), "p12_password": PASSWORD}
    option = read_sswan(profile(type="ikev2-cert", local=local))
    assert isinstance(option.settings, Ikev2Settings)
    assert option.settings.certificate == client.certificate.read_text()
    with pytest.raises(LineError, match="password"):
        read_sswan(profile(type="ikev2-cert", local={**local, "p12_password": None}))


@pytest.mark.parametrize(
    ("more", "line", "sentence"),
    [
        ({"type": "ikev2-eap-tls"}, 4, "not supported"),
        ({"type": "ikev2-cert"}, 9, "not in it"),
        ({"remote": {}}, 5, "no server"),
        ({"remote": {"addr": "127.1"}}, 6, "whole IP address"),
        ({"remote": {"addr": "a.example", "port": 70000}}, 7, "65535"),
        ({"remote": {"addr": "a.example", "port": "x"}}, 7, "number"),
        ({"remote": {"addr": "a.example", "cert": "!!"}}, 7, "damaged"),
        ({"remote": {"addr": "a.example", "cert": "AAAA"}}, 7, "can't be read"),
        ({"remote": []}, 5, "wrong form"),
        ({"remote": {"addr": "a.example", "id": "\ud800"}}, 7, "no text"),
        ({"ike-proposal": "aes256ccm16-prfsha256-x25519"}, 12, "algorithm"),
        ({"name": 7, "local": {"eap_id": 7}}, 10, "no text"),
    ],
)
def test_what_cannot_be_used_is_told_with_its_line(more: dict[str, Any], line: int, sentence: str) -> None:
    with pytest.raises(LineError, match=sentence) as caught:
        read_sswan(profile(**more))
    assert caught.value.where == line


@pytest.mark.parametrize("text", ["{", '{"a": ', "[1]", "7", "{" * 100_000, '{"a":' * 100_000])
def test_what_is_no_profile_is_refused(text: str) -> None:
    with pytest.raises(LineError):
        read_sswan(text)


def test_other_json_is_left_to_others() -> None:
    assert is_sswan("x.json", profile())
    assert is_sswan("x.sswan", "{}")
    assert not is_sswan("x.json", '{"outbounds": []}')
    assert not is_sswan("x.sswan", "https://example.com")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec=None), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
NAMES = st.sampled_from(["type", "remote", "local", "name", "ike-proposal", "esp-proposal"])


@given(
    st.dictionaries(
        NAMES,
        JSON
        | st.dictionaries(st.sampled_from(["addr", "id", "port", "cert", "p12", "eap_id"]), JSON, max_size=4),
    )
)
def test_any_json_is_an_option_or_a_sentence(document: dict[str, Any]) -> None:
    with suppress(LineError):
        assert isinstance(read_sswan(json.dumps(document)), Option)
