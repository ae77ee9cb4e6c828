"""What users hold, one file a kind, and every secret in it: keys, passwords, user names, paths that are secrets."""

from __future__ import annotations

import base64
import json
import plistlib
import random
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

import trustme
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

if TYPE_CHECKING:
    from collections.abc import Callable

#: Where they point to: addresses and their ports.
PLACES: Final[dict[str, tuple[int, ...]]] = {}
_CHANCE: Final = random.Random("secrets")


@dataclass(frozen=True, slots=True)
class Held:
    """A file of one kind: its name, its text, and what of it must never be shown."""

    kind: str
    name: str
    text: str
    secrets: tuple[str, ...]

    def __repr__(self) -> str:
        return self.name


def place(*ports: int) -> str:
    """An address of its own, where somebody may listen at ``ports``: at most four may talk to one address."""
    address = f"127.0.77.{len(PLACES) + 1}"
    PLACES[address] = ports
    return address


def word(length: int = 20) -> str:
    """A password that occurs nowhere else."""
    return "".join(_CHANCE.choices("abcdefghijkmnpqrstuvwxyz23456789", k=length))


def key() -> str:
    """The base64 of 32 bytes."""
    return base64.b64encode(_CHANCE.randbytes(32)).decode("ascii")


def public_key() -> str:
    """The base64 of a public key for which nobody has the private one."""
    private = X25519PrivateKey.from_private_bytes(_CHANCE.randbytes(32))
    return base64.b64encode(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode("ascii")


def pem(text: str, label: str) -> str:
    """What a secret block looks like as the lines that carry it."""
    return f"-----BEGIN {label}-----\n{text}\n-----END {label}-----\n"


@cache
def identity() -> tuple[str, str, str]:
    """Certificate of an authority, certificate of ours, and our private key, as PEM."""
    authority = trustme.CA()
    ours = authority.issue_cert("anna@secrets.example")
    return (
        authority.cert_pem.bytes().decode("ascii"),
        ours.cert_chain_pems[0].bytes().decode("ascii"),
        ours.private_key_pem.bytes().decode("ascii"),
    )


def key_lines(text: str) -> tuple[str, ...]:
    """The lines of a PEM block that carry the key."""
    return tuple(line for line in text.splitlines() if len(line) > 40 and not line.startswith("-"))


def _static_key() -> tuple[str, tuple[str, ...]]:
    lines = tuple(_CHANCE.randbytes(16).hex() for _ in range(16))
    body = "\n".join(lines)
    return f"-----BEGIN OpenVPN Static key V1-----\n{body}\n-----END OpenVPN Static key V1-----", lines


def _wireguard() -> Held:
    private, preshared = key(), key()
    text = (
        f"[Interface]\nPrivateKey = {private}\nAddress = 10.66.0.2/32\nDNS = 10.66.0.1\n"
        f"PostUp = curl https://{word()}.example/\n\n[Peer]\nPublicKey = {public_key()}\n"
        f"PresharedKey = {preshared}\nAllowedIPs = 0.0.0.0/0\nEndpoint = {place(51820)}:51820\n"
    )
    return Held("wireguard", "wg.conf", text, (private, preshared))


def _amneziawg() -> Held:
    private, preshared = key(), key()
    text = (
        f"[Interface]\nPrivateKey = {private}\nAddress = 10.67.0.2/32\nJc = 3\nJmin = 40\nJmax = 70\nS1 = 20\nS2 = 30\n"
        f"H1 = 1101\nH2 = 1102\nH3 = 1103\nH4 = 1104\n\n[Peer]\nPublicKey = {public_key()}\nPresharedKey = {preshared}\n"
        f"AllowedIPs = 0.0.0.0/0\nEndpoint = {place(51821)}:51821\n"
    )
    return Held("amneziawg", "awg.conf", text, (private, preshared))


def _wireguard_link() -> Held:
    private, preshared = key(), key()
    quoted = private.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    other = preshared.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    text = (
        f"wireguard://{quoted}@{place(51822)}:51822?publickey={public_key().replace('+', '%2B').replace('/', '%2F')}"
        f"&presharedkey={other}&address=10.68.0.2/32#linked\n"
    )
    return Held("wireguard", "wg-link.txt", text, (private, preshared, quoted, other))


def _openvpn(wrapping: str, port: int) -> Held:
    ca, certificate, private = identity()
    static, lines = _static_key()
    user, password = word(), word()
    text = (
        f"client\ndev tun\nproto tcp-client\nremote {place(port)} {port}\nremote-cert-tls server\nup /bin/{word()}\n"
        f"<ca>\n{ca}</ca>\n<cert>\n{certificate}</cert>\n<key>\n{private}</key>\n"
        f"<{wrapping}>\n{static}\n</{wrapping}>\n<auth-user-pass>\n{user}\n{password}\n</auth-user-pass>\n"
    )
    return Held("openvpn", f"{wrapping}.ovpn", text, (*lines, *key_lines(private), user, password))


def _ikev2() -> Held:
    psk, user, password = word(), word(), word()
    _, certificate, private = identity()
    first, second, third = place(500, 4500), place(500, 4500), place(500, 4500)
    text = (
        f'[[option]]\nkind = "ikev2"\nlabel = "shared"\nhost = "{first}"\npsk = "{psk}"\n\n'
        f'[[option]]\nkind = "ikev2"\nlabel = "eap"\nhost = "{second}"\nuser = "{user}"\npassword = "{password}"\n\n'
        f'[[option]]\nkind = "ikev2"\nlabel = "certificate"\nhost = "{third}"\n'
        f'certificate = """\n{certificate}"""\nprivate_key = """\n{private}"""\n'
    )
    return Held("ikev2", "ikev2.toml", text, (psk, user, password, *key_lines(private)))


def _mobileconfig() -> Held:
    psk, user, password = word(), word(), word()
    logins: tuple[dict[str, object], ...] = (
        {"AuthenticationMethod": "SharedSecret", "SharedSecret": psk},
        {
            "AuthenticationMethod": "None",
            "ExtendedAuthEnabled": 1,
            "AuthName": user,
            "AuthPassword": password,
        },
    )
    payloads = [
        {
            "PayloadType": "com.apple.vpn.managed",
            "UserDefinedName": f"phone {number}",
            "VPNType": "IKEv2",
            "IKEv2": {"RemoteAddress": place(500, 4500), **login},
        }
        for number, login in enumerate(logins)
    ]
    text = plistlib.dumps({"PayloadType": "Configuration", "PayloadContent": payloads}).decode("utf-8")
    return Held("ikev2", "phone.mobileconfig", text, (psk, user, password))


def _sswan() -> Held:
    user = word()
    profile = {
        "name": "my phone",
        "type": "ikev2-eap",
        "remote": {"addr": place(500, 4500)},
        "local": {"eap_id": user},
    }
    return Held("ikev2", "phone.sswan", json.dumps(profile, indent=1), (user,))


def _table(kind: str, extra: str = "", port: int | None = None) -> Held:
    user, password = word(), word()
    number = f"port = {port}\n" if port else ""
    text = (
        f'[[option]]\nkind = "{kind}"\nlabel = "my {kind}"\nhost = "{place(port or 443)}"\n{number}user = "{user}"\n'
        f'password = "{password}"\n{extra}'
    )
    return Held(kind, f"{kind}.toml", text, (user, password))


def _openconnect() -> Held:
    held, path = _table("openconnect"), word()
    return Held(held.kind, held.name, f'{held.text}path = "/{path}"\n', (*held.secrets, path))


def _link(kind: str, scheme: str, port: int) -> Held:
    user, password = word(), f"{word(8)}/{word(8)}"
    quoted = password.replace("/", "%2F")
    text = f"{scheme}{user}:{quoted}@{place(port)}:{port}#my-{kind}\n"
    return Held(kind, f"{kind}.txt", text, (user, password, quoted))


def _doh(kind: str, scheme: str) -> Held:
    user, password, path, query = word(), word(), word(), word()
    text = f"{scheme}://{user}:{password}@{place(8443)}:8443/{path}?token={query}#my-{kind}\n"
    return Held(kind, f"{kind}.txt", text, (user, password, path, query))


def _bridges() -> Held:
    path = word()
    cert = base64.b64encode(_CHANCE.randbytes(52)).decode("ascii").rstrip("=")
    fingerprint, other = _CHANCE.randbytes(20).hex().upper(), _CHANCE.randbytes(20).hex().upper()
    text = (
        f"obfs4 {place(4433)}:4433 {fingerprint} cert={cert} iat-mode=0\n"
        f"webtunnel [2001:db8::7]:443 {other} url=https://{place(4434)}:4434/{path} ver=0.0.1\n"
    )
    return Held("obfs4", "bridges.txt", text, (path, cert))


def _dnstt() -> Held:
    """By a resolver over UDP, and by one over HTTPS whose path is a secret too; the second has no key."""
    domain, other, path = (word() for _ in range(3))
    pubkey = base64.b64decode(public_key()).hex()
    text = (
        f"dnstt 192.0.2.3:80 udp={place(4436)}:4436 pubkey={pubkey} domain=t.{domain}.example\n"
        f"dnstt 192.0.2.3:80 doh=https://{place(4437)}:4437/{path} domain=t.{other}.example\n"
    )
    return Held("dnstt", "dnstt.txt", text, (domain, other, path, pubkey))


def _conjure() -> Held:
    host, path = word(), word()
    text = (
        f"conjure 192.0.2.4:80 url=https://{host}.example:4438/{path} fronts={place(4438)} registrar=bdapi\n"
    )
    return Held("conjure", "conjure.txt", text, (host, path))


def _snowflake() -> Held:
    """By a front, and by a queue whose credentials are secret."""
    host, path, credentials, queue = (word() for _ in range(4))
    here = place(4439)
    text = (
        f"snowflake 192.0.2.3:80 url=https://{host}.example:4439/{path}/ fronts={here} ice=stun:{here}:4439\n"
        f"snowflake 192.0.2.4:80 sqsqueue=https://{place(4440)}:4440/{queue} sqscreds={credentials}\n"
    )
    return Held("snowflake", "snowflake.txt", text, (host, path, credentials, queue))


_MAKERS: Final[tuple[Callable[[], Held], ...]] = (
    _wireguard,
    _amneziawg,
    _wireguard_link,
    lambda: _openvpn("tls-crypt", 1194),
    lambda: _openvpn("tls-auth", 1195),
    _ikev2,
    _mobileconfig,
    _sswan,
    _openconnect,
    lambda: _table("sstp", port=4435),
    lambda: _link("socks5", "socks5://", 1080),
    lambda: _link("http-connect", "http://", 3128),
    lambda: _link("turn", "turn:", 3478),
    lambda: _doh("doh", "https"),
    lambda: _doh("doh3", "h3"),
    _bridges,
    _dnstt,
    _conjure,
    _snowflake,
)
#: Everything that is held.
ALL: Final = tuple(make() for make in _MAKERS)
