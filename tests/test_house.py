"""The house rules, held by tests: layout, sizes, mirrors, words that must not appear."""

from __future__ import annotations

import ast
import fnmatch
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from circumvent.model.kinds import KINDS
from tests.lab.daemon import PACKAGES

ROOT: Final = Path(__file__).parent.parent
#: Where the packages stand, and the folder of their tests.
PLACES: Final = {"circumvent": "", "transports": "transports", "cli": "cli"}
LONGEST_MODULE: Final = 500
LONGEST_FUNCTION: Final = 60

#: Packages whose tests have a folder of another name: ``tests/lab`` holds the networks and servers of all tests.
FOLDERS: Final = {"circumvent/lab/world": "tests/lab_world", "circumvent/lab": "tests/lab_engine"}

#: ``tests/lab`` is the laboratory that the tests use; the one that is shipped is tested beside it.
LABORATORY: Final = {
    "circumvent/lab": Path("lab_engine"),
    "circumvent/lab/rules": Path("lab_engine/rules"),
    "circumvent/lab/world": Path("lab_world"),
}
#: Modules without a test file of the same name: where they are tested instead, and why there.
TESTED_ELSEWHERE: Final[dict[str, str]] = {
    "circumvent/convert/links.py": "tests/convert/test_write.py - forms are tested by what they are read as",
    "circumvent/convert/problem.py": "tests/convert/test_write.py - an error without code",
    "circumvent/convert/vpn_tables.py": "tests/convert/test_write.py - as links",
    "circumvent/names/ask.py": "tests/names/test_probe.py - asks only as part of a try",
    "circumvent/names/carry.py": "tests/names/test_probe.py - one step of a try, seen in its record",
    "circumvent/names/record.py": "tests/names/test_probe.py - one step of a try, seen in its record",
    "circumvent/names/session.py": "tests/names/test_exchange.py - a protocol without code",
    "circumvent/names/sustain.py": "tests/names/test_probe.py - one step of a try, seen in its record",
    "circumvent/names/witness.py": "tests/names/test_honesty.py - what honesty is judged by",
    "circumvent/say/lab_rules.py": "tests/cli/test_lab_screens.py - part of a scenario in full",
    "circumvent/satellite/ask.py": "tests/transports/test_starlink.py - a conversation needs a dish",
    "cli/satellite_commands.py": "tests/cli/test_help.py - declarations, held against help",
    "cli/lab_commands.py": "tests/cli/test_help.py - declarations, held against help",
    "circumvent/tor/errors.py": "tests/tor/test_certs.py - errors exist to be raised",
    "transports/tor.py": "tests/transports/test_tor_link.py - a socket and the link",
    "transports/tor_directory.py": "tests/transports/test_tor_link.py - it needs a link and a circuit",
    "circumvent/net/errors.py": "tests/net/test_failure.py - errors exist to become failures",
    "circumvent/lab/laboratory.py": "tests/lab_scenarios/test_run.py - a whole laboratory at work",
    "circumvent/lab/permission.py": "tests/cli/test_lab_screens.py - what doctor asks",
    "circumvent/lab/recording.py": "tests/cli/test_lab_screens.py - what is replayed; and what run prints as JSON",
    "circumvent/lab/run.py": "tests/lab_scenarios/test_run.py - a whole laboratory at work",
    "circumvent/lab/scenario.py": "tests/lab_scenarios/test_scenario.py - scenarios have a folder of their own",
    "circumvent/lab/scenario_apps.py": "tests/lab_scenarios/test_scenario_apps.py - likewise",
    "circumvent/lab/scenario_build.py": "tests/lab_scenarios/test_scenario_build.py - likewise",
    "circumvent/lab/scenario_catalogue.py": "tests/lab_scenarios/test_scenario_catalogue.py - likewise",
    "circumvent/lab/scenario_client.py": "tests/lab_scenarios/test_scenario_client.py - likewise",
    "circumvent/lab/scenario_device.py": "tests/lab_scenarios/test_run.py - it needs a wire",
    "circumvent/lab/scenario_dish.py": "tests/lab_scenarios/test_scenario_dish.py - likewise",
    "circumvent/lab/scenario_helper.py": "tests/lab_scenarios/test_scenario_helper.py - likewise",
    "circumvent/lab/scenario_rules.py": "tests/lab_scenarios/test_scenario_rules.py - likewise",
    "circumvent/lab/scenario_world.py": "tests/lab_scenarios/test_scenario_world.py - likewise",
    "circumvent/lab/shell.py": "tests/cli/test_lab_shell.py - a terminal and a whole laboratory",
    "circumvent/lab/truth.py": "tests/lab_scenarios/test_truth.py - likewise",
    "circumvent/lab/world/__main__.py": "tests/lab_world/test_run.py - it is started there as a program",
    "circumvent/net/stream.py": "tests/net/test_sock.py - protocols without code",
    "circumvent/model/tor_run.py": "tests/tor/program/test_watch.py - values, and how they come about",
    "circumvent/model/openconnect.py": "tests/inputs/test_vpn_fields.py - values, and how they are read",
    "circumvent/inputs/wireguard_fields.py": "tests/inputs/test_wireguard.py - fields of profiles, and what is wrong with them",
    "circumvent/model/wireguard.py": "tests/inputs/test_wireguard.py - values, and how they are read",
    "circumvent/model/ikev2.py": "tests/inputs/test_ikev2_fields.py - likewise",
    "circumvent/model/l2tp.py": "tests/inputs/test_ikev2_fields.py - likewise",
    "circumvent/vpn/ikev2/errors.py": "tests/transports/test_ikev2_words.py - errors exist to become words",
    "circumvent/vpn/ikev2/numbers.py": "tests/vpn/ikev2/test_message.py - numbers, held against real messages",
    "transports/ikev2_first.py": "tests/transports/test_ikev2.py - two ports need a server",
    "circumvent/model/sstp.py": "tests/inputs/test_vpn_fields.py - likewise",
    "transports/openconnect_tunnel.py": "tests/transports/test_openconnect.py - packets need a gateway",
    "transports/sstp_tunnel.py": "tests/transports/test_sstp.py - packets need a server",
    "transports/vpn_tls.py": "tests/transports/test_openconnect.py - a pinned key needs a gateway that shows one",
    "circumvent/transport.py": "tests/model/test_kinds.py - protocols, and a look into the table of kinds",
    "transports/inside.py": "tests/transports/test_carry.py - what runs inside a path needs one",
    "transports/openvpn_session.py": "tests/transports/test_openvpn.py - a session needs a server",
    "transports/proxying.py": "tests/transports/test_socks5.py - what proxies share, with each of them",
    "transports/sustain.py": "tests/transports/test_carry.py - bulk runs inside a path",
    "transports/tls_option.py": "tests/transports/test_dot.py - what kinds over TLS share",
    "transports/tunnel_flow.py": "tests/transports/test_tunnel_proof.py - the bytes of a tunnel that carries",
    "transports/turn_loop.py": "tests/transports/test_turn.py - its loops need a relay",
}


