"""OpenVPN profiles (``.ovpn``): one file, one option, whose servers are variants of each other.

What decides how to connect is read; what a client would execute or set on this machine (``up``, ``script-security``,
``plugin``, routes) is passed over, never run. Files that a profile names are read only where they stand beside it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from circumvent.inputs import ovpn_files, ovpn_server, ovpn_words
from circumvent.inputs.draft import clean_label, draft
from circumvent.inputs.ovpn_lines import Directive, directives
from circumvent.inputs.ovpn_remotes import Remotes
from circumvent.inputs.problem import LineError
from circumvent.model.openvpn import OpenvpnSettings, Remote, ServerRules, Wrapping
from circumvent.model.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from circumvent.inputs.toml_fields import Fields
    from circumvent.model.option import Option

_NAMED: Final = re.compile(r"\.(?:ovpn|openvpn)$", re.IGNORECASE)
#: What only a profile of OpenVPN has on lines of their own.
_REMOTE: Final = re.compile(r"^\s*remote\s+\S+(?:\s+\S+){0,2}\s*(?:[#;].*)?\r?$", re.MULTILINE)
_OTHERS: Final = re.compile(
    r"^\s*(?:client|tls-client|dev\s+\S+|proto\s+\S+|<ca>|<connection>)\s*\r?$", re.MULTILINE
)

#: Directives of which each makes a profile one that can't be tried, and the words for it: 60 characters fit a screen.
_UNSPOKEN: Final = {
    "secret": "it has a static key and no TLS (secret)",
    "scramble": "it is disguised as patched versions do it (scramble)",
    "static-challenge": "it wants a one-time code at each log-in",
    "pkcs11-id": "its key is on a smart card (pkcs11)",
    "cryptoapicert": "its key is in the store of Windows (cryptoapicert)",
}
#: Directives of a server.
_SERVER: Final = frozenset({"server", "server-ipv6", "server-bridge", "tls-server", "ifconfig-pool"})


def is_ovpn(name: str, text: str) -> bool:
    """Tell whether a file is a profile of OpenVPN, by its ending or its content."""
    if _NAMED.search(name):
        return True
    return _OTHERS.search(text) is not None and ("<connection>" in text or _REMOTE.search(text) is not None)


def read_ovpn(text: str, *, folder: Path | None) -> Option:
    """Read a profile into an option without id; files that it names are looked for in ``folder``.

    :raises LineError: with the line that can't be used, and a sentence that repeats nothing of it.
    """
    reader = _Profile(ovpn_files.Beside(folder))
    for directive in directives(text):
        reader.take(directive)
    return reader.finish()


def ovpn_of_table(fields: Fields, folder: Path) -> Option:
    """Read the field ``profile`` of a TOML table: the text of a profile, or the name of its file beside the TOML.

    :raises LineError: when it can't be used.
    """
    value = fields.text("profile")
    if value is None:
        raise LineError(
            "this table has no profile. Add the text of one, or the name of its file.", label=fields.label
        )
    try:
        if "\n" in value:
            return read_ovpn(value, folder=folder)
        named = Directive(0, "profile", (value,))
        return read_ovpn(ovpn_files.Beside(folder).text(named) or "", folder=folder)
    except LineError as exc:
        raise fields.error("profile", exc.sentence) from exc


@dataclass
class _Profile:
    """What has been read of a profile so far."""

    files: ovpn_files.Beside
    remotes: Remotes = field(default_factory=Remotes)
    server: ovpn_server.Rules = field(default_factory=ovpn_server.Rules)
    label: str = ""
    account: tuple[Secret | None, Secret | None] = (None, None)
    asks: bool = False
    direction: int | None = None
    wraps: dict[Wrapping, Secret] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict, repr=False)
    key: Secret | None = None
    key_password: Secret | None = None
    unsupported: str | None = None
    values: dict[str, str] = field(default_factory=dict)
    resolvers: list[str] = field(default_factory=list)
    mtu: int = 1500
    pulls: bool = False
    own_address: bool = False

    def take(self, directive: Directive) -> None:
        """Take in one directive."""
        if (
            directive.name == "setenv" and directive.word() == "opt"
        ):  # a directive that old clients may ignore
            directive = Directive(directive.line, (directive.word(1) or "").lower(), directive.words[2:])
        if directive.name in _SERVER or (directive.name, directive.word()) == ("mode", "server"):
            raise LineError("this is the configuration of a server, not of a client.", where=directive.line)
        if directive.name in _UNSPOKEN:
            self.refuse(_UNSPOKEN[directive.name])
        elif self.remotes.take(directive) or self.server.take(directive, self.files):
            return
        elif (read := _READERS.get(directive.name)) is not None:
            read(self, directive)

    def refuse(self, words: str) -> None:
        """Note the first reason for which this profile can't be tried."""
        self.unsupported = self.unsupported or words

    def finish(self) -> Option:
        """Return the option."""
        remotes = self.remotes.finish()
        if self.own_address and not self.pulls:
            self.refuse("it is a link between two machines, without a server")
        rules = self.server.finish()
        if rules.ca is None and not rules.fingerprints and self.unsupported is None:
            raise LineError("this profile has no ca and no peer-fingerprint: its server can't be verified.")
        if (self.key is None) is not ("cert" not in self.texts) and self.unsupported is None:
            raise LineError("this profile has only one of cert and key. They belong together.")
        wrapping, key = self._wrapping()
        if self.unsupported is None and self.key is None and not self.asks:
            raise LineError("this profile has neither a certificate of its own nor auth-user-pass.")
        settings = self._settings(wrapping, key, remotes, rules)
        user, password = self.account
        first = remotes[0].endpoint
        return draft(
            "openvpn",
            host=first.host,
            port=first.port,
            label=self.label,
            settings=settings,
            user=user,
            password=password,
        )

    def _settings(
        self,
        wrapping: Wrapping,
        key: Secret | None,
        remotes: tuple[Remote, ...],
        rules: ServerRules,
    ) -> OpenvpnSettings:
        ciphers, fallback = ovpn_words.data_ciphers(self.values)
        return OpenvpnSettings(
            remotes=remotes,
            shuffled=self.remotes.shuffled and len(remotes) > 1,
            wrapping=wrapping,
            wrap_key=key,
            key_direction=self.direction if wrapping is Wrapping.TLS_AUTH else None,
            digest=self.values.get("auth", "SHA1").upper(),
            ciphers=ciphers,
            fallback=fallback,
            rules=rules,
            certificate=self.texts.get("cert"),
            extra_certificates=self.texts.get("extra-certs"),
            key=self.key,
            key_password=self.key_password,
            tls_minimum=self.values.get("tls-version-min"),
            tls_maximum=self.values.get("tls-version-max"),
            tls_ciphers=ovpn_words.openssl_ciphers(self.values.get("tls-cipher")),
            tls_ciphersuites=self.values.get("tls-ciphersuites"),
            compression=self.values.get("compress"),
            mtu=self.mtu,
            resolvers=tuple(self.resolvers),
            asks_password=self.asks,
            unsupported=self.unsupported,
        )

    def _wrapping(self) -> tuple[Wrapping, Secret | None]:
        for wrapping in (Wrapping.TLS_CRYPT_V2, Wrapping.TLS_CRYPT, Wrapping.TLS_AUTH):
            if wrapping in self.wraps:
                return wrapping, self.wraps[wrapping]
        return Wrapping.PLAIN, None


