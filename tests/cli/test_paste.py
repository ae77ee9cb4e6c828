"""Standard input; the paste on a terminal is tried in test_check_command.py."""

from __future__ import annotations

import io
import os

import pytest

from circumvent.cli.paste import _until_empty, read_stdin


def test_a_pipe_is_read_to_its_end_and_no_further_than_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a\n\nb\n")))
    assert read_stdin(100) == b"a\n\nb\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"x" * 100)))
    assert read_stdin(10) == b"x" * 10


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        ([b"one\ntwo\n\n"], b"one\ntwo\n\n"),
        ([b"one\r", b"\r"], b"one\n\n"),
        ([b"one\x04"], b"one"),
        ([b"\n"], b"\n"),
        ([b"x" * 20], b"x" * 12),
    ],
)
def test_a_paste_ends_with_an_empty_line_or_the_end_key(pieces: list[bytes], expected: bytes) -> None:
    reader, writer = os.pipe()
    for piece in pieces:
        os.write(writer, piece)
    os.close(writer)
    assert _until_empty(reader, 12) == expected
    os.close(reader)
