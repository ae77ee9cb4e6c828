"""What a profile wants of the server's certificate."""

from __future__ import annotations

import pytest

from circumvent.inputs.ovpn_files import Beside
from circumvent.inputs.ovpn_lines import directives
from circumvent.inputs.ovpn_server import Rules
from circumvent.inputs.problem import LineError
from circumvent.model.openvpn import NameMode, ServerRules
from tests.inputs.profiles import block, certificate


def rules(text: str) -> ServerRules:
    found = Rules()
    for directive in directives(text):
        assert found.take(directive, Beside(None))
    return found.finish()


def test_everything_at_once() -> None:
    digest = ":".join(["AB"] * 32)
    found = rules(
        "\n".join(
            [
                block("ca", certificate() + certificate()),
                "verify-x509-name server name-prefix",
                "remote-cert-tls server",
                'remote-cert-eku "TLS Web Server Authentication"',
                "remote-cert-ku a0 88",
                block("peer-fingerprint", f"{digest}\n{digest}"),
                f"verify-hash {':'.join(['CD'] * 20)} SHA1",
            ]
        )
    )
    assert found.ca is not None
    assert found.ca.count("BEGIN CERTIFICATE") == 2
    assert (found.name, found.name_mode, found.server_use) == ("server", NameMode.PREFIX, True)
    assert (found.extended_use, found.key_usages) == ("TLS Web Server Authentication", (0xA0, 0x88))
    assert (found.fingerprints, found.issuer_hashes) == ((b"\xab" * 32,), (b"\xcd" * 20,))


@pytest.mark.parametrize(
    "text",
    [
        "<ca>\nno certificate\n</ca>",
        "verify-x509-name",
        "verify-x509-name a sort",
        "remote-cert-tls client",
        "remote-cert-ku xyz",
        "peer-fingerprint abcd",
        f"peer-fingerprint {'CD' * 20}",
        "verify-hash x",
    ],
)
def test_what_cannot_be_wanted(text: str) -> None:
    with pytest.raises(LineError):
        rules(text)
