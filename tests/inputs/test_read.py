"""Files, arguments and standard input: the usable rest goes on, and every fault has place, reason and remedy."""

from __future__ import annotations

import base64
import os
import string
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circumvent.ids import IdMaker
from circumvent.inputs import Parsed, read_inputs
from circumvent.inputs import read as reading
from circumvent.inputs.problem import Problem, repeats

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes(32)


def read(*named: str, stdin: bytes = b"", allow_private: bool = False) -> Parsed:
    return read_inputs(named, ids=IdMaker(KEY), stdin=lambda _: stdin, allow_private=allow_private)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(folder: Path, name: str, content: str | bytes) -> str:
    data = content.encode() if isinstance(content, str) else content
    (folder / name).write_bytes(data)
    return name


def test_the_usable_rest_of_a_list_goes_on(folder: Path) -> None:
    name = put(
        folder,
        "list.txt",
        "\ufeff# my list\r\n\r\nsocks5://a.example:1080#one\r\nssr://secretsecret\r\n"
        "  \u200bsocks5://b.example:70000\u200b \r\nhttps://dns.example/dns-query\r\n",
    )
    parsed = read(name)
    assert [option.label for option in parsed.options] == ["one", "dns.example"]
    assert [option.origin.line for option in parsed.options] == [3, 6]
    assert all(option.held_by_user for option in parsed.options)
    assert parsed.sentences() == [
        "list.txt:4: ssr:// links are not supported. Ask for an ss:// link.",
        "list.txt:5: port 70000 does not exist. Ports go from 1 to 65535.",
        "2 of 4 lines cannot be used; checking the other 2.",
    ]


def test_with_nothing_usable_the_verdict_on_the_file_comes_first(folder: Path) -> None:
    name = put(
        folder, "sub.txt", "ss://abc\nsocks5://a.example:70000\n<!DOCTYPE html><a href=socks5://b.example>\n"
    )
    parsed = read(name)
    assert parsed.options == ()
    assert parsed.sentences() == [
        "sub.txt: none of its 3 lines can be used, so nothing was checked.",
        "sub.txt:1: Shadowsocks links are not supported by this version.",
        "sub.txt:2: port 70000 does not exist. Ports go from 1 to 65535.",
        "sub.txt:3: this is a web page, not a list of links. Open its address in a browser and save the list.",
    ]


@pytest.mark.parametrize("wrap", [0, 76])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("padded", [True, False])
def test_a_list_may_be_base64_as_a_whole(folder: Path, encode: object, wrap: int, padded: bool) -> None:
    assert callable(encode)
    packed = encode("tls://ä.example#ÿÿÿ>>>???\nsocks5://b.example:1".encode())
    packed = packed if padded else packed.rstrip(b"=")
    if wrap:
        packed = b"\r\n".join(packed[start : start + wrap] for start in range(0, len(packed), wrap))
    parsed = read(put(folder, "sub", packed))
    assert [option.kind for option in parsed.options] == ["dot", "socks5"]


def test_several_links_in_a_line_of_chat(folder: Path) -> None:
    name = put(
        folder, "chat.txt", "try (https://dns.example/q), or **tls://192.0.2.9**! or stun:h.example. bye\n"
    )
    parsed = read(name, allow_private=True)
    assert [str(option.endpoint) for option in parsed.options] == [
        "dns.example:443",
        "192.0.2.9:853",
        "h.example:3478",
    ]


def test_a_name_may_hold_spaces(folder: Path) -> None:
    parsed = read(put(folder, "l.txt", "tls://a.example#My own server  tls://b.example#Two words\n"))
    assert [option.label for option in parsed.options] == ["My own server", "Two words"]


def test_utf_16_files_are_read(folder: Path) -> None:
    assert len(read(put(folder, "w.txt", "tls://a.example\n".encode("utf-16"))).options) == 1


def test_the_same_option_twice_is_one(folder: Path) -> None:
    parsed = read(put(folder, "l.txt", "tls://a.example#one\ntls://A.EXAMPLE.:853#two\n"))
    assert [option.label for option in parsed.options] == ["one"]
    assert parsed.problems == ()


def test_a_lonely_option_is_called_by_its_file(folder: Path) -> None:
    assert read(put(folder, "office.txt", "tls://a.example\n")).options[0].label == "office"
    assert read(put(folder, "office.txt", "tls://a.example#x\n")).options[0].label == "x"
    assert read("tls://a.example").options[0].label == "a.example"


def test_ids_are_unique_and_keyed(folder: Path) -> None:
    text = "\n".join(f"socks5://h{number}.example:1080" for number in range(200))
    parsed = read(put(folder, "l.txt", text))
    assert len({option.id for option in parsed.options}) == 200
    assert parsed.options[0].id.startswith("socks5-")


def test_standard_input_and_arguments_have_names_of_their_own() -> None:
    parsed = read("-", "ssr://verysecret", stdin=b"trojan://pw@h.example:443\n")
    assert [str(problem) for problem in parsed.problems] == [
        "stdin:1: Trojan links are not supported by this version.",
        "argument 2: ssr:// links are not supported. Ask for an ss:// link.",
    ]


def test_a_mistyped_file_name_gets_a_suggestion(folder: Path) -> None:
    put(folder, "wg-home.conf", "x")
    assert read("wg-hom.conf").sentences() == [
        "wg-hom.conf: there is no such file here. Did you mean wg-home.conf?"
    ]
    assert read("nothing-like-it").sentences() == ["nothing-like-it: there is no such file here."]


def test_a_damaged_link_is_not_shown_as_a_file_name() -> None:
    parsed = read("socks5:/anna:s3cret@h.example")
    assert "s3cret" not in " ".join(parsed.sentences())
    assert parsed.sentences() == ["argument 1: this is neither a link that is known nor a file."]


