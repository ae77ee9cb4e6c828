"""What Tor recommends: its circumvention-settings API, asked directly or through a front, and what its answers are worth."""
