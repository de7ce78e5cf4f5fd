"""Which pages are meant: `1-3,5` as page numbers."""

from federator.errors import RequestError

_EXAMPLE = "Write page numbers and ranges, for example 1-3,5."


def selected(pages: str, count: int) -> tuple[int, ...]:
    """The page numbers, counted from 1, that `pages` names of a document of `count` pages; all where it is empty.

    A RequestError quotes what is no page number, and says how many pages there are where one lies beyond the end.
    """
    if not pages.strip():
        return tuple(range(1, count + 1))
    wanted: set[int] = set()
    for part in pages.split(","):
        first, dash, last = (piece.strip() for piece in part.partition("-"))
        start, end = _number(first or ("1" if dash else ""), part), _number(last or str(count), part) if dash else 0
        end = end if dash else start
        if start > end or start < 1 or part.strip() == "-":
            raise RequestError(f"pages: '{part.strip()[:40]}' names no page. {_EXAMPLE}")
        if start > count:
            raise RequestError(f"pages: there is no page {start}; the document has {count}.")
        wanted.update(range(start, min(end, count) + 1))
    return tuple(sorted(wanted))


def _number(text: str, part: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6:  # noqa: PLR2004 - a million pages
        raise RequestError(f"pages: '{part.strip()[:40]}' is no page number. {_EXAMPLE}")
    return int(text)


def ranges(numbers: tuple[int, ...]) -> str:
    """Page numbers as they are written: 1, 2, 3, 5 as `1-3,5`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