def test_folders_pipes_and_giants_are_refused(folder: Path) -> None:
    (folder / "d").mkdir()
    assert "this is a folder" in read("d").sentences()[0]
    os.mkfifo(folder / "p")
    assert "not a regular file" in read("p").sentences()[0]
    with (folder / "big").open("wb") as file:
        file.truncate(reading.LARGEST_FILE + 1)
    assert "larger than 10 MB" in read("big").sentences()[0]
    assert "more than 10 MB" in read("-", stdin=bytes(reading.LARGEST_FILE + 1)).sentences()[0]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "there is nothing in it"),
        (b"# only\n# comments\n", "only comments"),
        (b"\x7fELF\0\0\0", "this is no text"),
        (b"client\nremote h.example 1194\n", "can't be verified"),
        (b'{"version": 1, "servers": []}', "JSON lists are not supported"),
        (b'[{"server": "h"}]', "JSON lists are not supported"),
        (b"port: 7890\nproxies:\n  - name: x\n", "Clash lists"),
        (b'<?xml version="1.0"?><plist/>', "no configuration profile"),
    ],
)
def test_files_that_are_no_lists_are_recognised(folder: Path, content: bytes, sentence: str) -> None:
    parsed = read(put(folder, "f", content))
    assert parsed.options == ()
    assert len(parsed.problems) == 1
    assert sentence in parsed.problems[0].sentence


@pytest.mark.parametrize(
    "link",
    [
        "socks5://192.168.0.5:1080",
        "socks5://10.1.2.3",
        "socks5://127.0.0.1",
        "socks5://[::1]:1080",
        "socks5://169.254.1.1",
        "socks5://100.64.0.1",
        "socks5://224.0.0.1",
        "socks5://255.255.255.255",
        "socks5://0.0.0.0",
        "socks5://192.0.2.1",
        "socks5://[fe80::1]",
        "socks5://[fd00::1]",
        "socks5://[ff02::1]",
        "socks5://[::ffff:10.0.0.1]",
        "socks5://[2002:c0a8:1::1]",
        "socks5://[64:ff9b::7f00:1]",
        "socks5://localhost",
        "socks5://router.local",
        "socks5://nas",
        "socks5://box.home.arpa",
        "https://192.168.0.1/dns-query",
    ],
)
def test_private_and_local_places_are_refused(link: str) -> None:
    parsed = read(link)
    assert parsed.options == ()
    (problem,) = parsed.problems
    assert "is left out: a list from someone else must not probe your own network" in problem.sentence
    assert "--allow-private" in problem.sentence
    assert not repeats(problem.sentence, link)
    assert len(read(link, allow_private=True).options) == 1


def test_a_private_place_in_toml_is_named_with_its_range(folder: Path) -> None:
    name = put(folder, "shared.toml", '[[option]]\nkind = "socks5"\nlabel = "office"\nhost = "192.168.0.7"\n')
    assert read(name).sentences() == [
        (
            'shared.toml:1: option "office" points into a private network (192.168.0.0/16) and is left out: '
            "a list from someone else must not probe your own network. If it is yours, add --allow-private."
        )
    ]


def test_limits_are_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_OPTIONS", 3)
    many = "\n".join(f"tls://h{number}.example" for number in range(9))
    parsed = read(put(folder, "l", many))
    assert len(parsed.options) == 3
    assert "more than 3 options" in parsed.problems[-1].sentence
    parsed = read(put(folder, "m", "tls://" + "a" * 20_000))
    assert "longer than 16,384 characters" in parsed.problems[0].sentence
    monkeypatch.setattr(reading, "MOST_PROBLEMS", 2)
    parsed = read(put(folder, "n", "nonsense\n" * 7))
    assert str(parsed.problems[-1]) == "n: and 5 more lines that cannot be used."
    assert len(parsed.problems) == 3


def test_a_file_called_catalogue_does_not_pass_for_ours(folder: Path) -> None:
    assert read(put(folder, "catalogue", "tls://a.example#x")).options[0].held_by_user


def test_a_name_that_plays_tricks_is_shown_without_them() -> None:
    assert str(Problem("a\x1b[31m\u202eb.txt", 3, "it is wrong.")) == "a[31mb.txt:3: it is wrong."


SECRET = st.text(st.sampled_from(string.ascii_letters + string.digits), min_size=12, max_size=24)


@given(
    secret=SECRET,
    form=st.sampled_from([
        "ss://{0}@1.2.3.4:443", "socks5://u:{0}@h.example:99999", "socks5://{0}", "{0}://{0}@{0}", "{0}", "{0}:{0}@h:1",
        "vmess://{0}", "turn:{0}@h.example", "https://t.me/proxy?secret={0}", "sdns://{0}", "obfs4 1.2.3.4:1 cert={0}",
        "socks5://u:{0}@10.0.0.1:1", "socks5://u:{0}/x@h.example", "http://h.example/{0}", "#x\nkind = {0}",
    ]),
)  # fmt: skip
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_message_repeats_a_secret(secret: str, form: str) -> None:
    text = form.format(secret)
    for parsed in (read(text), read("-", stdin=text.encode())):
        for problem in parsed.problems:
            assert not repeats(str(problem.sentence), secret, label=problem.option_label)
            assert secret not in str(problem) or (form == "{0}" and problem.source == secret)


@given(
    st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_no_file_breaks_the_reader(data: bytes) -> None:
    parsed = read("-", stdin=data)
    assert parsed.options or parsed.problems
    for problem in parsed.problems:
        assert problem.sentence
