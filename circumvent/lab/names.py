"""Lists of host names, as censors keep them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names that are meant: ``exact`` ones, ``suffixes`` (a name and everything below it), and parts they ``contain``.

    ``contain`` is what made Russia slow down everything with ``t.co`` in it, microsoft.com among them (Throttling
    Twitter, IMC 2021). Case and a final dot do not matter.
    """

    exact: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    contain: tuple[str, ...] = ()

    def __contains__(self, name: str) -> bool:
        return _contains(self, canonical(name))


def canonical(name: str) -> str:
    """Return a name in lower case, without a final dot."""
    return name.lower().removesuffix(".")


@lru_cache(maxsize=4096)
def _contains(names: Names, name: str) -> bool:
    if any(name == canonical(each) for each in names.exact):
        return True
    if any(part.lower() in name for part in names.contain):
        return True
    return any(f".{name}".endswith("." + canonical(each).lstrip(".")) for each in names.suffixes)
