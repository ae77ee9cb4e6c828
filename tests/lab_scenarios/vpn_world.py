"""A wire with real VPN servers on its far side, and the unmodified check on the near one."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from circumvent.lab.engine import Path as Way
from circumvent.lab.engine import symmetric
from circumvent.lab.namespace import write
from circumvent.lab.netlink import Netlink
from circumvent.lab.run import COMMAND_LINE
from circumvent.lab.scenario_client import NO_CATALOGUE
from circumvent.lab.wire import CLIENT, WireConfig, open_wire
from circumvent.model.report import Report
from tests.lab import names, openvpn, web, wireguard, zone
from tests.lab.inner import DEVICE_PREFIX
from tests.lab.names import Character
from tests.lab.pki import make_pki

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from circumvent.lab.rule import Rule
    from circumvent.lab.wire import Wire
    from circumvent.model.report import OptionReport
    from tests.lab.daemon import Daemon
    from tests.lab.pki import Pki

ROOT: Final = Path(__file__).parent.parent.parent
RESOLVER: Final = ("198.51.100.10", "2001:db8:100::10")
CONTROL: Final = ("198.51.100.40", "2001:db8:100::40")
#: A control of another operator: of the time of day two must agree that it is wrong.
OTHER_CONTROL: Final = ("198.51.100.16", "2001:db8:100::16")
_OTHER_NAME: Final = "lab.example"
_NAME: Final = "vpn.lab.example"
_CONTROL_NAME: Final = "control.lab.example"
#: Ten milliseconds each way: a line on which nothing waits.
NEAR: Final = Way(far=symmetric(delay=0.01))
#: RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, NTF_PROXY, NDA_DST (linux/rtnetlink.h, linux/neighbour.h).
_NEW_NEIGHBOUR, _CREATE, _PROXY, _DESTINATION = 28, 0x500, 0x08, 1


@dataclass
class VpnWorld:
    """Servers beyond a censor, what their users hold, and what a check must be told."""

    wire: Wire
    folder: Path
    pki: Pki
    arguments: tuple[str, ...]
    client: tuple[str, ...]
    daemons: list[Daemon] = field(default_factory=list)
    report: Report | None = None
    _numbers: int = 0

    def wireguard(self, **more: Any) -> wireguard.Server:
        """Start a peer of wireguard-go."""
        with self.wire.in_world():
            server = wireguard.start_peer(
                self._place("wireguard"), number=self._next(), resolver=RESOLVER[0], **more
            )
            self.open_the_way(self._numbers + 200)
        self.daemons.append(server.daemon)
        return server

    def openvpn(self, *, ipv6: bool = False, **more: Any) -> openvpn.Server:
        """Start a server of openvpn."""
        number = 150 + self._next()
        with self.wire.in_world():
            server = openvpn.start_openvpn(
                self._place("openvpn"),
                number=number,
                address=f"2001:db8:100::{number}" if ipv6 else f"198.51.100.{number}",
                pki=self.pki,
                credentials=self.pki.authority.issue(f"openvpn-{number}", ["openvpn.lab.example"]),
                client=self.pki.authority.issue(f"client-{number}", ["client.lab.example"]),
                resolver=RESOLVER[0],
                **more,
            )
            self.open_the_way(number)
        self.daemons.append(server.daemon)
        return server

    def check(self, profiles: dict[str, str], *more: str, clock: float = 0.0) -> dict[str, OptionReport]:
        """Run the command line on the near side; return the options by the stem of their file.

        :param clock: seconds that the client's clock is ahead.
        """
        held = self._place("held")
        for name, text in profiles.items():
            (held / name).write_text(text)
        with self.wire.in_client():
            done = subprocess.run(
                [
                    sys.executable,
                    *("-m", "circumvent.lab.scenario_client", str(clock), NO_CATALOGUE, COMMAND_LINE),
                    "check",
                    *(str(held / name) for name in profiles),
                    *self.arguments,
                    *more,
                ],
                capture_output=True,
                text=True,
                cwd=held,
                timeout=70,
                check=False,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        assert done.stdout, done.stderr
        self.report = Report.from_json(done.stdout)
        stems = {Path(name).stem for name in profiles}
        return {option.label: option for option in self.report.options if option.label in stems}

    @property
    def last(self) -> Report:
        """The report of the last check."""
        assert self.report is not None
        return self.report

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers

    def _place(self, name: str) -> Path:
        folder = self.folder / f"{name}-{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        return folder

    def open_the_way(self, number: int) -> None:
        """Let packets pass between the wire and a server's network, which asks its neighbour for everybody."""
        write("/proc/sys/net/ipv4/ip_forward", "1")
        write("/proc/sys/net/ipv6/conf/all/forwarding", "1")
        device = f"{DEVICE_PREFIX}{number}"
        write(f"/proc/sys/net/ipv4/conf/{device}/proxy_arp", "1")
        write(f"/proc/sys/net/ipv4/neigh/{device}/proxy_delay", "0")
        write(f"/proc/sys/net/ipv6/conf/{device}/proxy_ndp", "1")
        write(f"/proc/sys/net/ipv6/neigh/{device}/proxy_delay", "0")
        with Netlink() as netlink:
            with contextlib.suppress(FileExistsError):  # openvpn's has one already
                netlink.add_address(device, f"fd46:{number}::1")
            netlink.add_address(
                device, f"fe80::{number}"
            )  # whoever passes packets on asks from such an address
            for address in (*(one for one in self.client if ":" in one), RESOLVER[1]):
                _answer_for(netlink, device, address)


