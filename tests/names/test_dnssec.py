"""What counts as proved, and what must not."""

from __future__ import annotations

from contextlib import suppress

import dns.dnssec
import dns.message
import dns.name
import dns.rdatatype
import pytest
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from hypothesis import given, settings
from hypothesis import strategies as st

from circumvent.names import dnssec
from circumvent.names.chain import IANA_ANCHORS
from circumvent.names.message import Answer
from circumvent.net.errors import PeerError
from tests.names.zones import VECTORS, LdnsRoot, parsed

NOW = 1_800_000_000.0  # 2027-01-15, inside the validity of the zones
DAY = 86_400.0

BOTH = pytest.mark.parametrize("denial", ["nsec", "nsec3"])


class TestAnchors:
    def test_the_iana_anchors_are_those_of_the_published_keys(self) -> None:
        keys = dnssec.parse_anchors((VECTORS / "iana-root-ksk.txt").read_text("ascii").replace("#", ";"))
        computed = [dns.dnssec.make_ds(dns.name.root, key, "SHA256", validating=True) for key in keys]
        assert [ds.key_tag for ds in computed] == [20326, 38696]
        assert tuple(computed) == dnssec.parse_anchors(IANA_ANCHORS)

    def test_dnskey_records_serve_as_anchors(self) -> None:
        keys = dnssec.parse_anchors((VECTORS / "iana-root-ksk.txt").read_text("ascii").replace("#", ";"))
        assert dnssec.anchored(keys, keys) == keys  # type: ignore[arg-type] # DNSKEYs

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", "no trust anchor"),
            ("; nothing\n", "no trust anchor"),
            (". IN A 192.0.2.1", "line 1: neither"),
            ("example. IN DS 20326 8 2 " + "00" * 32, "line 1: an anchor must be of the root"),
            (". IN DS 20326 8 1 " + "00" * 20, "line 1: the digest"),
            ("\n. IN DNSKEY 385 3 8 AwEAAQ==", "line 2: the key is revoked"),
            ("hello", "line 1: not a record"),
            (". IN DS 20326 8 2 zz", "line 1: not a record"),
        ],
    )
    def test_what_is_no_anchor_is_told_with_its_line(self, text: str, reason: str) -> None:
        with pytest.raises(ValueError, match=reason):
            dnssec.parse_anchors(text)

    def test_a_revoked_key_is_never_an_anchor(self) -> None:
        keys = dnssec.parse_anchors((VECTORS / "iana-root-ksk.txt").read_text("ascii").replace("#", ";"))
        revoked = keys[0].replace(flags=257 | 128)
        assert isinstance(revoked, DNSKEY)
        ds = dns.dnssec.make_ds(dns.name.root, revoked, "SHA256")
        assert dnssec.anchored([revoked], [ds]) == ()

    @given(st.text(max_size=80))
    def test_garbage_raises_value_error_only(self, text: str) -> None:
        with suppress(ValueError):
            dnssec.parse_anchors(text)


class TestRootKeys:
    @BOTH
    def test_a_set_signed_by_an_anchored_key_is_proved(self, denial: str) -> None:
        root = LdnsRoot(denial)
        proved = dnssec.prove_root_keys(root.keys(), root.anchor, NOW)
        assert len(proved.keys) == 2
        assert not proved.expired

    def test_a_self_made_root_is_not_proved(self) -> None:
        with pytest.raises(dnssec.Bogus, match="trust anchor"):
            dnssec.prove_root_keys(LdnsRoot("nsec").keys(), IANA_ANCHORS, NOW)

    def test_a_strangers_key_beside_the_anchored_one_signs_nothing(self) -> None:
        root = LdnsRoot("nsec")
        message = root.keys().message
        signatures = message.answer[1]
        assert len(signatures) >= 1
        for rdata in list(signatures):
            signatures.remove(rdata)  # type: ignore[no-untyped-call] # dnspython's
            signatures.add(rdata.replace(signature=bytes(64)))
        with pytest.raises(dnssec.Bogus, match="verifies"):
            dnssec.prove_root_keys(parsed(message), root.anchor, NOW)

    def test_without_signatures_it_is_stripped(self) -> None:
        message = LdnsRoot("nsec").keys().message
        del message.answer[1]
        with pytest.raises(dnssec.Stripped):
            dnssec.prove_root_keys(parsed(message), LdnsRoot("nsec").anchor, NOW)

    def test_at_another_time_it_is_expired_not_bogus(self) -> None:
        root = LdnsRoot("nsec")
        proved = dnssec.prove_root_keys(root.keys(), root.anchor, NOW - 5000 * DAY)
        assert proved.expired
        assert proved.window.contains(NOW)

    def test_saved_keys_are_proved_again(self) -> None:
        root = LdnsRoot("nsec3")
        wire = dnssec.prove_root_keys(root.keys(), root.anchor, NOW).wire
        assert dnssec.prove_saved_keys(wire, root.anchor, NOW).keys
        with pytest.raises(PeerError):
            dnssec.prove_saved_keys(wire, IANA_ANCHORS, NOW)
        with pytest.raises(dnssec.Expired):
            dnssec.prove_saved_keys(wire, root.anchor, NOW + 5000 * DAY)

    @given(st.binary(max_size=200))
    def test_saved_garbage_raises_peer_error_only(self, wire: bytes) -> None:
        with pytest.raises(PeerError):
            dnssec.prove_saved_keys(wire, IANA_ANCHORS, NOW)


