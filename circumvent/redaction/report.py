"""What leaves the machine: a report without anything that could point to the user or to what the user holds.

Pure, over the plain values of a report, so that any report can be redacted later too. Two ways at once:

* What describes an option that the user named is *rebuilt* from what may stay (``detail``); unknown keys,
  also those of later versions, go.
* What was taken out there is then *searched for* in every free text that is left.

``default`` keeps the network's interface and resolver and the host of hand-given controls; ``strict`` does not.
Whatever shows a satellite link is removed at both. A document that was redacted more strictly stays so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from circumvent.model import words
from circumvent.model.record import Attempt
from circumvent.model.report import Network, OptionReport, Report, RunSettings
from circumvent.model.words import Redaction
from circumvent.redaction.detail import (
    STEPS,
    WHYS,
    public_detail,
    public_numbers,
    public_part,
    public_word,
    tells_uptime,
)
from circumvent.redaction.links import without_link_traces
from circumvent.redaction.text import (
    ABOUT_THE_USER,
    HARDWARE_ADDRESS,
    HIDDEN,
    KEYED_ID,
    URL,
    Needles,
    host_of_url,
    is_plain_address,
    own_addresses,
    tells_satellite,
    texts_of,
    to_the_hour,
)
from circumvent.redaction.tor_run import public_run

if TYPE_CHECKING:
    from collections.abc import Iterator

Document = dict[str, Any]

#: What stands in place of advice that names the user's server.
LEFT_OUT: Final = "(left out of this dump)"
#: Ports that so many servers have that they tell nothing about one. Others are hidden with the host.
_USUAL_PORTS: Final = frozenset({53, 80, 443, 853, 1080, 3128, 3478, 5349, 8080, 8443})

_SATELLITE_KINDS: Final = frozenset({"starlink", "satellite-terminal"})
_SATELLITE_FINDINGS: Final = frozenset({
    "gps_denied", "jamming_suspected", "obstructed", "no_service_here", "account_inactive",
})  # fmt: skip

#: Ids of rows that the check makes itself, of what the user named; they name nothing.
_OWN_ID: Final = re.compile(r"(?:control|system-resolver|resolver|target)(?:-\d{1,3})?")
_HOST_PORT: Final = re.compile(r"(?:\[[^\]]*\]|[^:]*):(\d{1,5})")
_ENUMS: Final = (
    words.Proof, words.Status, words.Reason, words.Scope, words.Exposure, words.Evidence,
)  # fmt: skip
_REPORT_WORDS: Final = frozenset(str(word) for enum in _ENUMS for word in enum)
_TABLES: Final = frozenset({"success", "latency_ms", "throughput_kbps"})
#: Keys of an option that hold closed words, numbers or yes and no.
_OPTION_KEYS: Final = (
    "kind", "scope", "exposure", "status", "proof", "reason", "evidence", "success", "latency_ms", "throughput_kbps",
    "filtering", "baseline",
)  # fmt: skip
_ATTEMPT_KEYS: Final = (
    "t0", "t", "counted", "poisoned", "phase", "family", "proof", "bytes_sent", "bytes_received", "latency_ms",
    "down_kbps", "up_kbps", "cut_bytes", "residual_s", "fidelity",
)  # fmt: skip
#: Details of the catalogue's options that tell who asked: the user's own addresses.


def redact(document: Document, level: Redaction | str = Redaction.DEFAULT) -> Document:
    """Return ``document`` (a report as plain values) redacted to ``level``; the input stays as it is.

    :raises ValueError: when there is no such level.
    """
    wanted = Redaction(level)
    before = document.get("redaction", Redaction.NONE)
    ladder = list(Redaction)
    if before in ladder and ladder.index(Redaction(before)) > ladder.index(wanted):
        wanted = Redaction(before)
    if wanted is Redaction.NONE:
        return {**document, "redaction": str(Redaction.NONE)}
    return _Redactor(document, strict=wanted is Redaction.STRICT).run()


class _Redactor:
    """One redaction: pseudonyms given so far, and what must not occur in the result."""

    def __init__(self, document: Document, *, strict: bool) -> None:
        self._source = document
        self._strict = strict
        self._ids: dict[str, str] = {}
        self._places: dict[str, str] = {}
        self._needles = Needles(self._secrets(), public=_public_texts(document))
        self._name_user_options()

    def run(self) -> Document:
        """Return the redacted document."""
        source = {key: value for key, value in self._source.items() if key in Report.__struct_fields__}
        gone = self._satellite_ids()
        options = [self._option(row) for row in _rows(source, "options") if str(row.get("id")) not in gone]
        return without_link_traces(self._whole(source, options, gone), _rows(source, "links"))

    def _whole(self, source: Document, options: list[Document], gone: set[str]) -> Document:
        return {
            **source,
            "redaction": str(Redaction.STRICT if self._strict else Redaction.DEFAULT),
            "started": to_the_hour(source.get("started")),
            "settings": self._settings(source.get("settings")),
            "network": self._network(source.get("network"), self._satellite_attempts(gone)),
            "options": options,
            "targets": [
                self._target(row, number, gone) for number, row in enumerate(_rows(source, "targets"), 1)
            ],
            "ranking": [self._ranked(row) for row in _rows(source, "ranking") if row.get("id") not in gone],
            "recommendations": [
                self._recommendation(row, gone)
                for row in _rows(source, "recommendations")
                if row.get("id") not in gone
            ],
            "notes": [self._text(note) for note in _list(source.get("notes")) if not tells_satellite(note)],
        }

    def _name_user_options(self) -> None:
        """Keep ids that are keyed hashes, and number whatever else stands in place of one."""
        for number, row in enumerate(_rows(self._source, "options"), start=1):
            if not _is_users(row):
                continue
            name = str(row.get("id"))
            kind = row.get("kind") if public_word(str(row.get("kind"))) else "option"
            keyed = _OWN_ID.fullmatch(name) or (KEYED_ID.fullmatch(name) and name.startswith(f"{kind}-"))
            self._ids[name] = name if keyed else f"{kind}-{number}"

    def _secrets(self) -> Iterator[str]:
        """Yield what must not occur in a free text: names, hosts and addresses of the user's options."""
        for row in _rows(self._source, "options"):
            if _is_users(row):
                yield from texts_of(row)
            else:
                for attempt in _rows(row, "attempts"):
                    if attempt.get("via"):
                        yield from texts_of(attempt)
                yield from own_addresses(row)
        if self._strict:
            yield from self._dropped_by_strict()

    def _dropped_by_strict(self) -> Iterator[str]:
        network, settings = self._source.get("network"), self._source.get("settings")
        if isinstance(network, dict):
            yield from (str(network[key]) for key in ("interface", "resolver") if network.get(key))
        if isinstance(settings, dict):
            for url in _list(settings.get("control")):
                place = host_of_url(url).partition("://")[2]
                yield from (place, place.partition(":")[0])

    def _satellite_ids(self) -> set[str]:
        return {
            str(row.get("id"))
            for row in _rows(self._source, "options")
            if row.get("kind") in _SATELLITE_KINDS
            or (
                not _is_users(row)
                and any(tells_satellite(row.get(key)) for key in ("id", "label", "operator"))
            )
        }

    def _satellite_attempts(self, gone: set[str]) -> set[str]:
        return {
            str(attempt.get("id"))
            for row in _rows(self._source, "options")
            if str(row.get("id")) in gone
            for attempt in _rows(row, "attempts")
        }

    def _settings(self, settings: Any) -> Document:
        if not isinstance(settings, dict):
            return {}
        kept = {key: value for key, value in settings.items() if key in RunSettings.__struct_fields__}
        controls = _list(settings.get("control"))
        return {**kept, "control": [] if self._strict else [host_of_url(url) for url in controls]}

    def _network(self, network: Any, gone: set[str]) -> Document:
        if not isinstance(network, dict):
            return {}
        kept = {key: value for key, value in network.items() if key in Network.__struct_fields__}
        interface, resolver = network.get("interface"), network.get("resolver")
        # A resolver that the user gave by name is a private host; addresses are the network's own affair.
        kept["interface"] = None if self._strict or tells_satellite(interface) else self._text(interface)
        kept["resolver"] = resolver if not self._strict and is_plain_address(resolver) else None
        kept["findings"] = [
            self._finding(row, gone) for row in _rows(network, "findings") if not _is_satellite_finding(row)
        ]
        for key in ("not_seen", "not_tested"):
            kept[key] = [
                word
                for word in _list(network.get(key))
                if word not in _SATELLITE_FINDINGS and not tells_satellite(word)
            ]
        kept["anchors"] = self._value(network.get("anchors", {}))
        kept["loop_lag_ms"] = public_numbers(network.get("loop_lag_ms")) or {}
        return kept

    def _finding(self, row: Document, gone: set[str]) -> Document:
        kept: Document = {key: row.get(key) for key in ("id", "kind", "confidence") if key in row}
        kept["summary"] = self._text(row.get("summary", ""))
        kept["evidence"] = [item for item in _list(row.get("evidence")) if item not in gone]
        for key in ("ruled_out", "remaining"):
            kept[key] = [self._text(item) for item in _list(row.get(key))]
        detail = row.get("detail", {})
        kept["detail"] = (
            public_detail(detail) if gone.intersection(_list(row.get("evidence"))) else self._value(detail)
        )
        return kept

    def _option(self, row: Document) -> Document:
        return self._users_option(row) if _is_users(row) else self._ours(row)

    def _ours(self, row: Document) -> Document:
        """Redact an option of the catalogue: what it says of the server stays, what it says of the user goes."""
        kept = {key: value for key, value in row.items() if key in OptionReport.__struct_fields__}
        for key in ("text", "reason_detail"):
            if key in row:
                kept[key] = self._text(row[key])
        kept["detail"] = self._value(row.get("detail", {}))
        kept["failure"] = self._failure(row.get("failure"))
        if row.get("via"):
            kept["via"] = self._id(row["via"])
        kept |= _with_tor(row)
        kept["attempts"] = [
            self._users_attempt(attempt) if attempt.get("via") else self._our_attempt(attempt)
            for attempt in _rows(row, "attempts")
        ]
        return kept

    def _our_attempt(self, attempt: Document) -> Document:
        kept = {key: value for key, value in attempt.items() if key in Attempt.__struct_fields__}
        kept["failure"] = self._failure(attempt.get("failure"))
        kept["why"] = self._text(attempt.get("why"))
        kept["steps"] = [
            {
                **{key: step.get(key) for key in ("name", "t0", "t") if key in step},
                "failure": self._failure(step.get("failure")),
                "detail": self._value(step.get("detail", {})),
            }
            for step in _rows(attempt, "steps")
        ]
        return kept

    def _users_option(self, row: Document) -> Document:
        """Rebuild an option that the user named from what may stay."""
        name = self._ids[str(row.get("id"))]
        status = row.get("status")
        return {
            **{
                key: public_numbers(row[key]) if key in _TABLES else _closed(row[key])
                for key in _OPTION_KEYS
                if key in row
            },
            "id": name,
            "kind": _closed(row.get("kind")) or "unknown",
            "label": name,
            "origin": "user",
            "operator": None,
            "endpoint": self._endpoint(row.get("endpoint")),
            "place": self._place(row.get("place")),
            "reason_detail": None,
            "text": str(_closed(status) or "").replace("_", " "),
            "failure": _bare_failure(row.get("failure")),
            "detail": public_detail(row.get("detail")),
            "via": self._id(row.get("via")),
            **_with_tor(row),
            "attempts": [self._users_attempt(attempt) for attempt in _rows(row, "attempts")],
        }

    def _users_attempt(self, attempt: Document) -> Document:
        fidelity = attempt.get("fidelity")
        return {
            **{key: _closed(attempt[key]) for key in _ATTEMPT_KEYS if key in attempt and key != "fidelity"},
            "id": _attempt_id(attempt.get("id")),
            "address": None,
            "why": _why(attempt.get("why")),
            "via": self._id(attempt.get("via")),
            "failure": _bare_failure(attempt.get("failure")),
            "fidelity": {
                "tls": _closed(fidelity.get("tls")) or "none",
                "ja4": _closed(fidelity.get("ja4")),
                "like_client": fidelity.get("like_client") is True,
            }
            if isinstance(fidelity, dict)
            else {},
            "steps": [
                {
                    "name": _step_name(step.get("name")),
                    "t0": _number(step.get("t0")),
                    "t": _number(step.get("t")),
                    "failure": _bare_failure(step.get("failure")),
                    "detail": public_detail(step.get("detail")),
                }
                for step in _rows(attempt, "steps")
            ],
        }

    def _endpoint(self, endpoint: Any) -> str:
        match = _HOST_PORT.fullmatch(str(endpoint))
        port = int(match[1]) if match else 0
        return f"{HIDDEN}:{port}" if port in _USUAL_PORTS and not self._strict else HIDDEN

    def _place(self, place: Any) -> str | None:
        """Number places, so that options that fail together can still be told from those that do not."""
        if not place:
            return None
        return self._places.setdefault(str(place), f"place-{len(self._places) + 1}")

    def _id(self, name: Any) -> str | None:
        if name is None:
            return None
        known = {str(row.get("id")) for row in _rows(self._source, "options") if not _is_users(row)}
        return self._ids.get(str(name)) or (str(name) if str(name) in known else None)

    def _target(self, row: Document, number: int, gone: set[str]) -> Document:
        name = str(row.get("name", ""))
        shown = (
            f"target {number}" if self._strict else host_of_url(name) if "://" in name else self._text(name)
        )
        attempts = self._users_attempt if self._strict else self._our_attempt
        return {
            "name": shown,
            "direct": row.get("direct"),
            "reason": _closed(row.get("reason")),
            "failure": _bare_failure(row.get("failure")),
            "least_sufficient": [
                self._ids.get(str(name), name)
                for name in _list(row.get("least_sufficient"))
                if name not in gone
            ],
            "findings": _list(row.get("findings")),
            "attempts": [attempts(attempt) for attempt in _rows(row, "attempts")],
        }

    def _ranked(self, row: Document) -> Document:
        kept: Document = {key: row.get(key) for key in ("rank", "id", "scope", "score_s") if key in row}
        kept["id"] = self._ids.get(str(row.get("id")), row.get("id"))
        return {**kept, "why": self._text(row.get("why", ""))}

    def _recommendation(self, row: Document, gone: set[str]) -> Document:
        name, backup = str(row.get("id")), row.get("backup")
        backup = None if backup in gone else backup
        users = name in self._ids or backup in self._ids
        return {
            "scope": row.get("scope"),
            "id": self._ids.get(name, name),
            "backup": None if backup is None else self._ids.get(str(backup), backup),
            "visible": self._text(row.get("visible", "")),
            "because": self._text(row.get("because", "")),
            "text": LEFT_OUT if users else self._text(row.get("text", "")),
            "next_step": LEFT_OUT if users else self._text(row.get("next_step", "")),
        }

    def _failure(self, failure: Any) -> Any:
        if not isinstance(failure, dict):
            return None
        return {**_bare_failure(failure), "detail": self._text(failure.get("detail"))}

    def _text(self, text: Any) -> Any:
        """Return a free text without private strings; other values pass."""
        if not isinstance(text, str):
            return text if text is None or isinstance(text, bool | int | float) else None
        text = URL.sub(lambda match: host_of_url(match[0]), text)
        return self._needles.remove(HARDWARE_ADDRESS.sub("(device)", text))

    def _value(self, value: Any, depth: int = 0) -> Any:
        """Return a value of any shape with every text in it cleaned, and keys about the user gone."""
        if depth > 8:
            return None
        if isinstance(value, dict):
            return {
                self._text(key): self._value(item, depth + 1)
                for key, item in value.items()
                if isinstance(key, str) and key not in ABOUT_THE_USER
                if not tells_satellite(key) and not tells_uptime(key, item)
            }
        if isinstance(value, list | tuple):
            return [self._value(item, depth + 1) for item in value]
        return None if tells_satellite(value) else self._text(value)


