"""Whose certificate is believed, and in which word the others are refused. OpenSSL is the second opinion."""

from __future__ import annotations

import ssl
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from circumvent.model import failure as failures
from circumvent.net.errors import PeerError
from circumvent.net.verify import LONGEST_CHAIN, TrustStore, matches_name, parse_chain, tbs_hash
from tests.net.certificates import DAY, NOW, UNKNOWN, Issued, issue, key_usage

if TYPE_CHECKING:
    from pathlib import Path

NAME = "lab.example"
ROOT = issue("root", ca=True)
MIDDLE = issue("middle", ROOT, ca=True)
LEAF = issue("leaf", MIDDLE)
STRANGER = issue("stranger", ca=True)
NAMESAKE = issue("root", ca=True)
OLD_ROOT = issue("old root", ca=True, begins=NOW - 100 * DAY, ends=NOW - DAY)
ONLY_GOOD = issue(
    "limited", ROOT, ca=True, extensions=[(x509.NameConstraints([x509.DNSName("good.example")], None), True)]
)
SHORT = issue("short", ROOT, ca=True, path_length=0)
NO_CA = issue("no ca", ROOT)
NO_SIGNER = issue("no signer", ROOT, ca=True, extensions=[(key_usage(signs_certificates=False), True)])
SELF = issue("self")


def store(*roots: Issued, at: float = NOW.timestamp()) -> TrustStore:
    return TrustStore([root.certificate for root in roots or (ROOT,)], now=lambda: at)


def verdict(chain: list[Issued], name: str | None = NAME, trust: TrustStore | None = None) -> str | None:
    """Return the failure string, ``None`` when the chain is believed."""
    try:
        (trust or store()).verify([item.der for item in chain], name)
    except PeerError as exc:
        return exc.error
    return None


@dataclass(frozen=True)
class Case:
    """A chain, what must be said of it, and whether OpenSSL believes it too (``None``: it is laxer or stricter)."""

    chain: list[Issued]
    word: str | None
    name: str = NAME
    roots: tuple[Issued, ...] = (ROOT,)
    openssl: bool | None = True


