"""The transports: one module a kind or family of kinds, each with a ``TRANSPORT`` (``circumvent.transport``)."""
