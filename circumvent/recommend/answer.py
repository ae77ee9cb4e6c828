"""What Tor recommends: the answers of its circumvention-settings API, and the bridges in them that can be used.

The API (rdsys, "moat"): ``POST settings`` with ``{"country": "ir", "transports": [...]}``, both optional; ``POST
defaults`` for where it has nothing to say; ``POST builtin`` for the lines that ship with Tor Browser. It answers
``{"settings": [{"bridges": {"type", "source", "bridge_strings"}}], "country", "errors": [{"code", "detail"}]}``, most
often with status 200 also where it refuses. Whatever comes back is hostile: bounded here, and every line is read by the
parser that reads the user's.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from circumvent.inputs.bridge_lines import bridges_in, to_option
from circumvent.inputs.private import refuse_private
from circumvent.inputs.problem import LineError
from circumvent.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from circumvent.inputs.bridge_lines import BridgeLine

#: Bytes of an answer, bridges taken from one, characters of a line, characters of a word that is shown.
LONGEST_ANSWER: Final = 256 * 1024
MOST_BRIDGES: Final = 300
LONGEST_LINE: Final = 2000
_LONGEST_WORD: Final = 20
#: Codes with which the API says that it has nothing for us: no transport that we speak works there; no such country.
NO_TRANSPORT: Final = 404
NO_COUNTRY: Final = 406
_LARGEST_CODE: Final = 999
#: Two names of one transport.
_SAME: Final = {"meek_lite": "meek"}
_BUILT_IN: Final = "builtin"
_PRINTABLE: Final = re.compile(r"[ -~]+")
_COUNTRY: Final = re.compile(r"[A-Za-z]{2}")
_Kind = TypeVar("_Kind")


class AnswerError(ValueError):
    """What came back is no answer of the API. The message is a clause."""


class Nothing(StrEnum):
    """Why the API recommends nothing."""

    NOT_NEEDED = "not_needed"
    NO_TRANSPORT = "no_transport"
    NO_COUNTRY = "no_country"


@dataclass(frozen=True, slots=True)
class Recommended:
    """A bridge that is recommended; ``line`` is a secret from here on, ``problem`` says why it can't be tried."""

    transport: str
    source: str
    line: str = field(default="", repr=False)
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """What the API recommends.

    ``country`` is the one that it speaks of, if it says so; ``nothing`` why there are no bridges for it, and then
    ``bridges`` are its defaults; ``left_out`` counts those beyond :data:`MOST_BRIDGES`. ``to_look_up`` are transports whose
    lines are those of Tor Browser, which the API gives elsewhere.
    """

    country: str | None = None
    bridges: tuple[Recommended, ...] = ()
    nothing: Nothing | None = None
    refused: int | None = None
    left_out: int = 0
    to_look_up: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """Return the lines that can be tried, each once."""
        return tuple(dict.fromkeys(one.line for one in self.bridges if one.problem is None))


class _Bridges(msgspec.Struct):
    type: str = ""
    source: str = ""
    bridge_strings: list[str] | None = None


class _Setting(msgspec.Struct):
    bridges: _Bridges | None = None


class _Error(msgspec.Struct):
    code: int = 0


class _Document(msgspec.Struct):
    settings: list[_Setting] | None = None
    country: str | None = None
    errors: list[_Error] | None = None


def question(country: str | None, transports: Sequence[str] = ()) -> bytes:
    """Return the body of a request; without ``transports`` the API names all that work."""
    asked: dict[str, object] = {}
    if country is not None:
        asked["country"] = country.lower()
    if transports:
        asked["transports"] = list(transports)
    return json.dumps(asked).encode("ascii")


