"""Feeds every pattern of the code, and what else handles text from archives, with a lot of its worst letters.

Run as a program: it prints the name of each piece of work before it starts, and is stopped by the operating system when
all of them together take more processor time than anything linear can.
"""

import ast
import collections
import importlib
import pkgutil
import re
import resource
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import federator
from federator.archive.connection.faults import retry_after_s_of
from federator.archive.encoding import multipart, sniff
from federator.dicom import json, letters, metadata
from federator.dicom.json import PersonName
from federator.dicom.query import matching
from federator.dicom.query.language import MAX_QUERY_LENGTH
from federator.dicom.report.text import clean
from federator.server.wording import wording

BYTES = 200_000
SECONDS = 60
# Blanks of all kinds, separators, quotes, digits, marks of several classes (also those that letters fall apart into).
UNITS = (
    *(" ", "\t", "\n", "\r\n", "\r", "\x0b", "\x1f", "\x85", "\u00a0", "\u2003", "\u2028", "\u3000", "\0"),
    *("^", "=", "\\", "'", '"', "(", ")", ",", ".", ";", "*", "?", "/", "%", "-", "--", "&", "#bytes=", "0", "9", "A"),
    *(" ^", "^ ", "= ", ";a=", ';a="', '\\"', "a ", "1.", "\n--", "\r\n--B", "--B\r\n", "\u0301", "\u0316\u0301"),
    *("\u0f73\uff9e\u0316", "ß", "İ", "\ud800", "ﷺ"),
)
_USES = frozenset({"match", "fullmatch", "search", "sub", "split", "findall", "finditer"})
_DYNAMIC = {"federator.dicom.query.matching": "re.compile"}
"""Patterns that are made of what was asked for: tested by `matching.matches_text` and `matches_name` below."""

_OF_QUESTIONS = "federator.dicom.query."
_ALSO_OF_ANSWERS = "federator.dicom.query.dates"

Work = tuple[str, Callable[[str], object]]


Pattern = re.Pattern[str] | re.Pattern[bytes]


def patterns() -> dict[tuple[str, Pattern], set[str]]:
    """Every pattern of the code with the ways in which it is used, held by a module or written where it is used."""
    found: dict[tuple[str, Pattern], set[str]] = {}
    for module in pkgutil.walk_packages(federator.__path__, "federator."):
        if module.name.endswith("__main__"):
            continue
        loaded = importlib.import_module(module.name)
        tree = ast.parse(Path(str(loaded.__file__)).read_text(encoding="utf-8"))
        for name, value in vars(loaded).items():
            if isinstance(value, re.Pattern):
                found[module.name, value] = _uses(tree, name)
        for written, use in _written_in_place(tree, module.name):
            found.setdefault((module.name, written), set()).add(use)
    return found


def _uses(tree: ast.Module, name: str) -> set[str]:
    """Which methods of a pattern are called, by its name in the module."""
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    return {node.attr for node in attributes if isinstance(node.value, ast.Name) and node.value.id == name} & _USES


def _written_in_place(tree: ast.Module, module: str) -> Iterator[tuple[Pattern, str]]:
    """The patterns of calls such as `re.sub("…", …)`; one that is neither text nor held by a module is refused."""
    held = {id(node.value) for node in tree.body if isinstance(node, ast.Assign)}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and _is_of_re(node.func) and node.args):
            continue
        name, first = ast.unparse(node.func), node.args[0]
        if id(node) in held or name == "re.escape" or _DYNAMIC.get(module) == name:
            continue
        choices = (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,)
        for choice in choices:
            # Made of text, of names that the module holds, or of a quote.
            known = {**vars(importlib.import_module(module)), "quote": "'"}
            written = eval(ast.unparse(choice), known)
            yield re.compile(written), name.removeprefix("re.")


def _is_of_re(function: ast.expr) -> bool:
    return isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "re"


def _of_pattern(module: str, pattern: Pattern, uses: set[str]) -> Work:
    def feed(text: str) -> None:
        subject = text.encode("utf-8", "surrogatepass") if isinstance(pattern.pattern, bytes) else text
        for use in sorted(uses or {"search"}):
            if use in {"sub", "split", "findall", "finditer"}:
                collections.deque(pattern.finditer(subject), maxlen=0)  # type: ignore[arg-type]
            else:
                getattr(pattern, use)(subject)

    return f"{module} {pattern.pattern!r}", feed


def _row(text: str) -> dict[str, object]:
    return {tag: {"vr": "LO", "Value": [text]} for tag in ("00080020", "00080030", "00100010", "00200011", "00081030")}


def _accessors(text: str) -> None:
    row = _row(text)
    for read in (json.texts, json.text, json.uid, json.number, json.integer, json.date, json.time, json.names):
        for tag in row:
            read(row, tag)
    json.faults(row)
    json.keyword_of(text)


def _parsed(text: str) -> None:
    body = text.encode("utf-8", "surrogatepass")
    for header in (
        "multipart/related; boundary=B",
        "multipart/related; boundary=-",
        "multipart/related",
        text[:90_000],
    ):
        for whole in (body, b"--B\r\n" + body, b"--B\r\nContent-Length: 3\r\n\r\n" + body, body + b"\r\n--B--"):
            try:
                multipart.parse(whole, header)
            except multipart.MultipartError:
                continue
    sniff.sniff(body)
    sniff.sniff(b"\xff\xd8\xff" + body)
    sniff.rle_decoded_bytes(body)


def _many_parts(text: str) -> None:
    part = b"--B\r\nContent-Length: 1\r\nX: " + text[:20].encode("utf-8", "surrogatepass") + b"\r\n\r\nxx\r\n"
    try:
        multipart.parse(part * (BYTES // 40), "multipart/related; boundary=B")
    except multipart.MultipartError:
        return


FUNCTIONS: tuple[Work, ...] = (
    ("accessors of DICOM JSON", _accessors),
    ("multipart and sniffing", _parsed),
    ("many parts", _many_parts),
    ("names", lambda text: matching.matches_name(PersonName(alphabetic=text, ideographic=text), "*doe*jane^*")),
    ("names that were lost", lambda text: matching.may_match_name(PersonName(alphabetic=text + "?"), "*dö*jane^*")),
    ("text", lambda text: matching.matches_text(text, "*a*b *c?e*")),
    ("a pattern of the letters themselves", lambda text: matching.matches_text(text, f"*{text[:200]}*{text[:200]}b*")),
    ("without marks", letters.without_marks),
    ("a line", wording.one_line),
    ("a fence", lambda text: wording.fenced(text, "label")),
    ("report text", clean),
    ("metadata", lambda text: metadata.listing(_row(text), metadata.parse_selection(""))),
    ("Retry-After", retry_after_s_of),
    ("Content-Type", multipart.content_type),
)


def main() -> None:
    """Do all of it."""
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    for name, work in (*FUNCTIONS, *(_of_pattern(*found, uses) for found, uses in patterns().items())):
        # What reads the question never sees more of it: it is refused before.
        asked = name.startswith(_OF_QUESTIONS) and not name.startswith(_ALSO_OF_ANSWERS)
        length = MAX_QUERY_LENGTH if asked else BYTES
        for unit in UNITS:
            print(name, ascii(unit), flush=True)
            work(unit * (length // len(unit.encode("utf-8", "surrogatepass"))))
    print("done", flush=True)


if __name__ == "__main__":
    main()