def _answer_for(netlink: Netlink, device: str, address: str) -> None:
    """Answer neighbour solicitations for an IPv6 address on a device (``ip neigh add proxy``)."""
    head = struct.pack("=BxxxiHBB", socket.AF_INET6, socket.if_nametoindex(device), 0, _PROXY, 0)
    place = struct.pack("=HH", 20, _DESTINATION) + socket.inet_pton(socket.AF_INET6, address)
    netlink._ask(_NEW_NEIGHBOUR, _CREATE, head + place)


@contextlib.contextmanager
def vpn_world(
    folder: Path, *rules: Rule, way: Way = NEAR, client: Sequence[str] = CLIENT
) -> Iterator[VpnWorld]:
    """Open a wire with these rules; on its far side there are a resolver and a control server."""
    pki = make_pki(folder / "pki", (_NAME, _CONTROL_NAME, "lab.example"))
    keys = zone.RootKeys()
    daemons: list[Daemon] = []
    anchor = folder / "root.anchor"
    anchor.write_text(keys.anchor + "\n", encoding="ascii")
    for name in ("unbound", "control", "other"):
        (folder / name).mkdir()
    config = WireConfig(
        rules=rules, path=way, client=tuple(client), world=(*RESOLVER, *CONTROL, *OTHER_CONTROL)
    )
    with open_wire(config) as wire:
        try:
            with wire.in_world():
                resolver = names.start_unbound(
                    folder / "unbound",
                    character=Character.HONEST,
                    zone=keys.sign(records=zone.RECORDS),
                    anchor=keys.anchor,
                    addresses=RESOLVER,
                    name=_NAME,
                    credentials=pki.good,
                    ca_file=pki.ca_file,
                )
                daemons.append(resolver.daemon)
                control = web.start_control(
                    folder / "control",
                    addresses=CONTROL,
                    name=_CONTROL_NAME,
                    credentials=pki.good,
                    ca_file=pki.ca_file,
                )
                daemons.append(control.daemon)
                other = web.start_control(
                    folder / "other",
                    addresses=OTHER_CONTROL,
                    name=_OTHER_NAME,
                    credentials=pki.good,
                    ca_file=pki.ca_file,
                )
                daemons.append(other.daemon)
            arguments = (
                "--ca", str(pki.ca_file),
                "--trust-anchor", str(anchor),
                "--dns-control", "lab.example=198.51.100.16,2001:db8:100::16",
                "--resolver", RESOLVER[0] if "." in client[0] else f"[{RESOLVER[1]}]:53",
                "--system-dns", "--allow-private", "--fast", "--no-builtin", "--json",
                "--control", control.nonce_url, "--control", other.nonce_url,
            )  # fmt: skip
            world = VpnWorld(wire, folder, pki, arguments, tuple(client), daemons)
            yield world
        finally:
            for daemon in reversed(daemons):
                daemon.stop()
