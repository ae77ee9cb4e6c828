"""The report: what ``--json`` prints and ``--dump`` writes, schema ``circumvent.report/1``.

The structs here *are* the schema: :func:`json_schema` generates what ships with the package. Keys are only added;
a change of meaning needs a new schema number. Observations (:mod:`circumvent.model.record`) lie inside the options;
everything else was computed from them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from circumvent.model.record import Attempt, Failure
from circumvent.model.tor_run import TorRun
from circumvent.model.words import (
    Evidence,
    Exposure,
    FindingKind,
    NetworkState,
    Proof,
    Reason,
    Redaction,
    Scope,
    Status,
    UdpState,
)

if TYPE_CHECKING:
    from circumvent.model.record import Json

SCHEMA: Final = "circumvent.report/1"
Text = bytes | str
#: Confidence by how many other explanations remain; with more, nothing is reported.
_CONFIDENCE: Final = {0: 0.95, 1: 0.8, 2: 0.6}
#: A report larger than this (bytes) is not read.
LARGEST: Final = 64 * 1024 * 1024


class ReportError(ValueError):
    """A document is not a report that this version can read. The message is a sentence for people."""


class Bytes(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes sent and received at our sockets."""

    sent: int = 0
    received: int = 0


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """What made the report."""

    name: str = "circumvent"
    version: str


class RunSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for. ``trials`` is a maximum; ``control`` holds hand-given controls without query part.

    ``long_list``: the budget of bytes would not have sufficed to try every option in full, so only the best were.
    """

    deadline_s: float
    trials: int
    control: tuple[str, ...] = ()
    careful: bool = False
    country: str | None = None
    builtin: bool = True
    anchors: bool = True
    long_list: bool = False


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing the network does, with the attempts that show it.

    ``confidence`` is 0.95 with every named alternative ruled out, 0.8 with all but one, 0.6 with all but two.
    """

    id: str
    kind: FindingKind
    confidence: float
    summary: str
    evidence: tuple[str, ...] = ()
    ruled_out: tuple[str, ...] = ()
    remaining: tuple[str, ...] = ()
    detail: dict[str, Any] = {}


def confidence_of(remaining: int) -> float | None:
    """Return the confidence of a finding to which so many other explanations remain; ``None``: too many."""
    return _CONFIDENCE.get(remaining)


class Network(msgspec.Struct, frozen=True, kw_only=True):
    """The network under the check. ``clock_skew_s`` is local minus true time.

    ``facts`` holds what was read off this machine (routes, a VPN, the portal probe) so that the state can be
    decided again; ``loop_lag_ms`` how busy our own event loop was, in percentiles.
    """

    state: NetworkState
    ipv4: bool | None = None
    ipv6: bool | None = None
    udp: UdpState = UdpState.UNKNOWN
    clock_skew_s: float | None = None
    interface: str | None = None
    resolver: str | None = None
    findings: tuple[Finding, ...] = ()
    not_seen: tuple[FindingKind, ...] = ()
    not_tested: tuple[str, ...] = ()
    facts: dict[str, Any] = {}
    loop_lag_ms: dict[str, float] = {}


