"""The commands, declared for typer. Values are read by ourselves: our errors name an example."""

from __future__ import annotations

import typer

from circumvent.cli import options, values
from circumvent.cli.help import help_of
from circumvent.cli.lab_commands import lab
from circumvent.cli.satellite_commands import satellite

app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False)


@app.callback(invoke_without_command=True)
def root() -> None:
    """Find what gets you out of the network you are on."""


@app.command("check")
def check(
    named: options.Named = None,
    builtin: options.Builtin = None,
    only: options.Only = None,
    skip: options.Skip = None,
    include: options.Include = None,
    careful: options.Careful = False,
    target: options.Target = None,
    allow_private: options.AllowPrivate = False,
    all_: options.All = False,
    plan: options.Plan = False,
    deadline: options.Deadline = None,
    trials: options.Trials = None,
    max_bytes: options.MaxBytes = None,
    patient: options.Patient = False,
    fast: options.Fast = False,
    anyway: options.Anyway = False,
    need: options.Need = None,
    interface: options.Interface = None,
    ask_public_address: options.AskPublicAddress = False,
    country: options.Country = None,
    resolver: options.Resolver = None,
    system_dns: options.SystemDns = False,
    json: options.Json = False,
    dump: options.Dump = None,
    redact: options.Redact = None,
    save: options.Save = False,
    plain: options.Plain = False,
    quiet: options.Quiet = False,
    control: options.Control = None,
    bulk: options.Bulk = None,
    anchors: options.Anchors = None,
    ca: options.Ca = None,
    trust_anchor: options.TrustAnchor = None,
    dns_control: options.DnsControl = None,
    id_key: options.IdKey = None,
    cross_check: options.CrossCheck = False,
    with_tor: options.WithTor = False,
) -> int:
    """Try options from this network, rank them, say what to do. "-" reads standard input.

    Takes https, h3, tls, quic, udp, tcp and sdns links (encrypted and plain DNS), socks5, socks4a and http proxies,
    stun and turn links, lists of them, and TOML files.
    """
    given = dict(locals())  # one parameter an option, named alike
    from circumvent.cli.check_command import start  # noqa: PLC0415 - not for --help

    return start(given)


@app.command("bridges")
def bridges(
    only: options.Transports = None,
    all_: options.AllBridges = False,
    plan: options.PlanBridges = False,
    allow_private: options.AllowPrivate = False,
    deadline: options.Deadline = None,
    max_bytes: options.MaxBytes = None,
    fast: options.Fast = False,
    country: options.OfCountry = None,
    fronted: options.Fronted = False,
    yes: options.Yes = False,
    interface: options.Interface = None,
    resolver: options.Resolver = None,
    system_dns: options.SystemDns = False,
    to: options.ToLines = None,
    output: options.OutputFile = None,
    force: options.Force = False,
    json: options.JsonBridges = False,
    dump: options.DumpBridges = None,
    plain: options.Plain = False,
    quiet: options.Quiet = False,
    anchors: options.Anchors = None,
    ca: options.Ca = None,
) -> int:
    """Ask Tor which bridges it recommends, and try them. Directly, and through a front where that is blocked.

    The lines of those that work are written: a secret, for who has the line of a bridge can use it, or block it.
    """
    given = dict(locals())  # one parameter an option, named alike
    from circumvent.cli.bridges_command import start  # noqa: PLC0415 - not for --help

    return start(given)


@app.command("list")
def list_(
    kinds: options.Kinds = False,
    only: options.Only = None,
    sources: options.Sources = False,
    plain: options.Plain = False,
) -> int:
    """List what is built in: the options, or their kinds."""
    from circumvent.cli.list_command import run_list  # noqa: PLC0415 - not for --help

    return run_list(only_kinds=kinds, only=only or [], sources=sources, plain=plain)


@app.command("show")
def show(name: options.IdOrFile, status: options.WithStatus = None, plain: options.Plain = False) -> int:
    """Show one built-in option in full. Or, with --status, those options of a report that have it."""
    from circumvent.cli.show_command import run_show  # noqa: PLC0415 - not for --help

    return run_show(name, status=status, plain=plain)


@app.command("report")
def report(
    file: options.DumpFile,
    option: options.OneOption = None,
    timeline: options.Timeline = False,
    html: options.Html = None,
    plain: options.Plain = False,
) -> int:
    """Read a report that somebody sent you. What does their network do, what works there, what to tell them."""
    from circumvent.cli.report_command import run_report  # noqa: PLC0415 - not for --help

    return run_report(file, option=option, timeline=timeline, html=html, plain=plain)


@app.command("convert")
def convert(
    named: options.Handed = None,
    option: options.Chosen = None,
    to: options.To = None,
    output: options.OutputFile = None,
    force: options.Force = False,
) -> int:
    """Write an option in another form, to hand it on. What is written holds its keys and passwords.

    What is written is read again first: a form that can't say all of an option is refused. ID is that of a built-in
    option.
    """
    from circumvent.cli.convert_command import run_convert  # noqa: PLC0415 - not for --help

    return run_convert(named or [], to=to, option=option, output=output, force=force)


@app.command("wipe")
def wipe() -> int:
    """Delete what --save kept on this device. What can't be deleted from here is said."""
    from circumvent.cli.wipe_command import run_wipe  # noqa: PLC0415 - not for --help

    return run_wipe()


app.add_typer(satellite, name="satellite")


@app.command("guide")
def guide(name: options.Page = None, plain: options.Plain = False) -> int:
    """Short pages that work without the internet. Without a name: which pages there are."""
    from circumvent.cli.guide_command import run_guide  # noqa: PLC0415 - not for --help

    return run_guide(name, plain=plain)


app.add_typer(lab, name="lab")


def run(arguments: list[str]) -> int:
    """Run a command and return its exit code; bad usage is one line on standard error and exit code 2."""
    from circumvent.cli.usage import UnknownCommand, meant, usage_sentence  # noqa: PLC0415 - as above

    group = typer.main.get_command(app)
    try:
        name, command = meant(arguments, group)
    except UnknownCommand as exc:
        return _fail(str(exc))
    before = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if {"--help", "-h"} & set(before) or (hasattr(command, "commands") and not command.params):
        print(help_of(command, name), end="")
        return 0
    usage_error: type[Exception] = typer.BadParameter.__mro__[1]  # typer's own copy of click, or click
    try:
        with group.make_context("circumvent", list(arguments)) as context:
            code: int = group.invoke(context)
    except typer.Exit as exc:
        return exc.exit_code
    except ValueError as exc:
        if not _for_people(exc):
            raise
        return _fail(str(exc))
    except usage_error as exc:
        return _fail(usage_sentence(exc, command, name))
    return code


def _for_people(error: ValueError) -> bool:
    """Tell whether the message of an error is a sentence for people, and not a defect of ours."""
    from circumvent.model.report import ReportError  # noqa: PLC0415 - for a mistake only

    return isinstance(error, values.ValueProblem | ReportError)


def _fail(sentence: str) -> int:
    from circumvent.cli.terminal import tell  # noqa: PLC0415 - for a mistake only

    tell(sentence)
    return 2
