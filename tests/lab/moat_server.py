"""Tor's circumvention-settings API, run as a program: answers that stand in a file, and what was asked in another.

``python moat_server.py PORT FOLDER`` listens on 127.0.0.1. ``FOLDER/answers.json`` holds, by the last word of the path
(``settings``, ``defaults``, ``builtin``), what is answered: a status and a text. Every question is a line of ``FOLDER/asked``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, folder: Path) -> None:
    """Answer one connection until the other side leaves."""
    with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            request, *lines = head.split("\r\n")
            fields = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
            body = await reader.readexactly(int(fields.get("content-length", "0")))
            what = request.split(" ")[1].rpartition("/")[2]
            with (folder / "asked").open("a", encoding="utf-8") as asked:
                asked.write(json.dumps([request, fields.get("content-type"), body.decode()]) + "\n")
            answers = json.loads((folder / "answers.json").read_text("utf-8"))
            status, text = answers.get(what, (404, "not here"))
            answer = text.encode("utf-8", "surrogatepass")
            writer.write(
                f"HTTP/1.1 {status} Status\r\nContent-Length: {len(answer)}\r\n\r\n".encode() + answer
            )
            await writer.drain()
    writer.close()


async def main(port: int, folder: Path) -> None:
    """Serve for ever."""
    server = await asyncio.start_server(lambda r, w: serve(r, w, folder), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
