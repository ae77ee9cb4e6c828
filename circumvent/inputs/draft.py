"""What every parser of links and tables returns: an option without an id.

The id is a keyed hash of everything that makes the option what it is, so it is made last, by
:class:`circumvent.ids.IdMaker`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from circumvent.inputs.problem import LineError
from circumvent.model.option import Endpoint, Option, Origin
from circumvent.text import sanitise

if TYPE_CHECKING:
    from collections.abc import Iterable

    from circumvent.inputs.uri import Link

#: Longest label, in characters; longer ones are cut.
LONGEST_LABEL: Final = 60
#: The id of an option that has none yet.
NO_ID: Final = ""
_NOWHERE: Final = Origin(source="argument")


def draft(
    kind: str,
    *,
    host: str,
    port: int,
    label: str = "",
    addresses: Iterable[str] = (),
    **fields: Any,
) -> Option:
    """Return an option of ``kind`` without id and origin. Without a label it is called by its host.

    :raises LineError: when the values contradict each other.
    """
    try:
        endpoint = Endpoint(host=host, port=port, addresses=tuple(dict.fromkeys(addresses)))
        name = clean_label(label) or host
        return Option(id=NO_ID, kind=kind, label=name, endpoint=endpoint, origin=_NOWHERE, **fields)
    except ValueError as exc:
        raise LineError("this option contradicts itself. Copy it again.") from exc


def clean_label(text: str) -> str:
    """Return a display name that is safe to print, at most :data:`LONGEST_LABEL` characters."""
    return sanitise(text.strip(), LONGEST_LABEL).strip()


def only_host_and_port(link: Link) -> None:
    """Refuse a path or query where the scheme has no use for one.

    :raises LineError: when there is one.
    """
    if link.path not in ("", "/") or link.query:
        raise LineError(f"{link.scheme} links end after the port. Leave out what follows it.")


def no_userinfo(link: Link) -> None:
    """Refuse a user name where the protocol has none.

    :raises LineError: when there is one.
    """
    if link.userinfo is not None:
        raise LineError(f"{link.scheme} links have no user name. Leave out what stands before the @.")
