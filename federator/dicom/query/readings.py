"""What is read in place of what was written, where the meaning is beyond doubt; the answer says so. Pure.

The word itself is asked for as well: some archives hold `MRI` in place of `MR`, and what an answer shows can be asked.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from federator.dicom import dictionary, json
from federator.dicom.query import code_words
from federator.dicom.query.filters import is_code, list_of, shortened
from federator.dicom.query.misplaced import excluding
from federator.dicom.query.tokens import Token
from federator.errors import RequestError

_SOP_CLASSES = frozenset({"00080016", "00080062"})
_LIST_SIGNS = re.compile(r"[;|/&+]|\s+(?:OR|AND|ODER|UND)\s+", re.IGNORECASE)
_EXCLUDING = re.compile(r"!=|<>|!")
_OPERATOR = re.compile(r">=|<=|=~|==|[<>~=]")
_UNCHECKED = frozenset({"AS", "DA", "TM", "DT"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The value to ask for, and the sentence that tells what was read; empty where nothing was."""

    value: str
    note: str = ""


def read(tag: str, token: Token) -> Reading:
    """The value of a filter with words for codes as codes, and names of SOP classes as UIDs. Raises RequestError."""
    keyword, vr = json.keyword_of(tag), json.vr_of(tag)
    if not token.quoted and vr not in _UNCHECKED:
        _refuse_operators(token, vr)
    if vr == "CS":
        return _codes(keyword, tag, token)
    if tag in _SOP_CLASSES and not re.fullmatch(r"[0-9.,\\@a-z-]*", token.value):
        uids = _classes_named(token.value)
        if uids:
            return Reading(value=",".join(uids), note=f"Read '{token.text}' as {keyword}={','.join(uids)}.")
    return Reading(value=token.value)


def _refuse_operators(token: Token, vr: str) -> None:
    if _EXCLUDING.match(token.value):
        raise excluding(token.text)
    operator = _OPERATOR.match(token.value)
    if operator and not (vr == "PN" and token.value.startswith("=")):
        raise RequestError(
            f"'{token.text}': archives know no {operator[0]} here. Write the value alone ({token.key}="
            f"{shortened(token.value[operator.end() :].strip())}), with * and ? as wild cards where it is text; "
            "quote the value if the sign belongs to it."
        )


def _codes(keyword: str, tag: str, token: Token) -> Reading:
    asked: list[str] = []
    said: list[str] = []
    words = _listed(keyword, token)
    for word in words:
        codes = code_words.codes_for(keyword, word)
        asked += [*codes, *([word] if not codes or token.quoted or is_code(word) else [])]
        said += codes or [word]
    if not asked or not all(word.strip() for word in words):
        return Reading(value=token.value)
    simple = said == [part.strip() for part in re.split(r"[\\,]", token.value)]
    if token.quoted and "\\" not in token.value:
        asked.append(token.value.strip())  # some archives hold several codes in one value, and show it
    note = "" if simple else f"Read '{token.text}' as {keyword}={list_of(tag, [word.upper() for word in said])}."
    return Reading(value="\\".join(dict.fromkeys(asked)), note=note)


def _listed(keyword: str, token: Token) -> list[str]:
    """The values of a list of codes, whatever it is written like: no modality holds any of its signs."""
    if keyword in code_words.MODALITY_KEYWORDS:
        inner = re.sub(r"[\[\](){}\"']", "", token.value)
        return [word for part in re.split(r"[\\,]", inner) for word in _modalities(part.strip())]
    commas = not token.quoted or code_words.has_words(keyword)
    return re.split(r"[\\,]" if commas else r"\\", token.value)


def _modalities(part: str) -> Iterator[str]:
    if not part or code_words.codes_for("Modality", part):
        yield part
        return
    for word in (word for word in _LIST_SIGNS.split(part) if word.strip()):
        several = word.split()
        known = all(one.upper() in code_words.MODALITIES or code_words.codes_for("Modality", one) for one in several)
        yield from several if known else [word.strip()]


@cache
def _classes_named(name: str) -> tuple[str, ...]:
    """The SOP classes of a name as answers show it."""
    wanted = _plain_class(name)
    return tuple(uid for uid, known in dictionary.sop_classes() if _plain_class(known) == wanted)


def _plain_class(name: str) -> str:
    return re.sub(r"\W", "", name.replace("(Retired)", "").replace(" Storage", "")).casefold()
