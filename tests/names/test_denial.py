"""Who denies what: the RFCs' own examples, and every way in which a denial is none."""

from __future__ import annotations

import base64

import dns.name
import dns.rdata
import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.names.denial import NotDenied, OptOut, Record, covers, prove_name_error, types_of
from tests.names.zones import records

EXAMPLE = dns.name.from_text("example.")
ROOT = dns.name.root


def name(text: str) -> dns.name.Name:
    return dns.name.from_text(text)


def nsec(owner: str, following: str, types: str = "NS DS RRSIG NSEC") -> Record:
    return Record(name(owner), dns.rdata.from_text("IN", "NSEC", f"{following} {types}", origin=None))


def nsec3(
    owner: bytes, following: bytes, *, flags: int = 0, iterations: int = 0, types: str = "NS DS RRSIG"
) -> Record:
    """Return an NSEC3 record of the root from raw hashes."""
    text = f"1 {flags} {iterations} - {_hex32(following)} {types}"
    return Record(name(f"{_hex32(owner)}."), dns.rdata.from_text("IN", "NSEC3", text, origin=None))


def _hex32(digest: bytes) -> str:
    return base64.b32hexencode(digest).decode("ascii")


def only(found: list[Record], *owners: str) -> list[Record]:
    return [record for record in found if str(record.owner) in owners]


class TestNsec:
    def test_rfc_4035_b2_name_error(self) -> None:
        proof = only(records("rfc4035-appendix-b"), "b.example.", "example.")
        prove_name_error(name("ml.example."), EXAMPLE, proof)

    @pytest.mark.parametrize("owner", ["b.example.", "example."])
    def test_both_records_are_needed(self, owner: str) -> None:
        with pytest.raises(NotDenied):
            prove_name_error(name("ml.example."), EXAMPLE, only(records("rfc4035-appendix-b"), owner))

    def test_a_name_that_exists_is_not_denied(self) -> None:
        with pytest.raises(NotDenied, match="covers the name"):
            prove_name_error(name("ns1.example."), EXAMPLE, records("rfc4035-appendix-b"))

    def test_a_wildcard_that_exists_is_not_denied(self) -> None:
        with pytest.raises(NotDenied, match="wildcard"):
            prove_name_error(name("a.z.w.example."), EXAMPLE, records("rfc4035-appendix-b"))

    def test_a_delegation_says_nothing_about_names_below_it(self) -> None:
        with pytest.raises(NotDenied):  # RFC 6840 section 4.1: b.example. is another zone
            prove_name_error(name("x.b.example."), EXAMPLE, records("rfc4035-appendix-b"))

    def test_an_empty_non_terminal_exists(self) -> None:
        with pytest.raises(NotDenied, match="non-terminal"):
            prove_name_error(name("y.w.example."), EXAMPLE, records("rfc4035-appendix-b"))

    def test_the_last_record_wraps_around_to_the_apex(self) -> None:
        prove_name_error(name("zz."), ROOT, [nsec("zw.", "."), nsec(".", "aaa.", "NS SOA RRSIG NSEC")])

    def test_a_record_that_points_into_the_middle_does_not_wrap(self) -> None:
        with pytest.raises(NotDenied):
            prove_name_error(name("zz."), ROOT, [nsec("zw.", "bbb."), nsec(".", "aaa.", "NS SOA RRSIG NSEC")])

    def test_a_zone_with_one_name_denies_all_others(self) -> None:
        prove_name_error(name("zz."), ROOT, [nsec(".", ".", "NS SOA RRSIG NSEC")])

    def test_noerror_with_an_ordinary_denial_is_none(self) -> None:
        with pytest.raises(NotDenied, match="NOERROR"):
            prove_name_error(name("zz."), ROOT, [nsec(".", ".", "NS SOA RRSIG NSEC")], nxdomain=False)

    @given(st.lists(st.text("abz", min_size=1, max_size=4), min_size=3, max_size=3, unique=True))
    def test_a_name_is_covered_by_just_one_of_two_spans(self, labels: list[str]) -> None:
        low, middle, high = sorted(labels)
        assert covers(name(low), name(high), name(middle), ROOT)
        assert not covers(name(high), name(low), name(middle), ROOT)


