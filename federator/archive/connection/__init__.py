"""The way to one archive: HTTP, sign-in, trust, retries, and what each fault means.

In: a path below the archive's base with its parameters. Out: an `Answer` within the archive's budgets, or an
`ArchiveError`. It knows nothing of what is asked for, only how to ask.
"""
