"""The archives of one user: `archives.toml` changed without harm, their secrets, and how each was found last.

In: what a person entered. Out: a changed file with every other byte as it was, or a refusal in words.
"""
