"""Options and tries of IKEv2 against strongSwan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from circumvent.model.ikev2 import Ikev2Settings
from circumvent.model.option import Endpoint, Option, Origin
from circumvent.model.secret import Secret
from tests.names import tries
from tests.transports.voice_context import Result

if TYPE_CHECKING:
    from circumvent.transport import Context
    from tests.lab.ikev2 import StrongSwan
    from tests.lab.names import Resolver


def ikev2_option(
    host: str,
    *,
    port: int = 500,
    ca: str | None = None,
    user: str | None = None,
    password: str | None = None,
    address: str | None = None,
    **settings: Any,
) -> Option:
    """Return an option; ``settings`` are those of the kind."""
    return Option(
        id="ikev2-test",
        kind="ikev2",
        label="test",
        endpoint=Endpoint(host=host, port=port, addresses=() if address is None else (address,)),
        origin=Origin(source="argument"),
        settings=Ikev2Settings(**settings),
        ca=ca,
        user=None if user is None else Secret(user),
        password=None if password is None else Secret(password),
    )


def option_for(swan: StrongSwan, login: str, **more: Any) -> Option:
    """Return what a user holds for one of strongSwan's logins, all right unless ``more`` says otherwise."""
    given: dict[str, Any] = {"remote_id": swan.name, "ca": swan.ca_file.read_text()}
    match login:
        case "psk" | "group" | "modp" | "rare" | "old" | "no-child":
            given["psk"] = Secret(swan.psk)
        case "certificate":
            given["certificate"] = swan.client.certificate.read_text()
            given["private_key"] = Secret(swan.client.key.read_text())
        case _:
            given |= {"user": swan.user, "password": swan.password, "eap_only": login == "eap-only"}
    given |= more
    return ikev2_option(given.pop("host", swan.addresses[login]), **given)


def context(unbound: Resolver | None = None, **more: Any) -> Context:
    """Return what one attempt needs; inside the tunnel the laboratory's root is known."""
    return tries.context(tries.plan(None if unbound is None else unbound.anchor), **more)


async def attempt(option: Option, given: Context) -> Result:
    """Try the option once and return the record."""
    return Result(await tries.attempt(option, given))
