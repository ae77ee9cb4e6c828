"""Options from profiles, for tries of OpenVPN."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from circumvent.inputs.ovpn import read_ovpn
from circumvent.model.openvpn import OpenvpnSettings
from circumvent.model.option import Origin

if TYPE_CHECKING:
    from circumvent.model.option import Option


def profile_option(text: str, **settings: Any) -> Option:
    """Return the option of a profile, with some of its settings changed."""
    option = read_ovpn(text, folder=None)
    assert isinstance(option.settings, OpenvpnSettings)
    return replace(
        option,
        id="openvpn-test",
        origin=Origin(source="argument"),
        settings=replace(option.settings, **settings),
    )
