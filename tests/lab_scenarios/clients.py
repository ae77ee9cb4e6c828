"""Independent clients: programs and libraries of other people that use an option of the laboratory, a function a kind.

They run on a scenario's client side and share no code with the transports. Each either gets through the option what
nobody could have made before (a fresh nonce, a record of the world's zone, its own address back), or raises
:class:`Failed`. To add a kind, write a function and put it under :func:`confirms`; see ``docs/accuracy.md``.
"""

from __future__ import annotations

import base64
import re
import secrets
import socket
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import dns.message
from aioice import stun

from circumvent.lab.world import arguments
from circumvent.lab.world.standard import CONTROL_NAME
from tests.lab.daemon import find_program
from tests.lab.tor import DESCRIPTOR, ask_tor
from tests.peers import odoh_client

if TYPE_CHECKING:
    from collections.abc import Callable

    from circumvent.lab.world.prepare import Prepared

    Row = dict[str, Any]

#: Seconds that a client gets, on a slow line and a busy machine.
PATIENCE: Final = 40


class Failed(Exception):
    """The client did not get through; the message says how."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a client runs: the world's files, a folder of its own, the family of addresses that the client has."""

    prepared: Prepared
    folder: Path
    family: int

    @property
    def ca(self) -> str:
        """Return the file of the world's authority."""
        return self.prepared.ca

    def address(self, row: Row) -> str:
        """Return the address of an option's endpoint in the client's family."""
        known = [*row.get("address", ()), *([row["host"]] if "address" not in row else [])]
        return next(str(one) for one in known if (":" in one) == (self.family == 6))

    def control(self) -> tuple[str, str]:
        """Return a control with a fresh nonce, and the nonce."""
        nonce = secrets.token_hex(12)
        return arguments.controls(self.prepared.world)[0].replace("{nonce}", nonce), nonce

    def run(self, *words: str, given: bytes = b"", status: int | None = 0) -> str:
        """Run a program and return what it printed.

        :raises Failed: when it ends with another status than ``status`` (``None``: any), or takes too long.
        """
        program = find_program(words[0])
        if program is None:
            raise Failed(f"{words[0]} is not installed")
        try:
            done = subprocess.run(
                [program, *words[1:]],
                input=given,
                capture_output=True,
                timeout=PATIENCE,
                check=False,
                cwd=self.folder,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"{words[0]}: nothing in {PATIENCE} s") from None
        if status is not None and done.returncode != status:
            raise Failed(
                f"{words[0]}: status {done.returncode}: {done.stderr.decode('utf-8', 'replace').strip()[-200:]}"
            )
        return (done.stdout + done.stderr).decode("utf-8", "replace")

    def expect(self, found: bool, said: str) -> None:
        """Raise :class:`Failed` with what was said, unless ``found``."""
        if not found:
            raise Failed(f"something else came back: {' '.join(said.split())[-200:]!r}")


@dataclass(frozen=True, slots=True)
class Client:
    """Who confirms a kind: ``by`` for people, the programs that it needs, and how."""

    by: str
    programs: tuple[str, ...]
    use: Callable[[Row, Place], None]


CLIENTS: dict[str, Client] = {}
#: Kinds that nobody confirms, and why; the table prints it.
NOBODY: Final = {
    "dnscrypt": "no client is packaged for this distribution; its transport is held against dnsdist elsewhere",
    "wireguard": "a client of others needs a device of its own; its transport is held against wireguard-go elsewhere",
    "openvpn": "a client of others needs a device of its own; its transport is held against openvpn elsewhere",
}


def confirms(
    *kinds: str, by: str, programs: tuple[str, ...] = ()
) -> Callable[[Callable[[Row, Place], None]], Callable[[Row, Place], None]]:
    """Register a function as the independent client of ``kinds``."""

    def register(use: Callable[[Row, Place], None]) -> Callable[[Row, Place], None]:
        CLIENTS.update(dict.fromkeys(kinds, Client(by, programs, use)))
        return use

    return register


def _truth(place: Place) -> str:
    """Return the address that the control name has in the world."""
    return place.prepared.world.server(CONTROL_NAME).ipv4


