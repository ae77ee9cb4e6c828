"""Controls: what may be stated, what counts as the right answer, and what is fetched in which try."""

from __future__ import annotations

import hashlib
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circumvent.control import Bulk, Control, Expectation, plan_for_try
from circumvent.model import failure as failures
from circumvent.model.words import Exposure, Proof

LOGIN_PAGE = (
    b"<html><form action='/login?to=http://control.example/echo/%s'>Welcome to our Wi-Fi</form></html>"
)


def judge(text: str, status: int, body: bytes = b"") -> str | None:
    return Control.parse(text).fresh(Random(1)).judge(status, body)


class TestParse:
    def test_a_url_alone(self) -> None:
        control = Control.parse("https://control.example/path?q=1")
        assert control.url == "https://control.example/path?q=1"
        assert control.by_hand
        assert control.operator == control.host == "control.example"
        assert str(control.endpoint) == "control.example:443"
        assert control.public_url == "https://control.example/path"
        assert not control.expect.stated

    def test_ports_and_ipv6(self) -> None:
        control = Control.parse("http://[2001:db8::1]:8080/x#status=204")
        assert control.host == "2001:db8::1"
        assert str(control.endpoint) == "[2001:db8::1]:8080"
        assert control.public_url == "http://[2001:db8::1]:8080/x"
        assert Control.parse("http://[2001:db8::1]/x").public_url == "http://[2001:db8::1]/x"

    def test_each_fragment(self) -> None:
        digest = hashlib.sha256(b"x").hexdigest()
        assert Control.parse("https://c.example/#status=204").expect == Expectation(status=204)
        assert Control.parse("https://c.example/#body=all%20is%20well").expect == Expectation(
            body="all is well"
        )
        assert Control.parse(f"https://c.example/#sha256={digest.upper()}").expect == Expectation(
            sha256=digest
        )
        assert Control.parse("https://c.example/#contains=a=b&c").expect == Expectation(contains="a=b&c")
        both = Control.parse("https://c.example/#status=200&body=a&b").expect
        assert both == Expectation(status=200, body="a&b")

    @pytest.mark.parametrize(
        ("text", "word"),
        [
            ("ftp://c.example/", "https://"),
            ("HTTPS://c.example/", "small letters"),
            ("https:///path", "host"),
            ("https://c.example:99999/", "cannot be read"),
            ("https://c.example:0/", "port 0"),
            ("https://user:hunter2@c.example/", "password"),
            ("https://c.exämple/", "ASCII"),
            ("https://c.example/a b", "ASCII"),
            ("https://{nonce}.c.example/", "host"),
            ("https://c.example/{bytes}", "placeholder"),
            ("https://c.example/#stat=204", "after #"),
            ("https://c.example/#status=20", "three digits"),
            ("https://c.example/#status=101", "200 to 599"),
            ("https://c.example/#status=200&status=201", "twice"),
            ("https://c.example/#sha256=beef", "64"),
            ("https://c.example/#contains=", "needs a text"),
        ],
    )
    def test_what_is_wrong_is_named(self, text: str, word: str) -> None:
        with pytest.raises(ValueError, match=word) as caught:
            Control.parse(text)
        assert "hunter2" not in str(caught.value)

    @given(st.text(max_size=80) | st.text(max_size=60).map("https://c.example/".__add__))
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        try:
            control = Control.parse(text)
        except ValueError:
            return
        assert control.endpoint.port
        assert control.public_url.startswith(("http://", "https://"))


