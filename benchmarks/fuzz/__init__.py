"""Fuzzing: what archives, files, clients and operators send, changed at random, and what must hold all the same.

In: valid seeds from the tests' own makers, and a number that all chance hangs on. Out: counts, and findings that can be
tried again by kind and number. `changes` knows nothing of federator; `kinds` knows no more of it than its tools, its
configuration and its command.
"""