class TestDenial:
    def proved(self, root: LdnsRoot) -> dnssec.Proved:
        return dnssec.prove_root_keys(root.keys(), root.anchor, NOW)

    @BOTH
    @pytest.mark.parametrize("name", ["a9wm4kqdzrpb7c2.", "zzzzzzzzzzzzzzz.", "aaaaaaaaaaaaaaa.", "leb."])
    def test_fresh_names_are_denied(self, denial: str, name: str) -> None:
        root = LdnsRoot(denial)
        window = dnssec.prove_denial(root.denies(name), name, self.proved(root), NOW)
        assert window.contains(NOW)

    @BOTH
    def test_the_denial_of_another_name_is_bogus(self, denial: str) -> None:
        root = LdnsRoot(denial)
        with pytest.raises(dnssec.Bogus):
            dnssec.prove_denial(root.denies("aaaaaaaa."), "example.", self.proved(root), NOW)

    @BOTH
    def test_a_signature_of_another_root_is_bogus(self, denial: str) -> None:
        root, other = LdnsRoot(denial), dnssec.Proved((), dnssec.Window(0, 2 * NOW), b"", expired=False)
        with pytest.raises(dnssec.Bogus):
            dnssec.prove_denial(root.denies("zz."), "zz.", other, NOW)

    @BOTH
    def test_no_denial_records_are_stripped(self, denial: str) -> None:
        root = LdnsRoot(denial)
        message = root.denies("zz.").message
        message.authority.clear()
        with pytest.raises(dnssec.Stripped):
            dnssec.prove_denial(parsed(message), "zz.", self.proved(root), NOW)

    @BOTH
    def test_unsigned_denial_records_are_stripped(self, denial: str) -> None:
        root = LdnsRoot(denial)
        message = root.denies("zz.").message
        message.authority[:] = [each for each in message.authority if each.rdtype != dns.rdatatype.RRSIG]
        with pytest.raises(dnssec.Stripped):
            dnssec.prove_denial(parsed(message), "zz.", self.proved(root), NOW)

    @BOTH
    def test_at_another_time_it_is_expired(self, denial: str) -> None:
        root = LdnsRoot(denial)
        with pytest.raises(dnssec.Expired) as told:
            dnssec.prove_denial(root.denies("zz."), "zz.", self.proved(root), NOW - 5000 * DAY)
        assert told.value.window.contains(NOW)

    def test_many_signatures_are_not_all_tried(self) -> None:
        root = LdnsRoot("nsec")
        message = root.keys().message
        signature = message.answer[1][0]
        for number in range(200):
            message.answer[1].add(signature.replace(signature=number.to_bytes(64, "big")))
        message.answer[1].remove(signature)  # type: ignore[no-untyped-call] # dnspython's
        with pytest.raises(dnssec.Bogus):
            dnssec.prove_root_keys(parsed(message), root.anchor, NOW)

    @settings(max_examples=60)
    @given(st.data())
    def test_a_flipped_bit_never_proves_another_name(self, data: st.DataObject) -> None:
        root = LdnsRoot("nsec")
        wire = bytearray(root.denies("zz.").message.to_wire(max_size=65535))
        place = data.draw(st.integers(12, len(wire) - 1))
        wire[place] ^= 1 << data.draw(st.integers(0, 7))
        try:
            answer = Answer(dns.message.from_wire(bytes(wire)), len(wire))
        except Exception:  # noqa: BLE001 - read_answer's business, tried elsewhere
            return
        with pytest.raises(PeerError):
            dnssec.prove_denial(answer, "example.", self.proved(root), NOW)
