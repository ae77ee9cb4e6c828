"""What OpenVPN's own client sent, recorded with its keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

RECORDED: Final[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "openvpn-2.6.14.json").read_text(encoding="utf-8")
)
PACKETS: Final[dict[str, bytes]] = {
    row["wrapping"]: bytes.fromhex(row["packet"]) for row in RECORDED["packets"]
}
