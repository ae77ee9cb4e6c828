"""Apple's configuration profiles: given this file, expect these options, or this sentence at this line."""

from __future__ import annotations

import plistlib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.ids import IdMaker
from circumvent.inputs.mobileconfig import is_mobileconfig, read_mobileconfig
from circumvent.inputs.problem import LineError
from circumvent.inputs.read import read_inputs
from circumvent.model.ikev2 import Ikev2Settings
from circumvent.model.option import Option
from tests.inputs.ikev2_profiles import PASSWORD, PSK, USER, credentials, p12, profile, signed, vpn

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.inputs.problem import Parsed

EAP: dict[str, Any] = {
    "AuthenticationMethod": "None",
    "ExtendedAuthEnabled": 1,
    "AuthName": USER,
    "AuthPassword": PASSWORD,
}


def read(tmp_path: Path, data: bytes, name: str = "office.mobileconfig") -> Parsed:
    (tmp_path / name).write_bytes(data)
    return read_inputs([str(tmp_path / name)], ids=IdMaker())


def one(data: bytes) -> Option | LineError:
    ((_, outcome),) = read_mobileconfig(data)
    return outcome


def test_several_vpns_are_several_options_each_with_its_line(tmp_path: Path) -> None:
    data = profile(
        vpn(name="eap", **EAP),
        {"PayloadType": "com.apple.wifi.managed", "SSID_STR": "home"},
        vpn(
            name="psk",
            AuthenticationMethod="SharedSecret",
            SharedSecret=PSK,
            LocalIdentifier="anna@example.com",
        ),
        vpn(kind="PPTP", name="old"),
        {**vpn(kind="L2TP", name="l2tp"), "PPP": {"CommRemoteAddress": "l2tp.example.com"}},
    )
    parsed = read(tmp_path, data)
    assert [(option.label, option.kind) for option in parsed.options] == [
        ("eap", "ikev2"),
        ("psk", "ikev2"),
        ("l2tp", "l2tp"),
    ]
    written = data.decode().split("\n")
    for option in parsed.options:
        assert option.origin.line is not None
        assert "com.apple.vpn.managed" in written[option.origin.line - 1]
    (problem,) = parsed.problems
    assert problem.option_label == "old"
    eap, psk, _ = parsed.options
    assert eap.user is not None
    assert eap.password is not None
    assert (eap.user.reveal(), eap.password.reveal()) == (USER, PASSWORD)
    assert isinstance(psk.settings, Ikev2Settings)
    assert psk.settings.psk is not None
    assert (psk.settings.psk.reveal(), psk.settings.local_id) == (PSK, "anna@example.com")
    assert not {PSK, PASSWORD, USER} & set(repr(parsed).split("'"))


def test_certificates_of_the_profile_are_put_together(tmp_path: Path) -> None:
    authority, client = credentials(tmp_path)
    key = {
        "PayloadType": "com.apple.security.pkcs12",
        "PayloadUUID": "AAAAAAAA-0000-0000-0000-000000000001",
        "PayloadContent": p12(client),
        "Password": PASSWORD,
    }
    root = {"PayloadType": "com.apple.security.root", "PayloadContent": authority.pem.encode()}
    named = vpn(AuthenticationMethod="Certificate", PayloadCertificateUUID=key["PayloadUUID"].lower())  # type: ignore[attr-defined]  # a text
    option = one(profile(named, key, root))
    assert isinstance(option, Option)
    assert isinstance(option.settings, Ikev2Settings)
    assert option.settings.certificate == client.certificate.read_text()
    assert option.ca == authority.pem
    missing = one(profile(named, root))
    assert isinstance(missing, LineError)
    assert "not in the profile" in missing.sentence


