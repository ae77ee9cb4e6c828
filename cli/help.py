"""Help texts, made from the declarations of the commands, so that they can't say anything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from circumvent.cli.cells import wrap

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Help is 80 columns wide: it is read in narrow windows and quoted in mails.
WIDTH: Final = 80
_EXAMPLES: Final = {
    "check": """
  circumvent check
  circumvent check my-servers.toml links.txt
  circumvent check --builtin --target https://example.org my-servers.toml
  circumvent check --json - < links.txt > report.json
""",
    "bridges": """
  circumvent bridges --country IR
  circumvent bridges --country IR --fronted --output bridges.txt
  circumvent bridges --to qr
""",
    "report": """
  circumvent check --dump report.json
  circumvent report report.json
""",
    "convert": """
  circumvent convert home.conf --to qr
  circumvent convert my-servers.toml --option office --to link
  circumvent convert - --to toml --output office.toml < links.txt
""",
    "satellite": """
  circumvent satellite
  circumvent satellite --quiet-sky
  circumvent satellite plan --near Tehran
""",
    "satellite plan": """
  circumvent satellite plan --near Tehran
  circumvent satellite plan --near 35.7,51.4 --svg plan.svg
""",
    "guide": """
  circumvent guide
  circumvent guide satellite-route
""",
    "lab": """
  circumvent lab list
  circumvent lab run russia-tspu-tls
  circumvent lab shell china-gfw-dns -- curl https://wiki.example/
""",
    "lab run": """
  circumvent lab run open
  circumvent lab run high-latency-geo-satellite --deadline 60
  circumvent lab run china-gfw-dns --seed 7 --only doh,dot
""",
    "lab shell": """
  circumvent lab shell open
  circumvent lab shell open -- curl https://wiki.example/
""",
    "lab record": """
  circumvent lab record lossy-udp --pcap lossy.pcap
""",
}
_LAB_STATUS: Final = """
Exit status
  0 everything that was said is true   1 something differs   2 bad input
  3 stopped, or this system does not allow a lab
"""
_CLOSING: Final = {
    "check": """
Exit status
  0 something works   1 nothing works   2 bad input   3 stopped or out of time
  4 offline, or behind a sign-in page
""",
    "bridges": """
Exit status
  0 a bridge works   1 none does, or nobody named one   2 bad input
  3 stopped or out of time   4 offline, or behind a sign-in page
""",
    "satellite": """
Exit status
  0 something came back through a terminal   1 no   2 bad input   3 stopped
""",
    "lab run": _LAB_STATUS,
    "lab record": _LAB_STATUS,
    "lab replay": _LAB_STATUS,
}


def root_help(group: Any) -> str:
    """Return the text of ``circumvent --help``, from the declared commands."""
    lines = [
        "circumvent finds what gets you out of the network you are on: what works,",
        "how sure that is, how fast it is, and what to do next.",
        "",
        "  circumvent check                  try the built-in options from here",
        "  circumvent check FILE|LINK ...    try what you hold: links, lists, TOML",
        "",
        "Commands",
    ]
    lines += [f"  {name:<15}{_summary(command)}" for name, command in group.commands.items()]
    lines += [
        "",
        "Options",
        "  --version, --help    the version; this page (COMMAND --help: of one command)",
        "",
        "Nothing is sent to anyone. A check does contact the servers it tries: whoever",
        "runs this network can see that. To see first what would be contacted:",
        "circumvent check --plan",
    ]
    return "\n".join(lines) + "\n"


def help_of(command: Any, name: str) -> str:
    """Return the help of a command, or of a group of commands."""
    return group_help(command, name) if hasattr(command, "commands") else command_help(command, name)


def group_help(group: Any, name: str) -> str:
    """Return the text of ``circumvent NAME --help`` where NAME has commands of its own."""
    alone = f"circumvent {name} [OPTIONS], or " if group.params else ""
    lines = [f"{alone}circumvent {name} COMMAND", "", *wrap(" ".join((group.help or "").split()), WIDTH)]
    lines += _EXAMPLES.get(name, "").splitlines()
    lines += ["", "Commands"]
    for one, command in group.commands.items():
        lines += wrap(_summary(command), WIDTH, first=f"  {one:<15}", rest=" " * 17)
    for panel, options in _panels(group).items():
        lines += ["", panel, *_rows(options)]
    lines += ["", f"circumvent {name} COMMAND --help for one command"]
    lines += _CLOSING.get(name, "").splitlines()
    return "\n".join(lines) + "\n"


def command_help(command: Any, name: str) -> str:
    """Return the text of ``circumvent NAME --help``."""
    arguments = " ".join(map(_argument, _arguments(command)))
    passes_on = " [CHECK OPTIONS]" if command.context_settings.get("ignore_unknown_options") else ""
    told = [f"circumvent {name} {arguments} [OPTIONS]{passes_on}".replace("  ", " "), ""]
    told += wrap(" ".join((command.help or "").split()), WIDTH)
    told += _EXAMPLES.get(name, "").splitlines()
    for panel, options in _panels(command).items():
        told += ["", panel, *_rows(options)]
    told += _CLOSING.get(name, "").splitlines()
    return "\n".join(told) + "\n"


def _summary(command: Any) -> str:
    first: str = " ".join((command.help or "").split()).partition(". ")[0].rstrip(".")
    return first[:1].lower() + first[1:]


def _arguments(command: Any) -> list[Any]:
    return [one for one in command.params if one.param_type_name == "argument"]


def _argument(argument: Any) -> str:
    name: str = argument.metavar or argument.name.upper()
    many = " ..." if argument.nargs == -1 else ""
    return f"{name}{many}" if argument.required else f"[{name}{many}]"


def _panels(command: Any) -> dict[str, list[Any]]:
    panels: dict[str, list[Any]] = {}
    for option in command.params:
        if option.param_type_name == "option" and not option.hidden:
            panels.setdefault(getattr(option, "rich_help_panel", None) or "Options", []).append(option)
    return panels


def _rows(options: Iterable[Any]) -> list[str]:
    lines: list[str] = []
    for option in options:
        lead = f"  {_names(option)}"
        if len(lead) > 24:
            lines += [lead, *wrap(option.help or "", WIDTH, first=" " * 26, rest=" " * 26)]
        else:
            lines += wrap(option.help or "", WIDTH, first=f"{lead:<26}", rest=" " * 26)
    return lines


def _names(option: Any) -> str:
    names = "/".join([*option.opts, *option.secondary_opts])
    return names if option.is_flag else f"{names} {option.metavar}"