UNKNOWN_AUTHORITY, INVALID = failures.SSL_UNKNOWN_AUTHORITY, failures.SSL_INVALID_CERTIFICATE
CASES = {
    "leaf from the root": Case([issue("a", ROOT)], None),
    "with an intermediate": Case([LEAF, MIDDLE], None),
    "in any order": Case([LEAF, STRANGER, MIDDLE], None),
    "with the root sent along": Case([LEAF, MIDDLE, ROOT], None),
    "intermediate missing": Case([LEAF], UNKNOWN_AUTHORITY),
    "self-signed": Case([SELF], UNKNOWN_AUTHORITY),
    "self-signed and given by hand": Case([SELF], None, roots=(SELF,)),
    "unknown authority": Case([issue("b", STRANGER), STRANGER], UNKNOWN_AUTHORITY),
    "an authority with a trusted name": Case([issue("c", NAMESAKE), NAMESAKE], UNKNOWN_AUTHORITY),
    "a signature of nobody": Case([issue("d", issuer_name="root")], UNKNOWN_AUTHORITY),
    "expired": Case([issue("e", ROOT, ends=NOW - DAY)], failures.SSL_EXPIRED),
    "not yet valid": Case([issue("f", ROOT, begins=NOW + DAY)], failures.SSL_NOT_YET_VALID),
    "expired intermediate": Case(
        [issue("g", old := issue("old", ROOT, ca=True, ends=NOW - DAY)), old], failures.SSL_EXPIRED
    ),
    "expired root": Case([issue("h", OLD_ROOT)], failures.SSL_EXPIRED, roots=(OLD_ROOT,)),
    "expired and unknown": Case([issue("i", STRANGER, ends=NOW - DAY)], UNKNOWN_AUTHORITY),
    "never valid as a whole": Case(
        [issue("j", young := issue("young", ROOT, ca=True, begins=NOW + DAY), ends=NOW - DAY), young], INVALID
    ),
    "another name": Case([issue("k", ROOT, names=["other.example"])], failures.SSL_INVALID_HOSTNAME),
    "another name and expired": Case(
        [issue("l", ROOT, names=["other.example"], ends=NOW - DAY)], failures.SSL_EXPIRED
    ),
    "a common name is no name": Case(
        [issue(NAME, ROOT, names=[])], failures.SSL_INVALID_HOSTNAME, openssl=None
    ),
    "an address": Case([issue("m", ROOT, names=["192.0.2.1"])], None, name="192.0.2.1"),
    "an IPv6 address": Case([issue("n", ROOT, names=["2001:db8::1"])], None, name="2001:db8:0::1"),
    "another address": Case(
        [issue("o", ROOT, names=["192.0.2.1"])], failures.SSL_INVALID_HOSTNAME, name="192.0.2.2"
    ),
    "an address as a DNS name": Case(
        [issue("p", ROOT, names=["lab.example"])], failures.SSL_INVALID_HOSTNAME, name="192.0.2.1"
    ),
    "a leaf that signs": Case([issue("q", NO_CA), NO_CA], INVALID),
    "an authority that may not sign": Case([issue("r", NO_SIGNER), NO_SIGNER], INVALID),
    "below its limit of names": Case([issue("s", ONLY_GOOD), ONLY_GOOD], INVALID),
    "within its limit of names": Case(
        [issue("t", ONLY_GOOD, names=["good.example"]), ONLY_GOOD], None, name="good.example"
    ),
    "too deep for its authority": Case(
        [issue("u", below := issue("below", SHORT, ca=True)), below, SHORT], INVALID
    ),
    "an extension nobody knows": Case([issue("v", ROOT, extensions=[(UNKNOWN, True)])], INVALID),
    "an unimportant extension nobody knows": Case([issue("w", ROOT, extensions=[(UNKNOWN, False)])], None),
    "for clients only": Case(
        [issue("x", ROOT, extensions=[(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), False)])],
        INVALID,
        openssl=None,
    ),
    "1024-bit RSA": Case([issue("y", ROOT, key=rsa.generate_private_key(65537, 1024))], INVALID, openssl=None),
}  # fmt: skip


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_a_chain_has_its_word(case: Case) -> None:
    assert verdict(case.chain, case.name, store(*case.roots)) == case.word


@pytest.mark.requires("openssl")
@pytest.mark.parametrize(
    "case", [pytest.param(case, id=name) for name, case in CASES.items() if case.openssl]
)
def test_openssl_agrees(case: Case, tmp_path: Path) -> None:
    """The path validation of another implementation says yes and no to the same chains."""
    (tmp_path / "roots.pem").write_text("".join(root.pem for root in case.roots))
    (tmp_path / "leaf.pem").write_text(case.chain[0].pem)
    (tmp_path / "rest.pem").write_text("".join(item.pem for item in case.chain[1:]) or STRANGER.pem)
    which = "-verify_hostname" if case.name.endswith("example") else "-verify_ip"
    command = f"openssl verify -CAfile roots.pem -untrusted rest.pem {which} {case.name} -purpose sslserver"
    command += f" -attime {int(NOW.timestamp())} -no-CApath -no-CAstore -partial_chain leaf.pem"
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is (case.word is None), done.stdout + done.stderr


def test_the_time_is_the_corrected_one() -> None:
    """A clock that is years off must not make a good server look expired, nor an expired one good."""
    assert verdict([LEAF, MIDDLE], trust=store(at=(NOW + 400 * DAY).timestamp())) == failures.SSL_EXPIRED
    assert verdict([LEAF, MIDDLE], trust=store(at=0.0)) == failures.SSL_NOT_YET_VALID
    moment = [(NOW + 400 * DAY).timestamp()]
    trust = TrustStore([ROOT.certificate], now=lambda: moment[0])
    assert verdict([LEAF, MIDDLE], trust=trust) == failures.SSL_EXPIRED
    moment[0] = NOW.timestamp()
    assert verdict([LEAF, MIDDLE], trust=trust) is None


