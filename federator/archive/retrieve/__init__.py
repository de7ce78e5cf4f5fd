"""WADO-RS at one archive: metadata, instances, frames, pictures, documents and bulk data.

In: UIDs and one client. Out: the object in the form that was asked for, checked to be what its label says. It knows
nothing of other archives; failover is decided a floor above.
"""
