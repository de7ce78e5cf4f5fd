"""The newest studies of an archive that does not sort, found with few requests and proven to be the newest.

In: one archive's search, and how many studies are wanted. Out: a page's worth in order, and whether any is missing. It
knows nothing of other archives: the merge is made beside this room.
"""