def test_details_say_more_and_quote_nobody() -> None:
    evil = issue("\x1b[31mevil\u202e", names=["lab.example"])
    for chain, detail in (
        ([SELF], "self_signed"),
        ([issue("b", STRANGER), STRANGER], "self_signed_root"),
        ([LEAF], None),
        ([evil], "self_signed"),
        ([issue("e", ROOT, ends=NOW - DAY)], "since 2026-11-21"),
        ([issue("f", ROOT, begins=NOW + 2 * DAY)], "before 2026-11-24"),
    ):
        with pytest.raises(PeerError) as caught:
            store().verify([item.der for item in chain], NAME)
        assert caught.value.detail == detail


def test_hashes_of_a_dns_stamp() -> None:
    chain = [LEAF.der, MIDDLE.der]
    trust = store()
    for item in (LEAF, MIDDLE, ROOT):
        trust.verify(chain, NAME, certificate_hashes=[bytes(32), tbs_hash(item.certificate)])
    with pytest.raises(PeerError, match="wrong_key"):
        trust.verify(chain, NAME, certificate_hashes=[tbs_hash(STRANGER.certificate)])


def test_a_certificate_that_vouches_for_nobody_satisfies_no_hash() -> None:
    """An impostor can send anybody's certificate along; only one that signed the leaf counts."""
    impostor = [SELF.der, MIDDLE.der, ROOT.der]
    with pytest.raises(PeerError, match="wrong_key"):
        store().verify(impostor, None, certificate_hashes=[tbs_hash(MIDDLE.certificate)])
    store().verify([LEAF.der, MIDDLE.der], None, certificate_hashes=[tbs_hash(MIDDLE.certificate)])
    store().verify([SELF.der], None, certificate_hashes=[tbs_hash(SELF.certificate)])


def test_chains_are_bounded() -> None:
    for chain in ([], [LEAF.der] * (LONGEST_CHAIN + 1), [b"\x30" + bytes(70_000)], [b"nonsense"]):
        with pytest.raises(PeerError, match=INVALID):
            store().verify(chain, NAME)


@given(st.binary(max_size=400))
def test_garbage_is_an_invalid_certificate(data: bytes) -> None:
    with pytest.raises(PeerError, match=INVALID):
        parse_chain([data])


@given(st.sampled_from([LEAF, MIDDLE]), st.integers(0), st.integers(1, 255))
def test_no_flipped_byte_is_believed(victim: Issued, position: int, change: int) -> None:
    signed = (
        victim.certificate.tbs_certificate_bytes
    )  # around the signature a bit string may be written in two ways
    damaged = bytearray(victim.der)
    damaged[victim.der.index(signed) + position % len(signed)] ^= change
    with pytest.raises(PeerError):
        store().verify([bytes(damaged) if one is victim else one.der for one in (LEAF, MIDDLE)], NAME)


@given(st.integers(0), st.integers(1, 255))
def test_a_flipped_byte_anywhere_raises_nothing_else(position: int, change: int) -> None:
    damaged = bytearray(LEAF.der)
    damaged[position % len(damaged)] ^= change
    with suppress(PeerError):
        store().verify([bytes(damaged), MIDDLE.der], NAME)


def test_what_a_certificate_calls_a_name_need_not_be_one() -> None:
    leaf = LEAF.der.replace(NAME.encode(), NAME.encode().replace(b".", b"\x01", 1))
    assert leaf != LEAF.der
    with pytest.raises(PeerError):
        store().verify([leaf, MIDDLE.der], NAME)


@pytest.mark.parametrize(
    ("pattern", "name", "covers"),
    [
        ("lab.example", "LAB.example.", True),
        ("*.lab.example", "a.lab.example", True),
        ("*.lab.example", "lab.example", False),
        ("*.lab.example", "a.b.lab.example", False),
        ("*.lab.example", ".lab.example", False),
        ("a*.lab.example", "ab.lab.example", False),
        ("*a.lab.example", "ba.lab.example", False),
        ("a.*.example", "a.lab.example", False),
        ("*.*.example", "a.lab.example", False),
        ("*.example", "lab.example", False),
        ("*", "example", False),
        ("", "", False),
        ("xn--*.lab.example", "xn--a.lab.example", False),
    ],
)
def test_wildcards(pattern: str, name: str, covers: bool) -> None:
    assert matches_name(pattern, name) is covers


