"""An authority is the same one for every process that reads its directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from circumvent.lab.world.authority import Authority
from tests.lab_world.clients import run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.requires("openssl")
def test_a_second_process_issues_for_the_same_root(tmp_path: Path) -> None:
    first = Authority(tmp_path, "some root")
    again = Authority(tmp_path, "some root")
    assert again.certificate == first.certificate
    issued = again.issue("later", ["later.example", "192.0.2.1"])
    for name in (("-verify_hostname", "later.example"), ("-verify_ip", "192.0.2.1")):
        run("openssl", "verify", "-CAfile", first.pem_file, *name, issued.chain)


def test_certificates_of_one_label_have_files_of_their_own(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "some root")
    one, other = (authority.issue("same", ["a.example"]) for _ in range(2))
    assert one.chain != other.chain
    assert one.sha256 != other.sha256
    assert authority.pem.startswith("-----BEGIN CERTIFICATE-----")


def test_another_kind_of_key_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "some root")
    rsa = authority.issue("rsa", ["a.example"], algorithm="rsa")
    (tmp_path / "some-root.key").write_bytes(rsa.key.read_bytes())
    with pytest.raises(TypeError, match="elliptic"):
        Authority(tmp_path, "some root")
