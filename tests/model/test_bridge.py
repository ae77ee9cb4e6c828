"""Settings of bridges: secrets, and never shown."""

from __future__ import annotations

from circumvent.model.bridge import (
    ConjureSettings,
    DnsttSettings,
    MeekSettings,
    Obfs4Settings,
    TorSettings,
    WebtunnelSettings,
)


def test_nothing_of_them_is_shown() -> None:
    fingerprint, key = bytes(range(20)), bytes(range(32))
    shown = repr(
        (
            TorSettings(fingerprint=fingerprint),
            Obfs4Settings(node_id=fingerprint, public_key=key, iat_mode=1, fingerprint=fingerprint),
            MeekSettings(url="https://a.example/", fingerprint=fingerprint),
            DnsttSettings(domain="t.example", public_key=key, resolver="udp", fingerprint=fingerprint),
            WebtunnelSettings(host="web.example", path="/secret", chain_hash=key, fingerprint=fingerprint),
            ConjureSettings(
                url="https://a.example",
                registrar="bdapi",
                phantom="min",
                bridge="192.0.2.1:80",
                fronts=("b.example",),
            ),
        )
    )
    assert shown == (
        "(TorSettings(), Obfs4Settings(iat_mode=1), MeekSettings(), DnsttSettings(resolver='udp'), "
        "WebtunnelSettings(tls=True), ConjureSettings(registrar='bdapi', phantom='min'))"
    )
