"""Signs of other languages in a value (SQL, regular expressions, URLs, JSON), which archives take as letters. Pure.

What a form would be here is a proposal only: the letters may be the value's own.
"""

import re
from collections.abc import Callable
from urllib.parse import unquote

_Rewrite = Callable[[re.Match[str]], str]

_PERCENT_CODE = re.compile(r"%[0-9A-Fa-f]{2}")
_REGEX_LITERAL = re.compile(r"~?/(.+)/[a-z]*")
_REGEX_SIGNS = re.compile(
    r"\.[*+]\??|\(\?[a-z]+\)|\[[^\]]*-[^\]]*\][*+]?|\[(\w)\w?\]|\\[bwds][*+]?|(?<=\w)\$$|^\^(?=\w)"
)
_BRACKETS = {"[": "]", "(": ")", "{": "}", "<": ">", '"': '"', "'": "'", "`": "`"}
_OPERATOR = re.compile(r"^(?:!=|<>|>=|<=|=~|==|[!<>=~+]|-(?=\w)|like\s)\s*|(?<=\w)~[0-9.]*$", re.IGNORECASE)
_CLOSING = re.compile(r"[,;:!、，；。]+$|(?:(?<=\w{3})|(?<=[0-9*?]))\.+$")


def rewritten(value: str) -> tuple[str, str]:
    """What is foreign in a value, in words, and the value without it; both empty where nothing is.

    A pattern that may begin or end anywhere (`%doe%`, `/doe/`) comes with `*` there.
    """
    for described, rewrite in _REWRITES:
        changed = rewrite(value).strip()
        if changed != value and changed.strip("*? "):
            return described, changed
    return "", ""


def _decoded(value: str) -> str:
    return unquote(value, errors="replace") if _PERCENT_CODE.search(value) else value


def _unbracketed(value: str) -> str:
    inner = value
    while len(inner) > 1 and _BRACKETS.get(inner[0]) == inner[-1]:
        inner = inner[1:-1].strip()
    return inner


def _without_regex(value: str) -> str:
    literal = _REGEX_LITERAL.fullmatch(value)
    inner = f"*{literal[1]}*" if literal else value
    changed = _REGEX_SIGNS.sub(lambda sign: sign[1] or ("*" if sign[0][0] in ".[\\" else ""), inner)
    return re.sub(r"\*{2,}", "*", changed)


def _without_percent(value: str) -> str:
    return re.sub(r"^%|%$", "*", value)


def _without_operator(value: str) -> str:
    return _OPERATOR.sub("", value)


def _without_closing(value: str) -> str:
    return _CLOSING.sub("", value)


_REWRITES: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("is written as in a URL", _decoded),
    ("stands in brackets or in quotes of its own, which count as letters", _unbracketed),
    ("holds signs of a regular expression, which count as letters", _without_regex),
    ("holds %, which counts as a letter", _without_percent),
    ("holds an operator, which counts as letters", _without_operator),
    ("ends in a punctuation mark, which counts as a letter", _without_closing),
)