def read_answer(body: bytes, *, allow_private: bool = False) -> Recommendation:
    """Read the answer to ``settings`` or ``defaults``.

    :raises AnswerError: when it is none.
    """
    document = _decoded(body, _Document)
    if document.errors:
        code = document.errors[0].code if 0 <= document.errors[0].code <= _LARGEST_CODE else 0
        nothing = {NO_TRANSPORT: Nothing.NO_TRANSPORT, NO_COUNTRY: Nothing.NO_COUNTRY}.get(code)
        return Recommendation(nothing=nothing, refused=code)
    given = [one.bridges for one in document.settings or () if one.bridges is not None]
    found: list[Recommended] = []
    elsewhere: list[str] = []
    left_out = 0
    for group in given:
        lines = group.bridge_strings or []
        if not lines and group.source == _BUILT_IN:
            elsewhere.append(_word(group.type))
        room = max(MOST_BRIDGES - len(found), 0)
        left_out += len(lines) - len(lines[:room])
        found += [_judged(line, group.type, group.source, allow_private) for line in lines[:room]]
    country = document.country if _COUNTRY.fullmatch(document.country or "") else None
    return Recommendation(
        country=country.upper() if country else None,
        bridges=tuple(found),
        nothing=None if found or elsewhere else Nothing.NOT_NEEDED,
        left_out=left_out,
        to_look_up=tuple(dict.fromkeys(elsewhere)),
    )


def read_built_in(body: bytes) -> Mapping[str, Sequence[str]]:
    """Read the answer to ``builtin``: lines by transport.

    :raises AnswerError: when it is none.
    """
    return _decoded(body, dict[str, list[str]])


def with_built_in(
    given: Recommendation, built_in: Mapping[str, Sequence[str]], *, allow_private: bool = False
) -> Recommendation:
    """Put in the lines that the API only named by their transport."""
    named = [(kind, line) for kind in given.to_look_up for line in built_in.get(kind, ())]
    room = max(MOST_BRIDGES - len(given.bridges), 0)
    more = tuple(_judged(line, kind, _BUILT_IN, allow_private) for kind, line in named[:room])
    return replace(
        given,
        bridges=given.bridges + more,
        to_look_up=(),
        left_out=given.left_out + len(named) - len(more),
    )


def of_kinds(given: Recommendation, transports: Sequence[str]) -> Recommendation:
    """Return the recommendation with a problem at every bridge of a kind that was not asked for."""
    wanted = {_SAME.get(one, one) for one in transports}
    bridges = tuple(
        replace(one, line="", problem="its kind was not asked for.")
        if one.problem is None and _SAME.get(one.transport, one.transport) not in wanted
        else one
        for one in given.bridges
    )
    return replace(given, bridges=bridges) if transports else given


def line_text(line: BridgeLine) -> str:
    """Return a bridge line as Tor reads it, without ``Bridge`` and without whatever stood around it."""
    words = [line.transport, f"{line.address}:{line.port}", (line.fingerprint or "").upper()]
    words += [f"{key}={value}" for key, value in line.arguments.items()]
    return " ".join(filter(None, words))


def _judged(text: str, transport: str, source: str, allow_private: bool) -> Recommended:
    """Read one line; what can't be used has a problem and no line."""
    shown, where = _word(transport), _word(source)
    if len(text) > LONGEST_LINE or not _PRINTABLE.fullmatch(text):
        return Recommended(
            shown, where, problem="it is too long for a bridge line, or holds what none can have."
        )
    found = bridges_in(text)
    if len(found) != 1:
        return Recommended(shown, where, problem="this is not one bridge line.")
    try:
        option = to_option(found[0])
        if not allow_private:
            refuse_private(option)
    except LineError as exc:
        return Recommended(shown, where, problem=exc.sentence)
    return Recommended(found[0].transport or "vanilla", where, line_text(found[0]))


def _word(text: str) -> str:
    return sanitise(text, _LONGEST_WORD) or "?"


def _decoded(body: bytes, kind: type[_Kind]) -> _Kind:
    if len(body) > LONGEST_ANSWER:
        raise AnswerError(f"more than {LONGEST_ANSWER} bytes")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise AnswerError("no JSON that Tor's service would send") from exc
