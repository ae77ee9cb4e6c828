"""From what the user named (files, links, standard input) to options and problems.

Everything here is hostile: sizes are bounded, nothing is executed or fetched, and a line that can't be used is
reported with its place while the rest goes on.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from circumvent.inputs import text as texts
from circumvent.inputs.bridge_lines import bridges_in, is_torrc, to_option, unwrapped
from circumvent.inputs.chains import Chained, resolve_chains
from circumvent.inputs.files import Unreadable, read_file
from circumvent.inputs.links import looks_like_link, parse_link
from circumvent.inputs.mobileconfig import is_mobileconfig, read_mobileconfig
from circumvent.inputs.ovpn import is_ovpn, read_ovpn
from circumvent.inputs.private import PrivateAddressError, refuse_private
from circumvent.inputs.problem import Count, LineError, Parsed, Problem, without_echo
from circumvent.inputs.sswan import is_sswan, read_sswan
from circumvent.inputs.toml_file import is_toml, read_toml
from circumvent.inputs.toml_lines import TomlError
from circumvent.inputs.unsupported import web_page, whole_file
from circumvent.inputs.wireguard import is_wireguard, read_wireguard
from circumvent.model.option import Option, Origin

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from circumvent.ids import IdMaker

#: Bytes of a file, options of a run, lines and problems of a file. What is beyond is said and left out.
LARGEST_FILE: Final = 10 * 1024 * 1024
MOST_OPTIONS: Final = 10_000
MOST_LINES: Final = 100_000
MOST_PROBLEMS: Final = 200
ARGUMENT: Final = "argument"
STDIN: Final = "stdin"
_CATALOGUE: Final = "catalogue"
#: What editors count as the end of a line; ``str.splitlines`` knows more, and the numbers would not agree.
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
#: An argument with one of these is rather a damaged link than the name of a file, and is not shown.
_SECRETIVE: Final = re.compile(r"[@:=?#%\s\x00-\x1f]|.{200}")


def read_inputs(
    named: Sequence[str],
    *,
    ids: IdMaker,
    stdin: Callable[[int], bytes] | None = None,
    allow_private: bool = False,
) -> Parsed:
    """Read everything that ``named`` names into options with ids, and say what can't be used.

    Each is a link, the path of a file, or ``-`` for standard input; ``stdin`` is called with the number of bytes
    that are wanted at most. Options that are the same are merged. Without ``allow_private`` what points into a
    private or local network is left out with a problem. Never raises for bad input.
    """
    reader = _Reader(ids=ids, allow_private=allow_private)
    for position, name in enumerate(named, start=1):
        if name == "-":
            reader.source(STDIN, stdin)
        elif looks_like_link(name) or any(True for _ in texts.links_in(texts.clean(name))):
            reader.lines(ARGUMENT, texts.clean(name), number=position)
        else:
            reader.file(name, position)
    return reader.finish()


@dataclass
class _Sheet:
    """What has been read from one source so far."""

    source: str
    lines: int = 0
    unusable: int = 0
    told: int = 0
    ids: set[str] = field(default_factory=set)


class _Reader:
    """Collects options and problems over all sources of one call."""

    def __init__(self, *, ids: IdMaker, allow_private: bool) -> None:
        self._ids = ids
        self._allow_private = allow_private
        self._options: dict[str, Option] = {}
        self._chained: list[Chained] = []
        self._problems: list[Problem] = []
        self._sheets: dict[str, _Sheet] = {}
        self._full = False

    def file(self, name: str, position: int) -> None:
        """Read a file, or say why it can't be read."""
        try:
            data = read_file(name, LARGEST_FILE)
        except Unreadable as exc:
            if _SECRETIVE.search(name):
                self._tell(
                    self._sheet(ARGUMENT), position, "this is neither a link that is known nor a file."
                )
            else:
                self._tell(self._sheet(name), None, str(exc))
            return
        # A file called "catalogue" must not pass for ours: what it holds is the user's and private.
        self._content(f"./{name}" if name == _CATALOGUE else name, data, Path(name))

    def source(self, name: str, read: Callable[[int], bytes] | None) -> None:
        """Read standard input."""
        data = read(LARGEST_FILE + 1) if read is not None else b""
        if len(data) > LARGEST_FILE:
            self._tell(self._sheet(name), None, "this is more than 10 MB, which no list of options is.")
            return
        self._content(name, data, None)

    def lines(self, source: str, text: str, *, number: int | None = None) -> None:
        """Read links line by line. With ``number`` that is the place of all of them."""
        sheet = self._sheet(source)
        for count, raw in unwrapped(_LINE_END.split(text)):
            if count > MOST_LINES:
                self._tell(sheet, count, f"only the first {MOST_LINES:,} lines are read.")
                return
            line = texts.clean(raw)
            if texts.is_comment(line) or is_torrc(line):
                continue
            page = web_page(line)
            if page is not None:
                sheet.lines += 1
                self._refuse(sheet, number or count, LineError(page), line)
                return
            self._line(sheet, number or count, line)
            if self._full:
                return

    def finish(self) -> Parsed:
        """Return everything read, with options that go through others tied to them."""
        chained, failed = resolve_chains(self._options, self._chained, self._ids)
        for option in chained:
            self._options.setdefault(option.id, option)
        for item, sentence in failed:
            sheet = self._sheet(item.option.origin.source)
            self._refuse(sheet, item.option.origin.line, LineError(sentence, label=item.option.label), "")
        self._name_lonely_ones()
        for sheet in self._sheets.values():
            if sheet.told > MOST_PROBLEMS:
                sentence = f"and {sheet.told - MOST_PROBLEMS} more lines that cannot be used."
                self._problems.append(Problem(sheet.source, None, sentence))
        counts = tuple(Count(sheet.source, sheet.lines, sheet.unusable) for sheet in self._sheets.values())
        return Parsed(options=tuple(self._options.values()), problems=tuple(self._problems), counts=counts)

    def _content(self, source: str, data: bytes, path: Path | None) -> None:
        sheet = self._sheet(source)
        if is_mobileconfig(source, data):
            self._payloads(sheet, data)
            return
        text = texts.decode(data)
        if text is None:
            self._tell(sheet, None, "this is no text. Links and lists of options are text files.")
            return
        if not text.strip():
            self._tell(sheet, None, "there is nothing in it. A list of links was expected.")
            return
        if is_toml(source, text):
            self._toml(sheet, text, path.parent if path is not None else Path())
            return
        if is_wireguard(text):
            self._peers(sheet, text)
            return
        if is_ovpn(source, text):
            self._profile(sheet, lambda: read_ovpn(text, folder=path.parent if path is not None else None))
            return
        if is_sswan(source, text):
            self._profile(sheet, lambda: read_sswan(text))
            return
        what = whole_file(text)
        if what is not None and not bridges_in(text):
            self._tell(sheet, None, what)
            return
        self.lines(source, texts.unwrap_base64(text) or text)
        if sheet.lines == 0:
            self._tell(sheet, None, "there is no link in it, only comments.")

    def _toml(self, sheet: _Sheet, text: str, folder: Path) -> None:
        written = text.split("\n")
        try:
            for line, outcome in read_toml(text, folder=folder):
                sheet.lines += 1
                if isinstance(outcome, LineError):
                    self._refuse(sheet, line, outcome, written[line - 1])
                else:
                    self._take(sheet, line, outcome[0], written[line - 1], via=outcome[1])
                if self._full:
                    return
        except TomlError as exc:
            self._tell(sheet, exc.line, exc.sentence)

    def _peers(self, sheet: _Sheet, text: str) -> None:
        """Read a file of WireGuard: one option for each peer."""
        for line, outcome in read_wireguard(text):
            sheet.lines += 1
            if isinstance(outcome, LineError):
                self._refuse(sheet, line, outcome, "")
            else:
                self._take(sheet, line, outcome, "")

    def _payloads(self, sheet: _Sheet, data: bytes) -> None:
        """Read a configuration profile: one option for each VPN in it."""
        try:
            for line, outcome in read_mobileconfig(data):
                sheet.lines += 1
                if isinstance(outcome, LineError):
                    self._refuse(sheet, line, outcome, "")
                else:
                    self._take(sheet, line, outcome, "")
        except LineError as exc:
            sheet.lines += 1
            self._refuse(sheet, exc.where, exc, "")

    def _profile(self, sheet: _Sheet, read: Callable[[], Option]) -> None:
        """Read a file that is one option. Its sentences are made without its text, so that none can repeat it."""
        sheet.lines += 1
        try:
            option = read()
        except LineError as exc:
            self._refuse(sheet, exc.where, exc, "")
        else:
            self._take(sheet, None, option, "")

    def _line(self, sheet: _Sheet, number: int, line: str) -> None:
        if len(line) > texts.LONGEST_LINE:
            sheet.lines += 1
            error = LineError(f"this line is longer than {texts.LONGEST_LINE:,} characters and is left out.")
            self._refuse(sheet, number, error, "")
            return
        readers: list[Callable[[], Option]] = [partial(to_option, bridge) for bridge in bridges_in(line)]
        for read in readers or [partial(parse_link, link) for link in list(texts.links_in(line)) or [line]]:
            sheet.lines += 1
            try:
                option = read()
            except LineError as exc:
                self._refuse(sheet, number, exc, line)
            else:
                self._take(sheet, number, option, line)
            if self._full:
                return

    def _take(
        self, sheet: _Sheet, number: int | None, option: Option, line: str, *, via: str | None = None
    ) -> None:
        """Keep an option, unless it is private, a duplicate, or one too many."""
        option = replace(option, origin=Origin(source=sheet.source, line=number))
        if not self._allow_private:
            try:
                refuse_private(option)
            except LineError as exc:
                self._refuse(sheet, number, exc, line)
                return
        if len(self._options) + len(self._chained) >= MOST_OPTIONS:
            self._full = True
            self._tell(sheet, number, f"there are more than {MOST_OPTIONS:,} options; the rest is left out.")
            return
        if via is not None:
            self._chained.append(Chained(option, via))
            return
        option = self._ids.named(option)
        sheet.ids.add(option.id)
        self._options.setdefault(option.id, option)

    def _refuse(self, sheet: _Sheet, number: int | None, error: LineError, line: str) -> None:
        """Report a line or table that can't be used, without repeating any of it."""
        sheet.unusable += 1
        named = error.label if error.label and f'"{error.label}"' in error.sentence else None
        sentences = error.sentences if isinstance(error, PrivateAddressError) else (error.sentence,)
        self._tell(sheet, number, without_echo(line, *sentences, label=named), error.label)

    def _tell(self, sheet: _Sheet, number: int | None, sentence: str, label: str | None = None) -> None:
        sheet.told += 1
        if sheet.told <= MOST_PROBLEMS:
            self._problems.append(Problem(sheet.source, number, sentence, label))

    def _sheet(self, source: str) -> _Sheet:
        return self._sheets.setdefault(source, _Sheet(source))

    def _name_lonely_ones(self) -> None:
        """Call the only option of a file by the file, if it has no name of its own."""
        for sheet in self._sheets.values():
            if sheet.source in (ARGUMENT, STDIN) or len(sheet.ids) != 1:
                continue
            option = self._options[next(iter(sheet.ids))]
            if option.label == option.endpoint.host and option.origin.source == sheet.source:
                self._options[option.id] = replace(option, label=_stem(sheet.source) or option.label)


def _stem(source: str) -> str:
    from circumvent.inputs.draft import clean_label  # noqa: PLC0415 - only lonely options need it

    return clean_label(Path(source).stem)
