"""The documents say what the code does: kinds, words, steps, options, exports, layers, examples, links."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import importlib.util
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import pytest

import circumvent
from circumvent.check.settings import CheckSettings
from circumvent.model import failure, words
from circumvent.model.kinds import KINDS
from circumvent.redaction.detail import WHYS

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"
PAGES: Final = DOCS / "transports"
#: Packages that stand beside each other in the tree.
PACKAGES: Final = {"circumvent": ROOT / "circumvent", "transports": ROOT / "transports", "cli": ROOT / "cli"}
#: Options that concern the screen alone, or say no to another: they are no keyword of the library.
SCREEN_ONLY: Final = {"dump", "help", "json", "no_builtin", "no_save", "plain", "plan", "quiet", "redact"}


@cache
def page(name: str) -> str:
    """Return the text of a document."""
    return (DOCS / name).read_text(encoding="utf-8")


def section(name: str, title: str) -> str:
    """Return the part of a document below a heading, down to the next label."""
    return page(name).partition(f"\n{title}\n")[2].partition("\n.. _")[0]


def literals(text: str) -> set[str]:
    """Return what stands in double backquotes."""
    return set(re.findall(r"``([^`]+)``", text))


def source(package: str) -> Iterator[tuple[Path, ast.Module]]:
    """Yield the modules of a package, parsed."""
    for path in sorted(PACKAGES[package].rglob("*.py")):
        if path.resolve().is_relative_to(PACKAGES[package].resolve()):
            yield path, ast.parse(path.read_text(encoding="utf-8"))


# Kinds


def kinds_of(path: Path) -> set[str]:
    """Return the kinds that the title of a page names."""
    return literals(path.read_text(encoding="utf-8").partition("\n")[0])


def test_every_kind_has_a_page_and_every_page_its_kinds() -> None:
    described = [kind for path in PAGES.glob("*.rst") for kind in kinds_of(path)]
    assert sorted(described) == sorted(KINDS)


def test_the_contract_lists_every_kind_with_scope_and_exposure() -> None:
    text = section("contract.rst", "Kinds").partition("\nResolvers of small")[0]
    for row in text.split("   * - ")[2:]:
        named, scope, exposure = re.split(r"\n     - ", row)[:3]
        for kind in re.split(r"[,\s]+", ",".join(re.findall(r":doc:`([^<]+)<", named))):
            if kind.strip():
                traits = KINDS[kind.strip()]
                assert (literals(scope), literals(exposure)) == ({traits.scope}, {traits.exposure}), kind
    listed = {kind for kind in KINDS if re.search(rf"[`\s]{re.escape(kind)}[,\s]", text)}
    assert listed == set(KINDS)


def test_every_kind_has_its_evidence() -> None:
    rows = page("evidence.rst")
    for path in PAGES.glob("*.rst"):
        assert f"<transports/{path.stem}>`" in rows, path.stem


@pytest.mark.parametrize("path", sorted(PAGES.glob("*.rst")), ids=lambda path: path.stem)
def test_a_page_says_what_the_rungs_mean_how_it_fails_and_on_what_evidence(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    missing = [
        word for word in ("reached", "handshaken", "carried", "sustained") if f"``{word}``" not in text
    ]
    missing += [word for word in ("vidence", "imits", "teps") if word not in text]
    assert missing == []


# Words


def failure_words() -> set[str]:
    """Return every failure string."""
    return {value for name, value in vars(failure).items() if name.isupper() and isinstance(value, str)}


def test_every_failure_string_is_in_the_contract_and_no_other() -> None:
    text = section("contract.rst", "Failure strings")
    rows = re.findall(r"\* - ((?:``\w+``(?:,\s+)?)+)", text)
    listed = {word for row in rows for word in literals(row)}
    assert listed == failure_words()


def test_failure_strings_written_in_the_code_are_known_ones() -> None:
    raised = set()
    for package in PACKAGES:
        for _, tree in source(package):
            for node in ast.walk(tree):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {
                    "PeerError",
                    "Refusal",
                    "StepFailed",
                }:
                    raised |= {one.value for one in node.args[:1] if isinstance(one, ast.Constant)}
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Failure":
                    raised |= {
                        one.value.value
                        for one in node.keywords
                        if one.arg == "error" and isinstance(one.value, ast.Constant)
                    }
    assert raised <= failure_words()


@pytest.mark.parametrize(("title", "known"), [("Reasons for ``not_run``", words.Reason)], ids=["reasons"])
def test_every_reason_is_in_the_contract_and_no_other(title: str, known: type[words.Reason]) -> None:
    table = section("contract.rst", title)
    first = "\n".join(line[:57] for line in table.splitlines() if line.startswith("``"))
    assert literals(first) == {one.value for one in known}


def test_every_finding_is_explained_and_no_other() -> None:
    table = page("verdicts.rst").partition(".. _findings:")[2].partition("Not built yet")[0]
    rows = re.findall(r"\n   \* - ((?:``\w+``(?:, )?)+)", table)
    assert {word for row in rows for word in literals(row)} == {kind.value for kind in words.FindingKind}


@pytest.mark.parametrize(
    ("title", "known"),
    [
        ("Status", words.Status),
        ("The state of the network", words.NetworkState),
        ("The proof ladder", words.Proof),
    ],
)
def test_statuses_states_and_rungs_are_explained(title: str, known: type[words.Status]) -> None:
    below = page("verdicts.rst").partition(f"\n{title}\n")[2].partition("\n")[2]
    part = re.split(r"\n[^\n]+\n-{4,}\n", below)[0]
    rows = set(re.findall(r"^(?:   \* - )?``(\w+)``$", part, re.MULTILINE))
    assert {one.value for one in known} <= rows


@pytest.mark.parametrize(
    "known", [words.Status, words.Exposure, words.Scope, words.NetworkState, words.Evidence]
)
def test_the_vocabulary_has_the_closed_sets(known: type[words.Status]) -> None:
    assert {one.value for one in known} <= literals(page("vocabulary.rst"))


def test_every_reason_for_not_counting_is_explained_and_stays_in_dumps() -> None:
    written = set()
    for package in PACKAGES:
        for path, tree in source(package):
            if path.parent.name != "check" and path.name != "trace.py":
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") in {
                    "WHY",
                    "WATCH",
                    "BUSY",
                    "CROWDED",
                }:
                    written.add(cast("ast.Constant", node.value).value)
                if (
                    isinstance(node, ast.keyword)
                    and node.arg == "why"
                    and isinstance(node.value, ast.Constant)
                ):
                    written.add(node.value.value)
    explained = literals(section("verdicts.rst", "Which attempts count").partition("The proof ladder")[0])
    assert written <= explained
    assert written <= WHYS
    assert {one for one in WHYS if not one.startswith("not tried: ")} <= explained


# Steps


@cache
def steps_written() -> dict[str, set[str]]:
    """Return the names of steps that are written anywhere, with the files that write them."""
    found: dict[str, set[str]] = {}
    for package in PACKAGES:
        for path, tree in source(package):
            for node in ast.walk(tree):
                for name in _step_names(node):
                    found.setdefault(name, set()).add(path.name)
    return found


def _step_names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called == "step" and node.args and isinstance(node.args[0], ast.Constant):
            yield str(node.args[0].value)
        for keyword in node.keywords:
            wanted = keyword.arg == "step" or (called == "Step" and keyword.arg == "name")
            if wanted and isinstance(keyword.value, ast.Constant):
                yield str(keyword.value.value)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        for argument, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
            if argument.arg == "step" and isinstance(default, ast.Constant) and default.value is not None:
                yield str(default.value)


def test_every_step_is_in_the_contract() -> None:
    rows = [line[:44] for line in section("contract.rst", "Steps").splitlines() if line.startswith("``")]
    listed = literals("\n".join(rows))
    assert set(steps_written()) == listed


#: Pages that describe steps which several kinds share.
SHARED: Final = ("names.rst", "controls.rst", "net.rst", "tls.rst", "quic.rst")


@pytest.mark.parametrize("path", sorted(PAGES.glob("*.rst")), ids=lambda path: path.stem)
def test_a_page_names_the_steps_that_its_module_writes(path: Path) -> None:
    told = literals(path.read_text(encoding="utf-8")).union(*(literals(page(name)) for name in SHARED))
    modules = {KINDS[kind].module.rpartition(".")[2] + ".py" for kind in kinds_of(path)}
    written = {name for name, files in steps_written().items() if files & modules}
    assert written <= told


# The command line and the library


@cache
def options_of_commands() -> dict[str, set[str]]:
    """Return the options of each command, as the command line knows them."""
    import typer  # costs 100 ms

    group = typer.main.get_command(importlib.import_module("circumvent.cli.commands").app)
    commands = cast("dict[str, typer.core.TyperCommand]", getattr(group, "commands"))  # noqa: B009 - typer's type hides it
    return {
        name: {
            option
            for one in (command, *getattr(command, "commands", {}).values())
            for parameter in one.params
            for option in (*parameter.opts, *parameter.secondary_opts)
            if option.startswith("--") and option != "--help"
        }
        for name, command in commands.items()
    }


def options_of_check() -> set[str]:
    """Return the options of ``circumvent check``."""
    return options_of_commands()["check"]


def test_every_option_of_check_is_in_the_contract_and_no_other() -> None:
    rows = section("contract.rst", "Options of ``check``").partition("\nTOML\n")[0].splitlines()
    listed = {
        word for row in rows if row.startswith("``--") for word in re.findall(r"``(--[\w-]+)", row[:32])
    }
    assert listed == options_of_check()


def test_the_library_has_one_keyword_for_each_option() -> None:
    keywords = {field.name for field in dataclasses.fields(CheckSettings)} - {"named"}
    written = {name.removeprefix("--").replace("-", "_") for name in options_of_check()}
    assert keywords == written - SCREEN_ONLY


def test_options_named_in_documents_exist() -> None:
    known = {"--version", "--help"}.union(*options_of_commands().values())
    wrong = []
    for path in [*DOCS.rglob("*.rst"), ROOT / "README.md"]:
        text = path.read_text(encoding="utf-8")
        named = set(re.findall(r"``(--[a-z][\w-]+)", text)) | set(
            re.findall(r"circumvent check[^`\n]*?\s(--[a-z][\w-]+)", text)
        )
        wrong += [f"{path.name}: {name}" for name in sorted(named - known)]
    assert wrong == []


def test_every_exported_name_is_in_the_api() -> None:
    described = set(re.findall(r"^\.\. auto\w+:: (\w+)$", page("api.rst"), re.MULTILINE))
    assert described | {"Event", "__version__"} == set(circumvent.__all__)
    assert {"Event", "circumvent.__version__"} <= literals(page("api.rst"))


@pytest.mark.parametrize(
    "first", ["", "circumvent.acheck", "circumvent.Finished", "import circumvent.check.settings"]
)
def test_check_can_be_called_whatever_was_imported_before(first: str) -> None:
    code = f"""