class TestCompactDenial:
    """RFC 9824: the name's own NSEC, with the type NXNAME (128)."""

    def test_it_denies_with_noerror(self) -> None:
        prove_name_error(name("zz."), ROOT, [nsec("zz.", "\\000.zz.", "RRSIG NSEC TYPE128")], nxdomain=False)

    def test_it_denies_with_a_restored_nxdomain(self) -> None:
        prove_name_error(name("zz."), ROOT, [nsec("zz.", "\\000.zz.", "RRSIG NSEC TYPE128")])

    @pytest.mark.parametrize("types", ["RRSIG NSEC", "A RRSIG NSEC TYPE128", "RRSIG NSEC TYPE129"])
    def test_without_nxname_alone_the_name_exists(self, types: str) -> None:
        with pytest.raises(NotDenied):
            prove_name_error(name("zz."), ROOT, [nsec("zz.", "\\000.zz.", types)], nxdomain=False)

    def test_the_denial_of_another_name_is_none(self) -> None:
        with pytest.raises(NotDenied):
            prove_name_error(
                name("zz."), ROOT, [nsec("zy.", "\\000.zy.", "RRSIG NSEC TYPE128")], nxdomain=False
            )


class TestNsec3:
    def test_rfc_5155_b1_is_complete_but_opted_out(self) -> None:
        with pytest.raises(OptOut):
            prove_name_error(name("a.c.x.w.example."), EXAMPLE, records("rfc5155-appendix-b"))

    def test_rfc_5155_b1_without_opt_out(self) -> None:
        found = [Record(each.owner, each.rdata.replace(flags=0)) for each in records("rfc5155-appendix-b")]
        prove_name_error(name("a.c.x.w.example."), EXAMPLE, found)
        for missing in ("0p9m", "b4um", "35mt"):
            rest = [each for each in found if not str(each.owner).startswith(missing)]
            with pytest.raises(NotDenied):
                prove_name_error(name("a.c.x.w.example."), EXAMPLE, rest)

    @pytest.mark.parametrize("exists", ["ns1.example.", "w.example.", "x.y.w.example."])
    def test_a_name_that_exists_is_not_denied(self, exists: str) -> None:
        found = [Record(each.owner, each.rdata.replace(flags=0)) for each in records("rfc5155-appendix-b")]
        with pytest.raises(NotDenied):
            prove_name_error(name(exists), EXAMPLE, found)

    def test_records_of_another_zone_do_not_count(self) -> None:
        found = [
            Record(each.owner.relativize(EXAMPLE).derelativize(name("other.")), each.rdata)
            for each in records("rfc5155-appendix-b")
        ]
        with pytest.raises(NotDenied):
            prove_name_error(name("a.c.x.w.example."), EXAMPLE, found)

    def test_too_many_iterations_are_no_proof(self) -> None:
        found = [nsec3(b"\0" * 20, b"\xff" * 20, iterations=101)]
        with pytest.raises(OptOut, match="iterations"):
            prove_name_error(name("zz."), ROOT, found)

    def test_unlike_parameters_are_no_proof(self) -> None:
        found = [nsec3(b"\0" * 20, b"\x0f" * 20), nsec3(b"\x0f" * 20, b"\0" * 20, iterations=1)]
        with pytest.raises(NotDenied, match="parameters"):
            prove_name_error(name("zz."), ROOT, found)

    def test_records_with_unknown_flags_are_passed_over(self) -> None:
        with pytest.raises(NotDenied):
            prove_name_error(name("zz."), ROOT, [nsec3(b"\0" * 20, b"\xff" * 20, flags=2)])


def test_no_records_are_no_denial() -> None:
    with pytest.raises(NotDenied):
        prove_name_error(name("zz."), ROOT, [])


def test_the_apex_can_not_be_denied() -> None:
    with pytest.raises(NotDenied, match="below"):
        prove_name_error(ROOT, ROOT, [nsec(".", ".", "NS SOA RRSIG NSEC")])


def test_the_bitmap_is_read() -> None:
    record = nsec("zz.", ".", "A NSEC RRSIG TYPE128 TYPE1234").rdata
    assert types_of(record) == {1, 46, 47, 128, 1234}  # type: ignore[arg-type] # an NSEC, by how it was made
