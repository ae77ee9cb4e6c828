"""Profiles of IKEv2 in a whole check, against strongSwan: verdicts, logins, secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from circumvent.check import baseline
from circumvent.model.words import Proof, Scope, Status
from circumvent.say.reasons import reason
from tests.check.in_lab import Lab, tried
from tests.inputs.ikev2_profiles import profile, vpn

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.model.report import OptionReport
    from tests.lab.ikev2 import StrongSwan
    from tests.lab.names import Resolver
    from tests.lab.namespace import Network
    from tests.lab.web import Web

pytestmark = [pytest.mark.daemons, pytest.mark.anyio]


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


def table(swan: StrongSwan, label: str, login: str, **fields: str) -> str:
    """Return a table for one of strongSwan's logins."""
    given = {"host": swan.addresses[login], "remote_id": swan.name, **fields}
    lines = [f'{name} = "{value}"' for name, value in given.items()]
    return "\n".join(
        [
            "[[option]]",
            'kind = "ikev2"',
            f'label = "{label}"',
            f'ca = """{swan.ca_file.read_text()}"""',
            *lines,
            "",
        ]
    )


def times(swan: StrongSwan, words: str) -> int:
    """Return how often the server has said something."""
    return swan.daemon.log.read_text(encoding="utf-8", errors="replace").count(words)


async def test_each_profile_is_called_what_can_be_known(
    lab: Lab, strongswan: StrongSwan, network: Network, tmp_path: Path
) -> None:
    swan, account = strongswan, {"user": strongswan.user}
    file = lab.table(
        "".join(
            [
                table(swan, "account", "eap", password=swan.password, **account),
                table(swan, "shared", "group", psk=swan.psk),
                table(swan, "bare", "cbc"),
                # Not the server of "account": after a refusal there, whoever came second would be left alone.
                table(swan, "wrong password", "cbc", password="not-it-at-all", **account),
                table(swan, "wrong key", "psk", psk="not-it-either"),
                table(swan, "mismatch", "old", psk=swan.psk),
                table(swan, "expired", "expired", password=swan.password, **account),
                f'[[option]]\nkind = "ikev2"\nlabel = "silent"\nhost = "{network.dropped[0]}"\npsk = "x"\n',
                f'[[option]]\nkind = "l2tp"\nlabel = "l2tp"\nhost = "{swan.addresses["ikev1"]}"\n',
            ]
        )
    )
    more = {"AuthenticationMethod": "SharedSecret", "SharedSecret": swan.psk, "RemoteIdentifier": swan.name}
    apple = tmp_path / "apple.mobileconfig"
    apple.write_bytes(profile(vpn(name="apple", RemoteAddress=swan.addresses["modp"], **more)))
    before = times(swan, "EAP method EAP_MSCHAPV2 failed"), times(swan, "initiating EAP_MSCHAPV2 method")
    report = await lab.check(file, str(apple))
    found: dict[str, OptionReport] = {option.label: option for option in tried(report)}
    verdicts = {label: (option.status, option.proof) for label, option in found.items()}
    assert verdicts == {
        "account": (Status.WORKS, Proof.SUSTAINED),
        "shared": (Status.WORKS, Proof.SUSTAINED),
        "apple": (Status.WORKS, Proof.SUSTAINED),
        "bare": (Status.UNREACHABLE, Proof.REACHED),
        "wrong password": (Status.REFUSED, Proof.HANDSHAKEN),
        "wrong key": (Status.REFUSED, Proof.REACHED),
        "mismatch": (Status.REFUSED, Proof.REACHED),
        "expired": (Status.UNREACHABLE, Proof.REACHED),
        "silent": (Status.UNREACHABLE, Proof.NONE),
        "l2tp": (Status.UNREACHABLE, Proof.REACHED),
    }
    authenticated = {
        label: found[label].detail["authenticated"]
        for label in found
        if label.startswith("w") or label == "mismatch"
    }
    assert authenticated == {"wrong password": True, "wrong key": False, "mismatch": False}
    assert "NO_PROPOSAL_CHOSEN" in reason(found["mismatch"])
    assert reason(found["bare"]) == "it answered, and nothing more can be tried without a key or password"
    # One login each, and none after the refusal.
    assert times(swan, "initiating EAP_MSCHAPV2 method") - before[1] == 2
    assert {label: len(found[label].attempts) for label in ("account", "wrong password", "wrong key")} == {
        "account": 1,
        "wrong password": 1,
        "wrong key": 1,
    }
    (first,) = [one for one in report.recommendations if one.scope is Scope.SYSTEM]
    assert "IPsec" in first.visible
    for told in (report.to_json(), report.to_json(redact="default")):
        for secret in (swan.psk, swan.password, "not-it", f'"{swan.user}"'):
            assert secret not in told
