"""What all HTTP engines share."""

from __future__ import annotations

import subprocess
import sys

from circumvent.model import failure as failures
from circumvent.net.failure import translate
from circumvent.net.http_types import BodyCut, BodyTooLong, Response


def test_a_header_is_found_by_its_name_in_lower_case() -> None:
    response = Response(200, (("set-cookie", "a"), ("set-cookie", "b")), b"", "HTTP/2", 0.0)

    assert response.header("set-cookie") == "a"
    assert response.header("location") is None


def test_a_cut_body_is_a_flow_that_was_cut() -> None:
    failure = translate(BodyCut(1234), "carry")

    assert (failure.step, failure.error) == ("carry", failures.TRUNCATED)
    assert failure.detail == "1234 bytes of the body had arrived"


def test_a_long_body_is_a_wrong_answer() -> None:
    assert translate(BodyTooLong(10), "carry").error == failures.WRONG_ANSWER


def test_an_engine_is_loaded_by_nobody_who_only_wants_the_types() -> None:
    code = (
        "import sys, circumvent.net.http_types; print(*{'httpx', 'aioquic', 'httpcore'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""
