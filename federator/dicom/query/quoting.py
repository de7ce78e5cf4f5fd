"""How a filter is written so that it is read as it is meant: the quotes that a value needs, and no others. Pure."""

import re

_NEEDS_QUOTES = re.compile(r"\s|^[^\w*?^.(/+%#-]|[,;&|]$|[&;,|]\s*\w+=")


def pair(key: str, value: str) -> str:
    """`key=value`, quoted where the value would not end up whole without; its own quotes then have a backslash."""
    if not _NEEDS_QUOTES.search(value):
        return f"{key}={value}"
    quote = "'" if '"' in value and "'" not in value else '"'
    return f"{key}={quote}{value.replace(quote, chr(92) + quote)}{quote}"
