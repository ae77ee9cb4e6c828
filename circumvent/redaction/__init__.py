"""What may leave this machine: the redacted form of a report. Pure, over plain JSON values."""
