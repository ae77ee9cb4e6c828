"""strongSwan: IKEv2 with every sort of login, each on an address of its own, and ESP in UDP in user space (libipsec)."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.lab.daemon import Daemon, DaemonFailed, Ready, find_program
from tests.lab.inner import start_inner

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.pki import Credentials, Pki

CHARON: Final = "/usr/lib/ipsec/charon"
USER: Final = "anna"
PASSWORD: Final = "correct horse"
PSK: Final = "a shared key of the laboratory"
NAME: Final = "vpn.lab.example"
CLIENT_NAME: Final = "client.lab.example"
#: The addresses of the pool begin with these.
INSIDE_IPV4: Final = "10.55.0."
INSIDE_IPV6: Final = "fd55::"

#: What each address asks for. IPv6: ``2001:db8:150::50`` asks for what 198.51.100.150 does.
ADDRESSES: Final = {
    "psk": "198.51.100.150",
    "certificate": "198.51.100.151",
    "eap": "198.51.100.152",
    "expired": "198.51.100.153",
    "stranger": "198.51.100.154",
    "group": "198.51.100.155",  # ecp384 only
    "cbc": "198.51.100.156",  # AES-CBC with HMAC, ecp256, RSA certificate, EAP
    "modp": "198.51.100.157",  # modp2048 and AES-CBC with HMAC-SHA2-512, shared key
    "old": "198.51.100.158",  # nothing that we offer
    "eap-only": "198.51.100.159",
    "no-child": "198.51.100.160",  # everything right, but no algorithm for ESP
}
IPV6: Final = "2001:db8:150::50"

_STRONGSWAN: Final = """\
charon {{
  port = {port}
  port_nat_t = {natt_port}
  load_modular = no
  load = random nonce openssl aes sha1 sha2 hmac gmp curve25519 md4 kdf pem pkcs1 pkcs8 x509 pubkey constraints gcm \
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
    version = 2
    local_addrs = {addresses}
    proposals = {proposals}
    fragmentation = yes
    pools = p4,p6
    unique = never
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

_USUAL: Final = "aes256gcm16-aes256-sha256-prfsha256-curve25519-ecp256-modp2048"


@dataclass(frozen=True, slots=True, kw_only=True)
class StrongSwan:
    """A running strongSwan. ``client`` is a certificate that it accepts; ``addresses`` has a key for each login."""

    daemon: Daemon
    addresses: dict[str, str]
    client: Credentials
    client_rsa: Credentials
    ca_file: Path
    port: int
    natt_port: int


def _connection(name: str, addresses: str, **more: str) -> str:
    parts = {
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


def _connections(directory: Path, pki: Pki) -> str:
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
            _connection("psk", f"{ADDRESSES['psk']},{IPV6}", **psk),
            _connection("certificate", ADDRESSES["certificate"], certs=good, remote_auth="pubkey", remote=""),
            _connection("eap", ADDRESSES["eap"], certs=good),
            _connection("expired", ADDRESSES["expired"], certs=expired),
            _connection("stranger", ADDRESSES["stranger"], certs=stranger),
            _connection("group", ADDRESSES["group"], proposals="aes256gcm16-prfsha384-ecp384", **psk),
            _connection(
                "cbc",
                ADDRESSES["cbc"],
                proposals="aes256-sha384-ecp256",
                esp_proposals="aes128-sha256",
                certs=rsa,
            ),
            _connection(
                "modp",
                ADDRESSES["modp"],
                proposals="aes128-sha512-modp2048",
                esp_proposals="aes256-sha512",
                **psk,
            ),
            _connection("old", ADDRESSES["old"], proposals="aes192-sha1-modp4096", **psk),
            _connection("eap-only", ADDRESSES["eap-only"], local_auth="eap-mschapv2"),
            _connection("no-child", ADDRESSES["no-child"], esp_proposals="aes192-sha1", **psk),
        )
    )


def _expired(pki: Pki) -> Credentials:
    from datetime import timedelta

    day = timedelta(days=1)
    return pki.authority.issue("ike-expired", [NAME], begins=-30 * day, ends=-3 * day)


def start_strongswan(
    directory: Path,
    pki: Pki,
    *,
    number: int = 50,
    port: int = 500,
    natt_port: int = 4500,
    cookie_threshold: int = 0,
) -> StrongSwan:
    """Start charon as root of an inner network."""
    for place in ("x509", "x509ca", "private"):
        (directory / "swanctl" / place).mkdir(parents=True)
    (directory / "swanctl" / "x509ca" / "ca.pem").write_bytes(pki.ca_file.read_bytes())
    (directory / "swanctl" / "x509ca" / "stranger.pem").write_bytes(pki.stranger.pem_file.read_bytes())
    settings = _STRONGSWAN.format(
        directory=directory, port=port, natt_port=natt_port, cookie_threshold=cookie_threshold
    )
    (directory / "strongswan.conf").write_text(settings, encoding="ascii")
    secrets = f'secrets {{ ike {{ secret = "{PSK}" }}\n eap {{ id = {USER}\n secret = "{PASSWORD}" }} }}\n'
    pools = (
        f"pools {{ p4 {{ addrs = {INSIDE_IPV4}0/24\n dns = 198.51.100.10 }}\n"
        f"p6 {{ addrs = {INSIDE_IPV6}/112\n dns = 2001:db8:100::10 }} }}\n"
    )
    (directory / "swanctl" / "swanctl.conf").write_text(
        f"connections {{\n{_connections(directory, pki)}}}\n{secrets}{pools}", encoding="ascii"
    )
    environment = {
        "STRONGSWAN_CONF": str(directory / "strongswan.conf"),
        "SWANCTL_DIR": str(directory / "swanctl"),
    }
    daemon = start_inner(
        ["env", *(f"{name}={value}" for name, value in environment.items()), CHARON],
        number=number,
        directory=directory,
        addresses=[*ADDRESSES.values(), IPV6],
        behind=[f"{INSIDE_IPV4}0/24", f"{INSIDE_IPV6}/112"],
        own_folders=["/run/circumvent"],  # the name of its pid file is compiled in
        ready=[Ready(address=ADDRESSES["psk"], port=port, probe=_PROBE)],
    )
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
        addresses=ADDRESSES,
        client=pki.authority.issue("ike-client", [CLIENT_NAME]),
        client_rsa=pki.authority.issue("ike-client-rsa", [CLIENT_NAME], algorithm="rsa"),
        ca_file=pki.ca_file,
        port=port,
        natt_port=natt_port,
    )


#: IKE_SA_INIT of version 3, which a server answers with INVALID_MAJOR_VERSION (RFC 7296, section 2.5).
_PROBE: Final = bytes.fromhex("0102030405060708 0000000000000000 00 30 22 08 00000000 0000001c")