class TestJudge:
    def test_a_stated_status(self) -> None:
        assert judge("https://c.example/#status=204", 204) is None
        assert judge("https://c.example/#status=204", 200, b"log in") == failures.HTTP_UNEXPECTED_STATUS
        assert judge("https://c.example/#status=451", 451) is None

    def test_a_stated_body_is_the_whole_body_stripped(self) -> None:
        assert judge("https://c.example/#body=success", 200, b" success\n") is None
        assert judge("https://c.example/#body=success", 200, b"success?") == failures.WRONG_ANSWER
        assert judge("https://c.example/#body=success", 404, b"success") == failures.HTTP_UNEXPECTED_STATUS

    def test_a_digest_is_of_the_body_as_it_came(self) -> None:
        digest = hashlib.sha256(b"x\n").hexdigest()
        assert judge(f"https://c.example/#sha256={digest}", 200, b"x\n") is None
        assert judge(f"https://c.example/#sha256={digest}", 200, b"x") == failures.WRONG_ANSWER

    def test_nothing_stated_over_tls_may_redirect_but_not_fail(self) -> None:
        assert judge("https://c.example/", 200) is None
        assert judge("https://c.example/", 302) is None
        assert judge("https://c.example/", 404) == failures.HTTP_UNEXPECTED_STATUS
        assert judge("http://c.example/", 302) == failures.HTTP_UNEXPECTED_STATUS

    def test_a_provider_that_shuts_out_a_country(self) -> None:
        page = b"<p>The Amazon CloudFront distribution is configured to block access from your country."
        assert judge("https://c.example/", 451) == failures.GEO_REFUSED
        assert judge("https://c.example/", 403, page) == failures.GEO_REFUSED
        assert judge("https://c.example/", 403) == failures.HTTP_UNEXPECTED_STATUS
        assert judge("https://c.example/", 502) == failures.ORIGIN_DOWN

    def test_over_http_anybody_may_have_answered(self) -> None:
        assert judge("http://c.example/#status=204", 451) == failures.HTTP_UNEXPECTED_STATUS
        assert judge("http://c.example/#status=204", 502) == failures.HTTP_UNEXPECTED_STATUS

    def test_a_nonce_must_be_echoed(self) -> None:
        fresh = Control.parse("http://control.example/echo/{nonce}").fresh(Random(2))
        assert fresh.nonce is not None
        assert fresh.url == f"http://control.example/echo/{fresh.nonce}"
        assert fresh.judge(200, b"you said " + fresh.nonce.encode()) is None
        assert fresh.judge(200, b"you said something") == failures.WRONG_ANSWER
        assert fresh.judge(302, fresh.nonce.encode()) == failures.HTTP_UNEXPECTED_STATUS

    @pytest.mark.parametrize(
        "url", ["http://control.example/echo/{nonce}", "http://control.example/?n={nonce}"]
    )
    @pytest.mark.parametrize("quoted", [False, True])
    def test_a_portal_that_repeats_the_url_has_echoed_nothing(self, url: str, quoted: bool) -> None:
        fresh = Control.parse(url).fresh(Random(3))
        asked = fresh.url.replace("/", "%2F").replace("=", "%3d") if quoted else fresh.url
        page = f"\n<html><a href='https://portal.example/login?to={asked}'>log in</a></html>".encode()
        assert fresh.judge(200, page) == failures.WRONG_ANSWER
        assert fresh.judge(200, page + f"<b>{fresh.nonce}</b>".encode()) is None

    def test_a_nonce_may_stand_in_the_stated_body(self) -> None:
        fresh = Control.parse("http://control.example/{nonce}#body=got%20{nonce}").fresh(Random(4))
        assert fresh.judge(200, f"got {fresh.nonce}\n".encode()) is None
        assert fresh.judge(200, f"not {fresh.nonce}".encode()) == failures.WRONG_ANSWER

    def test_nonces_differ(self) -> None:
        control, random = Control.parse("https://c.example/{nonce}"), Random(5)
        assert control.fresh(random).nonce != control.fresh(random).nonce

    @given(st.integers(0, 999), st.binary(max_size=200), st.sampled_from(["http", "https"]))
    def test_no_answer_is_right_without_the_nonce(self, status: int, body: bytes, scheme: str) -> None:
        assert judge(f"{scheme}://c.example/{{nonce}}", status, body) is not None


class TestProof:
    @pytest.mark.parametrize(
        ("text", "proof"),
        [
            ("https://c.example/", Proof.CARRIED),
            ("https://c.example/#status=204", Proof.CARRIED),
            ("http://c.example/", Proof.HANDSHAKEN),
            ("http://c.example/#body=success", Proof.CARRIED),
            ("http://c.example/{nonce}", Proof.CARRIED),
        ],
    )
    def test_what_a_right_answer_proves(self, text: str, proof: Proof) -> None:
        assert Control.parse(text).proof is proof

    def test_a_built_in_answer_over_http_is_known_to_everybody(self) -> None:
        control = Control(url="http://c.example/", expect=Expectation(body="success"))
        assert control.proof is Proof.HANDSHAKEN


