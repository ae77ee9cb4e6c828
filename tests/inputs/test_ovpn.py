"""OpenVPN profiles become options: what decides, what is passed over, what is refused with its line."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from circumvent.ids import IdMaker
from circumvent.inputs import read_inputs
from circumvent.inputs.ovpn import is_ovpn, read_ovpn
from circumvent.inputs.problem import LineError
from circumvent.model.openvpn import NameMode, OpenvpnSettings, Wrapping
from tests.inputs.profiles import CLIENT_KEY_V2, STATIC_KEY, block, certificate, private_key, profile

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.model.option import Option


def read(*lines: str, remote: str = "remote vpn.example.net 1194") -> Option:
    return read_ovpn(profile(*lines, remote=remote), folder=None)


def settings_of(*lines: str) -> OpenvpnSettings:
    found = read(*lines).settings
    assert isinstance(found, OpenvpnSettings)
    return found


def test_a_plain_profile() -> None:
    option = read("remote-cert-tls server", "verb 3", "persist-tun", "unheard-of directive")
    assert (option.kind, str(option.endpoint), option.label) == (
        "openvpn",
        "vpn.example.net:1194",
        "vpn.example.net",
    )
    found = option.settings
    assert isinstance(found, OpenvpnSettings)
    assert (found.wrapping, found.digest, found.ciphers, found.fallback) == (Wrapping.PLAIN, "SHA1", (), None)
    assert found.rules.server_use
    assert found.rules.ca == certificate().strip()
    assert found.key is not None
    assert found.key.reveal() == private_key().strip()
    assert not found.asks_password


@pytest.mark.parametrize(
    ("tag", "key", "wrapping"),
    [
        ("tls-auth", STATIC_KEY, Wrapping.TLS_AUTH),
        ("tls-crypt", STATIC_KEY, Wrapping.TLS_CRYPT),
        ("tls-crypt-v2", CLIENT_KEY_V2, Wrapping.TLS_CRYPT_V2),
    ],
)
def test_wrappings(tag: str, key: str, wrapping: Wrapping) -> None:
    found = settings_of("key-direction 1", block(tag, key))
    assert found.wrapping is wrapping
    assert found.wrap_key is not None
    assert found.wrap_key.reveal().startswith("-----BEGIN OpenVPN")
    assert found.key_direction == (1 if wrapping is Wrapping.TLS_AUTH else None)


def test_ciphers_digests_and_versions() -> None:
    found = settings_of(
        "cipher AES-256-CBC",
        "auth SHA512",
        "tls-version-min 1.2 or-highest",
        "tls-cipher TLS-ECDHE-RSA-WITH-AES-256-GCM-SHA384",
    )
    assert found.ciphers == ("AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305", "AES-256-CBC")
    assert (found.fallback, found.digest, found.tls_minimum) == ("AES-256-CBC", "SHA512", "1.2")
    assert found.tls_ciphers == "ECDHE-RSA-AES256-GCM-SHA384"
    found = settings_of("data-ciphers DEFAULT:?AES-128-CBC", "data-ciphers-fallback AES-128-CBC")
    assert found.ciphers == ("AES-256-GCM", "AES-128-GCM", "CHACHA20-POLY1305", "AES-128-CBC")
    assert found.fallback == "AES-128-CBC"


@pytest.mark.parametrize(
    ("line", "framing"),
    [
        ("comp-lzo", "comp-lzo"),
        ("comp-lzo no", "comp-lzo"),
        ("compress", "stub"),
        ("compress lz4", "stub"),
        ("compress stub-v2", "stub-v2"),
        ("compress migrate", "none"),
    ],
)
def test_compression(line: str, framing: str) -> None:
    assert settings_of(line).compression == framing


def test_the_rest_that_is_kept() -> None:
    option = read(
        "tun-mtu 1400",
        "dhcp-option DNS 10.8.0.1",
        "dhcp-option DOMAIN example",
        'setenv FRIENDLY_NAME "The office"',
        "setenv opt tls-version-max 1.2",
        'verify-x509-name "C=KG, CN=server" subject',
    )
    found = option.settings
    assert isinstance(found, OpenvpnSettings)
    assert (option.label, found.mtu, found.resolvers) == ("The office", 1400, ("10.8.0.1",))
    assert (found.tls_maximum, found.rules.name, found.rules.name_mode) == (
        "1.2",
        "C=KG, CN=server",
        NameMode.SUBJECT,
    )


def test_an_account_in_the_profile() -> None:
    option = read(block("auth-user-pass", "anna\nsecret word"))
    assert option.user is not None
    assert option.password is not None
    assert (option.user.reveal(), option.password.reveal()) == ("anna", "secret word")
    assert "secret" not in repr(option)
    missing = read("auth-user-pass", "auth-user-pass not-there.txt")
    assert (missing.user, missing.password) == (None, None)
    assert isinstance(missing.settings, OpenvpnSettings)
    assert missing.settings.asks_password


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("secret static.key", "static key"),
        ("dev tap0", "Ethernet"),
        ("dev-type tap", "Ethernet"),
        ("scramble obfuscate word", "scramble"),
        ('static-challenge "code" 1', "one-time"),
        ("pkcs11-id x", "smart card"),
    ],
)
def test_what_is_not_spoken_is_kept_with_its_reason(line: str, words: str) -> None:
    assert words in (settings_of(line).unsupported or "")


def test_a_link_between_two_machines() -> None:
    text = profile("ifconfig 10.8.0.2 10.8.0.1").replace("client\n", "tls-client\n", 1)
    found = read_ovpn(text, folder=None).settings
    assert isinstance(found, OpenvpnSettings)
    assert "two machines" in (found.unsupported or "")
    assert settings_of("ifconfig 10.8.0.2 10.8.0.1").unsupported is None


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        (profile(remote="nobind"), "no server", None),
        (profile("server 10.8.0.0 255.255.255.0"), "of a server", 4),
        (profile("mode server"), "of a server", 4),
        (profile("remote-cert-tls client"), "client at the other end", 4),
        (profile('verify-x509-name "x'), "never closed", 4),
        (profile("key-direction 7"), "0 or 1", 4),
        (profile("tun-mtu big"), "a number from", 4),
        (profile("<tls-auth>\nnothing\n</tls-auth>"), "no key for tls-auth", 4),
        (profile("<tls-crypt>\n"), "never ends", 4),
        (profile("tls-crypt /etc/passwd"), "only a profile that is a file", 4),
        (profile("cipher \x07"), "can't be used", 4),
        ("client\nremote a.example\nauth-user-pass\n", "can't be verified", None),
        (f"client\nremote a.example\n{block('ca', certificate())}\n", "neither a certificate", None),
        (
            f"client\nremote a.example\n{block('ca', certificate())}\n{block('key', private_key())}\n",
            "belong together",
            None,
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_line(text: str, words: str, line: int | None) -> None:
    with pytest.raises(LineError, match=words) as raised:
        read_ovpn(text, folder=None)
    assert raised.value.where == line


def test_how_a_profile_is_recognised() -> None:
    assert is_ovpn("a.ovpn", "")
    assert is_ovpn("a.conf", profile())
    assert is_ovpn("stdin", "client\n<connection>\nremote a.example\n</connection>\n")
    assert not is_ovpn("a.conf", "[Interface]\nPrivateKey = x\n")
    assert not is_ovpn("list.txt", "socks5://a.example\nclient\n")


def test_a_file_is_an_option_called_by_it_and_private_servers_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "office.ovpn"
    path.write_text(profile())
    parsed = read_inputs([str(path)], ids=IdMaker())
    assert [option.label for option in parsed.options] == ["office"]
    assert not parsed.problems
    path.write_text(profile("remote 192.168.1.1 1194"))
    parsed = read_inputs([str(path)], ids=IdMaker())
    assert not parsed.options
    assert "--allow-private" in str(parsed.problems[0])
    path.write_text(profile("tun-mtu x"))
    assert str(read_inputs([str(path)], ids=IdMaker()).problems[0]).startswith(f"{path}:4: ")


def test_a_table_names_a_profile_or_holds_it(tmp_path: Path) -> None:
    (tmp_path / "office.ovpn").write_text(profile("auth-user-pass"))
    table = '[[option]]\nkind = "openvpn"\nlabel = "x"\nprofile = {}\nuser = "anna"\npassword = "word"\n'
    for value in ('"office.ovpn"', f'"""\n{profile("auth-user-pass")}"""'):
        path = tmp_path / "list.toml"
        path.write_text(table.format(value))
        (option,) = read_inputs([str(path)], ids=IdMaker()).options
        assert (option.label, str(option.endpoint)) == ("x", "vpn.example.net:1194")
        assert option.user is not None
    for value in ('"../office.ovpn"', '"missing.ovpn"', '"""\n"""'):
        path.write_text(table.format(value))
        parsed = read_inputs([str(path)], ids=IdMaker())
        assert not parsed.options
        assert str(parsed.problems[0]).startswith(f"{path}:4: ")


@settings(deadline=None, max_examples=200)
@given(st.lists(st.text(max_size=60), max_size=12))
def test_any_text_is_a_profile_or_an_error_that_repeats_nothing_of_it(lines: list[str]) -> None:
    for text in ("\n".join(lines), profile(*lines)):
        with suppress(LineError):
            read_ovpn(text, folder=None)


WORDS = st.sampled_from(
    [
        "remote",
        "proto",
        "port",
        "tls-auth",
        "tls-crypt",
        "ca",
        "cert",
        "key",
        "<connection>",
        "</connection>",
        "<ca>",
        "</ca>",
        "1194",
        "udp",
        "tcp",
        "a.example",
        "1",
        "0",
        "verify-x509-name",
        "remote-cert-ku",
        "remote-cert-eku",
        "peer-fingerprint",
        "verify-hash",
        "http-proxy",
        "socks-proxy",
        "cipher",
        "auth",
        "compress",
        "dev",
        "tun",
        "tap",
        "setenv",
        "opt",
        "auth-user-pass",
        "askpass",
        "pkcs12",
        "fragment",
        "tun-mtu",
        "dhcp-option",
        "DNS",
        "10.8.0.1",
        '"',
        "\\",
        "'",
        "#",
        ";",
    ]
)


@settings(deadline=None, max_examples=300)
@given(st.lists(st.lists(WORDS, max_size=5), max_size=12))
def test_any_words_of_profiles_are_a_profile_or_an_error(lines: list[list[str]]) -> None:
    with suppress(LineError):
        read_ovpn(profile(*(" ".join(words) for words in lines)), folder=None)
