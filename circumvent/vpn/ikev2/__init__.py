"""IKEv2 (RFC 7296) and ESP in UDP (RFC 3948, RFC 4303), the initiator's side, without any input or output.

From below: :mod:`message` (header and payload chain), :mod:`payloads` (what is in them), :mod:`suites` (what is
offered and chosen), :mod:`groups` and :mod:`keys` (Diffie-Hellman, PRF), :mod:`boxes` (encryption),
:mod:`sa_init` (the first exchange), :mod:`sa` (messages under keys, fragments), :mod:`authenticate` (the second
exchange, with :mod:`auth` and :mod:`eap`), :mod:`esp` (packets).
"""
