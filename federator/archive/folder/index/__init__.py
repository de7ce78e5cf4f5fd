"""What a folder holds, in a database that keeps itself current: listing, reading, writing, healing.

In: a folder and a place for the cache. Out: rows by SELECT, files by UID, and how far the folder is read. It knows
nothing of HTTP; what a file holds is told by `files`.
"""
