"""Ranking: pure functions from observations to an order, with the reason in a sentence."""