def _wrap(profile: _Profile, directive: Directive) -> None:
    wrapping = Wrapping(directive.name)
    if wrapping is Wrapping.TLS_AUTH and directive.word(1) is not None:
        profile.direction = ovpn_words.direction(directive, directive.word(1))
    text = profile.files.text(directive)
    if text is not None:
        profile.wraps[wrapping] = ovpn_files.wrap_key(text, wrapping, directive)


def _direction(profile: _Profile, directive: Directive) -> None:
    profile.direction = ovpn_words.direction(directive, directive.word())


def _certificate(profile: _Profile, directive: Directive) -> None:
    text = profile.files.text(directive)
    if text is not None:
        profile.texts[directive.name] = ovpn_files.certificates(text, directive)


def _key(profile: _Profile, directive: Directive) -> None:
    text = profile.files.text(directive)
    if text is not None:
        profile.key = Secret(ovpn_files.private_key(text, directive))


def _pkcs12(profile: _Profile, directive: Directive) -> None:
    data = profile.files.data(directive)
    if data is None:
        return
    bundle = ovpn_files.open_pkcs12(data, profile.key_password, directive)
    if bundle is None:
        profile.refuse("its pkcs12 file is locked with a passphrase")
        return
    profile.key, profile.texts["cert"] = Secret(bundle.key), bundle.certificate
    if bundle.others:
        profile.server.add_ca(bundle.others)


