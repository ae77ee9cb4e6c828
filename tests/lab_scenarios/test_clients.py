"""Independent clients: every kind of the world has one, or a reason; what they take for an answer."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING

import pytest

from circumvent.lab.scenario import find
from circumvent.lab.world import arguments
from circumvent.lab.world.prepare import Prepared, prepare
from circumvent.lab.world.standard import standard_world
from circumvent.model.kinds import KINDS
from circumvent.model.words import Scope
from tests.lab import go_servers
from tests.lab.daemon import PACKAGES
from tests.lab_scenarios.clients import CLIENTS, NOBODY, Failed, Place
from tests.lab_scenarios.regret import ROUND_TRIPS
from tests.lab_scenarios.worker import Confirmation, confirm

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """The files of the standard world; keys take long to make."""
    return prepare(standard_world(), tmp_path_factory.mktemp("world"))


def kinds(prepared: Prepared) -> set[str]:
    """The kinds that the world has options of."""
    return {row["kind"] for row in tomllib.loads(arguments.options(prepared, everything=True))["option"]}


def test_every_kind_of_the_world_has_a_client_or_a_reason_why_there_is_none(prepared: Prepared) -> None:
    assert kinds(prepared) <= CLIENTS.keys() | NOBODY.keys()
    assert not CLIENTS.keys() & NOBODY.keys()


def test_every_kind_that_is_recommended_has_its_round_trips(prepared: Prepared) -> None:
    assert ROUND_TRIPS.keys() >= {kind for kind in kinds(prepared) if KINDS[kind].scope is not Scope.VOICE}


def test_every_program_has_its_package() -> None:
    wanted = {program for client in CLIENTS.values() for program in client.programs}
    assert wanted <= PACKAGES.keys() | go_servers.everything().keys()


def test_a_place_knows_the_family_of_its_client(prepared: Prepared, tmp_path: Path) -> None:
    row = {"address": ["192.0.2.1", "2001:db8::1"], "host": "a.example"}
    assert Place(prepared, tmp_path, 4).address(row) == "192.0.2.1"
    assert Place(prepared, tmp_path, 6).address(row) == "2001:db8::1"
    assert Place(prepared, tmp_path, 4).address({"host": "192.0.2.2"}) == "192.0.2.2"


def test_a_program_that_fails_is_told_with_its_words(prepared: Prepared, tmp_path: Path) -> None:
    place = Place(prepared, tmp_path, 4)
    assert place.run("sh", "-c", "echo yes; echo no >&2") == "yes\nno\n"
    with pytest.raises(Failed, match=r"sh: status 3: no way"):
        place.run("sh", "-c", "echo no way >&2; exit 3")
    with pytest.raises(Failed, match="no-such-program is not installed"):
        place.run("no-such-program")
    with pytest.raises(Failed, match="something else came back: 'another'"):
        place.expect(found=False, said="another")


def test_no_client_is_said_and_never_a_success(prepared: Prepared) -> None:
    row = {"kind": "dnscrypt", "label": "dnscrypt a.example"}
    found = confirm(row, find("open"), prepared)
    assert found == Confirmation(
        label="dnscrypt a.example", kind="dnscrypt", through=None, said=NOBODY["dnscrypt"]
    )
    assert confirm({"kind": "new", "label": "new a"}, find("open"), prepared).through is None
