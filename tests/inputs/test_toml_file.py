"""The project's own TOML: every field, and every fault with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.ids import IdMaker
from circumvent.inputs import Parsed, read_inputs
from circumvent.inputs.toml_fields import FIELDS
from circumvent.inputs.toml_lines import tables
from circumvent.model.kinds import KINDS
from circumvent.model.option import (
    DnscryptSettings,
    Endpoint,
    OdohSettings,
    ProxySettings,
    VoiceSettings,
    WebSettings,
)

if TYPE_CHECKING:
    from pathlib import Path

PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
ODOH_RELAY = "https://relay.example/proxy"
DNSCRYPT = (
    "sdns://AQIAAAAAAAAAFDE3Ni4xMDMuMTMwLjEzMDo1NDQzINErR_JS3PLCu_iZEIbq95zkSV2LFsigxDIuUso_OQhz"
    "IjIuZG5zY3J5cHQuZGVmYXVsdC5uczEuYWRndWFyZC5jb20"
)


def read(text: str, folder: Path | None = None) -> Parsed:
    ids = IdMaker(bytes(32))
    if folder is None:
        return read_inputs(["-"], ids=ids, stdin=lambda _: text.encode())
    (folder / "o.toml").write_text(text)
    return read_inputs([str(folder / "o.toml")], ids=ids)


def one(text: str) -> Parsed:
    return read(f"[[option]]\n{text}")


def test_every_kind_has_its_fields() -> None:
    assert set(FIELDS) == set(KINDS)


def test_a_table_of_every_sort() -> None:
    parsed = read(f"""
# three ways
[[option]]
kind = "socks5"
label = "Office"
host = "proxy.example.com"
port = 1081
address = ["203.0.114.1", "2600::1"]
user = "anna"
password = "a+b%2B"

[[option]]
kind = "doh"
url = "https://dns.example.com:8443/q?x=1"
sni = ""
alpn = ["h2"]
method = "GET"
ca = \"\"\"{PEM}\"\"\"

[[option]]
kind = "doh3"
host = "dns.example.com"
address = "203.0.114.1"

[[option]]
kind = "odoh"
url = "https://target.example.com/q"
relay = "{ODOH_RELAY}.com"

[[option]]
kind = "http-connect"
host = "p.example.com"
tls = true

[[option]]
kind = "turn"
host = "t.example.com"
transport = "tls"

[[option]]
kind = "dnscrypt"
stamp = "{DNSCRYPT}"

[[option]]
kind = "dnscrypt"
host = "203.0.114.9"
provider = "2.dnscrypt-cert.example"
public_key = "{"ab" * 32}"
relay = "203.0.114.10:8443"

[[option]]
kind = "h3"
url = "https://www.example.com/"
""")
    assert parsed.problems == ()
    socks, doh, doh3, odoh, http, turn, stamped, crypt, h3 = parsed.options
    assert socks.endpoint == Endpoint(
        host="proxy.example.com", port=1081, addresses=("203.0.114.1", "2600::1")
    )
    assert socks.password is not None
    assert socks.password.reveal() == "a+b%2B"
    assert (socks.label, socks.origin.line) == ("Office", 3)
    assert doh.settings == WebSettings(url="https://dns.example.com:8443/q?x=1", method="GET")
    assert (doh.sni, doh.alpn, doh.ca) == ("", ("h2",), PEM)
    assert doh3.settings == WebSettings(url="https://dns.example.com/dns-query")
    assert doh3.endpoint.addresses == ("203.0.114.1",)
    assert odoh.settings == OdohSettings(
        url="https://target.example.com/q", relay="https://relay.example/proxy.com"
    )
    assert str(odoh.endpoint) == "relay.example:443"
    assert (http.settings, http.endpoint.port) == (ProxySettings(tls=True), 8080)
    assert (turn.settings, turn.endpoint.port) == (VoiceSettings(transport="tls"), 5349)
    assert stamped.endpoint.port == 5443
    assert isinstance(crypt.settings, DnscryptSettings)
    assert crypt.settings.relay == Endpoint(host="203.0.114.10", port=8443)
    assert (h3.kind, h3.settings) == ("h3", WebSettings(url="https://www.example.com/", method="GET"))


def test_via_ties_options_together_in_any_order() -> None:
    parsed = read("""
