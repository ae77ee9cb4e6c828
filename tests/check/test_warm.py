"""What attempts need is loaded while their first packets fly."""

from __future__ import annotations

import subprocess
import sys

import pytest

from circumvent.model.kinds import KINDS

LOAD = """
import sys, anyio
from circumvent.check.warm import warm_up
anyio.run(warm_up, {kinds!r})
before = set(sys.modules)
{needs}
print(*sorted(name for name in set(sys.modules) - before if name.partition(".")[0] != "encodings"))
"""

#: What attempts of a family import where they first need it.
NEEDS = {
    "names": "import circumvent.names.ask, circumvent.names.carry, circumvent.names.record, circumvent.names.sustain",
    "quic": "import circumvent.net.quic, circumvent.net.http3",
    "tls": "import circumvent.net.tls, circumvent.net.http",
}


def loaded_late(kinds: list[str], needs: str) -> str:
    """Return what is still to be loaded for ``needs`` after warming up for ``kinds``, in a fresh interpreter."""
    code = LOAD.format(kinds=kinds, needs=needs)
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout.strip()


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_nothing_is_left_to_load_when_an_option_of_this_kind_begins(kind: str) -> None:
    traits = KINDS[kind]
    needs = ["names"] if traits.family == "names" else []
    needs.append("quic" if traits.quic else "tls")
    modules = "; ".join([f"import {traits.module}", *(NEEDS[need] for need in needs)])
    assert loaded_late([kind], modules) == ""


def test_a_check_without_quic_loads_none() -> None:
    assert "aioquic" in loaded_late(["dot", "socks5"], "import circumvent.net.quic")
