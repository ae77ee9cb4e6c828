"""What amneziawg-go said, recorded: our half makes of it what it made then, byte for byte."""

from __future__ import annotations

import base64
import json
import random
import struct
from pathlib import Path
from typing import Any

import pytest

from circumvent.inputs.problem import LineError
from circumvent.inputs.wireguard import read_wireguard
from circumvent.model.wireguard import Disguise, WireguardSettings
from circumvent.net import packets
from circumvent.vpn.amneziawg.disguise import Disguised
from circumvent.vpn.wireguard.cookie import Macs
from circumvent.vpn.wireguard.framing import Plain
from circumvent.vpn.wireguard.handshake import DATA, Identity, Initiator
from circumvent.vpn.wireguard.transport import Session

VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "amneziawg-go.json").read_text("ascii"))[
    "vectors"
]


def settings_of(vector: dict[str, Any]) -> WireguardSettings:
    ((_, option),) = read_wireguard("\n".join(vector["profile"]))
    assert not isinstance(option, LineError)
    assert isinstance(option.settings, WireguardSettings)
    return option.settings


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["version"])
def test_the_exchange_is_the_same_again(vector: dict[str, Any]) -> None:
    settings = settings_of(vector)
    disguise = settings.disguise or Disguise()
    preshared = settings.preshared_key
    assert preshared is not None
    identity = Identity(
        private=base64.b64decode(settings.private_key.reveal()),
        peer=settings.peer_key,
        preshared=base64.b64decode(preshared.reveal()),
    )
    framing = Disguised(disguise, Plain(), random.Random(1))
    begun = Initiator(
        identity,
        index=vector["index"],
        stamp=bytes.fromhex(vector["stamp"]),
        ephemeral=bytes.fromhex(vector["ephemeral"]),
        kind=vector["kind"],
    )
    initiation = bytes.fromhex(vector["initiation"])
    assert initiation[disguise.paddings[0] :] == Macs(settings.peer_key).add(begun.message, 0.0)
    assert len(framing.wrap(initiation[disguise.paddings[0] :])) == len(initiation)

    response = framing.unwrap(bytes.fromhex(vector["response"]))
    assert response is not None
    session = Session(begun.finish(response), 0.0)

    own = packets.packed(settings.addresses[0].partition("/")[0])
    gateway = own[:3] + b"\1"
    request = packets.build(packets.Echo(own, gateway, 7, 1, b"circumvent echo."))
    sealed = session.seal(request, 0.0, 1420)
    sent = bytes.fromhex(vector["request"])[disguise.paddings[3] :]
    assert sent[4:] == sealed[4:]
    (number,) = struct.unpack_from("<I", sent)
    first, last = disguise.headers[DATA - 1]
    assert first <= number <= last

    reply = framing.unwrap(bytes.fromhex(vector["reply"]))
    assert reply is not None
    echo = packets.parse(session.open(reply, 0.0))
    assert echo == packets.Echo(gateway, own, 7, 1, b"circumvent echo.", reply=True)