@pytest.mark.parametrize(
    ("given", "proposals", "esp"),
    [
        ({}, (), ()),
        (
            {
                "IKESecurityAssociationParameters": {
                    "EncryptionAlgorithm": "AES-256-GCM",
                    "IntegrityAlgorithm": "SHA2-384",
                    "DiffieHellmanGroup": 20,
                }
            },
            ("aes256gcm16-prfsha384-ecp384",),
            (),
        ),
        (
            {
                "IKESecurityAssociationParameters": {"LifeTimeInMinutes": 1440},
                "ChildSecurityAssociationParameters": {
                    "EncryptionAlgorithm": "AES-128",
                    "IntegrityAlgorithm": "SHA2-512",
                    "DiffieHellmanGroup": 14,
                },
            },
            ("aes256-sha256-prfsha256-modp2048",),
            ("aes128-sha512",),
        ),
    ],
)
def test_algorithms_are_those_of_the_profile(
    given: dict[str, Any], proposals: tuple[str, ...], esp: tuple[str, ...]
) -> None:
    option = one(profile(vpn(**EAP, **given)))
    assert isinstance(option, Option)
    assert isinstance(option.settings, Ikev2Settings)
    assert (option.settings.proposals, option.settings.esp_proposals) == (proposals, esp)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"RemoteAddress": None}, "no server"),
        ({"RemoteAddress": "a b"}, "neither a host name"),
        ({"AuthenticationMethod": "Certificate", "ExtendedAuthEnabled": 1}, "EAP-TLS"),
        ({"IKESecurityAssociationParameters": {"EncryptionAlgorithm": "3DES"}}, "algorithm"),
        ({"IKESecurityAssociationParameters": {"DiffieHellmanGroup": 1}}, "algorithm"),
        ({"IKESecurityAssociationParameters": 7}, "wrong form"),
        ({"RemoteIdentifier": 7}, "no text"),
    ],
)
def test_a_vpn_that_cannot_be_used_is_told_why(more: dict[str, Any], sentence: str) -> None:
    payload = vpn(**EAP)
    payload["IKEv2"] = {
        name: value for name, value in {**payload["IKEv2"], **more}.items() if value is not None
    }
    outcome = one(profile(payload))
    assert isinstance(outcome, LineError)
    assert sentence in outcome.sentence
    assert outcome.label == "office"


def test_a_signed_profile_is_opened(tmp_path: Path) -> None:
    parsed = read(tmp_path, signed(profile(vpn(**EAP)), credentials(tmp_path)[1]))
    assert [option.label for option in parsed.options] == ["office"]
    broken = read(tmp_path, signed(b"x" * 300, credentials(tmp_path)[1])[:200])
    assert "signed" in broken.problems[0].sentence


LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE plist [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>
<plist version="1.0"><dict><key>PayloadContent</key><string>&b;</string></dict></plist>"""
OUTSIDE = b"""<?xml version="1.0"?>
<!DOCTYPE plist [<!ENTITY a SYSTEM "file:///etc/passwd">]>
<plist version="1.0"><dict><key>PayloadContent</key><string>&a;</string></dict></plist>"""


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"bplist00" + bytes(40), "binary"),
        (b"<plist><dict>", "no XML from here on"),
        (b"<plist><array/></plist>", "no configuration profile"),
        (LAUGHS, "can't be read"),
        (OUTSIDE, "can't be read"),
        (profile(), "no VPN"),
        (plistlib.dumps({"EncryptedPayloadContent": b"x"}), "no content"),
        (b"https://example.com", "XML"),
    ],
)
def test_a_file_that_is_no_profile_is_told_why(tmp_path: Path, data: bytes, sentence: str) -> None:
    parsed = read(tmp_path, data)
    assert parsed.options == ()
    assert sentence in parsed.problems[0].sentence


def test_profiles_are_known_by_content_and_by_name() -> None:
    assert is_mobileconfig("x", profile())
    assert is_mobileconfig("x", b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- hi -->\n<!DOCTYPE plist PUBLIC>")
    assert is_mobileconfig("a.mobileconfig", b"")
    assert not is_mobileconfig("x", b"<html>")
    assert not is_mobileconfig("x", b"<?xml version='1.0'?><rss>")


VALUES = st.recursive(
    st.booleans()
    | st.integers(-(2**31), 2**31)
    | st.text("abc.:@%\u00e9 ", max_size=12)
    | st.binary(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = st.sampled_from(
    [
        "RemoteAddress",
        "RemoteIdentifier",
        "AuthenticationMethod",
        "SharedSecret",
        "ExtendedAuthEnabled",
        "AuthName",
        "IKESecurityAssociationParameters",
    ]
)


@given(st.dictionaries(KEYS, VALUES), st.sampled_from(["IKEv2", "L2TP", "x"]))
def test_any_payload_is_an_option_or_a_sentence(given_: dict[str, Any], kind: str) -> None:
    payload = {**vpn(kind=kind), "IKEv2": given_, "PPP": given_}
    outcome = one(profile(payload))
    assert isinstance(outcome, Option | LineError)


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_in_a_sentence(data: bytes) -> None:
    for document in (data, b"<plist><dict>" + data + b"</dict></plist>"):
        with pytest.raises(LineError):
            list(read_mobileconfig(document))
