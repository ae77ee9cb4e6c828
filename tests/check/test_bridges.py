"""The whole check of Tor bridges, against real ones: what is said of each, and what is kept to itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from circumvent.check import baseline
from circumvent.check.assemble import exit_code
from circumvent.model.words import Proof, Reason, Scope, Status
from circumvent.transports.conjure import REACHED
from tests.check.in_lab import Lab, only, tried

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.conjure import Registrar
    from tests.lab.names import Resolver
    from tests.lab.tor import Bridge
    from tests.lab.tor_site import Site
    from tests.lab.web import Web

pytestmark = [
    pytest.mark.daemons,
    pytest.mark.anyio,
    pytest.mark.requires("tor", "obfs4proxy", "nginx"),
]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def nobody_answers_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """The laboratory is near: whoever answers for nobody does so at once."""
    monkeypatch.setattr(baseline, "NOBODY_SECONDS", 0.1)


@pytest.fixture
def lab(unbound: Resolver, control_web: Web, tmp_path: Path) -> Lab:
    return Lab(unbound, control_web, tmp_path)


async def test_every_kind_works_and_one_is_recommended(
    lab: Lab, tor_bridge: Bridge, webtunnel_site: Site
) -> None:
    file = lab.folder / "bridges.txt"
    lines = [tor_bridge.line(), *(f"Bridge {tor_bridge.line(mode)}" for mode in tor_bridge.obfs4)]
    file.write_text("UseBridges 1\n" + "\n".join([*lines, webtunnel_site.line()]), encoding="ascii")
    report = await lab.check(str(file))
    assert sorted(one.kind for one in tried(report)) == ["obfs4", "obfs4", "obfs4", "tor", "webtunnel"]
    for option in tried(report):
        assert (option.status, option.proof) == (Status.WORKS, Proof.SUSTAINED), option
        assert option.scope is Scope.APP
    (advice,) = [one for one in report.recommendations if one.because == "best"]
    assert "own bridge" in advice.text


@pytest.mark.parametrize(
    ("kind", "change", "step", "error"),
    [
        ("tor", "fingerprint", "tunnel_handshake", "wrong_key"),
        ("obfs4", "fingerprint", "tunnel_handshake", "wrong_key"),
        ("obfs4", "cert", "obfs4_handshake", "generic_timeout_error"),
        ("tor", "port", "connect", "connection_refused"),
        ("obfs4", "port", "connect", "connection_refused"),
    ],
)
async def test_what_is_not_known_to_be_blocked_is_unreachable(
    lab: Lab, tor_bridge: Bridge, kind: str, change: str, step: str, error: str
) -> None:
    line = tor_bridge.line(None if kind == "tor" else 0)
    match change:
        case "fingerprint":
            line = line.replace(tor_bridge.fingerprint, "0" * 40)
        case "cert":
            cert = tor_bridge.obfs4[0].cert
            line = line.replace(cert, cert[:-5] + "AAAAA")
        case _:
            port = tor_bridge.port if kind == "tor" else tor_bridge.obfs4[0].port
            line = line.replace(f":{port} ", ":9 ")
    option = only(await lab.check(line))
    assert option.status is Status.UNREACHABLE
    assert option.failure is not None
    assert (option.failure.step, option.failure.error) == (step, error)
    assert option.evidence is None


async def test_a_dump_names_no_bridge(lab: Lab, tor_bridge: Bridge, webtunnel_site: Site) -> None:
    report = await lab.check(tor_bridge.line(), tor_bridge.line(0), webtunnel_site.line())
    assert {one.status for one in tried(report)} == {Status.WORKS}
    dumped = json.dumps(report.to_dict(redact="default"))
    secrets = {
        tor_bridge.fingerprint,
        tor_bridge.obfs4[0].cert,
        tor_bridge.obfs4[0].public_key.hex(),
        tor_bridge.address,
        webtunnel_site.path,
        webtunnel_site.name,
        webtunnel_site.address,
    }
    assert {secret for secret in secrets if secret.lower() in dumped.lower()} == set()
    whole = json.dumps(report.to_dict())
    kept = {tor_bridge.fingerprint, tor_bridge.obfs4[0].cert, webtunnel_site.path}
    assert {secret for secret in kept if secret.lower() in whole.lower()} == set()
    names = {one.id for one in tried(report)}
    assert names == {row["id"] for row in report.to_dict(redact="default")["options"] if not row["baseline"]}


async def test_the_same_bridge_has_the_same_name_under_the_same_key(lab: Lab, tor_bridge: Bridge) -> None:
    key = lab.folder / "id.key"
    key.write_bytes(bytes(range(32)))
    first = only(await lab.check(tor_bridge.line(0), id_key=str(key)))
    second = only(await lab.check(f"Bridge {tor_bridge.line(0)}", id_key=str(key)))
    assert first.id == second.id
    assert first.id.startswith("obfs4-")


async def test_a_registrar_is_no_bridge(lab: Lab, conjure_registrar: Registrar) -> None:
    """It answers, and nothing was carried: the option was not tried, and says how far it came."""
    report = await lab.check(conjure_registrar.line(front=conjure_registrar.name))
    option = only(report)
    assert (option.status, option.reason) == (Status.NOT_RUN, Reason.UNSUPPORTED)
    assert option.reason_detail == REACHED
    assert (option.proof, option.success.trials) == (Proof.NONE, 0)
    assert [(one.proof, one.counted) for one in option.attempts] == [(Proof.HANDSHAKEN, False)]
    assert report.recommendations == ()
    assert exit_code(report, need=None, interrupted=False) == 1
    assert conjure_registrar.registrations() == 0


async def test_a_registrar_that_is_down_is_unreachable(lab: Lab, conjure_registrar: Registrar) -> None:
    line = conjure_registrar.line(front=conjure_registrar.name, host=conjure_registrar.dead_host)
    option = only(await lab.check(line))
    assert (option.status, option.proof) == (Status.UNREACHABLE, Proof.REACHED)
    assert option.failure is not None
    assert (option.failure.step, option.failure.error) == ("registrar", "origin_down")
