"""A whole check of ``.ovpn`` files: what each is called, and that its secrets are nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from circumvent.model.words import Proof, Status
from tests.check.in_lab import Lab, only

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.names import Resolver
    from tests.lab.openvpn import Servers
    from tests.lab.web import Web

pytestmark = [pytest.mark.anyio, pytest.mark.daemons]


@pytest.fixture
def lab(unbound: Resolver, control_web: Web, tmp_path: Path) -> Lab:
    return Lab(unbound, control_web, tmp_path)


def profile(lab: Lab, text: str) -> str:
    """Write a profile and return its name."""
    path = lab.folder / "office.ovpn"
    path.write_text(text, "utf-8")
    return str(path)


async def test_a_profile_that_works(lab: Lab, openvpn: Servers) -> None:
    server = openvpn.get(wrapping="tls-crypt")
    report = await lab.check(profile(lab, server.with_remote()))
    option = only(report)
    assert (option.label, option.kind, option.status, option.proof) == (
        "office",
        "openvpn",
        Status.WORKS,
        Proof.SUSTAINED,
    )


async def test_a_wrong_password_is_refused_once(lab: Lab, openvpn: Servers) -> None:
    server = openvpn.get(password=True)
    before = server.daemon.log.read_text().count("TLS Auth Error")
    text = server.with_remote().replace(server.password, "a-wrong-password")
    report = await lab.check(profile(lab, text))
    option = only(report)
    assert option.status is Status.REFUSED
    assert option.failure is not None
    assert (option.failure.step, option.failure.error) == ("authenticate", "auth_rejected")
    assert server.daemon.log.read_text().count("TLS Auth Error") == before + 1


async def test_a_wrong_key_is_silence(lab: Lab, openvpn: Servers) -> None:
    server, other = openvpn.get(wrapping="tls-crypt"), openvpn.get(wrapping="tls-crypt", transport="tcp")
    start = "-----BEGIN OpenVPN Static key V1-----"
    mine, theirs = (text.profile.partition(start)[2].partition("-----END")[0] for text in (server, other))
    report = await lab.check(profile(lab, server.with_remote().replace(mine, theirs)))
    option = only(report)
    assert (option.status, option.proof) == (Status.UNREACHABLE, Proof.NONE)
    assert option.detail.get("wrapping") == "tls-crypt"


async def test_a_profile_for_ethernet_is_not_run(lab: Lab, openvpn: Servers) -> None:
    report = await lab.check(profile(lab, openvpn.get().with_remote().replace("dev tun", "dev tap")))
    option = only(report)
    assert option.status is Status.NOT_RUN
    assert option.reason == "unsupported"