[[option]]
kind = "socks5"
label = "second"
host = "b.example"
via = "first"

[[option]]
kind = "doh"
url = "https://dns.example/q"
via = "second"

[[option]]
kind = "socks5"
label = "first"
host = "a.example"
""")
    by_label = {option.label: option for option in parsed.options}
    assert parsed.problems == ()
    assert by_label["second"].via == by_label["first"].id
    assert by_label["dns.example"].via == by_label["second"].id


@pytest.mark.parametrize(
    ("via", "label", "sentence"),
    [("nobody", "me", "there is none"), ("me", "me", "leads back to itself")],
)
def test_a_via_that_leads_nowhere(via: str, label: str, sentence: str) -> None:
    (problem,) = one(f'kind = "socks5"\nhost = "a.example"\nlabel = "{label}"\nvia = "{via}"').problems
    assert sentence in problem.sentence
    assert problem.line == 1


def test_a_resolver_carries_nothing() -> None:
    parsed = read(
        '[[option]]\nkind = "dot"\nlabel = "r"\nhost = "a.example"\n'
        '[[option]]\nkind = "doh"\nurl = "https://b.example/q"\nvia = "r"\n'
    )
    assert [option.kind for option in parsed.options] == ["dot"]
    assert "cannot carry another" in parsed.problems[0].sentence


@pytest.mark.parametrize(
    ("table", "line", "sentence"),
    [
        ('host = "a.example"', 1, "this table has no kind"),
        ('kind = "sock5"\nhost = "a.example"', 2, "Did you mean socks5?"),
        ('kind = "hysteria2"', 2, "options of this kind are not supported by this version"),
        ('kind = "socks5"\nhost = "a.example"\npasswort = "x"', 4, "there is no such field"),
        ('kind = "socks5"\nhost = "a.example"\nprot = 3', 4, 'Did you mean "port"?'),
        ('kind = "socks5"\nhost = "a.example"\nstamp = "x"', 4, "have no such field"),
        ('kind = "socks5"\nhost = "a.example"\nprivate_key = "x"', 4, "have no such field"),
        ('kind = "socks5"', 1, "this table has no host"),
        ('kind = "h3"', 1, "this table has no url"),
        ('kind = "socks5"\nhost = "a.example"\nport = 70000', 4, "port 70000 does not exist"),
        ('kind = "socks5"\nhost = "a.example"\nport = "80"', 4, "whole number"),
        ('kind = "socks5"\nhost = "a.example"\nport = true', 4, "whole number"),
        ('kind = "socks5"\nhost = 5', 3, "must be a text in quotes"),
        ('kind = "socks5"\nhost = ""', 3, "this text is empty"),
        ('kind = "socks5"\nhost = "a b"', 3, "neither a host name nor an address"),
        ('kind = "socks5"\nhost = "a.example"\naddress = "b.example"', 4, "only IP addresses"),
        ('kind = "socks5"\nhost = "a.example"\naddress = [1]', 4, "a list of them"),
        ('kind = "doh"\nurl = "http://a.example/q"', 3, "begins with https://"),
        ('kind = "doh"\nurl = "https://a.example/q"\nport = 3', 3, "part of the url"),
        ('kind = "doh"\nurl = "https://a.example/q"\nmethod = "PUT"', 4, "GET or POST"),
        ('kind = "http-connect"\nhost = "a.example"\ntls = 1', 4, "true or false"),
        ('kind = "stun"\nhost = "a.example"\ntransport = "sctp"', 4, "udp, tcp or tls"),
        ('kind = "dnscrypt"\nhost = "a.example"', 1, "needs a stamp"),
        (
            'kind = "dnscrypt"\nhost = "a.example"\nprovider = "2.x"\npublic_key = "00"',
            5,
            "64 hexadecimal digits",
        ),
        ('kind = "dot"\nstamp = "sdns://AAA"', 3, "."),
        (f'kind = "dot"\nstamp = "{DNSCRYPT}"', 3, "another kind of resolver"),
        (f'kind = "dnscrypt"\nhost = "a.example"\nstamp = "{DNSCRYPT}"', 3, "the stamp already says this"),
        ('kind = "dot"\nhost = "a.example"\nca = "/nowhere/ca.pem"', 4, "can't be read"),
    ],
)
def test_a_fault_names_its_line(table: str, line: int, sentence: str) -> None:
    parsed = one(table)
    assert parsed.options == ()
    (problem,) = parsed.problems
    assert sentence in problem.sentence
    assert problem.line == line


def test_one_bad_table_does_not_stop_the_others() -> None:
    parsed = read('[[option]]\nkind = "nothing"\n\n[[option]]\nkind = "dot"\nhost = "a.example"\n')
    assert [option.kind for option in parsed.options] == ["dot"]
    assert parsed.problems[0].line == 2


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ('[[option]]\nkind = "dot\n', 2, "this is not TOML from here on"),
        ('kind = "dot"\n[[option]]\nkind = "dot"\nhost="a.example"', 1, "slipped out of its table"),
        ("[[option]]\n" + "a." * 300 + "b = 1", 2, "too many dots"),
        ('[option]\nkind = "dot"\n[[option]]', 3, "not TOML"),
    ],
)
def test_faults_of_the_whole_file(text: str, line: int, sentence: str) -> None:
    (problem,) = read(text).problems
    assert sentence in problem.sentence
    assert problem.line == line


def test_numbers_and_nests_without_end_are_refused() -> None:
    assert "no field can have" in read("[[option]]\nport = " + "1" * 5000).problems[0].sentence
    assert "nested too deep" in read("[[option]]\nport = " + "[" * 50_000).problems[0].sentence


def test_anchors_are_sent_where_they_belong(tmp_path: Path) -> None:
    (problem,) = read('[[anchor]]\nhost = "a.example"\n', tmp_path).problems
    assert "--anchors" in problem.sentence


def test_a_certificate_file_stands_beside_the_list(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(PEM)
    parsed = read('[[option]]\nkind = "dot"\nhost = "a.example"\nca = "ca.pem"\n', tmp_path)
    assert parsed.options[0].ca == PEM
    (tmp_path / "ca.pem").write_text("a private diary")
    (problem,) = read('[[option]]\nkind = "dot"\nhost = "a.example"\nca = "ca.pem"\n', tmp_path).problems
    assert "holds no certificate" in problem.sentence
    assert "diary" not in problem.sentence


def test_lines_are_found_past_strings_that_look_like_tables() -> None:
    text = 'x = """\n[[option]]\nkind = 1\n\\"""" \n[[option]] # one\n"kind" = "a"\n\n[other]\nkind = 2\n[[option]]\nkind.x = 3\n'
    found = tables(text, "option")
    assert [(table.line, table.keys) for table in found] == [(5, {"kind": 6}), (10, {"kind": 11})]


@given(st.text(st.sampled_from("[]option=\"'\\#\n kd1.{},"), max_size=80) | st.text(max_size=60))
def test_garbage_gives_problems_and_nothing_else(text: str) -> None:
    tables(text, "option")
    parsed = read(f"[[option]]\n{text}")
    assert parsed.problems


@given(
    st.dictionaries(
        st.sampled_from(sorted({name for names in FIELDS.values() for name in names} - {"kind", "ca"})),
        st.one_of(
            st.sampled_from(["a.example", "192.0.2.1", "https://a.example/q", "", "sdns://AAA", "udp"]),
            st.integers(-1, 70000),
            st.booleans(),
            st.lists(st.sampled_from(["h2", "192.0.2.1", ""]), max_size=2),
        ),
    ),
    st.sampled_from(sorted(KINDS)),
)
def test_any_mix_of_fields_gives_an_option_or_a_problem(row: dict[str, object], kind: str) -> None:
    def written(value: object) -> str:
        return str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')

    lines = [f"{name} = {written(value)}" for name, value in row.items()]
    parsed = read("\n".join(["[[option]]", f'kind = "{kind}"', *lines]))
    assert len(parsed.options) + len(parsed.problems) == 1
