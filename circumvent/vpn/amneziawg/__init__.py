"""AmneziaWG 1.0, 1.5 and 2.0: WireGuard whose packets look like something else.

The handshake and the keys are WireGuard's own (:mod:`circumvent.vpn.wireguard`); what differs is in front of it:
``tags`` reads what a signature packet consists of, ``disguise`` changes types, pads, and makes the packets that leave
before an initiation. Source: README and behaviour of amnezia-vpn/amneziawg-go v0.2.19, and of its 1.5 versions.
"""
