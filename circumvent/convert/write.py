"""One option, or several, in a form that is asked for; read again before it is given out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from circumvent.convert.links import links_of
from circumvent.convert.ovpn import write_ovpn
from circumvent.convert.problem import CannotWrite
from circumvent.convert.tables import write_tables
from circumvent.convert.wireguard import write_conf
from circumvent.ids import IdMaker, canonical
from circumvent.inputs import read_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from circumvent.model.option import Option

#: The forms, in the order in which help names them.
FORMS: Final = ("toml", "link", "conf", "ovpn", "qr", "svg")
#: Kinds of which a form other than TOML and links is a file of its own.
_FILES: Final = {"wireguard": "conf", "amneziawg": "conf", "openvpn": "ovpn"}


def write(options: Sequence[Option], form: str, *, unicode: bool = True) -> str:
    """Return ``options`` in a form, ending with a line feed.

    ``toml`` and ``link`` hold any number, the others one. ``qr`` is a picture of half blocks (of ``##`` where
    ``unicode`` is not set), ``svg`` one for a browser; both hold what apps of the kind scan: the ``conf`` of WireGuard,
    else a link, else TOML.

    :raises CannotWrite: where the form can't say all that an option is; the message names none of it.
    """
    if form in ("qr", "svg"):
        from circumvent.convert.qr import half_blocks, squares, svg  # noqa: PLC0415 - most forms are texts

        text = _to_scan(_only(options))
        return svg(text) if form == "svg" else half_blocks(text) if unicode else squares(text)
    if form == "toml":
        return _tables(options)
    if form == "link":
        return "".join(f"{_link(option)}\n" for option in options)
    return _file(_only(options), form)


def _tables(options: Sequence[Option]) -> str:
    text = write_tables(options)
    if not _same(options, _read(text)):
        files = {_FILES[option.kind] for option in options if option.kind in _FILES}
        hint = f"; --to {files.pop()} can" if len(options) == len(files) == 1 else ""
        raise CannotWrite("TOML has no words for all that it holds" + hint)
    return text


def _link(option: Option) -> str:
    if option.via is not None:
        raise CannotWrite("a link can't say that it goes through another option; --to toml can")
    for link in links_of(option):
        if _same([option], _read(link)) or _same([_with_one_address(option)], _read(link)):
            return link
    raise CannotWrite("no link can say all that it holds; --to toml can")


def _file(option: Option, form: str) -> str:
    if _FILES.get(option.kind) != form:
        raise CannotWrite(f"options of its kind have no .{form} file; --to toml writes every kind")
    text = _writer(option.kind)(option)
    if not _same([option], _read(text)):
        raise CannotWrite(f"a .{form} file can't say all that it holds; --to toml can")
    return text


def _writer(kind: str) -> Callable[[Option], str]:
    if kind == "openvpn":
        return write_ovpn
    return write_conf


def _to_scan(option: Option) -> str:
    """Return what an app of the kind scans."""
    if _FILES.get(option.kind) == "conf":
        return _file(option, "conf").rstrip("\n")
    try:
        return _link(option)
    except CannotWrite:
        return _tables([option]).rstrip("\n")


def _only(options: Sequence[Option]) -> Option:
    if len(options) != 1:
        raise CannotWrite("this form holds one option; --option NAME chooses it")
    return options[0]


def _with_one_address(option: Option) -> Option:
    """Return the option as a stamp can say it: one address suffices to reach it without a look-up."""
    return replace(option, endpoint=replace(option.endpoint, addresses=option.endpoint.addresses[:1]))


def _read(text: str) -> tuple[Option, ...]:
    parsed = read_inputs(["-"], ids=IdMaker(bytes(32)), stdin=lambda _: text.encode(), allow_private=True)
    return () if parsed.problems else parsed.options


def _same(given: Sequence[Option], read: Sequence[Option]) -> bool:
    """Tell whether what was read is what was given: everything that decides where packets go and what they say."""
    return sorted(map(_form, given)) == sorted(map(_form, read))


def _form(option: Option) -> bytes:
    return canonical(replace(option, via=None))
