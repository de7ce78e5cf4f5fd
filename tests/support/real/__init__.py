"""Real archives of other makers, installed with the tests and started by them."""
