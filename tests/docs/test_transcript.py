"""The transcript of the README is that of a real run, and a run of today says the same."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.check.in_lab import Lab
from tests.cli.pty_run import Terminal
from tests.lab.names import Character

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.lab.names import Dnsdist, Resolver
    from tests.lab.namespace import Network
    from tests.lab.proxies import Proxy
    from tests.lab.voice import Turn
    from tests.lab.web import Web

ROOT: Final = Path(__file__).parents[2]
README: Final = ROOT / "README.md"
#: Set it to write the transcript anew.
WRITE: Final = "CIRCUMVENT_WRITE_EXAMPLES"
BEGIN: Final = "```console\n$ circumvent check my-options.toml\n"


def transcript() -> str:
    """Return what the README shows below the command."""
    return README.read_text("utf-8").partition(BEGIN)[2].partition("```")[0]


def sentences(screen: str) -> list[str]:
    """Return a screen without what differs from run to run: figures, the order within a group, and spaces."""
    plain = re.sub(r"[0-9]+([.,][0-9]+)?( of [0-9]+)?", "N", screen)
    return sorted({" ".join(line.split()) for line in plain.splitlines() if line.strip()})


@pytest.fixture
def options(
    unbound: Resolver,
    dnsdist: Dnsdist,
    resolver: Callable[[Character], Resolver],
    microsocks: Proxy,
    tinyproxy: Proxy,
    tinyproxy_password: Proxy,
    coturn: Turn,
    network: Network,
    tmp_path: Path,
) -> Path:
    """Write a list such as a person may hold: some work, one lies, one wants a password, one is gone."""
    liar = resolver(Character.LYING)
    file = tmp_path / "my-options.toml"
    rows = [
        ("dot", "library", dnsdist.address, dnsdist.dot_port, ""),
        ("dot", "friend's resolver", unbound.address, unbound.dot_port, ""),
        ("dns-udp", "provider", liar.address, liar.port, ""),
        ("socks5", "office", microsocks.address, microsocks.port, ""),
        ("http-connect", "school", tinyproxy.address, tinyproxy.port, ""),
        ("http-connect", "club", tinyproxy_password.address, tinyproxy_password.port, ""),
        ("socks5", "old server", network.dropped[0], 1080, ""),
        ("stun", "calls", coturn.address, coturn.port, ""),
    ]
    file.write_text(
        "\n".join(
            f'[[option]]\nkind = "{kind}"\nlabel = "{label}"\nhost = "{host}"\nport = {port}\n{more}'
            for kind, label, host, port, more in rows
        ),
        "utf-8",
    )
    return file


@pytest.mark.daemons
def test_the_readme_shows_what_a_run_shows(
    options: Path, unbound: Resolver, control_web: Web, tmp_path: Path
) -> None:
    settings = Lab(unbound, control_web, tmp_path).settings(
        dns_control=["lab.example=198.51.100.16", "blocked.example=198.51.100.16"]
    )
    arguments = []
    for name, value in settings.items():
        option = "--" + name.replace("_", "-")
        for one in value if isinstance(value, list) else [value]:
            arguments += [option] if one is True else [option, str(one)]
    ended = Terminal(["check", str(options), *arguments], columns=100).run()
    assert ended.code == 0, ended.screen
    shown = ended.screen + "\n"
    if os.environ.get(WRITE):
        text = README.read_text("utf-8")
        README.write_text(text.replace(BEGIN + transcript(), BEGIN + shown), "utf-8")
    assert sentences(shown) == sentences(transcript())
