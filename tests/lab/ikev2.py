"""strongSwan: IKEv2 with every sort of login, each on an address of its own, and ESP in UDP in user space (libipsec)."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from circumvent.lab.netlink import Netlink
from tests.lab.daemon import Daemon, DaemonFailed, Ready, find_program
from tests.lab.inner import DEVICE_PREFIX, start_inner
from tests.lab.left_out import leave_out, requires

if TYPE_CHECKING:
    from tests.lab.pki import Credentials, Pki

CHARON: Final = "/usr/lib/ipsec/charon"
#: What it loads besides itself, from packages of their own.
PLUGINS: Final = {
    "/usr/lib/ipsec/plugins/libstrongswan-eap-mschapv2.so": "libcharon-extauth-plugins",
    "/usr/lib/ipsec/plugins/libstrongswan-kernel-libipsec.so": "libcharon-extra-plugins",
    "/usr/lib/ipsec/plugins/libstrongswan-curve25519.so": "libstrongswan-extra-plugins",
    "/usr/lib/ipsec/plugins/libstrongswan-openssl.so": "libstrongswan-standard-plugins",
}
USER: Final = "anna"
PASSWORD: Final = "correct horse"
PSK: Final = "a shared key of the laboratory"
NAME: Final = "vpn.lab.example"
CLIENT_NAME: Final = "client.lab.example"
RESOLVER: Final = "198.51.100.10"
RESOLVER_IPV6: Final = "2001:db8:100::10"

#: What each address of a server asks for; they follow each other.
LOGINS: Final = (
    "psk",
    "certificate",
    "eap",
    "expired",
    "stranger",
    "group",  # ecp384 only
    "cbc",  # AES-CBC with HMAC, ecp256, RSA certificate, EAP
    "modp",  # modp2048 and AES-CBC with HMAC-SHA2-512, shared key
    "rare",  # ecp521 and ChaCha20-Poly1305, or what a profile asks for
    "old",  # nothing that we offer
    "eap-only",
    "no-child",  # everything right, but no algorithm for ESP
    "ikev1",
    "ikev1-old",  # nothing that we offer
)

_STRONGSWAN: Final = """\
charon {{
  load_modular = no
  load = random nonce openssl aes sha1 sha2 hmac gmp curve25519 md4 kdf pem pkcs1 pkcs8 x509 pubkey constraints gcm chapoly \
kernel-libipsec kernel-netlink socket-default vici updown eap-identity eap-mschapv2
  install_virtual_ip = no
  half_open_timeout = 10
  block_threshold = 1000
  cookie_threshold_ip = 900
  cookie_threshold = {cookie_threshold}
  fragment_size = 1000
  signature_authentication = yes
  plugins {{ vici {{ socket = unix://{directory}/vici.sock }} }}
  filelog {{ stderr {{ default = 1
    ike = 2
    flush_line = yes }} }}
}}
"""

_CONNECTION: Final = """\
  {name} {{
    version = {version}
    local_addrs = {addresses}
    proposals = {proposals}
    fragmentation = yes
    pools = p4,p6
    unique = never
    dpd_delay = 1s
    send_cert = ifasked
    local {{
      auth = {local_auth}
      id = {id}
      {certs}
    }}
    remote {{
      auth = {remote_auth}
      {remote}
    }}
    children {{ net {{
      local_ts = 0.0.0.0/0,::/0
      esp_proposals = {esp_proposals}
    }} }}
  }}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrongSwan:
    """A running strongSwan.

    ``addresses`` has an address for each of :data:`LOGINS`; at ``address_ipv6`` it asks for what ``psk`` does. ``client``
    and ``client_rsa`` are certificates that it accepts; ``inside`` begins the addresses that it gives.
    """

    daemon: Daemon
    addresses: dict[str, str]
    client: Credentials
    client_rsa: Credentials
    ca_file: Path
    address_ipv6: str
    inside: str
    name: str = NAME
    user: str = USER
    password: str = PASSWORD
    psk: str = PSK


def require_strongswan() -> None:
    """Leave the running test out unless strongSwan is installed with what is loaded here."""
    requires("charon", "swanctl")
    for plugin, package in PLUGINS.items():
        if not Path(plugin).exists():
            leave_out(f"{Path(plugin).stem} is not installed (Debian package {package})")


def _connection(name: str, addresses: str, **more: str) -> str:
    parts = {
        "version": "2",
        "proposals": "aes256gcm16-prfsha256-curve25519,aes256-sha256-curve25519",
        "esp_proposals": "aes256gcm16,aes256-sha256",
        "local_auth": "pubkey",
        "id": NAME,
        "certs": "",
        "remote_auth": "eap-mschapv2",
        "remote": "eap_id = %any",
        **more,
    }
    return _CONNECTION.format(name=name, addresses=addresses, **parts)


def _connections(directory: Path, pki: Pki, addresses: dict[str, str], ipv6: str) -> str:
    def issued(label: str, credentials: Credentials) -> str:
        for place, path in (("x509", credentials.certificate), ("private", credentials.key)):
            (directory / "swanctl" / place / f"{label}.pem").write_bytes(path.read_bytes())
        return f"certs = {label}.pem"

    psk = {"local_auth": "psk", "remote_auth": "psk", "remote": "id = %any"}
    good = issued("good", pki.authority.issue("ike", [NAME]))
    expired = issued("expired", _expired(pki))
    stranger = issued("stranger", pki.stranger.issue("ike-stranger", [NAME]))
    rsa = issued("rsa", pki.authority.issue("ike-rsa", [NAME], algorithm="rsa"))
    return "".join(
        (
            _connection("psk", f"{addresses['psk']},{ipv6}", **psk),
            _connection("certificate", addresses["certificate"], certs=good, remote_auth="pubkey", remote=""),
            _connection("eap", addresses["eap"], certs=good),
            _connection("expired", addresses["expired"], certs=expired),
            _connection("stranger", addresses["stranger"], certs=stranger),
            _connection("group", addresses["group"], proposals="aes256gcm16-prfsha384-ecp384", **psk),
            _connection(
                "cbc",
                addresses["cbc"],
                proposals="aes256-sha384-ecp256",
                esp_proposals="aes128-sha256",
                certs=rsa,
            ),
            _connection(
                "modp",
                addresses["modp"],
                proposals="aes128-sha512-modp2048",
                esp_proposals="aes256-sha512",
                **psk,
            ),
            _connection(
                "rare",
                addresses["rare"],
                proposals="chacha20poly1305-prfsha512-ecp521,aes128-sha1-modp3072-modp4096-modp1536-modp1024",
                esp_proposals="chacha20poly1305,aes128-sha1",
                **psk,
            ),
            _connection("old", addresses["old"], proposals="aes192-sha1-modp6144", **psk),
            _connection("eap-only", addresses["eap-only"], local_auth="eap-mschapv2"),
            _connection("no-child", addresses["no-child"], esp_proposals="aes192ctr-sha1", **psk),
            _connection("ikev1", addresses["ikev1"], version="1", proposals="aes256-sha256-modp2048", **psk),
            _connection(
                "ikev1-old", addresses["ikev1-old"], version="1", proposals="aes192-sha1-modp6144", **psk
            ),
        )
    )


def _expired(pki: Pki) -> Credentials:
    day = timedelta(days=1)
    return pki.authority.issue("ike-expired", [NAME], begins=-30 * day, ends=-3 * day)


def start_strongswan(
    directory: Path,
    pki: Pki,
    *,
    number: int = 50,
    first: int = 62,
    cookie_threshold: int = 0,
    forward: bool = True,
) -> StrongSwan:
    """Start charon as root of an inner network.

    :param number: of its device and its pool.
    :param first: its addresses begin at 198.51.100.``first``.
    :param cookie_threshold: so many half-open SAs, and it wants cookies; 0 for never.
    :param forward: without, clients are connected and nothing passes beyond the server.
    """
    addresses = {login: f"198.51.100.{first + place}" for place, login in enumerate(LOGINS)}
    ipv6 = f"2001:db8:{first}::1"
    environment = _configure(directory, pki, addresses, ipv6, number, cookie_threshold)
    daemon = start_inner(
        ["env", *(f"{name}={value}" for name, value in environment.items()), CHARON],
        number=number,
        directory=directory,
        addresses=[*addresses.values(), ipv6],
        behind=[f"10.{number}.0.0/24", f"fd{number}::/112"],
        forward=forward,
        own_folders=["/run/circumvent"],  # the name of its pid file is compiled in
        ready=[Ready(address=addresses["psk"], port=500, probe=_PROBE)],
    )
    with Netlink() as netlink:  # IPv6 neighbours are answered for on their own device only
        netlink.add_address(f"{DEVICE_PREFIX}{number}", RESOLVER_IPV6)
    loaded = subprocess.run(
        [find_program("swanctl") or "swanctl", "--load-all", "--uri", f"unix://{directory}/vici.sock"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    if loaded.returncode:
        daemon.stop()
        raise DaemonFailed(f"swanctl: {loaded.stdout}{loaded.stderr}")
    return StrongSwan(
        daemon=daemon,
        addresses=addresses,
        client=pki.authority.issue("ike-client", [CLIENT_NAME]),
        client_rsa=pki.authority.issue("ike-client-rsa", [CLIENT_NAME], algorithm="rsa"),
        ca_file=pki.ca_file,
        address_ipv6=ipv6,
        inside=f"10.{number}.0.",
    )


def _configure(
    directory: Path, pki: Pki, addresses: dict[str, str], ipv6: str, number: int, cookie_threshold: int
) -> dict[str, str]:
    """Write the configuration; return the environment in which programs find it."""
    for place in ("x509", "x509ca", "private"):
        (directory / "swanctl" / place).mkdir(parents=True)
    (directory / "swanctl" / "x509ca" / "ca.pem").write_bytes(pki.ca_file.read_bytes())
    settings = _STRONGSWAN.format(directory=directory, cookie_threshold=cookie_threshold)
    (directory / "strongswan.conf").write_text(settings, encoding="ascii")
    secrets = f'secrets {{ ike {{ secret = "{PSK}" }}\n eap {{ id = {USER}\n secret = "{PASSWORD}" }} }}\n'
    pools = (
        f"pools {{ p4 {{ addrs = 10.{number}.0.0/24\n dns = {RESOLVER} }}\n"
        f"p6 {{ addrs = fd{number}::/112\n dns = {RESOLVER_IPV6} }} }}\n"
    )
    connections = _connections(directory, pki, addresses, ipv6)
    (directory / "swanctl" / "swanctl.conf").write_text(
        f"connections {{\n{connections}}}\n{secrets}{pools}", encoding="ascii"
    )
    return {
        "STRONGSWAN_CONF": str(directory / "strongswan.conf"),
        "SWANCTL_DIR": str(directory / "swanctl"),
    }


#: IKE_SA_INIT of version 3, which a server answers with INVALID_MAJOR_VERSION (RFC 7296, section 2.5).
_PROBE: Final = bytes.fromhex("0102030405060708 0000000000000000 00 30 22 08 00000000 0000001c")
