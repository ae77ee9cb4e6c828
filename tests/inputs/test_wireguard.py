"""Profiles of WireGuard and AmneziaWG: given this text, expect these options, or this sentence at this line."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.ids import IdMaker
from circumvent.inputs.links import parse_link
from circumvent.inputs.problem import LineError, Parsed
from circumvent.inputs.read import read_inputs
from circumvent.inputs.wireguard import is_wireguard, read_wireguard
from circumvent.model.option import Option
from circumvent.model.wireguard import Disguise, WireguardSettings

PRIVATE = base64.b64encode(bytes(range(32))).decode()
PEER = base64.b64encode(bytes(range(1, 33))).decode()
SHARED = base64.b64encode(bytes([251] * 32)).decode()

PROFILE = f"""\
# from a friend
[Interface]
PrivateKey = {PRIVATE}
Address = 10.8.0.2/24, fd00:8::2/64
dns = 10.8.0.1, 1.1.1.1, home.lan
MTU = 1380
PostUp = rm -rf /
Table = off

[Peer]  ; the server
PublicKey = {PEER}
PresharedKey = {SHARED}   # not written down anywhere else
AllowedIPs = 0.0.0.0/0
AllowedIPs = ::/0
Endpoint = Vpn.Example.NET:51820
PersistentKeepalive = 25
"""
AMNEZIA = """\
Jc = 4
Jmin = 40
Jmax = 70
S1 = 15
S2 = 18
S3 = 20
S4 = 23
H1 = 5-500
H2 = 1000
H3 = 2000-2001
H4 = 4294967000-4294967295
I1 = <b 0xc0ff><r 16><t>
I3 = <rd 8>
"""


def with_lines(lines: str, text: str = PROFILE) -> str:
    """Add lines to ``[Interface]``."""
    return text.replace("[Interface]\n", "[Interface]\n" + lines)


def one(text: str) -> Option:
    ((_, outcome),) = read_wireguard(text)
    if isinstance(outcome, LineError):
        raise outcome
    return outcome


def settings(option: Option) -> WireguardSettings:
    assert isinstance(option.settings, WireguardSettings)
    return option.settings


def read(tmp_path: object, text: str, name: str = "home.conf") -> Parsed:
    path = tmp_path / name  # type: ignore[operator] # a path
    path.write_text(text)
    return read_inputs([str(path)], ids=IdMaker(bytes(32)), allow_private=True)


class TestFiles:
    def test_a_whole_profile(self) -> None:
        option = one(PROFILE)
        assert (option.kind, option.endpoint.host, option.endpoint.port) == (
            "wireguard",
            "vpn.example.net",
            51820,
        )
        said = settings(option)
        assert said.private_key.reveal() == PRIVATE
        assert said.preshared_key is not None
        assert said.preshared_key.reveal() == SHARED
        assert said.peer_key == bytes(range(1, 33))
        assert said.addresses == ("10.8.0.2/24", "fd00:8::2/64")
        assert said.resolvers == ("10.8.0.1", "1.1.1.1")
        assert (said.mtu, said.keepalive, said.reserved, said.disguise) == (1380, 25, None, None)

    def test_no_key_is_shown(self) -> None:
        shown = repr(one(PROFILE))
        assert PRIVATE not in shown
        assert SHARED not in shown

    def test_a_file_is_named_by_itself(self, tmp_path: object) -> None:
        (option,) = read(tmp_path, PROFILE).options
        assert (option.label, option.origin.line) == ("home", 10)
        assert option.id.startswith("wireguard-")

    def test_each_peer_is_an_option(self, tmp_path: object) -> None:
        other = f"[Peer]\nPublicKey = {SHARED}\nEndpoint = [2001:db8::7]:443\n"
        waiting = f"[Peer]\nPublicKey = {SHARED}\nAllowedIPs = 10.8.0.9/32\n"
        parsed = read(tmp_path, PROFILE + other + waiting)
        assert [option.endpoint.host for option in parsed.options] == ["vpn.example.net", "2001:db8::7"]
        (problem,) = parsed.problems
        assert problem.line == 20
        assert "waits to be called" in problem.sentence

    def test_one_that_leads_into_a_private_network_is_left_out(self, tmp_path: object) -> None:
        path = tmp_path / "a.conf"  # type: ignore[operator] # a path
        path.write_text(PROFILE.replace("Vpn.Example.NET", "192.168.1.1"))
        assert not read_inputs([str(path)], ids=IdMaker(bytes(32))).options

    def test_windows_line_ends_and_a_mark(self) -> None:
        assert one("\ufeff" + PROFILE.replace("\n", "\r\n")).kind == "wireguard"

    @pytest.mark.parametrize(
        ("before", "after", "line", "sentence"),
        [
            (f"PrivateKey = {PRIVATE}", "", 10, "no PrivateKey"),
            (PRIVATE, PRIVATE[:-4], 3, "no key"),
            (PEER, "A" * 43 + "B", 11, "no key"),
            ("Address = 10.8.0.2/24, fd00:8::2/64", "", 10, "no Address"),
            ("10.8.0.2/24", "10.8.0.300", 4, "Address is none"),
            ("fd00:8::2/64", "fe80::1%eth0/64", 4, "zone"),
            ("Vpn.Example.NET:51820", "vpn.example.net", 15, "no host and port"),
            ("Vpn.Example.NET:51820", "2001:db8::7:443", 15, "no host and port"),
            ("Vpn.Example.NET:51820", "vpn.example.net:70000", 15, "does not exist"),
            ("1380", "100", 6, "MTU"),
            ("1380", "a lot", 6, "whole number"),
            ("Table = off", "Table", 8, "no field"),
            ("[Interface]", "", 3, "no field"),
            ("[Peer]  ; the server", "", 1, "no [Peer]"),
        ],
    )
    def test_what_is_wrong_is_told_with_its_line(
        self, before: str, after: str, line: int, sentence: str
    ) -> None:
        ((number, outcome),) = read_wireguard(PROFILE.replace(before, after, 1))
        assert isinstance(outcome, LineError)
        assert (number, sentence in outcome.sentence) == (line, True), outcome.sentence

    def test_too_long_is_too_long(self) -> None:
        for text in (
            PROFILE + "# \n" * 5000,
            with_lines("X = " + "a" * 40_000 + "\n"),
            PROFILE + "[Peer]\n" * 70,
        ):
            ((_, outcome),) = list(read_wireguard(text))[:1]
            assert isinstance(outcome, LineError)

    @given(st.text(max_size=200))
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        for _, outcome in read_wireguard("[Interface]\n" + text):
            assert isinstance(outcome, Option | LineError)

    @given(st.lists(st.tuples(st.sampled_from([*"ABCHIJS", "Jc", "H1", "S4", "I1", "MTU", "Reserved", "Address", "DNS", "Endpoint"]), st.text(max_size=20)), max_size=5))  # fmt: skip
    def test_any_value_of_a_field_is_read_or_refused(self, fields: list[tuple[str, str]]) -> None:
        text = with_lines("".join(f"{name} = {value}\n" for name, value in fields))
        for _, outcome in read_wireguard(text):
            assert isinstance(outcome, Option | LineError)


class TestWarp:
    @pytest.mark.parametrize("text", ["10,11,12", "[10, 11, 12]", "CgsM", "0a0b0c", "0x0A0B0C"])
    def test_the_reserved_bytes_in_any_form(self, text: str) -> None:
        assert settings(one(with_lines(f"Reserved = {text}\n"))).reserved == b"\x0a\x0b\x0c"

    @pytest.mark.parametrize("text", ["1,2", "1,2,300", "AAAAAAAA", "0x0a0b", "?"])
    def test_what_is_not_three_bytes(self, text: str) -> None:
        with pytest.raises(LineError, match="three bytes"):
            one(with_lines(f"Reserved = {text}\n"))


class TestAmnezia:
    def test_a_whole_profile(self) -> None:
        option = one(with_lines(AMNEZIA))
        assert option.kind == "amneziawg"
        assert settings(option).disguise == Disguise(
            junk_count=4,
            junk_least=40,
            junk_most=70,
            paddings=(15, 18, 20, 23),
            headers=((5, 500), (1000, 1000), (2000, 2001), (4294967000, 4294967295)),
            packets=("<b 0xc0ff><r 16><t>", "<rd 8>"),
        )

    def test_values_that_change_nothing_are_plain_wireguard(self) -> None:
        option = one(
            with_lines("Jc = 0\nJmin = 0\nJmax = 0\nS1 = 0\nS2 = 0\nH1 = 1\nH2 = 2\nH3 = 3\nH4 = 4\nI1 =\n")
        )
        assert option.kind == "wireguard"

    @pytest.mark.parametrize(
        "line",
        [
            "HeaderProtectionKey = abc",
            "ContentPaddingAddition = 10-20",
            "RandomTrailers = 1-9",
            "RekeyAfterTime = 60",
        ],
    )
    def test_fields_of_version_3_are_noted(self, line: str) -> None:
        disguise = settings(one(with_lines(AMNEZIA + line + "\n"))).disguise
        assert disguise is not None
        assert disguise.later == (line.partition(" ")[0].lower(),)

    def test_fields_of_version_3_that_are_off_are_not(self) -> None:
        assert one(with_lines("RandomTrailers = (off)\nDisableCookies = 0\n")).kind == "wireguard"

    @pytest.mark.parametrize(
        ("line", "sentence"),
        [
            ("Jc = 500", "whole number"),
            ("Jc = -1", "whole number"),
            ("Jmin = 80\nJmax = 70", "greater"),
            ("S1 = 5000", "whole number"),
            ("H1 = 5-1", "two of them"),
            ("H1 = 4294967296", "two of them"),
            ("H1 = 3", "overlap"),
            ("H1 = 2-9", "overlap"),
            ("I1 = <x 4>", "tag"),
            ("I1 = <r 9000>", "larger"),
        ],
    )
    def test_what_is_wrong_is_told(self, line: str, sentence: str) -> None:
        with pytest.raises(LineError, match=sentence) as raised:
            one(with_lines(line + "\n"))
        assert raised.value.where == 3


class TestLinks:
    QUERY = f"publickey={PEER.replace('+', '%2B')}&address=10.8.0.2/32&mtu=1280"

    def test_a_key_a_peer_and_parameters(self) -> None:
        key = PRIVATE.replace("/", "%2F").replace("=", "%3D")
        option = parse_link(f"wireguard://{key}@vpn.example.net:2408?{self.QUERY}&reserved=1,2,3#At%20home")
        assert (option.kind, option.label, option.endpoint.port) == ("wireguard", "At home", 2408)
        said = settings(option)
        assert (said.private_key.reveal(), said.mtu, said.reserved) == (PRIVATE, 1280, b"\1\2\3")

    @pytest.mark.parametrize("scheme", ["wg", "awg", "wireguard"])
    def test_the_key_among_the_parameters(self, scheme: str) -> None:
        option = parse_link(
            f"{scheme}://[2001:db8::7]?private_key={PRIVATE}&{self.QUERY}&jc=3&jmin=10&jmax=20"
        )
        assert (option.kind, option.endpoint.host, option.endpoint.port) == (
            "amneziawg",
            "2001:db8::7",
            51820,
        )

    @pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
    def test_a_whole_profile_in_base64(self, encode: object) -> None:
        text = encode(with_lines(AMNEZIA).encode()).decode()  # type: ignore[operator] # a function
        option = parse_link(f"wg://{text}#friend")
        assert (option.kind, option.label) == ("amneziawg", "friend")
        assert parse_link(f"awg://{text.rstrip('=')}").label == "vpn.example.net"

    @pytest.mark.parametrize(
        "link",
        [
            "wg://aGVsbG8gd29ybGQgaG93IGFyZSB5b3U",
            "wg://???",
            f"wireguard://{PRIVATE[:20]}@vpn.example.net:1?{QUERY}",
            "wireguard://vpn.example.net:51820",
            "wg://" + base64.b64encode(PROFILE.replace(PEER, "x").encode()).decode(),
        ],
    )
    def test_what_is_cut_is_refused_without_repeating_it(self, link: str) -> None:
        with pytest.raises(LineError) as raised:
            parse_link(link)
        assert PRIVATE[:12] not in raised.value.sentence


class TestTables:
    TABLE = f"""\
