"""The settings of the tor that is started: one bridge, and nothing that a line could smuggle in."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.tor.program.torrc import make_torrc, quoted

FOLDER = Path("/run/user/1/it is here")
LINE = "obfs4 192.0.2.1:443 " + "A" * 40 + " cert=abc iat-mode=0"


def settings(text: str) -> dict[str, str]:
    return dict(line.split(" ", 1) for line in text.splitlines())


def test_one_bridge_and_its_program() -> None:
    told = settings(make_torrc(FOLDER, LINE, owner=7, speaker="/usr/bin/obfs4proxy"))
    assert told["Bridge"] == LINE
    assert told["ClientTransportPlugin"] == "obfs4 exec /usr/bin/obfs4proxy"
    assert told["DataDirectory"] == '"/run/user/1/it is here/data"'
    assert told["ControlSocket"] == '"/run/user/1/it is here/control"'
    assert told["__OwningControllerProcess"] == "7"
    assert told["DisableNetwork"] == "1"
    assert told["SocksPort"] == "0"
    assert told["UpdateBridgesFromAuthority"] == "0"


def test_the_word_bridge_is_said_once() -> None:
    told = settings(make_torrc(FOLDER, "Bridge 192.0.2.1:443 " + "A" * 40, owner=7))
    assert told["Bridge"] == "192.0.2.1:443 " + "A" * 40
    assert "ClientTransportPlugin" not in told


def test_where_there_are_no_unix_sockets() -> None:
    told = settings(make_torrc(FOLDER, LINE, owner=7, unix_sockets=False))
    assert told["ControlPort"] == "auto"
    assert told["ControlPortWriteToFile"] == told.get("ControlPortWriteToFile")
    assert "ControlSocket" not in told


@pytest.mark.parametrize("line", ["a\nSocksPort 9050", "a\rb", "a\0b", "a" * 5000])
def test_a_line_is_one_line(line: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        make_torrc(FOLDER, line, owner=7)


def test_a_program_with_a_space_is_cut_by_tor() -> None:
    with pytest.raises(ValueError, match="space"):
        make_torrc(FOLDER, LINE, owner=7, speaker="/opt/my programs/obfs4proxy")


@given(st.text(max_size=100))
def test_whatever_a_line_holds_no_setting_is_added(line: str) -> None:
    try:
        text = make_torrc(FOLDER, line, owner=7)
    except ValueError:
        return
    bare = make_torrc(FOLDER, "x", owner=7)
    assert len(text.split("\n")) == len(bare.split("\n"))


def test_a_quote_in_a_path() -> None:
    assert quoted(Path('/a"b')) == '"/a\\"b"'
