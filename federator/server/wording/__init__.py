"""What the model reads: result models, lists, and the sentences that several answers share.

In: entries, outcomes and rows. Out: text and structure side by side. It asks nobody: `answers` does.
"""
