"""AnyConnect as OpenConnect speaks it (draft-mavrogiannopoulos-openconnect): forms, headers and packets, without I/O."""
