"""Tor's circumvention-settings API as it is reached: nginx with TLS, a front, and meek's server between front and API.

Nothing of rdsys is packaged: the API's answers are those that a test writes. Behind the front stands the ``meek-server`` of
its own authors where it is on PATH, else ours.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from circumvent.catalog import SettingsApi
from tests.lab.daemon import Daemon, Ready, find_program, start
from tests.lab.nginx import HEAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.lab.pki import Pki

#: Addresses of the API, of the front, and of somebody who has no certificate for the API.
API, FRONT, FORGED = "198.51.102.40", "198.51.102.41", "198.51.102.42"
#: Names of the same; ``SILENT`` leads nowhere, and the API's certificate is for it too.
API_NAME: Final = "moat.lab.example"
FRONT_NAME: Final = "moat-front.lab.example"
FORGED_NAME: Final = "moat-forged.lab.example"
SILENT_NAME: Final = "dropped.lab.example"
#: The host behind the front that hands requests to meek's server, and one that nobody is.
REFLECTOR: Final = "moat-reflector.example"
_API_PORT, _MEEK_PORT = 9090, 9091
_HERE: Final = Path(__file__).parent

_NGINX: Final = (
    HEAD
    + """\
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  client_max_body_size 1m;
  server {{
    listen {api}:443 ssl http2;
    ssl_certificate {chain};
    ssl_certificate_key {key};
    location / {{ proxy_pass http://127.0.0.1:{api_port}; }}
  }}
  server {{
    listen {front}:443 ssl default_server;
    server_name {front_name};
    ssl_certificate {chain};
    ssl_certificate_key {key};
    location / {{ return 403; }}
  }}
  server {{
    listen {front}:443 ssl;
    server_name {reflector};
    ssl_certificate {chain};
    ssl_certificate_key {key};
    location / {{ proxy_pass http://127.0.0.1:{meek_port}; }}
  }}
  server {{
    listen {forged}:443 ssl;
    ssl_certificate {forged_chain};
    ssl_certificate_key {forged_key};
    location / {{ proxy_pass http://127.0.0.1:{api_port}; }}
  }}
}}
"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moat:
    """The running API. ``ca_file`` is the authority to trust."""

    folder: Path
    ca_file: Path

    def api(
        self, host: str = API_NAME, *, reflector: str = REFLECTOR, front: str = FRONT_NAME
    ) -> SettingsApi:
        """Return where it is; ``host`` is what is asked directly, ``reflector`` what is behind the front."""
        return SettingsApi(url=f"https://{host}/moat", reflector=f"https://{reflector}/", front=front)

    def answer(self, **texts: Any) -> None:
        """Set what is answered to ``settings``, ``defaults``, ``builtin``; all else is forgotten.

        A text is sent as it is, a pair is a status and a text, anything else is JSON.
        """
        answers = {
            what: (200, given)
            if isinstance(given, str)
            else given
            if isinstance(given, tuple)
            else (200, json.dumps(given))
            for what, given in texts.items()
        }
        (self.folder / "answers.json").write_text(json.dumps(answers), encoding="utf-8")
        (self.folder / "asked").unlink(missing_ok=True)

    def asked(self) -> list[tuple[str, str, Any]]:
        """Return what was asked since: the request, its type, its body."""
        if not (self.folder / "asked").exists():
            return []
        lines = (self.folder / "asked").read_text("utf-8").splitlines()
        return [(request, kind, json.loads(body)) for request, kind, body in map(json.loads, lines)]


def settings(
    *groups: tuple[str, Sequence[str] | None], country: str | None = "ir", source: str = "bridgedb"
) -> dict[str, Any]:
    """Return an answer to ``settings``: lines by transport, ``None`` where only the transport is named."""
    told = []
    for kind, lines in groups:
        bridges: dict[str, Any] = {"type": kind, "source": source if lines is not None else "builtin"}
        if lines is not None:
            bridges["bridge_strings"] = list(lines)
        told.append({"bridges": bridges})
    return {"settings": told, **({"country": country} if country else {})}


def start_moat(directory: Path, *, pki: Pki) -> tuple[Moat, list[Daemon]]:
    """Start all of it; return the handle, and the servers."""
    good = pki.authority.issue("moat", [API_NAME, FRONT_NAME, SILENT_NAME])
    moat = Moat(folder=directory, ca_file=pki.ca_file)
    moat.answer()
    configuration = directory / "nginx.conf"
    configuration.write_text(
        _NGINX.format(
            directory=directory,
            api=API,
            front=FRONT,
            forged=FORGED,
            front_name=FRONT_NAME,
            reflector=REFLECTOR,
            api_port=_API_PORT,
            meek_port=_MEEK_PORT,
            chain=good.chain,
            key=good.key,
            forged_chain=pki.unknown_authority.chain,
            forged_key=pki.unknown_authority.key,
        ),
        encoding="ascii",
    )
    running: list[Daemon] = []
    try:
        running.append(
            start(
                [sys.executable, str(_HERE / "moat_server.py"), str(_API_PORT), str(directory)],
                directory=directory,
                ready=[Ready(address="127.0.0.1", port=_API_PORT)],
                name="moat",
            )
        )
        running.append(
            start(
                ["nginx", "-p", str(directory), "-c", str(configuration), "-e", "stderr"],
                directory=directory,
                ready=[Ready(address=address, port=443) for address in (API, FRONT, FORGED)],
            )
        )
        running.append(_start_meek(directory))
    except BaseException:
        for daemon in running:
            daemon.stop()
        raise
    return moat, running


def _start_meek(directory: Path) -> Daemon:
    """Start meek's server before the API's own TLS: theirs as tor would (pt-spec, section 3.2), or ours."""
    ready = [Ready(address="127.0.0.1", port=_MEEK_PORT)]
    theirs = find_program("meek-server")
    if theirs is None:
        command = [sys.executable, str(_HERE / "meek_server.py"), str(_MEEK_PORT), API, "443"]
        return start(command, directory=directory, ready=ready, name="moat-meek")
    state = directory / "meek-state"
    state.mkdir(mode=0o700)
    return start(
        [theirs, "--disable-tls"],
        directory=directory,
        ready=ready,
        name="moat-meek",
        environment={
            "TOR_PT_MANAGED_TRANSPORT_VER": "1",
            "TOR_PT_STATE_LOCATION": str(state),
            "TOR_PT_SERVER_TRANSPORTS": "meek",
            "TOR_PT_SERVER_BINDADDR": f"meek-127.0.0.1:{_MEEK_PORT}",
            "TOR_PT_ORPORT": f"{API}:443",
        },
    )
