"""The settings page: a small web server for this user's browser only.

In: requests that passed the guard. Out: the static page (in `static/`) and JSON about archives and assistants, never a
secret.
"""
