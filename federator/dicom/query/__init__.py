"""The query language of the `find-*` tools, and whether a row matches it (PS3.4 C.2.2.2, contract.md section 2).

In: what a person or a model wrote, and rows as archives sent them. Out: a checked `Query`, and a verdict for each row.
It knows nothing of how a filter is sent.
"""
