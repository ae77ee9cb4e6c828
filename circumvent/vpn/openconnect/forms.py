"""The gateway's questions before a session, and our answers (aggregate authentication, section 2.1.1 to 2.1.3).

A gateway answers ``init`` with a form; each of our replies brings another form, or a session. Forms are answered from
what a profile holds: a name, a password, a group. Nothing is guessed and nothing is answered twice.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from circumvent.vpn.openconnect import document
from circumvent.vpn.openconnect.document import DocumentError, Element

if TYPE_CHECKING:
    from collections.abc import Sequence

    from circumvent.model.secret import Secret

#: The version that we say, and the system: what a free client on Linux says.
VERSION: Final = "v9.12"
DEVICE: Final = "linux-64"
#: Fields and choices that are looked at.
MOST_FIELDS: Final = 32
MOST_CHOICES: Final = 256
#: What can stand in a Cookie field (RFC 6265, section 4.1.1, and no more than browsers keep).
_COOKIE: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+=[!-:<-~]{0,4000}")
_NAMES: Final = frozenset({"username", "user", "uname", "login"})
_TYPES: Final = frozenset({"text", "password", "hidden"})


class FormError(ValueError):
    """This is no answer of an AnyConnect gateway."""


class Obstacle(enum.Enum):
    """What a form wants that a profile of name and password does not have."""

    SECOND_SECRET = "a second secret (a token or a code)"  # noqa: S105 - a sentence, no password
    CERTIFICATE = "a client certificate"
    BROWSER = "a browser for single sign-on"
    HOST_SCAN = "a program that inspects this computer"
    CREDENTIALS = "a user name and a password"
    GROUP = "a group that it does not offer"
    OTHER = "something that this version does not know"


class Unanswerable(Exception):
    """A form can't be answered; ``obstacle`` says why."""

    def __init__(self, obstacle: Obstacle) -> None:
        super().__init__(obstacle.value)
        self.obstacle = obstacle


@dataclass(frozen=True, slots=True)
class Field:
    """One input of a form. ``value`` is what a hidden one carries, and is sent back as it came."""

    kind: str
    name: str
    value: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form: where the answer goes, its fields, the groups to choose from, whether it says that we failed.

    ``groups`` are pairs of value and label, ``selected`` is the value that the gateway chose already.

    ``opaque`` is the gateway's own state, sent back as it came.
    """

    action: str
    fields: tuple[Field, ...]
    groups: tuple[tuple[str, str], ...] = ()
    selected: str | None = None
    failed: bool = False
    opaque: Element | None = field(default=None, repr=False)

    @property
    def secrets(self) -> frozenset[str]:
        """Return the names of the secrets that it asks for."""
        return frozenset(item.name for item in self.fields if item.kind == "password")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the gateway's document says: a form, a session, or something that stops us.

    ``token`` is the session where the document carries it (others set a cookie).
    """

    form: Form | None = None
    complete: bool = False
    token: str | None = field(default=None, repr=False)
    obstacle: Obstacle | None = None
    failed: bool = False


def init_request(url: str, group: str | None = None, *, no_certificate: bool = False) -> bytes:
    """Write the first message: who we are, and which gateway and group we mean.

    ``no_certificate`` tells a gateway that asked for one that we have none, so that it asks for a password.
    """
    parts = [_text("group-access", url)]
    if no_certificate:
        parts.append(Element("client-cert-fail"))
    if group is not None:
        parts.append(_text("group-select", group))
    return _message("init", *parts)


def reply(form: Form, user: Secret | None, password: Secret | None, group: str | None) -> bytes:
    """Answer a form.

    :raises Unanswerable: when it wants what we do not have. Nothing secret is in the error.
    """
    auth: list[Element] = []
    secrets = 0
    for item in form.fields:
        if item.kind == "hidden":
            auth.append(_text(item.name, item.value))
        elif item.kind == "password":
            secrets += 1
            if secrets > 1 or not _is_main_secret(item.name):
                raise Unanswerable(Obstacle.SECOND_SECRET)
            auth.append(_text(item.name, _reveal(password)))
        elif item.name.lower() in _NAMES:
            auth.append(_text(item.name, _reveal(user)))
        else:
            raise Unanswerable(Obstacle.OTHER)
    parts = [] if form.opaque is None else [form.opaque]
    parts.append(Element("auth", {}, auth))
    chosen = choose_group(form, group)
    if chosen is not None:
        parts.append(_text("group-select", chosen))
    return _message("auth-reply", *parts)


def choose_group(form: Form, group: str | None) -> str | None:
    """Return the value of the group to send; ``None`` where there is nothing to choose.

    :raises Unanswerable: when the profile names a group that is not there.
    """
    if not form.groups:
        return None
    if group is None:
        return form.selected or form.groups[0][0]
    for value, label in form.groups:
        if group in (value, label):
            return value
    raise Unanswerable(Obstacle.GROUP)


