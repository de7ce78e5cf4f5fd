"""What each tool does: a question to the federation, and its result as an answer.

One module per kind of answer, apart from the tools because they need what the start of the server does without (the
data dictionary, decoders, PDF readers). In: checked arguments and the `App`. Out: a `CallToolResult`.
"""
