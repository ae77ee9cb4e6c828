"""What a world's servers find in its directory."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING

import dns.zone
import pytest

from circumvent.lab.world import prepare
from circumvent.lab.world.description import Character, DescriptionError
from circumvent.names.dnssec import parse_anchors
from tests.lab_world.clients import run

if TYPE_CHECKING:
    from circumvent.lab.world.prepare import Prepared


def test_it_can_be_read_again(prepared_world: Prepared) -> None:
    assert prepare.read(prepared_world.description) == prepared_world


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b'{"world": 5}'])
def test_what_is_no_description_is_refused(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "file").write_bytes(text)
    with pytest.raises(DescriptionError):
        prepare.read(tmp_path / "file")


def test_keys_are_for_the_owner_alone(prepared_world: Prepared) -> None:
    secret = [Path(pair.key) for pair in prepared_world.pairs.values()]
    secret += Path(prepared_world.directory).glob("*.dnscrypt")
    secret += Path(prepared_world.directory).glob("*.key")
    assert {stat.S_IMODE(path.stat().st_mode) for path in secret} == {0o600}


def test_public_keys_belong_to_the_private_ones(prepared_world: Prepared) -> None:
    for name, public in prepared_world.providers.items():
        assert prepared_world.provider_key(name).public_key().public_bytes_raw().hex() == public


def test_the_zone_holds_every_name(prepared_world: Prepared) -> None:
    zone = dns.zone.from_text(prepare.records(prepared_world.world), origin=".", relativize=False)
    for server in prepared_world.world.servers:
        for name in server.names:
            records = {str(one) for kind in ("A", "AAAA") for one in zone.find_rdataset(name + ".", kind)}
            assert records == set(server.addresses)


def test_zones_by_character(prepared_world: Prepared) -> None:
    assert {prepare.zone_of(character) for character in Character} == set(prepare.ZONES)
    assert all(prepared_world.zone(name).is_file() for name in prepare.ZONES)
    assert parse_anchors(Path(prepared_world.anchor).read_text("ascii"))


@pytest.mark.requires("openssl")
@pytest.mark.parametrize(
    ("server", "error"),
    [
        ("www.anvil", None),
        ("expired.larch", "certificate has expired"),
        ("not-yet-valid.larch", "certificate is not yet valid"),
        ("self-signed.larch", "self-signed certificate"),
        ("unknown-authority.larch", "unable to get local issuer certificate"),
        ("wrong-name.larch", "hostname mismatch"),
    ],
)
def test_openssl_finds_what_is_wrong(prepared_world: Prepared, server: str, error: str | None) -> None:
    name = f"{server}.example"
    said = run(
        "openssl", "verify", "-no-CApath", "-no-CAstore", "-CAfile", prepared_world.ca, "-verify_hostname", name,
        prepared_world.pairs[name].chain, status=0 if error is None else 2,
    )  # fmt: skip
    assert error is None or error in said
