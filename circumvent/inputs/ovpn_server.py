"""What an OpenVPN profile wants of the server's certificate: ``ca``, ``verify-x509-name``, ``remote-cert-*``, hashes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from circumvent.inputs.ovpn_files import certificates
from circumvent.inputs.problem import LineError
from circumvent.model.openvpn import NameMode, ServerRules

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.inputs.ovpn_files import Beside
    from circumvent.inputs.ovpn_lines import Directive

_HEX: Final = re.compile(r"[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64}")
_MOST: Final = 32


@dataclass
class Rules:
    """Collects what is wanted."""

    ca: list[str] = field(default_factory=list, repr=False)
    name: str | None = None
    name_mode: NameMode = NameMode.SUBJECT
    server_use: bool = False
    extended_use: str | None = None
    key_usages: list[int] = field(default_factory=list)
    fingerprints: list[bytes] = field(default_factory=list)
    issuer_hashes: list[bytes] = field(default_factory=list)

    def take(self, directive: Directive, files: Beside) -> bool:
        """Take in a directive, if it is one about the server's certificate; tell whether it is."""
        if directive.name == "ca":
            text = files.text(directive)
            if text is not None:
                self.add_ca(certificates(text, directive))
            return True
        read = _READERS.get(directive.name)
        if read is not None:
            read(self, directive)
        return read is not None

    def add_ca(self, pem: str) -> None:
        """Trust these certificates too."""
        self.ca.append(pem)

    def finish(self) -> ServerRules:
        """Return the rules."""
        return ServerRules(
            ca="\n".join(self.ca) or None,
            name=self.name,
            name_mode=self.name_mode,
            server_use=self.server_use,
            extended_use=self.extended_use,
            key_usages=tuple(self.key_usages),
            fingerprints=tuple(dict.fromkeys(self.fingerprints)),
            issuer_hashes=tuple(dict.fromkeys(self.issuer_hashes)),
        )


def _name(rules: Rules, directive: Directive) -> None:
    rules.name = directive.word()
    try:
        rules.name_mode = NameMode(directive.word(1) or "subject")
    except ValueError:
        raise LineError(
            "verify-x509-name compares subject, name or name-prefix.", where=directive.line
        ) from None
    if not rules.name or len(rules.name) > 1024:
        raise LineError("verify-x509-name has no name to compare with.", where=directive.line)


def _cert_tls(rules: Rules, directive: Directive) -> None:
    if directive.word() == "client":
        raise LineError(
            "this profile wants a client at the other end. It may be that of a server.", where=directive.line
        )
    rules.server_use = True


def _eku(rules: Rules, directive: Directive) -> None:
    rules.extended_use = (directive.word() or "")[:200] or None


def _ku(rules: Rules, directive: Directive) -> None:
    for text in directive.words[:_MOST]:
        try:
            rules.key_usages.append(int(text, 16) & 0xFF)
        except ValueError:
            raise LineError("remote-cert-ku has hexadecimal numbers.", where=directive.line) from None


def _fingerprints(rules: Rules, directive: Directive) -> None:
    texts = directive.block.split() if directive.block is not None else list(directive.words[:1])
    for text in texts[:_MOST]:
        rules.fingerprints.append(_digest(text, directive, lengths=(32,)))


def _verify_hash(rules: Rules, directive: Directive) -> None:
    texts = directive.block.split() if directive.block is not None else list(directive.words[:1])
    for text in texts[:_MOST]:
        rules.issuer_hashes.append(_digest(text, directive, lengths=(20, 32)))


def _digest(text: str, directive: Directive, *, lengths: tuple[int, ...]) -> bytes:
    digits = text.replace(":", "")
    if not _HEX.fullmatch(digits) or len(digits) // 2 not in lengths:
        raise LineError(
            "a digest of a certificate is written as pairs of hexadecimal digits.", where=directive.line
        )
    return bytes.fromhex(digits)


_READERS: Final[dict[str, Callable[[Rules, Directive], None]]] = {
    "verify-x509-name": _name,
    "remote-cert-tls": _cert_tls,
    "remote-cert-eku": _eku,
    "remote-cert-ku": _ku,
    "peer-fingerprint": _fingerprints,
    "verify-hash": _verify_hash,
}