def _public_texts(document: Document) -> frozenset[str]:
    """Return names and places of the catalogue's options, in small letters: that they occur tells nothing."""
    texts: set[str] = set()
    for row in _rows(document, "options"):
        if not _is_users(row):
            endpoint = str(row.get("endpoint"))
            host = endpoint.rpartition(":")[0]
            texts.update(str(row.get(key)).lower() for key in ("label", "operator"))
            texts.update((endpoint.lower(), host.lower(), host.strip("[]").lower()))
    return frozenset(texts)


def _is_users(row: Document) -> bool:
    """Whatever does not say that it comes from the catalogue is the user's."""
    return row.get("origin") != "catalogue"


def _is_satellite_finding(row: Document) -> bool:
    return row.get("kind") in _SATELLITE_FINDINGS or any(
        tells_satellite(row.get(key)) for key in ("kind", "summary")
    )


def _with_tor(row: Document) -> Document:
    """Return what may stay of what tor made of a bridge, where it was asked."""
    return {"with_tor": public_run(row["with_tor"])} if row.get("with_tor") is not None else {}


def _closed(value: Any) -> Any:
    """Return a number, a truth value or a word of the closed vocabulary; else ``None``."""
    if isinstance(value, str):
        return value if public_word(value) or value in _REPORT_WORDS else None
    return public_part(value)


def _why(value: Any) -> str | None:
    """Return why an attempt does not count, if that is one of our own sentences."""
    return value if isinstance(value, str) and value in WHYS else None


def _bare_failure(failure: Any) -> Any:
    if not isinstance(failure, dict):
        return None
    error = failure.get("error")
    return {
        "step": _step_name(failure.get("step")),
        "error": error if isinstance(error, str) and public_word(error) else "unknown_failure",
        "detail": None,
    }


def _step_name(name: Any) -> str:
    return name if isinstance(name, str) and name in STEPS else "step"


def _attempt_id(name: Any) -> str:
    return name if isinstance(name, str) and re.fullmatch(r"a\d{1,6}", name) else "a0"


def _number(value: Any) -> float:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0.0


def _rows(parent: Document, key: str) -> list[Document]:
    return [row for row in _list(parent.get(key)) if isinstance(row, dict)]


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
