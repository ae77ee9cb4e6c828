"""``circumvent lab list``, ``show``, ``replay``, ``doctor``: what needs no laboratory."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from circumvent.cli.app import main
from circumvent.lab import namespace
from circumvent.lab.recording import recorded, shipped
from circumvent.lab.scenario import find, names
from circumvent.lab.world import daemons


def said(capsys: Any, *arguments: str, code: int = 0) -> str:
    assert main(["lab", *arguments]) == code
    output: str = capsys.readouterr().out
    return output


def test_the_list_has_every_scenario_with_its_title(capsys: Any) -> None:
    listed = said(capsys, "list")
    for name in names():
        assert f"\n{name}: {find(name).title}" in listed


@pytest.mark.parametrize("name", names())
def test_a_scenario_in_full_has_link_rules_truth_and_sources(capsys: Any, name: str) -> None:
    scenario = find(name)
    shown = said(capsys, "show", name)
    assert shown.startswith(f"{name}: {scenario.title}\n")
    assert f"state: {scenario.truth.state[0]}" in shown
    assert all(rule["name"] in shown for rule in scenario.rule)
    assert all(source in shown for source in scenario.sources)
    assert f"circumvent lab run {name}" in shown


def test_behaviours_are_listed_by_the_beginning_of_their_names(capsys: Any) -> None:
    assert said(capsys, "rules").startswith("71 documented behaviours of censors.")
    shown = said(capsys, "rules", "cn-")
    assert shown.startswith("12 documented behaviours")
    assert "cn-esni-drop" in shown
    assert "ru-quic-v1" not in shown


def test_a_behaviour_is_shown_with_rules_for_a_scenario(capsys: Any, tmp_path: Any) -> None:
    shown = said(capsys, "rules", "ru-quic-v1")
    assert "russia-tspu-tls" in shown
    _, _, rules = shown.partition("As rules of a scenario\n")
    file = tmp_path / "mine.toml"
    head = 'name = "mine"\ntitle = "Mine"\nmodels = "m"\nsources = ["me"]\n'
    file.write_text(f'{head}{rules}\n[truth]\nstate = ["open"]\n')
    assert "quic-version-1" in said(capsys, "show", str(file))
    assert "no model" in said(capsys, "rules", "kz-mitm-2024")


def test_a_wrong_name_of_a_behaviour_gets_a_suggestion(capsys: Any) -> None:
    assert main(["lab", "rules", "ru-quic-v2"]) == 2
    told = capsys.readouterr().err
    assert 'there is no behaviour "ru-quic-v2". Did you mean ru-quic-v1?' in told


@pytest.mark.parametrize("command", ["show", "run", "shell", "replay", "record"])
def test_a_wrong_name_gets_a_suggestion(capsys: Any, command: str) -> None:
    more = ["--pcap", "no.pcap"] if command == "record" else []
    assert main(["lab", command, "china-gfw-dsn", *more]) == 2
    told = capsys.readouterr().err
    assert 'there is no scenario "china-gfw-dsn". Did you mean china-gfw-dns?' in told
    assert told.count("\n") == 1


def test_a_part_of_a_name_that_only_one_has_is_suggested(capsys: Any) -> None:
    assert main(["lab", "show", "tspu"]) == 2
    assert "Did you mean russia-tspu-tls?" in capsys.readouterr().err


def test_a_file_is_a_scenario_too(capsys: Any, tmp_path: Any) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'name = "mine"\ntitle = "Mine"\nmodels = "m"\nsources = ["me"]\n[truth]\nstate = ["open"]\n'
    )
    assert said(capsys, "show", str(file)).startswith("mine: Mine\n")
    file.write_text('name = "mine"\nrule = 3\n')
    assert main(["lab", "show", str(file)]) == 2
    assert capsys.readouterr().err.startswith("mine.toml:")


@pytest.mark.parametrize("name", recorded())
def test_every_recording_can_be_replayed_and_is_right(capsys: Any, name: str) -> None:
    shown = said(capsys, "replay", name)
    assert "Truth beside verdict" in shown
    assert 'false "works" 0; false "blocked" 0' in shown
    assert "WRONG" not in shown


def test_every_scenario_ships_with_a_recording_in_which_its_rules_fire() -> None:
    assert recorded() == names()
    for name in names():
        scenario = find(name)
        result = shipped(scenario)
        assert result.comparison.right, name
        silent = {rule for rule, count in result.fired.items() if not count}
        assert silent <= set(scenario.truth.silent), name
        assert set(result.fired) == {str(rule["name"]) for rule in scenario.rule}, name


def test_a_scenario_of_ones_own_has_no_recording(capsys: Any, tmp_path: Any) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'name = "mine"\ntitle = "Mine"\nmodels = "m"\nsources = ["me"]\n[truth]\nstate = ["open"]\n'
    )
    assert main(["lab", "replay", str(file)]) == 2
    assert "no recording of mine ships with this version. Recorded: " in capsys.readouterr().err


def test_doctor_names_every_program_and_its_package(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemons, "find_program", lambda name: None if name == "unbound" else f"/bin/{name}")
    main(["lab", "doctor"])
    told = capsys.readouterr().out
    assert "unbound: missing, Debian package unbound" in told
    assert "apt-get install --no-install-recommends unbound\n" in told
    assert all(f"\n{one.name}: " in told for one in daemons.PROGRAMS)


def test_doctor_where_there_is_no_linux(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert said(capsys, "doctor", code=3).startswith(
        "The laboratory needs Linux: a virtual machine, or WSL on Windows.\n"
    )


def test_a_kernel_that_refuses_is_named_with_its_remedy_and_a_recording(
    capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise namespace.Refused("unshare(0x10000000): Operation not permitted")

    monkeypatch.setattr("circumvent.lab.run.contained", refuse)
    monkeypatch.setattr("circumvent.lab.permission.contained", refuse)
    monkeypatch.setattr("circumvent.lab.permission._switch", lambda name: "1" if "apparmor" in name else None)
    assert main(["lab", "run", "open"]) == 3
    told = capsys.readouterr().err
    assert "does not allow a laboratory: unshare(0x10000000): Operation not permitted." in told
    assert "sysctl kernel.apparmor_restrict_unprivileged_userns=0" in told
    assert "Or run it as root." in told
    assert "circumvent lab replay open" in told