class Success(msgspec.Struct, frozen=True, kw_only=True):
    """Counted attempts and those that carried; ``p`` the smoothed rate, ``p_low`` its 5 % quantile."""

    trials: int = 0
    ok: int = 0
    p: float | None = None
    p_low: float | None = None


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds to the first carried byte, over the attempts that carried (lower median)."""

    median: float
    min: float
    max: float


class Throughput(msgspec.Struct, frozen=True, kw_only=True):
    """Measured rates in kbit/s (1000 bit/s), median of the attempts that measured."""

    down: float | None = None
    up: float | None = None


class OptionReport(msgspec.Struct, frozen=True, kw_only=True):
    """An option, what was seen of it, and the verdict.

    ``origin`` is ``catalogue`` or ``user``; ``text`` says the verdict in the word and reason that people read;
    ``host`` is the endpoint's name, ``operator`` and ``filtering`` come from the catalogue. ``with_tor`` is what tor
    itself made of a bridge, if it was asked.
    """

    id: str
    kind: str
    label: str
    scope: Scope
    exposure: Exposure
    endpoint: str
    status: Status
    proof: Proof = Proof.NONE
    reason: Reason | None = None
    reason_detail: str | None = None
    evidence: Evidence | None = None
    success: Success = Success()
    latency_ms: Latency | None = None
    throughput_kbps: Throughput | None = None
    failure: Failure | None = None
    detail: dict[str, Any] = {}
    text: str = ""
    origin: str = "catalogue"
    operator: str | None = None
    filtering: bool = False
    baseline: bool = False
    via: str | None = None
    place: str | None = None
    attempts: tuple[Attempt, ...] = ()
    with_tor: TorRun | None = None


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Something the user asked to reach, and the least that suffices for it (option ids)."""

    name: str
    direct: Status
    reason: Reason | None = None
    failure: Failure | None = None
    least_sufficient: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """A place in the order of one scope. ``score_s``: expected seconds to bring the first 64 KiB."""

    rank: int
    id: str
    scope: Scope
    score_s: float
    why: str


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """What to do next in one scope, and what an observer of the line then sees (``visible``)."""

    scope: Scope
    id: str
    backup: str | None
    visible: str
    because: str
    text: str
    next_step: str


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """One link of this device to elsewhere, and what came of the same options over it.

    ``default``: packets take it by themselves; what came of it is the report itself, and only the other links have rows of
    their own (``network`` is ``None`` for it). ``terminals`` are ids of options: satellite terminals behind it.
    ``public_address`` is what a server saw, if it was to be asked.
    """

    interface: str | None
    default: bool = False
    terminals: tuple[str, ...] = ()
    public_address: str | None = None
    complete: bool = True
    duration_s: float = 0.0
    bytes: Bytes = Bytes()
    network: Network | None = None
    options: tuple[OptionReport, ...] = ()
    ranking: tuple[Ranked, ...] = ()
    recommendations: tuple[Recommendation, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One check, whole. Re-readable, re-diagnosable, re-rankable."""

    schema: str = SCHEMA
    id: str
    started: str
    duration_s: float
    redaction: Redaction = Redaction.NONE
    complete: bool = True
    bytes: Bytes = Bytes()
    tool: Tool
    settings: RunSettings
    network: Network
    options: tuple[OptionReport, ...] = ()
    targets: tuple[Target, ...] = ()
    ranking: tuple[Ranked, ...] = ()
    recommendations: tuple[Recommendation, ...] = ()
    notes: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()

    def to_dict(self, redact: str = "none") -> dict[str, Any]:
        """Return the report as plain JSON values, redacted to the level named (none, default, strict)."""
        document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        if redact == Redaction.NONE:
            return document
        from circumvent.redaction.report import redact as apply  # noqa: PLC0415 - the redactor reads this module

        return apply(document, Redaction(redact))

    def to_json(self, redact: str = "none") -> str:
        """Return the report as JSON text, redacted to the level named."""
        return msgspec.json.encode(self.to_dict(redact)).decode()

    @classmethod
    def from_dict(cls, document: Json) -> Report:
        """Read a report from plain JSON values.

        :raises ReportError: when it is not a report, or one of a newer schema.
        """
        _check_schema(document)
        try:
            return msgspec.convert(document, cls)
        except msgspec.ValidationError as exc:
            raise ReportError(f"this is a damaged report: {exc}") from exc

    @classmethod
    def from_json(cls, text: Text) -> Report:
        """Read a report from JSON text.

        :raises ReportError: when it is too large, not JSON, not a report, or one of a newer schema.
        """
        if len(text) > LARGEST:
            raise ReportError(f"this is larger than any report ({LARGEST // 1024 // 1024} MB at most)")
        try:
            document = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
            raise ReportError("this is not a report: it is not JSON") from exc
        return cls.from_dict(document)

    def option(self, option_id: str) -> OptionReport | None:
        """Return the option with this id, if the report has it."""
        return next((option for option in self.options if option.id == option_id), None)


def _check_schema(document: Json) -> None:
    if not isinstance(document, dict) or not isinstance(document.get("schema"), str):
        raise ReportError("this is not a report: it names no schema")
    name, _, number = str(document["schema"]).partition("/")
    if name != "circumvent.report" or not number.isascii() or not number.isdigit() or len(number) > 4:
        raise ReportError("this is not a report: its schema is another one")
    if int(number) > 1:
        raise ReportError(
            f"this report was written by a newer version (circumvent.report/{int(number)}; this one reads up to /1). "
            "Update circumvent, or ask for the report as text."
        )


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of ``circumvent.report/1``, generated from the structs above."""
    schema: dict[str, Any] = msgspec.json.schema(Report)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": SCHEMA} | schema
