"""L2TP: its first control messages (RFC 2661), and the first message of IKEv1 that stands before them (RFC 2409)."""
