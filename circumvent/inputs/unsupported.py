"""Inputs that are recognised and can't be tried by this version, each with a sentence of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from circumvent.inputs.uri import Link

_LATER: Final = "{} are not supported by this version."


def _later(what: str) -> str:
    return _LATER.format(what)


#: Scheme of a link to the sentence that says why it is left out.
SCHEMES: Final = {
    "ss": _later("Shadowsocks links"),
    "ssr": "ssr:// links are not supported. Ask for an ss:// link.",
    "ssconf": _later("Outline access keys that are fetched (ssconf)"),
    "vless": _later("VLESS links"),
    "vmess": _later("VMess links"),
    "trojan": _later("Trojan links"),
    "trojan-go": _later("Trojan links"),
    "hysteria": _later("links of Hysteria 1"),
    "hysteria2": _later("links of Hysteria 2"),
    "hysteria2+realm": _later("links of Hysteria 2"),
    "hysteria2+realm+http": _later("links of Hysteria 2"),
    "hy2": _later("links of Hysteria 2"),
    "tuic": _later("TUIC links"),
    "anytls": _later("AnyTLS links"),
    "naive+https": _later("NaïveProxy links"),
    "naive+quic": _later("NaïveProxy links"),
    "vpn": _later("Amnezia VPN keys"),
    "ssh": _later("SSH links"),
    "tg": _later("Telegram proxies"),
    "sgnl": _later("Signal proxies"),
    "mieru": _later("mieru links"),
    "mierus": _later("mieru links"),
    "juicity": _later("Juicity links"),
    "socks4": "SOCKS4 cannot resolve names. If the proxy speaks SOCKS4a or SOCKS5, write socks4a:// or socks5://.",
    "ftp": "FTP servers are no way out. Ask for another link.",
    "file": "give a file by its path, without file://.",
    "psiphon": _later("Psiphon settings"),
    "starlink": _later("satellite terminals"),
    "bridge": "there is no bridge in this link that can be read. Copy it again.",
    "mailto": "this is an e-mail address.",
}

#: Kinds of the project's own TOML that later versions know.
KINDS_TO_COME: Final = frozenset({
    "anytls", "hysteria2", "mtproto",
    "shadowsocks", "signal-proxy", "ssh", "trojan", "tuic",
    "vless", "vmess", "whatsapp-proxy",
})  # fmt: skip

_TELEGRAM: Final = frozenset({"t.me", "telegram.me", "telegram.dog"})
_SIGNAL: Final = frozenset({"signal.tube", "signal.me", "signal.art"})


def web_page_of_app(link: Link) -> str | None:
    """Return why a link to a messenger's own page is left out; ``None`` for other pages."""
    host = link.authority.partition(":")[0].lower()
    if host in _TELEGRAM:
        return (
            SCHEMES["tg"] if link.path in ("/proxy", "/socks") else "this is a page of Telegram, not a proxy."
        )
    return SCHEMES["sgnl"] if host in _SIGNAL else None


def web_page(line: str) -> str | None:
    """Return why the rest of a file is left out where a web page begins; ``None`` if none does."""
    if not line[:64].lower().startswith(("<!doctype html", "<html", "<head", "<body", "<script")):
        return None
    return "this is a web page, not a list of links. Open its address in a browser and save the list."


def whole_file(text: str) -> str | None:
    """Return why a file that is no list of links is left out; ``None`` if it may be one."""
    start = text.lstrip()[:4096]
    low = start[:64].lower()
    if low.startswith(("<?xml", "<plist")):
        return _later("configuration profiles (XML)")
    for pattern, what in _FILES:
        if pattern.search(start):
            return _later(what)
    return None


_FILES: Final = (
    (re.compile(r"\A\s*(?:\{|\[\s*[\]{\"])"), "JSON lists"),
    (re.compile(r"^proxies:\s*$|^proxy-groups:\s*$", re.MULTILINE), "Clash lists (YAML)"),
)
