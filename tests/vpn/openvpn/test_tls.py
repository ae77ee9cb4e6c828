"""TLS of the control channel against Python's own ``ssl`` as the server."""

from __future__ import annotations

import ssl
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from circumvent.model.openvpn import OpenvpnSettings, Remote, ServerRules
from circumvent.model.option import Endpoint
from circumvent.model.secret import Secret
from circumvent.net.errors import PeerError, Refusal
from circumvent.vpn.openvpn.tls import ControlTls, IdentityError, LockedKeyError
from tests.inputs.profiles import PASSPHRASE, certificate, identity, private_key

if TYPE_CHECKING:
    from tests.lab.pki import Credentials, Pki

REMOTE = Remote(endpoint=Endpoint(host="a.example", port=1194))


def openvpn(pki: Pki, **more: Any) -> OpenvpnSettings:
    return OpenvpnSettings(remotes=(REMOTE,), rules=ServerRules(ca=pki.ca_file.read_text()), **more)


class Server:
    """The other side."""

    def __init__(
        self, credentials: Credentials, ca: str | None = None, maximum: ssl.TLSVersion | None = None
    ) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(credentials.chain, credentials.key)
        if maximum is not None:
            context.maximum_version = maximum
        if ca is not None:
            context.load_verify_locations(cadata=ca)
            context.verify_mode = ssl.CERT_REQUIRED
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.received = b""

    def turn(self, data: bytes) -> bytes:
        self.received += data
        self.incoming.write(data)
        with suppress(ssl.SSLError):
            self.tls.do_handshake()
        return self.outgoing.read()


def shake(client: ControlTls, server: Server) -> None:
    while not client.shake(wrapped=True):
        client.feed(server.turn(client.pending()))
    client.feed(server.turn(client.pending()))


def shake_and_read(client: ControlTls, server: Server) -> None:
    shake(client, server)
    client.read()


@pytest.mark.parametrize("maximum", [None, ssl.TLSVersion.TLSv1_2])
def test_both_sides_understand_each_other(pki: Pki, maximum: ssl.TLSVersion | None) -> None:
    client, server = ControlTls(openvpn(pki), now=time.time()), Server(pki.good, maximum=maximum)
    shake(client, server)
    assert (client.version, bool(client.cipher)) == (server.tls.version(), True)
    client.write(b"PUSH_REQUEST\0")
    server.incoming.write(client.pending())
    assert server.tls.read(100) == b"PUSH_REQUEST\0"
    server.tls.write(b"PUSH_REPLY\0")
    client.feed(server.outgoing.read())
    assert client.read() == b"PUSH_REPLY\0"
    assert client.read() == b""
    assert len(client.export_keys()) == 256


@pytest.mark.parametrize(
    ("credentials", "error"),
    [
        ("expired", "ssl_expired"),
        ("not_yet_valid", "ssl_not_yet_valid"),
        ("unknown_authority", "ssl_unknown_authority"),
        ("self_signed", "ssl_unknown_authority"),
    ],
)
def test_certificates_that_prove_nothing(pki: Pki, credentials: str, error: str) -> None:
    client, server = ControlTls(openvpn(pki), now=time.time()), Server(getattr(pki, credentials))
    with pytest.raises(PeerError) as raised:
        shake(client, server)
    assert raised.value.error == error
    assert not client.finished


def test_the_time_of_judgement_is_given(pki: Pki) -> None:
    long_ago = time.time() - 10 * 86400
    shake(ControlTls(openvpn(pki), now=long_ago), Server(pki.expired))
    with pytest.raises(PeerError, match="not_yet_valid"):
        shake(ControlTls(openvpn(pki), now=long_ago), Server(pki.good))


def test_a_client_s_certificate_is_shown_only_to_the_right_server(pki: Pki) -> None:
    own = {"certificate": certificate(), "key": Secret(private_key())}
    server = Server(pki.unknown_authority, ca=certificate(), maximum=ssl.TLSVersion.TLSv1_2)
    with pytest.raises(PeerError):
        shake(ControlTls(openvpn(pki, **own), now=time.time()), server)
    assert identity()[1].public_bytes(Encoding.DER) not in server.received


def test_a_server_that_refuses_our_certificate(pki: Pki) -> None:
    own = {"certificate": certificate(), "key": Secret(private_key())}
    for maximum in (None, ssl.TLSVersion.TLSv1_2):
        client = ControlTls(openvpn(pki, **own), now=time.time())
        server = Server(pki.good, ca=pki.stranger.pem, maximum=maximum)
        with pytest.raises(Refusal, match="certificate") as raised:
            shake_and_read(client, server)
        assert raised.value.authenticated


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"certificate": "none", "key": Secret(private_key())}, IdentityError),
        ({"certificate": certificate(), "key": Secret("none")}, IdentityError),
        ({"certificate": certificate(), "key": Secret(private_key(PASSPHRASE))}, LockedKeyError),
        (
            {
                "certificate": certificate(),
                "key": Secret(private_key(PASSPHRASE)),
                "key_password": Secret("no"),
            },
            LockedKeyError,
        ),
        ({"rules": ServerRules(ca="none")}, IdentityError),
        ({"tls_ciphersuites": "none"}, IdentityError),
    ],
)
def test_what_cannot_be_used(pki: Pki, more: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error) as raised:
        ControlTls(replace(openvpn(pki), **more), now=time.time())
    assert "BEGIN" not in str(raised.value)


def test_a_locked_key_with_its_passphrase(pki: Pki) -> None:
    for passphrase in (PASSPHRASE, None):  # one too many is no harm
        ControlTls(
            openvpn(
                pki,
                certificate=certificate(),
                key=Secret(private_key(passphrase)),
                key_password=Secret(PASSPHRASE),
            ),
            now=time.time(),
        )


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(data=st.binary(max_size=200))
def test_garbage_is_an_error_of_the_peer(pki: Pki, data: bytes) -> None:
    client = ControlTls(openvpn(pki), now=time.time())
    client.shake(wrapped=False)
    client.feed(data)
    with suppress(PeerError):
        client.shake(wrapped=False)