import circumvent
{first}
try:
    circumvent.check("no-such-file.txt")
except ValueError as problem:
    print(type(problem).__name__)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "NothingToCheck\n"


# Layers


def layers() -> dict[str, set[str]]:
    """Return the table of :doc:`architecture`: who may import from whom."""
    table = page("architecture.rst").partition(":name: layers")[2].partition("\nNobody imports")[0]
    rows = re.findall(r"\* - ``(\w+)``\n     - .+?\n     - (.+?)(?=\n   \* - |\Z)", table, re.DOTALL)
    return {package: literals(others) for package, others in rows}


def test_nobody_imports_upward() -> None:
    allowed = layers()
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for package in PACKAGES
        for path, tree in source(package)
        if (here := _package_of(path)) != "circumvent"  # the front door
        for node in ast.walk(tree)
        for name in _imported(node)
        if name not in {here, "circumvent"} | allowed.get(here, set())
    ]
    assert wrong == []


def _package_of(path: Path) -> str:
    inner = path.relative_to(ROOT).parts
    if inner[0] != "circumvent":
        return inner[0]
    return "circumvent" if inner[1] == "__init__.py" else inner[1].removesuffix(".py")


def _imported(node: ast.AST) -> Iterator[str]:
    """Yield the packages of ours that a statement imports."""
    if isinstance(node, ast.ImportFrom) and node.module:
        modules = [node.module]
        if node.module == "circumvent":
            modules = [f"circumvent.{alias.name}" for alias in node.names if not alias.name.startswith("_")]
    elif isinstance(node, ast.Import):
        modules = [alias.name for alias in node.names]
    else:
        return
    for module in modules:
        parts = module.split(".")
        if parts[0] == "circumvent":
            yield parts[1] if len(parts) > 1 else "circumvent"


