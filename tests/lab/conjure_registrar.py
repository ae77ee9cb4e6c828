"""A conjure registrar, run as a program: what is no registration is answered as the real one does, none is made.

``python conjure_registrar.py PORT COUNT_FILE`` listens on 127.0.0.1. Answers are those of ``vectors/conjure-registrar.json``;
what is long enough to be a registration is counted in the file and gets 500.
"""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

LEAST = 33
API, AMP = "/register-bidirectional", "/amp/register-bidirectional/0"
TOO_SHORT = (400, b"Payload too small\n")
NOT_FOUND = (404, b"404 page not found\n")


class Handler(BaseHTTPRequestHandler):
    """One connection of the web server."""

    protocol_version = "HTTP/1.1"
    count_file = Path()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self._answer(self._judge(body) if self.path == API else NOT_FOUND)

    def do_GET(self) -> None:
        if self.path.startswith(AMP):
            self._answer(self._judge(self.path.rpartition("/")[2].encode()))
        else:
            self._answer((405, b"") if self.path == API else NOT_FOUND)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _judge(self, registration: bytes) -> tuple[int, bytes]:
        if len(registration) < LEAST:
            return TOO_SHORT
        with self.count_file.open("a", encoding="ascii") as file:
            file.write("one more\n")
        return 500, b""

    def _answer(self, answer: tuple[int, bytes]) -> None:
        status, body = answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    Handler.count_file = Path(sys.argv[2])
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
