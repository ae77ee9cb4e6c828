"""Bridge lines as people paste them. Keys and addresses are made up; the shapes are those of the wild."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.ids import IdMaker
from circumvent.inputs.bridge_lines import (
    SPOKEN,
    TRANSPORTS,
    bridges_in,
    is_torrc,
    parse_bridge,
    unwrapped,
)
from circumvent.inputs.links import looks_like_link, parse_link
from circumvent.inputs.problem import LineError, repeats
from circumvent.inputs.read import read_inputs
from circumvent.model.bridge import MeekSettings, Obfs4Settings, TorSettings, WebtunnelSettings
from circumvent.model.words import Exposure

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.inputs.problem import Parsed

FINGERPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"
NODE_ID, KEY = bytes(range(20)), bytes(range(100, 132))
CERT = base64.b64encode(NODE_ID + KEY).decode("ascii").rstrip("=")
OBFS4 = f"obfs4 198.51.100.7:443 {FINGERPRINT} cert={CERT} iat-mode=0"
VANILLA = f"198.51.100.8:9001 {FINGERPRINT}"
WEBTUNNEL = f"webtunnel [2001:db8::5]:443 {FINGERPRINT} url=https://web.example/secret ver=0.0.1"


def read(text: str) -> Parsed:
    return read_inputs(["-"], ids=IdMaker(bytes(32)), stdin=lambda _: text.encode(), allow_private=True)


class TestOne:
    """One line, to one option."""

    def test_obfs4(self) -> None:
        option = parse_bridge(OBFS4)
        assert (option.kind, option.endpoint.host, option.endpoint.port) == ("obfs4", "198.51.100.7", 443)
        assert option.settings == Obfs4Settings(
            node_id=NODE_ID, public_key=KEY, iat_mode=0, fingerprint=bytes.fromhex(FINGERPRINT)
        )
        assert option.exposure is Exposure.NOTABLE

    def test_the_older_spelling_of_obfs4(self) -> None:
        line = (
            f"obfs4 198.51.100.7:443 {FINGERPRINT} node-id={NODE_ID.hex()} public-key={KEY.hex()} iat-mode=2"
        )
        settings = parse_bridge(line).settings
        assert isinstance(settings, Obfs4Settings)
        assert (settings.node_id, settings.public_key, settings.iat_mode) == (NODE_ID, KEY, 2)

    def test_the_node_id_need_not_be_the_fingerprint(self) -> None:
        settings = parse_bridge(OBFS4).settings
        assert isinstance(settings, Obfs4Settings)
        assert settings.node_id != settings.fingerprint

    def test_without_a_disguise(self) -> None:
        option = parse_bridge(VANILLA)
        assert option.kind == "tor"
        assert option.settings == TorSettings(fingerprint=bytes.fromhex(FINGERPRINT))
        assert option.exposure is Exposure.MARKING

    def test_without_a_fingerprint(self) -> None:
        assert parse_bridge("Bridge 198.51.100.8:9001").settings == TorSettings()
        settings = parse_bridge(f"obfs4 198.51.100.7:443 cert={CERT} iat-mode=1").settings
        assert isinstance(settings, Obfs4Settings)
        assert settings.fingerprint is None

    def test_webtunnel_goes_where_its_url_says(self) -> None:
        option = parse_bridge(WEBTUNNEL)
        assert (option.kind, option.endpoint.host, option.endpoint.port) == ("webtunnel", "web.example", 443)
        assert option.endpoint.addresses == ()
        assert option.settings == WebtunnelSettings(
            host="web.example", path="/secret", fingerprint=bytes.fromhex(FINGERPRINT)
        )

    def test_webtunnel_with_everything(self) -> None:
        pin = base64.b64encode(bytes(range(32))).decode("ascii")
        line = (
            "webtunnel 192.0.2.3:1 url=https://web.example:8443/a/b?c=d servername=other.example "
            f"addr=198.51.100.9:8444 utls=none cert={pin}"
        )
        option = parse_bridge(line)
        assert str(option.endpoint) == "web.example:8444"
        assert option.endpoint.addresses == ("198.51.100.9",)
        assert option.sni == "other.example"
        assert option.settings == WebtunnelSettings(
            host="web.example:8443", path="/a/b?c=d", chain_hash=bytes(range(32))
        )

    @pytest.mark.parametrize("word", ["meek", "meek_lite"])
    def test_meek_keeps_front_and_host_apart(self, word: str) -> None:
        line = f"{word} 192.0.2.20:80 {FINGERPRINT} url=https://a.cdn.example/b front=www.front.example utls=none"
        option = parse_bridge(line)
        assert (option.kind, str(option.endpoint)) == ("meek", "www.front.example:443")
        assert option.settings == MeekSettings(
            url="https://a.cdn.example/b", fingerprint=bytes.fromhex(FINGERPRINT)
        )
        assert option.exposure is Exposure.NOTABLE

    def test_meek_without_a_front_and_with_several(self) -> None:
        alone = parse_bridge("meek_lite 192.0.2.20:80 url=https://a.example:8443/")
        assert str(alone.endpoint) == "a.example:8443"
        assert alone.settings == MeekSettings(url="https://a.example:8443/")
        several = parse_bridge("meek_lite 192.0.2.20:80 url=http://a.example/ fronts=b.example,c.example")
        assert str(several.endpoint) == "b.example:80"

    def test_webtunnel_in_clear(self) -> None:
        option = parse_bridge("webtunnel 192.0.2.3:1 url=http://web.example/secret")
        assert option.endpoint.port == 80
        assert option.settings == WebtunnelSettings(host="web.example", path="/secret", tls=False)

    @pytest.mark.parametrize("iat_mode", ["3", "-1", "x", ""])
    def test_an_iat_mode_that_does_not_exist(self, iat_mode: str) -> None:
        with pytest.raises(LineError, match="iat-mode"):
            parse_bridge(f"obfs4 198.51.100.7:443 cert={CERT} iat-mode={iat_mode}")

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            (OBFS4.replace(CERT, CERT[:-3]), "70 letters"),
            (OBFS4.replace(CERT, "!" * 70), "70 letters"),
            (OBFS4.replace(f" cert={CERT}", ""), "no cert"),
            (OBFS4.replace(":443", ":99999"), "port"),
            (WEBTUNNEL.replace("url=https://", "url=ftp://"), "https://"),
            (WEBTUNNEL.replace("url=", "uri="), "no url"),
            (WEBTUNNEL + " cert=AAAA", "damaged"),
            (WEBTUNNEL.replace("/secret", "/s\u00e9cret"), "letters"),
            (f"obfs4 198.51.100.7:443 {FINGERPRINT} node-id=zz public-key=00", "no cert"),
            (f"obfs4 999.1.1.1:443 {FINGERPRINT} cert={CERT}", "address"),
            ("socks5://198.51.100.8:9001", "not one bridge line"),
            (f"{OBFS4} {VANILLA}", "several"),
        ],
    )
    def test_what_is_wrong_is_said_without_repeating_it(self, line: str, said: str) -> None:
        with pytest.raises(LineError, match=said) as caught:
            parse_bridge(line)
        assert not repeats(caught.value.sentence, line)

    @pytest.mark.parametrize("transport", sorted(TRANSPORTS - SPOKEN))
    def test_transports_that_are_not_spoken_are_named(self, transport: str) -> None:
        line = (
            f"{transport} 192.0.2.3:80 {FINGERPRINT} url=https://broker.example/ fronts=a.example,b.example"
        )
        (problem,) = read(line).problems
        assert problem.line == 1
        assert transport in problem.sentence
        assert "not supported by this version" in problem.sentence

    def test_its_repr_shows_no_secret(self) -> None:
        for line in (OBFS4, VANILLA, WEBTUNNEL):
            for shown in (repr(parse_bridge(line).settings), repr(bridges_in(line))):
                assert FINGERPRINT.lower() not in shown.lower()
                assert CERT not in shown
                assert "secret" not in shown


@pytest.mark.parametrize(
    "text",
    [
        OBFS4,
        f"Bridge {OBFS4}",
        f"bridge   {OBFS4.replace(' ', '   ')}",
        OBFS4.replace(FINGERPRINT, f"${FINGERPRINT}"),
        OBFS4.replace(FINGERPRINT, f"${FINGERPRINT}~nick"),
        OBFS4.replace(FINGERPRINT, FINGERPRINT.lower()),
        OBFS4.replace(CERT, f"{CERT}=="),
        OBFS4.upper().replace(CERT.upper(), CERT),
        f"  {OBFS4}\u200b",
        f"1. {OBFS4}",
        f"`{OBFS4}`",
        f"> {OBFS4}",
        f"Try this one: {OBFS4}, it works!",
        f'user_pref("torbrowser.settings.bridges.bridge_strings.0", "{OBFS4}");',
        json.dumps([OBFS4]),
        json.dumps({"settings": [{"bridges": {"type": "obfs4", "bridge_strings": [OBFS4]}}]}),
        f"bridge://{quote_plus(OBFS4)}",
        OBFS4.replace(f"{FINGERPRINT} cert", f"{FINGERPRINT}\n cert"),
        OBFS4.replace(f":443 {FINGERPRINT}", f":443\n{FINGERPRINT}"),
        f"> {OBFS4}".replace(" iat-mode", "\n> iat-mode"),
    ],
)
def test_as_people_paste_it(text: str) -> None:
    found = read(text)
    assert [problem.sentence for problem in found.problems] == []
    (option,) = found.options
    assert option.settings == parse_bridge(OBFS4).settings
    assert option.endpoint == parse_bridge(OBFS4).endpoint
    assert option.id == read(OBFS4).options[0].id
    assert option.held_by_user


def test_several_in_one_line_of_chat() -> None:
    found = read(f"{OBFS4} and Bridge {VANILLA}, {WEBTUNNEL}")
    assert [option.kind for option in found.options] == ["obfs4", "tor", "webtunnel"]


def test_a_torrc() -> None:
    text = (
        "UseBridges 1\nClientTransportPlugin obfs4 exec /usr/bin/obfs4proxy\n"
        f"Bridge {OBFS4}\nBridge {VANILLA}\n"
    )
    found = read(text)
    assert (len(found.options), found.problems) == (2, ())
    assert is_torrc("usebridges 1")
    assert not is_torrc(OBFS4)


def test_lines_keep_their_numbers_when_a_mail_was_wrapped() -> None:
    wrapped = OBFS4.replace(" cert", "\ncert").replace(" iat", "\niat")
    text = f"# from a mail\n{wrapped}\n{VANILLA}\nnonsense"
    found = read(text)
    assert [option.origin.line for option in found.options] == [2, 5]
    assert [problem.line for problem in found.problems] == [6]
    assert [number for number, _ in unwrapped(text.split("\n"))] == [1, 2, 5, 6]


@pytest.mark.parametrize(
    "line",
    [
        "198.51.100.8:9001",
        "hello 198.51.100.8:9001",
        "socks5://198.51.100.8:9001",
        "remote 198.51.100.8 1194",
        "Endpoint = 198.51.100.8:51820",
        "obfs4 is a transport",
        "Bridge over troubled water",
        "https://198.51.100.8:8443/dns-query",
        "stun:198.51.100.8:3478",
    ],
)
def test_what_is_no_bridge_line(line: str) -> None:
    assert bridges_in(line) == ()


def test_on_the_command_line() -> None:
    assert looks_like_link(OBFS4)
    assert looks_like_link(f"Bridge {VANILLA}")
    assert parse_link(OBFS4).kind == "obfs4"
    found = read_inputs([OBFS4], ids=IdMaker(bytes(32)), allow_private=True)
    assert [option.kind for option in found.options] == ["obfs4"]


def test_a_bridge_in_a_private_network_is_left_out() -> None:
    line = OBFS4.replace("198.51.100.7", "192.168.1.1")
    found = read_inputs([line], ids=IdMaker(bytes(32)))
    assert found.options == ()
    assert "private network" in found.problems[0].sentence


class TestToml:
    """The project's own format."""

    def test_a_line(self, tmp_path: Path) -> None:
        file = tmp_path / "bridges.toml"
        file.write_text(f'[[option]]\nkind = "obfs4"\nlabel = "mine"\nline = "{OBFS4}"\n', encoding="utf-8")
        (option,) = read_inputs([str(file)], ids=IdMaker(bytes(32)), allow_private=True).options
        assert (option.kind, option.label) == ("obfs4", "mine")
        assert option.id == read(OBFS4).options[0].id

    @pytest.mark.parametrize(
        ("table", "said"),
        [
            ('kind = "obfs4"', "has no line"),
            (f'kind = "tor"\nline = "{OBFS4}"', "another kind of bridge"),
            ('kind = "tor"\nline = "nonsense"', "not one bridge line"),
            (f'kind = "tor"\nhost = "h.example"\nline = "{VANILLA}"', "no such field"),
        ],
    )
    def test_what_is_wrong(self, tmp_path: Path, table: str, said: str) -> None:
        file = tmp_path / "bridges.toml"
        file.write_text(f"[[option]]\n{table}\n", encoding="utf-8")
        found = read_inputs([str(file)], ids=IdMaker(bytes(32)), allow_private=True)
        assert found.options == ()
        assert said in found.problems[0].sentence


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    for line in (
        text,
        f"obfs4 198.51.100.7:443 {text}",
        f"webtunnel 192.0.2.3:1 url={text}",
        f"bridge://{text}",
    ):
        for found in bridges_in(line):
            assert found.transport in TRANSPORTS
        with suppress(LineError):
            parse_bridge(line)


@given(st.lists(st.sampled_from([OBFS4, VANILLA, WEBTUNNEL, "cert=a", FINGERPRINT, "> x", ""]), max_size=12))
def test_no_line_is_lost_by_unwrapping(lines: list[str]) -> None:
    numbers = [number for number, _ in unwrapped(lines)]
    assert numbers == sorted(set(numbers))
    assert sum(len(bridges_in(line)) for _, line in unwrapped(lines)) == sum(
        len(bridges_in(line)) for line in lines
    )