def test_roots_that_people_make_themselves() -> None:
    """trustme marks names critical and leaves key identifiers out; the web's rules would refuse both."""
    ca = trustme.CA()
    leaf = ca.issue_cert(NAME, "192.0.2.7")
    chain = [ssl.PEM_cert_to_DER_cert(blob.bytes().decode()) for blob in leaf.cert_chain_pems]
    trust = TrustStore.mozilla([ca.cert_pem.bytes().decode()], now=NOW.timestamp)
    trust.verify(chain, NAME)
    trust.verify(chain, "192.0.2.7")
    assert verdict([LEAF, MIDDLE], trust=TrustStore.mozilla()) == UNKNOWN_AUTHORITY
    assert verdict([LEAF, MIDDLE], trust=TrustStore.mozilla().with_extra(ROOT.pem)) is None


@pytest.mark.requires("openssl")
def test_a_certificate_of_the_openssl_command(tmp_path: Path) -> None:
    """The first recipe that people find: one command, self-signed, marked as an authority."""
    command = "openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 30 -subj /CN=lab.example"
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=DNS:lab.example"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    pem = (tmp_path / "cert.pem").read_text()
    der = ssl.PEM_cert_to_DER_cert(pem)
    TrustStore.mozilla([pem]).verify([der], NAME)
    with pytest.raises(PeerError, match="ssl_unknown_authority: self_signed"):
        TrustStore.mozilla().verify([der], NAME)


@pytest.mark.requires("openssl")
def test_a_signature_over_sha1_is_refused(tmp_path: Path) -> None:
    """Only OpenSSL still makes one."""
    (tmp_path / "root.pem").write_text(ROOT.pem)
    key = ROOT.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "root.key").write_bytes(key)
    (tmp_path / "names").write_text("subjectAltName=DNS:lab.example")
    for command in (
        "openssl req -new -newkey rsa:2048 -nodes -keyout key.pem -out request.pem -subj /CN=lab.example",
        "openssl x509 -req -in request.pem -CA root.pem -CAkey root.key -days 3 -sha1 -extfile names -out leaf.pem",
    ):
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    der = ssl.PEM_cert_to_DER_cert((tmp_path / "leaf.pem").read_text())
    with pytest.raises(PeerError):
        store(at=time.time()).verify([der], NAME)


def test_a_ca_file_without_certificate_is_told() -> None:
    with pytest.raises(ValueError, match="PEM"):
        TrustStore.mozilla(["nothing here"])


def test_the_bundle_is_all_there_and_quick() -> None:
    """In an interpreter of its own, because roots are read once."""
    code = (
        "import time, circumvent.net.verify as v; t = time.perf_counter(); s = v.TrustStore.mozilla();"
        "print(len(v._mozilla_roots()), time.perf_counter() - t)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    count, seconds = done.stdout.split()
    text = (files_of_package() / "mozilla.pem").read_text("ascii")
    assert int(count) == text.count("BEGIN CERTIFICATE") > 100
    assert float(seconds) < 0.25


def test_roots_of_the_bundle_verify_themselves_today() -> None:
    """Each root is read, and most are valid now; an empty or mangled bundle would not be."""
    text = (files_of_package() / "mozilla.pem").read_text("ascii")
    assert "Mozilla Public License" in text
    roots = TrustStore.mozilla()._roots
    today = time.time()
    valid = [root for root in roots if root.not_valid_after_utc.timestamp() > today]
    assert len(valid) > len(roots) * 0.8


def files_of_package() -> Path:
    from importlib import resources
    from pathlib import Path

    return Path(str(resources.files("circumvent.net")))
