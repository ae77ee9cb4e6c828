"""Satellite links: where their gateways are, what a terminal says of itself, and what follows from it."""
