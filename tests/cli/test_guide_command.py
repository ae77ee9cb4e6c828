"""``circumvent guide``: pages, the list of them, and a name that is none."""

from __future__ import annotations

from typing import Any

import pytest

from circumvent.cli.app import main
from circumvent.say.guide import PAGES


def test_the_list_names_every_page(capsys: Any) -> None:
    assert main(["guide"]) == 0
    said = capsys.readouterr().out
    assert all(name in said for name in PAGES)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("form", [(), ("--plain",)])
def test_every_page_is_there(capsys: Any, name: str, form: tuple[str, ...]) -> None:
    assert main(["guide", name, *form]) == 0
    assert len(capsys.readouterr().out.splitlines()) > 5


def test_the_route_to_a_terminal(capsys: Any) -> None:
    assert main(["guide", "satellite-route"]) == 0
    said = capsys.readouterr().out
    for word in ("192.168.100.1", "255.255.255.255", "WAN", "circumvent satellite"):
        assert word in said


def test_a_page_that_is_none(capsys: Any) -> None:
    assert main(["guide", "satelite-route"]) == 2
    assert "Did you mean satellite-route?" in capsys.readouterr().err
