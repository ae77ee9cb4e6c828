"""Diagnosis: pure functions from observations to verdicts, findings and the state of the network.

They read the record alone, so that a report can be diagnosed again years later. No input, no output, no clock.
"""
