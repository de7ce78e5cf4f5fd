"""What a query without rows would have to be written like, where its form is one that archives do not match. Pure.

People and models write `Jane Doe`, `chest` or `MRT scan`; archives compare letter by letter and answer with nothing. A
hint is due only there: a query whose form is fine gets none, for a plain "none" is an answer (contract.md section 2).
"""

import re
from collections.abc import Callable

from federator.dicom import dictionary
from federator.dicom.query import code_words, foreign_forms, name_forms
from federator.dicom.query.filters import Filter, FilterKind, list_of, shortened
from federator.dicom.query.language import Query
from federator.dicom.query.quoting import pair

_WILD = re.compile(r"[*?]")
_EITHER = re.compile(r"\s*\|+\s*|\s+(?:OR|ODER)\s+")
_OTHER_KEY = re.compile(r"[\s&;,|]\(?(\w+)\)?\s*[=:]")
_NOTHING = frozenset("null none nil undefined any all alle n/a na".split())  # noqa: SIM905 - as read
_MAX_HINTS = 3


def hints(query: Query) -> tuple[str, ...]:
    """Sentences for an answer without rows, each quoting the filter and saying what to write; usually none."""
    told = (_hint(filter_) for filter_ in query.filters)
    return tuple(dict.fromkeys(hint for hint in told if hint))[:_MAX_HINTS]


def _hint(filter_: Filter) -> str:
    whole = list_of(filter_.tag, filter_.values)
    for value in filter_.values if whole[:1] not in "[({" else (whole,):
        if filter_.kind in _BY_KIND and (remedy := _general(filter_, value) or _BY_KIND[filter_.kind](filter_, value)):
            return f"'{shortened(f'{filter_.keyword}={value}')}' {remedy}"
    return ""


def _general(filter_: Filter, value: str) -> str:
    """What is foreign to any value: another filter within it, a word for nothing, signs of other languages."""
    other = _OTHER_KEY.search(value)
    if other and dictionary.tag_of_any_case(other[1]):
        return f"holds {other[1]}=. Close the quote before it and put a space between the two filters."
    if value.casefold() in _NOTHING:
        return f"asks for that very word. Leave {filter_.keyword} out to find every value of it."
    several = _several(filter_, value)
    if several:
        return f"holds several values, whose comma or sign counts as a letter. {_write(filter_, [several])}"
    foreign, rewritten = foreign_forms.rewritten(value)
    return f"{foreign}. {_write(filter_, _proposals(filter_, rewritten))}" if foreign else ""


def _several(filter_: Filter, value: str) -> str:
    """The values of a list that is written in another way, as a list of ours; empty where it is none."""
    parts = [part.strip() for part in _EITHER.split(value.strip("()[]")) if part.strip()]
    if len(parts) == 1 and _is_identifier(filter_):
        parts = re.split(r"\s*[,;]\s*", value.strip("()[]"))
    if len(parts) == 1 and filter_.kind is FilterKind.NAME and re.search(r"[*?^][^,]*,[^,]*[*?^]", value):
        parts = value.split(",")
    if len(parts) == 1 or filter_.kind is FilterKind.CODE or not all(parts):
        return ""
    open_ended = filter_.kind is FilterKind.NAME
    return list_of(filter_.tag, [part if not open_ended or _WILD.search(part) else f"{part}*" for part in parts])


def _proposals(filter_: Filter, value: str) -> list[str]:
    """What to ask for in place of a value that was read in another language."""
    if "^" in value or filter_.kind is FilterKind.CODE:
        return [value]
    if filter_.kind is FilterKind.NAME:
        return [value] if _WILD.search(value) and not re.search(r"[\s,]", value) else name_forms.patterns(value)
    if _is_identifier(filter_):
        return [list_of(filter_.tag, [part.strip("\"' ") for part in value.split(",")])]
    return [value if _WILD.search(value) else f"*{value}*"]


def _of_name(filter_: Filter, value: str) -> str:
    if "=" in value:
        return ""
    if "^" in value:
        return ""
    several = "," in value or (" " in value.strip() and not name_forms.is_whole_family(value))
    if _WILD.search(value) and not several:
        return ""
    if several:
        return f"has no ^ between family and given name. {_write(filter_, name_forms.patterns(value))}"
    word = value.strip()
    return (
        f"asks for a name that ends there. {word}^* finds the family name, {word}* every name that begins so: "
        f"{_write(filter_, [f'{word}*'])}"
    )


def _of_text(filter_: Filter, value: str) -> str:
    if _WILD.search(value) or _is_identifier(filter_):
        return ""
    return f"asks for this whole text. {_write(filter_, [f'*{value}*'])}"


def _of_code(filter_: Filter, value: str) -> str:
    keyword = filter_.keyword
    if _WILD.search(value) or code_words.codes_for(keyword, value):
        return ""  # what was read as codes is said, and the codes were asked for
    if keyword in code_words.MODALITY_KEYWORDS and value not in code_words.MODALITIES:
        return (
            f"is no modality of the standard. Write a code: CT, MR, US, CR, DX, MG, PT, NM, XA, RF, SR …, {keyword}=CT."
        )
    if keyword == "PatientSex" and value not in code_words.SEXES:
        return "is no code of the standard. Write PatientSex=F, PatientSex=M or PatientSex=O."
    if keyword in {"Laterality", "ImageLaterality"} and value not in code_words.SIDES:
        return f"is no code of the standard. Write {keyword}=L, {keyword}=R or {keyword}=B."
    if keyword == "BodyPartExamined" and value not in code_words.BODY_PARTS:
        code = code_words.body_part_for(value)
        meant = f"BodyPartExamined={code}" if code else "a code such as CHEST, ABDOMEN, HEAD or KNEE"
        return f"is no body part of the standard. Write {meant}, or SeriesDescription=*{value.lower()}*."
    return ""


def _is_identifier(filter_: Filter) -> bool:
    """Whether only the whole value means something: a number, an ID."""
    return filter_.vr in {"AE", "AS", "UR"} or re.search(r"(IDs?|Numbers?)$|^Issuer", filter_.keyword) is not None


def _write(filter_: Filter, values: list[str]) -> str:
    return f"Write {' or '.join(pair(filter_.keyword, value) for value in dict.fromkeys(values))}."


_BY_KIND: dict[FilterKind, Callable[[Filter, str], str]] = {
    FilterKind.NAME: _of_name,
    FilterKind.TEXT: _of_text,
    FilterKind.CODE: _of_code,
}
