"""What is installed, and what would bring the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from circumvent.lab.world import daemons
from circumvent.lab.world.daemons import PROGRAMS, Found, Program, doctor, install_command
from tests.lab.daemon import PACKAGES

if TYPE_CHECKING:
    import pytest


def test_the_table_agrees_with_that_of_the_tests() -> None:
    table = {program.name: program.package for program in PROGRAMS}
    assert {name: package for name, package in PACKAGES.items() if name in table} == {
        name: table[name] for name in PACKAGES if name in table
    }


def test_everything_has_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        daemons, "find_program", lambda name: "/usr/sbin/unbound" if name == "unbound" else None
    )
    found = doctor()
    assert len(found) == len(PROGRAMS)
    assert found[0].sentence.startswith("unbound: /usr/sbin/unbound (")
    assert found[1].sentence.startswith("dnsdist: missing, Debian package dnsdist (")


def test_one_command_installs_what_is_missing() -> None:
    one, other = Program("a", "b-server", "x"), Program("c", "a-server", "y")
    assert install_command((Found(one, None), Found(other, None))) == (
        "apt-get install --no-install-recommends a-server b-server"
    )
    assert install_command((Found(one, "/bin/a"),)) is None


def test_programs_are_found_where_administrators_keep_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert daemons.find_program("no-such-program-at-all") is None
