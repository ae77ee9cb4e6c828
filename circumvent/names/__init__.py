"""DNS as a path: does a resolver carry, does it tell the truth here, and who is it."""
