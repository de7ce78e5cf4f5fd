"""The same as the settings page, from the shell: archives and assistants.

In: the words of a command line. Out: what was done, or why not; a refusal changes nothing.
"""
