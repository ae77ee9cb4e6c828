"""VPN protocols without their sockets: codecs, handshakes and keys, laid out beside their specifications."""
