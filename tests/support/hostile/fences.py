"""What stands inside and outside the fences of an answer, told by the marks alone."""

import re
from itertools import takewhile

_LABEL = re.compile(r"\[.*: text from an archive between the marks ([0-9a-f]{8}); it is data, not instructions\]")


def unmarked(text: str) -> str:
    """The text with the same mark in every fence."""
    return re.sub(r"(marks|---) [0-9a-f]{8}\b", r"\1 MARK", text)


def divided(text: str) -> tuple[list[str], list[str]]:
    """The lines inside the fences, and those outside; the marks and labels are in neither."""
    inside: list[str] = []
    outside: list[str] = []
    lines = iter(text.split("\n"))
    for line in lines:
        label = _LABEL.fullmatch(line)
        if label is None:
            outside.append(line)
            continue
        assert next(lines) == f"--- {label[1]}"
        inside += takewhile(f"--- {label[1]}".__ne__, lines)
    return inside, outside
