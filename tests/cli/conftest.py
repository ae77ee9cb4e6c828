"""A check against the servers of the laboratory, as arguments of the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.check.in_lab import Lab

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.names import Resolver
    from tests.lab.web import Web


@pytest.fixture
def flags(unbound: Resolver, control_web: Web, tmp_path: Path) -> Callable[..., list[str]]:
    """Options with which a check asks nothing outside the laboratory."""
    lab = Lab(unbound, control_web, tmp_path)

    def made(**changes: Any) -> list[str]:
        told: list[str] = []
        for name, value in lab.settings(**changes).items():
            option = "--" + name.replace("_", "-")
            for one in value if isinstance(value, list) else [value]:
                told += [option] if one is True else [option, str(one)] if one is not False else []
        return told

    return made
