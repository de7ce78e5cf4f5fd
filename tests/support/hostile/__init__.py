"""Archives that misbehave as real ones were seen to, one switch per quirk, and the oracle that says what is right."""
