"""What the model sees: tools, results and their wording."""