@confirms("dns-udp", "dns-tcp", by="dig (BIND)", programs=("dig",))
def _plain(row: Row, place: Place) -> None:
    way = "+tcp" if row["kind"] == "dns-tcp" else "+notcp"
    said = place.run("dig", way, "+short", "+tries=4", "+time=4", f"@{place.address(row)}", CONTROL_NAME, "A")
    place.expect(said.strip() == _truth(place), said)


@confirms("dot", "doh", "doq", by="kdig (Knot DNS; GnuTLS, nghttp2, ngtcp2)", programs=("kdig",))
def _encrypted(row: Row, place: Place) -> None:
    url = urlsplit(row.get("url", ""))
    host = url.hostname or row["host"]
    patient = ["+time=8", "+retry=2"]  # its QUIC part does not survive that
    way = {"dot": ["+tls", *patient], "doh": [f"+https={host}{url.path}", *patient], "doq": ["+quic"]}[
        row["kind"]
    ]
    port = "443" if row["kind"] == "doh" else "853"
    said = place.run(
        "kdig", "+short", f"+tls-ca={place.ca}", f"+tls-hostname={host}", *way,
        f"@{place.address(row)}", "-p", port, CONTROL_NAME, "A", status=None,  # over QUIC it may crash when all is said
    )  # fmt: skip
    place.expect(_truth(place) in said.split(), said)


@confirms("doh3", by="gtlsclient (ngtcp2) and dnspython's parser", programs=("gtlsclient",))
def _doh3(row: Row, place: Place) -> None:
    query = dns.message.make_query(CONTROL_NAME, "A", id=0)
    text = base64.urlsafe_b64encode(query.to_wire()).rstrip(b"=").decode()
    answer = dns.message.from_wire(_over_quic(place, place.address(row), f"{row['url']}?dns={text}"))
    place.expect(_truth(place) in str(answer), str(answer))


@confirms("h3", by="gtlsclient (ngtcp2)", programs=("gtlsclient",))
def _h3(row: Row, place: Place) -> None:
    nonce = secrets.token_hex(12)
    body = _over_quic(place, place.address(row), row["url"].replace("{nonce}", nonce))
    place.expect(body == nonce.encode(), repr(body))


def _over_quic(place: Place, address: str, url: str) -> bytes:
    """Fetch one resource over HTTP/3."""
    words = (
        "-q",
        "--exit-on-all-streams-close",
        "--timeout=15s",
        "--download",
        str(place.folder),
        address,
        "443",
        url,
    )
    said = place.run("gtlsclient", *words, status=None)
    files = [file for file in place.folder.iterdir() if file.is_file()]
    if len(files) != 1:
        raise Failed(f"gtlsclient got nothing: {' '.join(said.split())[-200:]!r}")
    body = files[0].read_bytes()
    files[0].unlink()
    return body


@confirms("https", by="curl (OpenSSL, nghttp2)", programs=("curl",))
def _https(row: Row, place: Place) -> None:
    nonce = secrets.token_hex(12)
    url = urlsplit(row["url"])
    said = _curl(
        place, *_at(url.hostname or "", 443, place.address(row)), row["url"].replace("{nonce}", nonce)
    )
    place.expect(said == nonce, said)


@confirms("socks5", "socks4a", "http-connect", by="curl (OpenSSL, nghttp2)", programs=("curl",))
def _proxied(row: Row, place: Place) -> None:
    url, nonce = place.control()
    address = place.address(row)
    shown = f"[{address}]" if ":" in address else address
    scheme = {"socks5": "socks5h", "socks4a": "socks4a", "http-connect": "http"}[row["kind"]]
    words = ["--proxy", f"{scheme}://{shown}:{row['port']}"]
    if row.get("tls"):
        words = ["--proxy", f"https://{row['host']}:{row['port']}", "--proxy-cacert", place.ca]
        words += _at(row["host"], row["port"], address)
    if "user" in row:
        words += ["--proxy-user", f"{row['user']}:{row['password']}"]
    said = _curl(place, *words, url)
    place.expect(said == nonce, said)


def _curl(place: Place, *words: str) -> str:
    return place.run("curl", "-sS", "--max-time", "30", "--noproxy", "", "--cacert", place.ca, *words)


def _at(host: str, port: int, address: str) -> list[str]:
    return ["--resolve", f"{host}:{port}:{f'[{address}]' if ':' in address else address}"]


