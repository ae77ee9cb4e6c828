"""OpenVPN options as profiles that OpenVPN itself reads: everything inline, no other file is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from circumvent.convert.problem import CannotWrite
from circumvent.model.openvpn import NameMode, OpenvpnSettings, Remote, ServerRules, Wrapping

if TYPE_CHECKING:
    from collections.abc import Iterator

    from circumvent.model.option import Option

_COMPRESSION: Final = {
    "comp-lzo": "comp-lzo no",
    "stub": "compress stub",
    "stub-v2": "compress stub-v2",
    "none": "compress migrate",
}


def write_ovpn(option: Option) -> str:
    """Return the profile of an option of kind ``openvpn``. It holds its keys and its password.

    :raises CannotWrite: when a profile can't say all that the option is.
    """
    settings = option.settings
    if not isinstance(settings, OpenvpnSettings):
        raise CannotWrite("only OpenVPN options are profiles of OpenVPN")
    if settings.unsupported is not None:
        raise CannotWrite("parts of its profile were not kept, because this version does not speak them")
    if settings.key_password is not None:
        raise CannotWrite("its key is locked, and a profile can't hold the passphrase")
    lines = ["client", "dev tun", "nobind"]
    if option.label != option.endpoint.host:
        lines.append(f"setenv FRIENDLY_NAME {_quoted(option.label)}")
    lines += _connections(settings)
    lines += _channel(settings)
    lines += _rules(settings.rules)
    lines += _account(option, settings)
    lines += _blocks(settings)
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Return one word of a line, in quotes where it needs them."""
    if any(character in text for character in "\r\n\0"):
        raise CannotWrite("it holds a text of several lines where a profile has one")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return escaped if escaped and escaped.isalnum() else f'"{escaped}"'


def _block(tag: str, text: str) -> str:
    return f"<{tag}>\n{text}\n</{tag}>"


def _connections(settings: OpenvpnSettings) -> Iterator[str]:
    if settings.shuffled:
        yield "remote-random"
    if len(settings.remotes) == 1:
        yield from _connection(settings.remotes[0])
        return
    for remote in settings.remotes:
        yield _block("connection", "\n".join(_connection(remote)))


def _connection(remote: Remote) -> Iterator[str]:
    endpoint = remote.endpoint
    yield f"remote {endpoint.host} {endpoint.port} {'udp' if remote.transport == 'udp' else 'tcp-client'}"
    if remote.exit_notify:
        yield "explicit-exit-notify"
    if remote.fragment:
        yield "fragment 1300"
    if remote.proxy is not None:
        name = "socks-proxy" if remote.proxy.kind == "socks5" else "http-proxy"
        yield f"{name} {remote.proxy.endpoint.host} {remote.proxy.endpoint.port}"


def _channel(settings: OpenvpnSettings) -> Iterator[str]:
    if settings.ciphers:
        yield f"data-ciphers {':'.join(settings.ciphers)}"
    if settings.fallback is not None:  # older clients know only the second word, and offer that cipher too
        name = "cipher" if settings.fallback in settings.ciphers else "data-ciphers-fallback"
        yield f"{name} {settings.fallback}"
    if settings.digest != "SHA1":
        yield f"auth {settings.digest}"
    for name, value in (
        ("tls-version-min", settings.tls_minimum),
        ("tls-version-max", settings.tls_maximum),
        ("tls-cipher", settings.tls_ciphers),
        ("tls-ciphersuites", settings.tls_ciphersuites),
    ):
        if value is not None:
            yield f"{name} {value}"
    if settings.compression is not None:
        yield _COMPRESSION[settings.compression]
    if settings.mtu != 1500:
        yield f"tun-mtu {settings.mtu}"
    yield from (f"dhcp-option DNS {resolver}" for resolver in settings.resolvers)


def _rules(rules: ServerRules) -> Iterator[str]:
    if rules.name is not None:
        mode = "" if rules.name_mode is NameMode.SUBJECT else f" {rules.name_mode}"
        yield f"verify-x509-name {_quoted(rules.name)}{mode}"
    if rules.server_use:
        yield "remote-cert-tls server"
    if rules.extended_use is not None:
        yield f"remote-cert-eku {_quoted(rules.extended_use)}"
    if rules.key_usages:
        yield "remote-cert-ku " + " ".join(f"{usage:02x}" for usage in rules.key_usages)
    if rules.fingerprints:
        yield _block("peer-fingerprint", "\n".join(_digest(one) for one in rules.fingerprints))
    for one in rules.issuer_hashes:
        yield f"verify-hash {_digest(one)} {'SHA1' if len(one) == 20 else 'SHA256'}"


def _digest(digest: bytes) -> str:
    return digest.hex(":").upper()


def _account(option: Option, settings: OpenvpnSettings) -> Iterator[str]:
    if option.user is not None:
        texts = [one.reveal() for one in (option.user, option.password) if one is not None]
        if any("\n" in one or "\r" in one for one in texts):
            raise CannotWrite("its user name or password has several lines")
        yield _block("auth-user-pass", "\n".join(texts))
    elif settings.asks_password:
        yield "auth-user-pass"
    accounts = {
        (one.proxy.user.reveal(), one.proxy.password.reveal())
        for one in settings.remotes
        if one.proxy is not None and one.proxy.user is not None and one.proxy.password is not None
    }
    yield from (_block("http-proxy-user-pass", f"{user}\n{password}") for user, password in accounts)


def _blocks(settings: OpenvpnSettings) -> Iterator[str]:
    for tag, text in (
        ("ca", settings.rules.ca),
        ("cert", settings.certificate),
        ("extra-certs", settings.extra_certificates),
        ("key", settings.key.reveal() if settings.key is not None else None),
    ):
        if text is not None:
            yield _block(tag, text)
    if settings.wrap_key is not None:
        if settings.wrapping is Wrapping.TLS_AUTH and settings.key_direction is not None:
            yield f"key-direction {settings.key_direction}"
        yield _block(settings.wrapping.value, settings.wrap_key.reveal())