class TestBulk:
    def test_by_hand(self) -> None:
        bulk = Bulk.parse("https://b.example:8443/bulk?n={bytes}")
        assert bulk.down_url(65536) == "https://b.example:8443/bulk?n=65536"
        assert bulk.up_url == "https://b.example:8443/bulk?n=0"
        assert bulk.down_headers(65536) == ()
        assert str(bulk.endpoint) == "b.example:8443"
        assert bulk.by_hand
        assert bulk.secure

    def test_by_range(self) -> None:
        bulk = Bulk(down="https://b.example/1Mb.dat", by_range=True)
        assert bulk.down_url(65536) == "https://b.example/1Mb.dat"
        assert bulk.down_headers(65536) == (("Range", "bytes=0-65535"),)
        assert bulk.up_url is None

    @pytest.mark.parametrize(
        ("text", "word"),
        [
            ("https://b.example/", "{bytes}"),
            ("https://b.example/{bytes}#status=200", "fragment"),
            ("https://b.example/{nonce}{bytes}", "placeholder"),
            ("b.example/{bytes}", "https://"),
        ],
    )
    def test_what_is_wrong_is_named(self, text: str, word: str) -> None:
        with pytest.raises(ValueError, match=word):
            Bulk.parse(text)

    def test_both_ways_at_one_origin(self) -> None:
        Bulk(down="https://b.example/{bytes}", up="https://b.example:443/up")
        with pytest.raises(ValueError, match="same scheme, host and port"):
            Bulk(down="https://b.example/{bytes}", up="https://other.example/up")

    @given(st.text(max_size=60).map("https://b.example/{bytes}".__add__))
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        try:
            bulk = Bulk.parse(text)
        except ValueError:
            return
        assert "{bytes}" not in bulk.down_url(1)


def built_in(*operators: str) -> list[Control]:
    return [
        Control(url=f"https://{operator}{index}.example/", operator=operator)
        for index, operator in enumerate(operators)
    ]


class TestPlan:
    @given(st.integers(0, 1 << 16))
    def test_the_first_try_asks_two_operators_and_has_a_third_in_hand(self, seed: int) -> None:
        plan = plan_for_try(built_in("a", "a", "b", "b", "c"), (), 1, Random(seed))
        assert plan.spare is not None
        assert {control.operator for control in (*plan.at_once, plan.spare)} == {"a", "b", "c"}
        assert not plan.by_hand

    def test_too_few_operators(self) -> None:
        plan = plan_for_try(built_in("a", "a", "b"), (), 1, Random(1))
        assert {control.operator for control in plan.at_once} == {"a", "b"}
        assert plan.spare is not None
        assert len(plan_for_try(built_in("a"), (), 1, Random(1)).at_once) == 1
        assert plan_for_try((), (), 2, Random(1)).at_once == ()

    def test_later_tries_take_one_in_turns(self) -> None:
        controls = built_in("a", "b", "c")
        asked = [plan_for_try(controls, (), number, Random(1)).at_once for number in (2, 3, 4, 5)]
        assert asked == [(controls[0],), (controls[1],), (controls[2],), (controls[0],)]

    def test_what_answers_inside_shutdowns_is_never_alone(self) -> None:
        google = Control(url="https://g.example/", operator="g", never_alone=True)
        for number in range(2, 9):
            assert plan_for_try([google, *built_in("a", "b")], (), number, Random(1)).at_once != (google,)

    def test_what_would_mark_the_user_is_left_out(self) -> None:
        marking = Control(url="https://m.example/", operator="m", exposure=Exposure.MARKING)
        plan = plan_for_try([marking, *built_in("a", "b")], (), 1, Random(1))
        assert marking not in (*plan.at_once, plan.spare)

    def test_by_hand_every_try_fetches_all(self) -> None:
        theirs = [Control.parse(f"https://{name}.example/") for name in "abc"]
        ours = Bulk(down="https://b.example/{bytes}")
        for number in (1, 2, 3):
            plan = plan_for_try([*built_in("x"), *theirs], [ours], number, Random(number))
            assert plan.at_once == tuple(theirs)
            assert plan.by_hand
            assert plan.spare is None
            assert plan.bulk is None

    def test_the_best_bulk_resource(self) -> None:
        down = Bulk(down="https://b.example/{bytes}")
        both = Bulk(down="https://b.example/{bytes}", up="https://b.example/")
        theirs = Bulk.parse("https://own.example/{bytes}")
        assert plan_for_try((), (down, both), 1, Random(1)).bulk == both
        assert plan_for_try((), (down, both, theirs), 1, Random(1)).bulk == theirs
        assert plan_for_try((), (), 1, Random(1)).bulk is None

    def test_tries_count_from_one(self) -> None:
        with pytest.raises(ValueError, match="count from 1"):
            plan_for_try((), (), 0, Random(1))
