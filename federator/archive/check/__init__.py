"""One archive, or one folder, tested step by step as a person would, in words for whoever can mend it.

In: an `Archive`. Out: findings, one per step, and what the archive supports. It uses the rooms beside it as real
questions do, and is used by the command line and the tray only.
"""
