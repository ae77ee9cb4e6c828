"""A terminal that takes nothing for a while: what was written comes later, whole and in order, and nobody waits."""

from __future__ import annotations

import io
import os
import pty
import tty

from circumvent.cli.canvas import Canvas


def test_what_is_no_terminal_is_written_to_as_it_is() -> None:
    out = io.StringIO()
    canvas = Canvas(out)
    canvas.write("text")
    assert canvas.ready()
    assert out.getvalue() == "text"
    canvas.close()


def test_a_full_terminal_gets_the_rest_later_and_the_shell_keeps_its_own() -> None:
    reader, writer = pty.openpty()
    tty.setraw(writer)
    with os.fdopen(writer, "w") as stream:
        canvas = Canvas(stream)
        text = "".join(f"{number:06}" for number in range(20_000))
        canvas.write(text)
        assert not canvas.ready()
        assert os.get_blocking(stream.fileno())
        got = b""
        while not canvas.ready() or len(got) < len(text):
            got += os.read(reader, 1 << 16)
        assert got.decode() == text
        canvas.close()
    os.close(reader)


def test_a_terminal_that_is_gone_is_no_error() -> None:
    reader, writer = pty.openpty()
    stream = os.fdopen(writer, "w")
    canvas = Canvas(stream)
    canvas.write("a")
    os.close(reader)
    canvas.write("b")
    assert canvas.ready()
    canvas.close()
    stream.close()