@cache
def tracked() -> tuple[Path, ...]:
    """Every file of the project, as git sees it; without git, the files of the source folders."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    names = listing.stdout.splitlines()
    if listing.returncode:
        names = [
            str(path.relative_to(ROOT))
            for place in (*PLACES, "tests", "docs")
            for path in (ROOT / place).rglob("*")
        ]
    paths = {Path(name) for name in names}
    return tuple(sorted(path for path in paths if (ROOT / path).is_file() and not _behind_link(path)))


def _behind_link(path: Path) -> bool:
    return any((ROOT / part).is_symlink() for part in (path, *path.parents))


def modules() -> list[Path]:
    """Every module that is installed."""
    return [path for path in tracked() if path.suffix == ".py" and path.parts[0] in PLACES]


def text(path: Path) -> str:
    """The text of a file of the project."""
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def project() -> dict[str, dict[str, dict[str, object]]]:
    """What ``pyproject.toml`` says."""
    return tomllib.loads(text(Path("pyproject.toml")))


def test_links_show_one_tree() -> None:
    for name in ("transports", "cli"):
        link = ROOT / "circumvent" / name
        assert link.is_symlink()
        assert link.readlink() == Path("..") / name


def test_listed_packages_are_those_of_the_tree() -> None:
    there = set()
    for path in modules():
        place, *inner = path.parts[:-1]
        there.add(".".join(["circumvent", *([place] if place != "circumvent" else []), *inner]))
    listed = project()["tool"]["setuptools"]["packages"]
    assert isinstance(listed, list)
    assert set(listed) == there
    assert listed == sorted(listed)


#: What is imported by another name than it is installed by, and what comes with something asked for by design.
_INSTALLED_AS: Final = {
    "OpenSSL": "pyopenssl",
    "dns": "dnspython",
    "httpcore": "httpx",
    "h11": "httpx",
    "h2": "httpx",
    "click": "typer",
    "aioice": "aiortc",
}
#: Imported only where it runs already: who uses trio brings it.
_BROUGHT: Final = {"trio"}


def test_what_is_imported_is_asked_for() -> None:
    listed = [str(line) for line in project()["project"]["dependencies"]]
    for extra in project()["project"]["optional-dependencies"].values():
        listed += map(str, extra) if isinstance(extra, list) else []
    asked_for = {re.split(r"[\[<>=~!; ]", line)[0] for line in listed}
    missing = {}
    for path in modules():
        for node in ast.walk(ast.parse(text(path))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in {name.partition(".")[0] for name in names} - sys.stdlib_module_names - _BROUGHT:
                if name != "circumvent" and _INSTALLED_AS.get(name, name) not in asked_for:
                    missing[str(path)] = name
    assert missing == {}


def test_data_files_are_packed() -> None:
    patterns = project()["tool"]["setuptools"]["package-data"]
    assert isinstance(patterns, dict)
    roots = {"circumvent." + name if name != "circumvent" else name: Path(name) for name in PLACES}
    packed = set()
    for package, globs in patterns.items():
        head, _, tail = package.partition(".")
        base = roots.get(package) or roots[head].joinpath(*tail.split("."))
        packed |= {
            path for path in tracked() for glob in globs if fnmatch.fnmatch(str(path), f"{base}/{glob}")
        }
    data = {path for path in tracked() if path.parts[0] in PLACES and path.suffix != ".py"}
    assert packed == data


def test_modules_are_short() -> None:
    long = {str(path): lines for path in modules() if (lines := text(path).count("\n")) > LONGEST_MODULE}
    assert long == {}


def test_functions_fit_a_screen() -> None:
    long = {}
    for path in modules():
        for node in ast.walk(ast.parse(text(path))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > LONGEST_FUNCTION:
                    long[f"{path}:{node.name}"] = length
    assert long == {}


def test_every_module_has_a_test_of_its_name() -> None:
    present = {str(path) for path in tracked()}
    without = []
    for path in modules():
        if path.name == "__init__.py":
            continue
        place, *inner = path.parts[:-1]
        folder = Path("tests", PLACES[place], *inner)
        for package, tests in FOLDERS.items():
            if path.is_relative_to(package):
                folder = Path(tests, path.parent.relative_to(package))
                break
        expected = folder / f"test_{path.stem}.py"
        if str(expected) not in present and str(path) not in TESTED_ELSEWHERE:
            without.append(str(path))
    assert without == []


def test_exceptions_of_the_mirror_are_needed() -> None:
    present = {str(path) for path in modules()}
    assert set(TESTED_ELSEWHERE) <= present
    for where in TESTED_ELSEWHERE.values():
        assert (ROOT / where.split()[0]).exists(), where


def test_transports_and_cli_are_never_imported_from_the_root() -> None:
    wrong = []
    for path in tracked():
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(text(path))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
                wrong += [f"{path}:{node.lineno} relative"] * bool(node.level)
            wrong += [f"{path}:{name}" for name in names if name.split(".")[0] in ("transports", "cli")]
    assert wrong == []


#: What betrays the place where the project was written, or a host that only an installer should know. Written in
#: two halves, so that this file passes its own test.
_FOREIGN: Final = re.compile(
    "|".join(
        first + second
        for first, second in (
            (r"(?<![\w.])/wo", r"rk/"),
            (r"/fa", r"rm/"),
            (r"\.\./sha", r"red"),
            (r"/tmp/br", r"ief"),
            (r"pypi\.", r"org"),
            (r"python", r"hosted\.org"),
            (r"deb\.", r"debian\.org"),
            (r"npm", r"js\.com"),
        )
    )
)


def test_the_project_speaks_of_itself_alone() -> None:
    found = []
    for path in tracked():
        try:
            content = text(path)
        except UnicodeDecodeError:
            continue
        found += [f"{path}: {match[0]}" for match in _FOREIGN.finditer(content)]
    assert found == []


def test_every_suppression_has_a_reason() -> None:
    pattern = re.compile(r"#\s*(?:noqa|type:\s*ignore|pyright:\s*ignore)\b(?P<rest>.*)")
    codes = re.compile(r"^(?::\s*[A-Z]+[0-9]+(?:\s*,\s*[A-Z]+[0-9]+)*|\[[\w\-, ]+\])")
    bare = []
    for path in tracked():
        if path.suffix != ".py" or path == Path("tests/test_house.py"):
            continue
        for number, line in enumerate(text(path).splitlines(), start=1):
            match = pattern.search(line)
            if match and not re.search(r"\w{3}", codes.sub("", match["rest"])):
                bare.append(f"{path}:{number}")
    assert bare == []


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_its_page(kind: str) -> None:
    module = KINDS[kind].module.rpartition(".")[2].replace("_", "-")
    pages = ROOT / "docs" / "transports"
    assert (pages / f"{kind}.rst").is_file() or (pages / f"{module}.rst").is_file()


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = text(Path(".ci/run"))
    (command,) = re.findall(r"^\s*(python3 -m venv .* -s tests)$", script, flags=re.MULTILINE)
    assert command in text(Path("README.md"))


def test_ci_installs_every_server_that_tests_use() -> None:
    script = text(Path(".ci/run"))
    listed = re.search(r"servers=\((.*?)\)", script, flags=re.DOTALL)
    assert listed is not None
    assert set(PACKAGES.values()) <= set(shlex.split(listed[1]))