def parse_answer(body: bytes) -> Answer:
    """Read a document of the gateway.

    :raises FormError: when it is none.
    """
    try:
        root = document.parse(body)
    except DocumentError as exc:
        raise FormError(str(exc)) from exc
    if root.name == "auth":  # gateways of older versions send it bare
        root = Element("config-auth", {"type": "auth-request"}, [root])
    if root.name != "config-auth":
        raise FormError("the document is not one of an AnyConnect gateway")
    kind = root.attributes.get("type", "")
    auth = root.find("auth")
    identity = "" if auth is None else auth.attributes.get("id", "")
    token = root.find("session-token")
    if kind == "complete" or identity == "success":
        return Answer(complete=True, token=None if token is None else _token(token.text.strip()))
    failed = root.find("error") is not None or any(
        element.name == "error" for element in (() if auth is None else auth.children)
    )
    obstacle = _obstacle(root, auth)
    if obstacle is not None:
        return Answer(obstacle=obstacle, failed=failed)
    form = None if auth is None else auth.find("form")
    if form is None:
        return Answer(failed=failed, obstacle=None if failed else Obstacle.OTHER)
    return Answer(form=_form(form, root.find("opaque"), failed=failed), failed=failed)


def _obstacle(root: Element, auth: Element | None) -> Obstacle | None:
    if root.find("client-cert-request") is not None:
        return Obstacle.CERTIFICATE
    if auth is not None and any(child.name.startswith("sso-v2-") for child in auth.children):
        return Obstacle.BROWSER
    host_scan = root.find("host-scan")
    if host_scan is not None and auth is None:
        return Obstacle.HOST_SCAN
    return None


def _form(element: Element, opaque: Element | None, *, failed: bool) -> Form:
    fields: list[Field] = []
    groups: list[tuple[str, str]] = []
    selected = None
    for item in list(element.walk())[1:]:
        name = item.attributes.get("name", "")
        if item.name == "select":
            groups += _choices(item)
        elif item.name == "option" and "selected" in item.attributes and selected is None:
            selected = item.attributes.get("value", item.text.strip())
        elif item.name == "input":
            kind = item.attributes.get("type", "text").lower()
            if kind in ("submit", "reset"):
                continue
            if kind not in _TYPES or not _is_name(name):
                raise FormError("a field of the gateway's form can't be read")
            fields.append(Field(kind, name, item.attributes.get("value", "")))
    if len(fields) > MOST_FIELDS:
        raise FormError("the gateway's form has too many fields")
    return Form(
        action=_action(element.attributes.get("action", "")),
        fields=tuple(fields),
        groups=tuple(groups[:MOST_CHOICES]),
        selected=selected,
        failed=failed,
        opaque=opaque,
    )


def _choices(select: Element) -> list[tuple[str, str]]:
    choices = []
    for option in select.children:
        if option.name == "option":
            label = option.text.strip()
            choices.append((option.attributes.get("value", label), label))
    return choices


def _action(action: str) -> str:
    """Return the path to which the answer goes; forms send us nowhere else than to their own gateway."""
    path = action or "/"
    if not path.startswith("/") or path.startswith("//") or not path.isascii() or not path.isprintable():
        raise FormError("the gateway's form wants its answer sent elsewhere")
    return path.replace(" ", "%20")


def _token(text: str) -> str | None:
    if not text:
        return None
    if not _COOKIE.fullmatch(f"t={text}"):
        raise FormError("the gateway's session is no text that can be sent back")
    return text


def _is_name(name: str) -> bool:
    """Tell whether a field's name can be the name of an element, as the answer needs it."""
    return (
        0 < len(name) <= 64
        and name.isascii()
        and (name[0].isalpha() or name[0] == "_")
        and all(letter.isalnum() or letter in "_-." for letter in name)
    )


def _is_main_secret(name: str) -> bool:
    return name.lower() in {"password", "passwd", "pass"}


def _reveal(secret: Secret | None) -> str:
    if secret is None:
        raise Unanswerable(Obstacle.CREDENTIALS)
    text = secret.reveal()
    if not text.isprintable():  # XML has no way to say it, and half a password would count as a wrong one
        raise Unanswerable(Obstacle.OTHER)
    return text


def _text(name: str, text: str) -> Element:
    return Element(name, {}, [], text)


def _message(kind: str, *parts: Element) -> bytes:
    root = Element("config-auth", {"client": "vpn", "type": kind, "aggregate-auth-version": "2"})
    version = Element("version", {"who": "vpn"}, [], VERSION)
    root.children = [version, _text("device-id", DEVICE), *parts]
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{document.write(root)}'.encode("utf-8", "replace")


def cookies(fields: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the cookies that a response sets; an empty value takes one away."""
    found: dict[str, str] = {}
    for name, value in fields:
        if name != "set-cookie":
            continue
        key, equals, text = value.partition(";")[0].partition("=")
        if equals and len(found) < MOST_FIELDS and _COOKIE.fullmatch(pair := f"{key.strip()}={text.strip()}"):
            found[pair.partition("=")[0]] = pair.partition("=")[2]
    return found
