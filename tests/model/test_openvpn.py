"""Settings of OpenVPN show no secrets."""

from __future__ import annotations

from circumvent.model.openvpn import OpenvpnSettings, Proxy, Remote, ServerRules, Wrapping
from circumvent.model.option import Endpoint
from circumvent.model.secret import Secret


def test_nothing_secret_is_shown() -> None:
    hidden = Secret("hidden")
    endpoint = Endpoint(host="a.example", port=1194)
    proxy = Proxy(kind="socks5", endpoint=endpoint, user=hidden, password=hidden)
    settings = OpenvpnSettings(
        remotes=(Remote(endpoint=endpoint, proxy=proxy),),
        wrapping=Wrapping.TLS_CRYPT,
        wrap_key=hidden,
        rules=ServerRules(ca="hidden"),
        certificate="hidden",
        extra_certificates="hidden",
        key=hidden,
        key_password=hidden,
    )
    assert "hidden" not in repr(settings)
    assert "tls-crypt" in repr(settings)
