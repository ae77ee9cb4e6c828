"""From an option to a login, and which certificates of a server are believed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from circumvent.lab.world.authority import Authority
from circumvent.model.secret import Secret
from circumvent.model.words import Reason
from circumvent.net.errors import CannotTry, PeerError
from circumvent.net.verify import TrustStore
from circumvent.transports.ikev2_login import MOST_AUTHORITIES, make_login
from circumvent.vpn.ikev2.authenticate import authority_digest
from circumvent.vpn.ikev2.identity import Identity, identity
from circumvent.vpn.ikev2.numbers import Id
from tests.transports.ikev2_tries import context, ikev2_option

if TYPE_CHECKING:
    from pathlib import Path

    from circumvent.vpn.ikev2.authenticate import Login

ACCOUNT: dict[str, Any] = {"user": "anna", "password": "x"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), "of the profile")


def login(authority: Authority | None, *, host: str = "vpn.example.com", **settings: Any) -> Login:
    option = ikev2_option(host, ca=None if authority is None else authority.pem, **{**ACCOUNT, **settings})
    made = make_login(option, context())
    assert made is not None
    return made


def decide(made: Login, peer: Identity, der: bytes) -> object:
    assert made.judge is not None
    return made.judge(peer, [der])


def test_what_is_there_decides_how_to_log_in(authority: Authority) -> None:
    client = authority.issue("client", ["client.example.com"])
    shared = login(authority, psk=Secret("key"))
    assert (shared.psk is not None, shared.judge, shared.eap) == (True, None, None)
    assert shared.local == identity("anna")
    own = login(None, certificate=client.certificate.read_text(), private_key=Secret(client.key.read_text()))
    subject = x509.load_der_x509_certificate(client.der).subject.public_bytes()
    assert (own.local, own.certificates, own.eap) == (Identity(Id.DER_DN, subject), (client.der,), None)
    by_name = login(authority, local_id="anna@example.com")
    assert (by_name.eap is not None, by_name.local) == (True, identity("anna@example.com"))
    nothing = make_login(ikev2_option("vpn.example.com"), context())
    assert nothing is None


def test_nothing_secret_is_in_a_repr(authority: Authority) -> None:
    client = authority.issue("client", ["client.example.com"])
    made = login(None, certificate=client.certificate.read_text(), private_key=Secret(client.key.read_text()))
    assert "PRIVATE" not in repr(made)
    assert "sesame" not in repr(login(None, psk=Secret("sesame")))


@pytest.mark.parametrize(
    "settings",
    [
        {"remote_id": "XY=nobody"},
        {"local_id": "x" * 2000},
        {"certificate": "no certificate", "private_key": Secret("no key")},
        {"password": "x" * 257},
        {"user": "x" * 257},
    ],
)
def test_a_profile_that_cannot_be_used_is_not_tried(settings: dict[str, Any]) -> None:
    with pytest.raises(CannotTry) as caught:
        login(None, **settings)
    assert caught.value.reason is Reason.UNSUPPORTED


def test_the_authorities_that_we_accept_are_named(authority: Authority) -> None:
    key = authority.certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert login(authority).authorities == (authority_digest(key),)
    assert len(login(None).authorities) == MOST_AUTHORITIES


@pytest.mark.parametrize(
    ("remote_id", "names", "told", "error"),
    [
        (None, ["vpn.example.com"], "vpn.example.com", None),
        (None, ["vpn.example.com"], "whatever.example.com", None),
        (None, ["other.example.com"], "vpn.example.com", "ssl_invalid_hostname"),
        ("id.example.com", ["id.example.com"], "id.example.com", None),
        ("id.example.com", ["vpn.example.com"], "id.example.com", "ssl_invalid_hostname"),
        ("id.example.com", ["id.example.com"], "subject", None),
        ("198.51.100.7", ["198.51.100.7"], "198.51.100.7", None),
        ("CN=server", ["vpn.example.com"], "subject", None),
        ("CN=server", ["vpn.example.com"], "vpn.example.com", None),
        ("CN=somebody", ["vpn.example.com"], "subject", "ssl_invalid_hostname"),
        ("anna@example.com", ["vpn.example.com"], "anna@example.com", "ssl_invalid_hostname"),
    ],
)
def test_the_certificate_must_be_for_the_name_whatever_the_server_calls_itself(
    authority: Authority, remote_id: str | None, names: list[str], told: str, error: str | None
) -> None:
    given = authority.issue("server", names)
    leaf = x509.load_der_x509_certificate(given.der)
    peer = Identity(Id.DER_DN, leaf.subject.public_bytes()) if told == "subject" else identity(told)
    made = login(authority, remote_id=remote_id)
    if error is None:
        assert decide(made, peer, given.der) == leaf.public_key()
        return
    with pytest.raises(PeerError) as caught:
        decide(made, peer, given.der)
    assert caught.value.error == error


def test_only_the_profile_s_authority_counts_where_it_names_one(authority: Authority, tmp_path: Path) -> None:
    other = Authority(tmp_path, "another")
    given = other.issue("server", ["vpn.example.com"])
    option = ikev2_option("vpn.example.com", ca=authority.pem, **ACCOUNT)
    made = make_login(option, context(ca_file=other.pem_file))
    assert made is not None
    with pytest.raises(PeerError) as caught:
        decide(made, identity("vpn.example.com"), given.der)
    assert caught.value.error == "ssl_unknown_authority"
    everybody = make_login(ikev2_option("vpn.example.com", **ACCOUNT), context(ca_file=other.pem_file))
    assert everybody is not None
    assert decide(everybody, identity("vpn.example.com"), given.der) is not None


def test_dates_are_judged_at_the_corrected_time(authority: Authority) -> None:
    given = authority.issue("server", ["vpn.example.com"])
    later = datetime(2060, 1, 1, tzinfo=UTC).timestamp()
    option = ikev2_option("vpn.example.com", ca=authority.pem, **ACCOUNT)
    made = make_login(option, context(trust=TrustStore.mozilla(now=lambda: later)))
    assert made is not None
    with pytest.raises(PeerError) as caught:
        decide(made, identity("vpn.example.com"), given.der)
    assert caught.value.error == "ssl_expired"


def test_a_certificate_without_a_name_is_for_nobody(authority: Authority) -> None:
    made = login(authority, remote_id="CN=server")
    wildcard = authority.issue("server", ["*.example.com"])
    with pytest.raises(PeerError) as caught:
        decide(made, identity("CN=server"), wildcard.der)
    assert caught.value.error == "ssl_invalid_hostname"
    with pytest.raises(PeerError):
        made.judge(identity("CN=server"), [])  # type: ignore[misc]  # there is one
