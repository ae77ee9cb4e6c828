"""The options of the commands: names, help, panels; and how those of ``check`` become settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from circumvent.cli import values

if TYPE_CHECKING:
    from circumvent.check.settings import CheckSettings

_WHAT: Final = "What to try"
_MUCH: Final = "How much"
_WHERE: Final = "From where"
_OUTPUT: Final = "Output"
_PROOF: Final = "Controls and proofs"


def _given(panel: str, metavar: str, text: str) -> Any:
    return typer.Option(metavar=metavar, help=text, rich_help_panel=panel)


def _flag(panel: str, name: str, text: str) -> Any:
    return typer.Option(name, help=text, rich_help_panel=panel)


Named = Annotated[list[str] | None, typer.Argument(metavar="FILE|LINK|-")]
Builtin = Annotated[
    bool | None, _flag(_WHAT, "--builtin/--no-builtin", "built-in options too (default: if nothing is named)")
]
Only = Annotated[list[str] | None, _given(_WHAT, "KIND,...", "only these kinds, families or exposures")]
Skip = Annotated[list[str] | None, _given(_WHAT, "KIND,...", "all but these")]
Include = Annotated[list[str] | None, _given(_WHAT, "KIND,...", "these too, whatever --careful leaves out")]
Careful = Annotated[
    bool, _flag(_WHAT, "--careful", "built-in options only where they look like any phone's traffic")
]
Target = Annotated[list[str] | None, _given(_WHAT, "URL", "what you want to reach; may be repeated")]
AllowPrivate = Annotated[
    bool, _flag(_WHAT, "--allow-private", "options in private networks too (default: refused)")
]
All = Annotated[bool, _flag(_WHAT, "--all", "go on with a long list after three of a sort work")]
Plan = Annotated[
    bool, _flag(_WHAT, "--plan", "show what would be contacted, and who could see what; send nothing")
]
Deadline = Annotated[str | None, _given(_MUCH, "SECONDS", "stop and report after this time (default: 30)")]
Trials = Annotated[str | None, _given(_MUCH, "N", "tries for each option that could lead (default: 3)")]
MaxBytes = Annotated[str | None, _given(_MUCH, "SIZE", "use no more data than this (default: 20MB)")]
Patient = Annotated[bool, _flag(_MUCH, "--patient", "take up to 5 minutes")]
Fast = Annotated[bool, _flag(_MUCH, "--fast", "without the pace that keeps a run from standing out")]
Anyway = Annotated[
    bool,
    _flag(_MUCH, "--anyway", "profiles too that a wrong clock holds back, or that are in use on this device"),
]
WithTor = Annotated[
    bool,
    _flag(
        _PROOF,
        "--with-tor",
        "let tor itself, if it is installed, try the best bridges too (default time: 90)",
    ),
]
Need = Annotated[
    str | None, _given(_MUCH, "SCOPE", "what must work: system, proxy, app, direct, names or voice")
]
Interface = Annotated[str | None, _given(_WHERE, "NAME", "use this connection")]
AskPublicAddress = Annotated[
    bool,
    _flag(
        _WHERE,
        "--ask-public-address",
        "ask a server (HTTPS to 1.1.1.1) under which address each connection is seen",
    ),
]
Country = Annotated[
    str | None,
    _given(
        _WHERE,
        "CC",
        "whose domestic sites to compare with (default: guessed from locale and time zone, nobody is asked)",
    ),
]
Resolver = Annotated[str | None, _given(_WHERE, "IP[:PORT]|LINK", "instead of the system's")]
SystemDns = Annotated[
    bool, _flag(_WHERE, "--system-dns", "the system's resolver may see the names that you bring")
]
Json = Annotated[bool, _flag(_OUTPUT, "--json", "one JSON document on standard output")]
Dump = Annotated[str | None, _given(_OUTPUT, "FILE", "write that document to FILE, redacted")]
Redact = Annotated[
    str | None, _given(_OUTPUT, "LEVEL", "none, default or strict; for --dump, and for --json if given")
]
Save = Annotated[
    bool,
    _flag(
        _OUTPUT, "--save/--no-save", "keep answer, key and verdicts on this device (default: keep nothing)"
    ),
]
Plain = Annotated[
    bool, _flag(_OUTPUT, "--plain", "sentences, no live picture; CIRCUMVENT_PLAIN=1 for every run")
]
Quiet = Annotated[bool, _flag(_OUTPUT, "--quiet", "one line, the result")]
Control = Annotated[list[str] | None, _given(_PROOF, "URL", "your own control page; may be repeated")]
Bulk = Annotated[str | None, _given(_PROOF, "URL", "your own download and upload, with {bytes}")]
Anchors = Annotated[str | None, _given(_PROOF, "FILE|none", "your own hosts to compare with")]
Ca = Annotated[list[str] | None, _given(_PROOF, "FILE", "trust this authority too")]
TrustAnchor = Annotated[str | None, _given(_PROOF, "FILE|none", "your own DNSSEC root keys")]
DnsControl = Annotated[list[str] | None, _given(_PROOF, "NAME=ADDR,...", "a name and its true addresses")]
IdKey = Annotated[str | None, _given(_PROOF, "FILE", "key for ids, so that those of two reports agree")]
CrossCheck = Annotated[
    bool, _flag(_PROOF, "--cross-check", "look at your options from elsewhere, through others that work")
]

# Of the other commands.
Transports = Annotated[
    list[str] | None,
    _given(_WHAT, "KIND,...", "only these kinds of bridges: obfs4, webtunnel, meek, snowflake"),
]
AllBridges = Annotated[bool, _flag(_WHAT, "--all", "try all, also after three of more than five work")]
PlanBridges = Annotated[
    bool, _flag(_WHAT, "--plan", "show who would be asked, and who could see what; send nothing")
]
Fronted = Annotated[
    bool, _flag(_WHERE, "--fronted", "ask through a front only: the line shows a web site's name, not Tor's")
]
Yes = Annotated[bool, _flag(_WHERE, "--yes", "ask directly first, without a question before")]
OfCountry = Annotated[
    str | None,
    _given(_WHERE, "CC", "the country to ask for (default: Tor's service guesses from the address)"),
]
ToLines = Annotated[
    str | None,
    _given(
        _OUTPUT,
        "FORM",
        "lines, torrc, qr (the best three, for Orbot) or svg, in place of the screen (default: by the file's name, else lines)",
    ),
]
DumpBridges = Annotated[
    str | None, _given(_OUTPUT, "FILE", "write a report to FILE, redacted: no line, no address in it")
]
JsonBridges = Annotated[bool, _flag(_OUTPUT, "--json", "one JSON document, with the lines in it")]
Kinds = Annotated[bool, _flag(_WHAT, "--kinds", "the kinds of option, and what is true of each")]
Sources = Annotated[bool, _flag(_OUTPUT, "--sources", "where each fact comes from, and when it was seen")]
Page = Annotated[str | None, typer.Argument(metavar="PAGE")]
IdOrFile = Annotated[str, typer.Argument(metavar="ID|FILE")]
WithStatus = Annotated[
    str | None,
    _given(_WHAT, "STATUS", "of a report: works, degraded, unstable, blocked, refused, unreachable, not_run"),
]
DumpFile = Annotated[str, typer.Argument(metavar="FILE")]
Handed = Annotated[list[str] | None, typer.Argument(metavar="FILE|LINK|ID|-")]
To = Annotated[
    str | None,
    _given(
        _OUTPUT,
        "FORM",
        "toml, link, conf (WireGuard), ovpn, qr (a picture for this terminal) or svg (default: by the file's name, else toml)",
    ),
]
Chosen = Annotated[str | None, _given(_WHAT, "NAME", "one of several, by its name or id")]
OutputFile = Annotated[
    str | None, _given(_OUTPUT, "FILE", "write it there, readable by you alone (default: standard output)")
]
Force = Annotated[bool, _flag(_OUTPUT, "--force", "replace a file that is there already")]
OneOption = Annotated[str | None, _given(_WHAT, "NAME", "one option with every try and every step")]
Html = Annotated[
    str | None,
    _given(_OUTPUT, "FILE", "a page that any browser shows, written to FILE, readable by you alone"),
]
Timeline = Annotated[bool, _flag(_WHAT, "--timeline", "every try in the order of time")]

#: Options that the command line reads itself; all others are settings of the check.
OF_THE_SCREEN: Final = ("plan", "json", "dump", "redact", "plain", "quiet")
_WORDS: Final = ("only", "skip", "include")


def settings_of(given: dict[str, Any]) -> CheckSettings:
    """Return the settings of a check from the options as they were given.

    :raises ValueProblem: for a number or a size that is none.
    :raises SettingsError: for a value that is out of bounds.
    """
    from circumvent.check.settings import CheckSettings  # noqa: PLC0415 - not for --help

    chosen = {name: value for name, value in given.items() if name not in OF_THE_SCREEN and value is not None}
    chosen["all"] = chosen.pop("all_")
    chosen |= {name: values.words(chosen[name]) for name in _WORDS if name in chosen}
    if "trials" in chosen:
        chosen["trials"] = values.count("--trials", chosen["trials"])
    if "deadline" in chosen:
        chosen["deadline"] = values.seconds("--deadline", chosen["deadline"])
    if "max_bytes" in chosen:
        chosen["max_bytes"] = values.size("--max-bytes", chosen["max_bytes"])
    return CheckSettings.from_keywords(chosen)