def _askpass(profile: _Profile, directive: Directive) -> None:
    text = profile.files.text(directive)
    if text is not None and text.strip():
        profile.key_password = Secret(text.splitlines()[0])


def _account(profile: _Profile, directive: Directive) -> None:
    profile.asks = True
    text = profile.files.text(directive, needed=False)
    if text is not None:
        profile.account = ovpn_files.account(text)


def _label(profile: _Profile, directive: Directive) -> None:
    if directive.word() in ("FRIENDLY_NAME", "PROFILE_NAME") and directive.word(1):
        profile.label = clean_label(directive.words[1])


def _device(profile: _Profile, directive: Directive) -> None:
    if (directive.word() or "").lower().startswith("tap"):
        profile.refuse("it carries Ethernet frames (dev tap), not IP packets")


def _compress(profile: _Profile, directive: Directive) -> None:
    profile.values["compress"] = ovpn_words.compression(directive)


def _value(profile: _Profile, directive: Directive) -> None:
    if directive.words:
        profile.values[directive.name] = ovpn_words.word(directive)


def _dhcp_option(profile: _Profile, directive: Directive) -> None:
    address = directive.word(1)
    if directive.word() in ("DNS", "DNS6") and address is not None:
        found = ovpn_words.address(address)
        if found is not None and found not in profile.resolvers and len(profile.resolvers) < 8:
            profile.resolvers.append(found)


def _pull(profile: _Profile, _: Directive) -> None:
    profile.pulls = True


def _own_address(profile: _Profile, _: Directive) -> None:
    profile.own_address = True


def _mtu(profile: _Profile, directive: Directive) -> None:
    profile.mtu = ovpn_words.number(directive, 68, 65535)


_READERS: Final[dict[str, Callable[[_Profile, Directive], None]]] = {
    "tls-auth": _wrap,
    "tls-crypt": _wrap,
    "tls-crypt-v2": _wrap,
    "key-direction": _direction,
    "cert": _certificate,
    "extra-certs": _certificate,
    "key": _key,
    "pkcs12": _pkcs12,
    "askpass": _askpass,
    "auth-user-pass": _account,
    "setenv": _label,
    "dev": _device,
    "dev-type": _device,
    "compress": _compress,
    "comp-lzo": _compress,
    "dhcp-option": _dhcp_option,
    "tun-mtu": _mtu,
    "client": _pull,
    "pull": _pull,
    "ifconfig": _own_address,
    **dict.fromkeys(
        (
            "auth",
            "cipher",
            "data-ciphers",
            "ncp-ciphers",
            "data-ciphers-fallback",
            "tls-version-min",
            "tls-version-max",
            "tls-cipher",
            "tls-ciphersuites",
        ),
        _value,
    ),
}
