"""The signed root zone of the laboratory, held against another signer's verifier."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Literal

import dns.dnssec
import dns.rrset
import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.zone import RootKeys


@pytest.mark.requires("ldns-verify-zone")
@pytest.mark.parametrize("denial", ["nsec", "nsec3"])
def test_ldns_believes_every_signature_and_denial(
    tmp_path: Path, root_keys: RootKeys, denial: Literal["nsec", "nsec3"]
) -> None:
    zone = root_keys.sign(denial)
    (tmp_path / "key").write_text(zone.anchor_key + "\n", encoding="ascii")
    told = subprocess.run(
        ["ldns-verify-zone", "-k", str(tmp_path / "key"), str(zone.write(tmp_path, "root"))],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert "verified and complete" in told.stdout + told.stderr


def test_the_anchor_is_the_digest_of_the_key(root_keys: RootKeys) -> None:
    key = dns.rrset.from_text(".", 60, "IN", "DNSKEY", root_keys.anchor_key.partition("DNSKEY ")[2])
    assert root_keys.anchor == f". IN DS {dns.dnssec.make_ds('.', key[0], 'SHA256').to_text()}"
