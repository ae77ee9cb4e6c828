"""Everything that is done to the project: tests, gates, documents, packages, measurements.

``nox -s tests`` and so on; what a session needs is read from ``pyproject.toml``. Run ``nox --list`` for the list.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import nox
from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "virtualenv"
nox.options.sessions = ["lint", "types", "tests", "docs", "wheel"]
nox.options.error_on_missing_interpreters = False

ROOT: Final = Path(__file__).parent
#: Runs a command in a namespace that has only a loopback device.
ISOLATED: Final = ROOT / "tests" / "lab" / "isolated.py"
PROJECT: Final = nox.project.load_toml("pyproject.toml")
#: Where the three packages stand in the tree, and where they are imported from.
PLACES: Final = {"circumvent": "circumvent", "transports": "circumvent/transports", "cli": "circumvent/cli"}


def _group(*names: str) -> tuple[str, ...]:
    return nox.project.dependency_groups(PROJECT, *names)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests with this Python, side by side in several processes. Arguments go to one pytest instead."""
    session.install("-e", ".", *_group("tests"))
    _run_tests(session)


def _run_tests(session: nox.Session) -> None:
    """Run what is named, or everything."""
    session.run("python", "-m", "pytest" if session.posargs else "tests.lab.side_by_side", *session.posargs)


@nox.session(python=nox.project.python_versions(PROJECT))
def versions(session: nox.Session) -> None:
    """Run the tests with every supported Python that is installed."""
    session.install("-e", ".", *_group("tests"))
    _run_tests(session)


@nox.session
def lowest(session: nox.Session) -> None:
    """Run the tests with the oldest version of every direct dependency that we say we support."""
    session.install("-e", ".", *_group("tests"))
    session.install(*_lowest(PROJECT["project"]["dependencies"]))
    _run_tests(session)


def _lowest(requirements: Iterable[str]) -> list[str]:
    """Pin each requirement to its own lower bound."""
    pins = []
    for text in requirements:
        requirement = Requirement(text)
        bound = next(part.version for part in requirement.specifier if part.operator == ">=")
        extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
        pins.append(f"{requirement.name}{extras}=={bound}")
    return pins


@nox.session(venv_backend="none")
def servers(session: nox.Session) -> None:
    """Build the servers that no package has, from Go modules, for the tests to find; arguments are names of some."""
    session.run(sys.executable, "tests/lab/go_servers.py", *session.posargs, external=True)


