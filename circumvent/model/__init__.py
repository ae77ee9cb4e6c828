"""Values: options, observations, verdicts and the report. No input, no output, no clock."""
