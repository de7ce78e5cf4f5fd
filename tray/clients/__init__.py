"""The assistants on this computer: where their settings lie, how they stand, and connecting them without harm.

In: the name of an assistant. Out: a plan that can be looked at, then the change with its copy and receipt. Adding an
assistant is one entry in `registry`.
"""
