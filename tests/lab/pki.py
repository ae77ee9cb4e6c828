"""The authorities of the tests, and the certificates that must not be believed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from circumvent.lab.world.authority import Authority, Credentials

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Authority", "Credentials", "Pki", "make_pki"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pki:
    """The authority that the tests trust, one that they do not, and one example of every bad certificate.

    Every bad certificate is for ``names`` (except ``wrong_name``) and has exactly one thing wrong.
    """

    authority: Authority
    stranger: Authority
    names: tuple[str, ...]
    good: Credentials
    rsa: Credentials
    expired: Credentials
    not_yet_valid: Credentials
    self_signed: Credentials
    unknown_authority: Credentials
    wrong_name: Credentials
    long_list: Credentials

    @property
    def ca_file(self) -> Path:
        """The trusted root as a PEM file."""
        return self.authority.pem_file


def make_pki(directory: Path, names: Sequence[str]) -> Pki:
    """Make both authorities and all certificates for ``names``."""
    authority = Authority(directory / "authority", "circumvent laboratory")
    stranger = Authority(directory / "stranger", "circumvent stranger")
    day = timedelta(days=1)
    return Pki(
        authority=authority,
        stranger=stranger,
        names=tuple(names),
        good=authority.issue("good", names),
        rsa=authority.issue("rsa", names, algorithm="rsa"),
        expired=authority.issue("expired", names, begins=-30 * day, ends=-3 * day),
        not_yet_valid=authority.issue("not-yet-valid", names, begins=3 * day, ends=30 * day),
        self_signed=authority.issue("self-signed", names, self_signed=True),
        unknown_authority=stranger.issue("unknown-authority", names),
        wrong_name=authority.issue("wrong-name", ["another.example"]),
        long_list=authority.issue("long-list", [f"name-{number}.example" for number in range(300)]),
    )