def test_the_table_of_layers_has_every_package() -> None:
    there = {_package_of(path) for package in PACKAGES for path, _ in source(package)} - {"circumvent"}
    assert set(layers()) == there


#: Where sockets are opened; the laboratory, which stands between machines of its own making, is left out. tor's control
#: socket leads to a program on this machine, and nothing of it leaves.
OPEN_SOCKETS: Final = {"circumvent/net/sock.py", "circumvent/tor/program/run.py"}


def test_sockets_are_opened_in_one_place() -> None:
    wrong = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path, tree in source(package)
        if _package_of(path) != "lab"
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr
        in {"socket", "create_connection", "create_server", "connect_tcp", "open_connection"}
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in {"socket", "anyio", "asyncio", "trio"}
    }
    assert wrong == OPEN_SOCKETS


# The schema, the version, the build


def test_the_shipped_schema_is_that_of_the_model() -> None:
    spec = importlib.util.spec_from_file_location("write_schema", DOCS / "write_schema.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    shipped = ROOT / "circumvent" / "model" / script.NAME
    assert shipped.read_text(encoding="ascii") == script.text(), "run: nox -s schema"


def test_the_version_stands_twice_and_is_the_same() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == circumvent.__version__


def test_the_readme_and_the_page_on_installing_have_the_same_commands() -> None:
    commands = re.findall(r"^\s*(python3 -m venv \.venv .+)$", page("install.rst"), re.MULTILINE)
    assert len(commands) == 2
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(command in readme for command in commands)


def test_the_archive_without_a_network_is_installed_as_written() -> None:
    recipe = (ROOT / "noxfile.py").read_text(encoding="utf-8").partition('INSTALL: Final = """')[2]
    lines = [line.strip() for line in recipe.partition('"""')[0].splitlines() if line.startswith("    ")]
    assert len(lines) == 3
    assert all(line in page("install.rst") for line in lines)


def test_links_of_the_readme_lead_somewhere() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)]+)\)", readme) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link.partition("#")[0]).exists()] == []
