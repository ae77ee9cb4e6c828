"""Mistakes in the use of the command line, each said in one sentence with a remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from circumvent.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Iterable


_EXAMPLE: Final = {
    "show": "quad9-doh",
    "report": "report.json",
    "lab show": "open",
    "lab run": "open",
    "lab shell": "open",
    "lab record": "open --pcap open.pcap",
    "lab replay": "open",
}


class UnknownCommand(ValueError):
    """There is no such command. The message is a sentence for people."""


def command_of(arguments: list[str], group: Any) -> str:
    """Return the name of the command that is meant.

    :raises UnknownCommand: when there is none.
    """
    name = arguments[0]
    if name in group.commands:
        return name
    what = "option" if name.startswith("-") else "command"
    if what == "command" and _names_something(name):
        hint = ' To check it: circumvent check, then its name ("-" reads it from standard input).'
        # A link may hold a secret: it is not repeated.
        raise UnknownCommand("circumvent: this is a file or a link, not a command." + hint)
    hint = "" if what == "option" else _meant(name, group.commands)
    raise UnknownCommand(
        f"circumvent: there is no {what} {_shown(name)}.{hint} All commands: circumvent --help"
    )


def meant(arguments: list[str], group: Any) -> tuple[str, Any]:
    """Return the full name of the command that is meant (``lab run``), and its declaration.

    A group of commands stands for itself where only help is asked of it, or nothing.

    :raises UnknownCommand: when there is none.
    """
    name = command_of(arguments, group)
    command = group.commands[name]
    below = getattr(command, "commands", None)
    if below is None or len(arguments) == 1 or arguments[1] in {"--help", "-h", "help"}:
        return name, command
    word = arguments[1]
    if word.startswith("-") and command.params:
        return name, command
    if word in below:
        return f"{name} {word}", below[word]
    what = "option" if word.startswith("-") else "command"
    hint = "" if what == "option" else _meant(word, below)
    raise UnknownCommand(
        f"circumvent {name}: there is no {what} {_shown(word)}.{hint} All commands: circumvent {name} --help"
    )


def usage_sentence(error: Any, command: Any, name: str) -> str:
    """Say what is wrong with the options of a command."""
    option = getattr(error, "option_name", None)
    more = f" All options: circumvent {name} --help"
    parameter = getattr(error, "param", None)
    if parameter is not None and parameter.param_type_name == "argument":
        return f"circumvent {name}: {parameter.metavar or parameter.name} is missing. Example: circumvent {name} {_EXAMPLE.get(name, '')}"
    if option is None:
        return f"circumvent {name}: {sanitise(error.format_message(), 200)}{more}"
    known = [one for parameter in command.params for one in (*parameter.opts, *parameter.secondary_opts)]
    if option not in known:
        bare = str(option).partition("=")[0]
        return f"circumvent {name}: there is no option {_shown(bare)}.{_meant(bare, known)}{more}"
    takes = next((one.metavar for one in command.params if option in one.opts), None)
    if takes is None:
        return f"{option}: it stands alone and takes no value.{more}"
    return f"{option}: a value must follow: {option} {takes}.{more}"


def _names_something(name: str) -> bool:
    return "://" in name or "/" in name or "." in name


def _meant(word: str, choices: Iterable[str]) -> str:
    from circumvent.inputs.suggest import suggest  # noqa: PLC0415 - for a mistake only

    bare = {choice.lstrip("-"): choice for choice in choices}
    meant = word.lstrip("-")
    found = suggest(meant, bare)
    # Short words are alike by chance; who mistypes one mostly gets its first letter right.
    return f" Did you mean {bare[found]}?" if found and found[0] == meant[0].lower() else ""


def _shown(word: str) -> str:
    return f'"{sanitise(word, 30)}"'