@confirms("odoh", by="a client of the tests' own (pyhpke, curl) that shares no code", programs=("curl",))
def _odoh(row: Row, place: Place) -> None:
    target = urlsplit(row["url"])
    host = target.hostname or ""
    server = place.prepared.world.server(host)
    direct = next(one for one in server.addresses if (":" in one) == (place.family == 6))
    file = place.folder / "answer"
    _curl(place, *_at(host, 443, direct), "-o", str(file), f"https://{host}/.well-known/odohconfigs")
    question = odoh_client.Question(file.read_bytes(), dns.message.make_query(CONTROL_NAME, "A"))
    url, at = row["url"], _at(host, 443, direct)
    if "relay" in row:
        relay = urlsplit(row["relay"])
        url = f"{row['relay'].partition('{')[0]}?targethost={host}&targetpath={target.path}"
        at = _at(relay.hostname or "", 443, place.address(row))
    (place.folder / "query").write_bytes(question.sealed)
    kind = f"content-type: {odoh_client.MEDIA_TYPE}"
    _curl(place, *at, "-H", kind, "--data-binary", f"@{place.folder / 'query'}", "-o", str(file), url)
    answer = question.open(file.read_bytes())
    place.expect(_truth(place) in str(answer), str(answer))


@confirms(
    "stun",
    by="turnutils_stunclient (coturn) over UDP; aioice's codec over TCP and TLS",
    programs=("turnutils_stunclient",),
)
def _stun(row: Row, place: Place) -> None:
    address, port = place.address(row), row["port"]
    if row["transport"] == "udp":
        said = place.run("turnutils_stunclient", "-p", str(port), address)
        place.expect("reflexive addr" in said, said)
        return
    with socket.create_connection((address, port), timeout=PATIENCE) as plain:
        if row["transport"] == "tcp":
            _binding(plain, place)
            return
        context = ssl.create_default_context(cafile=place.ca)
        with context.wrap_socket(plain, server_hostname=row["host"]) as secure:
            _binding(secure, place)


def _binding(stream: socket.socket, place: Place) -> None:
    """Ask for our own address (RFC 8489, section 2): whichever it is behind a box that ends connections itself."""
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    stream.sendall(bytes(request))
    data = b""
    while len(data) < 20 or len(data) < 20 + int.from_bytes(data[2:4], "big"):
        more = stream.recv(2048)
        if not more:
            raise Failed("the connection ended")
        data += more
    answer = stun.parse_message(data)
    same = answer.transaction_id == request.transaction_id
    place.expect(same and "XOR-MAPPED-ADDRESS" in answer.attributes, repr(answer))


@confirms("tor", by="tor", programs=("tor",))
def _tor(row: Row, place: Place) -> None:
    _bridge(row, place, "obfs4proxy")


@confirms("obfs4", "meek", by="tor, with obfs4proxy", programs=("tor", "obfs4proxy"))
def _disguised(row: Row, place: Place) -> None:
    _bridge(row, place, "obfs4proxy", "obfs4,meek_lite")


@confirms("webtunnel", by="tor, with WebTunnel's own client", programs=("tor", "webtunnel-client"))
def _webtunnel(row: Row, place: Place) -> None:
    _bridge(row, place, "webtunnel-client", "webtunnel")


def _bridge(row: Row, place: Place, program: str, transports: str = "obfs4") -> None:
    """Let tor use a line: the bridge must prove who it is and give its descriptor."""
    said = ask_tor(
        place.folder,
        row["line"],
        program=find_program(program) or program,
        transports=transports,
        ca_file=Path(place.ca),
        seconds=PATIENCE,
    )
    place.expect(said == DESCRIPTOR, said or "nothing")


@confirms("turn", by="turnutils_uclient (coturn)", programs=("turnutils_uclient",))
def _turn(row: Row, place: Place) -> None:
    way = {"udp": [], "tcp": ["-t"], "tls": ["-t", "-S"]}[row["transport"]]
    family = ["-x"] if place.family == 6 else []
    said = place.run(
        "turnutils_uclient", *way, *family, "-p", str(row["port"]), "-y", "-c", "-n", "5", "-l", "160", "-m", "1",
        "-u", row["user"], "-w", row["password"], place.address(row), status=None,
    )  # fmt: skip
    lost = re.findall(r"Total lost packets \d+ \(([0-9.]+)%\)", said)
    place.expect(bool(lost) and float(lost[-1]) < 100, said)