[[option]]
kind = "amneziawg"
label = "friend"
endpoint = "vpn.example.net:51820"
private_key = "{PRIVATE}"
public_key = "{PEER}"
addresses = ["10.8.0.2/32", "fd00:8::2/128"]
mtu = 1280
reserved = [1, 2, 3]
jc = 3
jmin = 10
jmax = 20
h1 = "100-200"
"""

    def test_a_table_is_a_profile(self, tmp_path: object) -> None:
        (option,) = read(tmp_path, self.TABLE, "options.toml").options
        assert (option.kind, option.label) == ("amneziawg", "friend")
        said = settings(option)
        assert (said.addresses, said.reserved) == (("10.8.0.2/32", "fd00:8::2/128"), b"\1\2\3")
        assert said.disguise is not None
        assert said.disguise.headers[0] == (100, 200)

    def test_addresses_in_place_of_a_look_up(self, tmp_path: object) -> None:
        (option,) = read(
            tmp_path, self.TABLE + 'address = ["203.0.113.7", "2001:db8::9"]\n', "options.toml"
        ).options
        assert option.endpoint.addresses == ("203.0.113.7", "2001:db8::9")
        parsed = read(tmp_path, self.TABLE + 'address = "vpn.example.net"\n', "options.toml")
        assert parsed.problems[0].line == 14

    def test_host_and_port_in_place_of_the_endpoint(self, tmp_path: object) -> None:
        table = self.TABLE.replace('endpoint = "vpn.example.net:51820"', 'host = "2001:db8::7"\nport = 443')
        (option,) = read(tmp_path, table, "options.toml").options
        assert (option.endpoint.host, option.endpoint.port) == ("2001:db8::7", 443)

    @pytest.mark.parametrize(
        ("before", "after", "line"),
        [
            ("jmin = 10", "jmin = 90", 11),
            ("h1 =", "h9 =", 13),
            (PEER, "short", 6),
            ('kind = "amneziawg"', 'kind = "wireguard"', 10),
            (f'private_key = "{PRIVATE}"\n', "", 1),
            ("mtu = 1280", "mtu = {}", 8),
        ],
    )
    def test_what_is_wrong_has_its_line(self, tmp_path: object, before: str, after: str, line: int) -> None:
        parsed = read(tmp_path, self.TABLE.replace(before, after), "options.toml")
        assert not parsed.options
        assert parsed.problems[0].line == line


def test_other_files_are_not_taken_for_profiles() -> None:
    assert is_wireguard(PROFILE)
    assert not is_wireguard("socks5://127.0.0.1:1080 # [Interface] of sorts")