@nox.session
def accuracy(session: nox.Session) -> None:
    """Run every scenario of the laboratory with three seeds and print verdict against truth; see docs/accuracy.md."""
    session.install("-e", ".", *_group("tests"))
    session.run("python", "-m", "tests.lab_scenarios.accuracy", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Fuzz every parser and codec for 20 seconds each with atheris; arguments go to ``tests.fuzz``."""
    session.install("-e", ".", *_group("tests", "fuzz"))
    session.run("python", "-m", "tests.fuzz", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and layout with ruff."""
    session.install(*_group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy, and that mypy saw every file: "Success" on fewer files is how it fails."""
    session.install("-e", ".", *_group("types"))
    output = session.run("mypy", *session.posargs, silent=True)
    session.log(output)
    seen = re.search(r"no issues found in (\d+) source files", str(output))
    there = len(_typed_files())
    if seen is None or int(seen[1]) != there:
        session.error(f"mypy checked {seen and seen[1]} files, the tree has {there}")


def _typed_files() -> list[Path]:
    """Every Python file that mypy must have seen."""
    tracked = _tracked("*.py")
    inside = (*PLACES, "tests")
    return [path for path in tracked if path.parts[0] in inside or path == Path("noxfile.py")]


def _tracked(*patterns: str) -> list[Path]:
    """Files in the tree that git tracks or would track; symbolic links left out."""
    output = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    ).stdout
    return [path for path in map(Path, output.splitlines()) if path.is_file() and not path.is_symlink()]


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documents; every warning and every dangling reference is an error."""
    session.install(".", *_group("docs"))
    session.run("sphinx-build", "-n", "-W", "--keep-going", "-b", "html", "docs", "docs/_build/html")


@nox.session
def schema(session: nox.Session) -> None:
    """Write the JSON Schema of the report, which the package ships, anew from the model."""
    session.install("-e", ".")
    session.run("python", "docs/write_schema.py")


@nox.session
def changelog(session: nox.Session) -> None:
    """Show the changelog that the fragments in ``changelog.d`` make."""
    session.install(*_group("changelog"))
    session.run("towncrier", "build", "--draft", "--version", PROJECT["project"]["version"])


@nox.session
def wheel(session: nox.Session) -> None:
    """Build sdist and wheel, compare the wheel with the tree, install it alone, run it without a network."""
    target = Path(session.create_tmp()).absolute() / "dist"
    shutil.rmtree(target, ignore_errors=True)
    session.install("build")
    session.run("python", "-m", "build", "--outdir", str(target), str(ROOT), silent=True)
    (built,) = target.glob("*.whl")
    _compare_with_tree(session, built)
    home = target / "clean"
    session.run("python", "-m", "venv", str(home), silent=True)
    session.run(str(home / "bin" / "pip"), "install", "-q", str(built), external=True)
    command = str(home / "bin" / "circumvent")
    with session.chdir(target):
        session.run(command, "--version", external=True)
        session.run(command, "--help", external=True, silent=True)
        _check_without_network(session, command)


def _compare_with_tree(session: nox.Session, built: Path) -> None:
    with zipfile.ZipFile(built) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    there = {
        "/".join((PLACES[path.parts[0]], *path.parts[1:]))
        for path in _tracked(*PLACES)
        if path.suffix != ".rst"
    }
    if packed != there:
        session.error(
            f"only in the wheel: {sorted(packed - there)}; only in the tree: {sorted(there - packed)}"
        )
    session.log(f"{built.name}: {len(packed)} files, as in the tree")


def _check_without_network(session: nox.Session, *command: str) -> None:
    """Run a check in a namespace that has only a loopback device: it must say that we are offline (status 4)."""
    session.run("python", str(ISOLATED), *command, "check", "--json", silent=True, success_codes=[4])
    session.log("offline: status 4, as it should be")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure speed and fidelity behind a wire of 50 ms; arguments go to ``tests.bench``."""
    session.install(".", *_group("tests"))
    session.run("python", "-m", "tests.bench", *session.posargs)


@nox.session
def bundle(session: nox.Session) -> None:
    """Make what installs without a network, into ``dist``: a wheelhouse archive and one file. Try both without one.

    Both are for the Python and the platform that made them; the single file needs no Python where it runs, and
    leaves nothing behind there.
    """
    session.install(".", *_group("bundle"))
    work = Path(session.create_tmp()).absolute()
    target = ROOT / "dist"
    target.mkdir(exist_ok=True)
    name = f"circumvent-{PROJECT['project']['version']}-{sysconfig.get_platform()}"
    archive = _make_wheelhouse(session, work, target / f"{name}-py{sys.version_info[0]}{sys.version_info[1]}")
    _try_wheelhouse(session, archive, work / "installed")
    single = _make_single_file(session, work, target, name)
    with session.chdir(work):
        session.run("python", str(ISOLATED), str(single), "--version")
        _check_without_network(session, str(single))
    for made in (archive, single):
        session.log(f"{made.relative_to(ROOT)}: {made.stat().st_size / 1e6:.1f} MB")


INSTALL: Final = """\
circumvent without a network
============================

    python3 -m venv circumvent
    circumvent/bin/pip install --no-index --find-links wheels circumvent
    circumvent/bin/circumvent check
"""


def _make_wheelhouse(session: nox.Session, work: Path, base: Path) -> Path:
    """Collect the wheels of the project and of all it needs in one archive, with the sentence that installs them."""
    house = work / "wheelhouse"
    shutil.rmtree(house, ignore_errors=True)
    session.run("python", "-m", "pip", "wheel", "-q", "--wheel-dir", str(house / "wheels"), str(ROOT))
    (house / "INSTALL.txt").write_text(INSTALL, encoding="ascii")
    return Path(shutil.make_archive(f"{base}-wheelhouse", "zip", house))


def _try_wheelhouse(session: nox.Session, archive: Path, home: Path) -> None:
    """Do what INSTALL.txt says, in a namespace without a network."""
    shutil.rmtree(home, ignore_errors=True)
    shutil.unpack_archive(archive, home)
    with session.chdir(home):
        for line in INSTALL.splitlines()[3:5]:
            session.run(sys.executable, str(ISOLATED), *line.split(), external=True, silent=True)
        session.run("python", str(ISOLATED), "circumvent/bin/circumvent", "--version")
        _check_without_network(session, "circumvent/bin/circumvent")


def _make_single_file(session: nox.Session, work: Path, target: Path, name: str) -> Path:
    """Pack interpreter, libraries and project into one executable."""
    start = work / "start.py"
    start.write_text(
        "import sys\n\nfrom circumvent.cli.app import main\n\nsys.exit(main())\n", encoding="ascii"
    )
    collected = (
        "--collect-submodules",
        "circumvent",
        "--collect-data",
        "circumvent",
        "--copy-metadata",
        "circumvent",
    )
    with session.chdir(work):  # away from the tree, so that the installed package is packed
        session.run(
            *("pyinstaller", "--onefile", "--noconfirm", "--log-level", "WARN", "--name", name),
            *("--distpath", str(target), "--workpath", str(work / "build"), "--specpath", str(work)),
            *(*collected, "--exclude-module", "tkinter", "--exclude-module", "trio", str(start)),
        )
    return target / name
