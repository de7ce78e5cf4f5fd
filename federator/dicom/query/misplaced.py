"""What to say of a word that stands where a `key=value` should, and what to write (contract.md section 2)."""

import re

from federator.dicom import dictionary, json
from federator.dicom.query import code_words, name_forms
from federator.dicom.query.filters import list_of, shortened
from federator.dicom.query.quoting import pair
from federator.errors import RequestError

EXAMPLE = 'PatientName="Doe^John*"'
SEPARATORS = {
    ",": "comma",
    "，": "comma",
    "、": "comma",
    ";": "semicolon",
    "；": "semicolon",
    "&": "ampersand",
    "|": "vertical bar",
}
"""What parts filters in other languages, by name."""

_AND = frozenset({"AND", "UND", "ET", "WITH", "WHERE", "+", "&&", "||", *SEPARATORS})
_OR = frozenset({"OR", "ODER", "OU"})
_NOT = frozenset({"NOT", "NICHT", "EXCEPT", "WITHOUT", "EXCLUDING"})
_OPERATORS = {
    "LIKE": "Wild cards are * and ?: {key}=*VALUE*.",
    "CONTAINS": "Text within a value is found by {key}=*VALUE*.",
    "IN": "Several values stand in one filter: {key}=A,B.",
    "BETWEEN": "A range is written {key}=20240101-20240131.",
    "IS": "Empty values cannot be asked for.",
    "TO": "A range is written without spaces: {key}=20240101-20240131.",
    "BIS": "A range is written without spaces: {key}=20240101-20240131.",
    "..": "A range is written without spaces: {key}=20240101-20240131.",
}
_FILTER = re.compile(r"\s*(?P<key>\([^()]*\)|[^\s=]+)=(?P<value>\S*)")


def misplaced(rest: str, before: str, options: tuple[str, ...]) -> RequestError:
    """The error for the first word of `rest`, which follows the filter `before` (empty at the beginning)."""
    word = rest.split(maxsplit=1)[0]
    told = shortened(re.split(r"[=＝]", word, maxsplit=1)[0] or word)
    if word[0] in "=＝":
        return RequestError(
            f"'{shortened(word)}' has no key before the =. Write KEY=VALUE without spaces, for example {EXAMPLE}."
        )
    if word[0] in "'\"":
        return RequestError(f"'{told}': the quote stands before the key. Quote the value only, for example {EXAMPLE}.")
    if word.upper() in _NOT:
        return excluding(told)
    if dictionary.tag_of_any_case(word) or word.lower() in options:
        return _valueless(word, rest)
    return _behind(word, rest, before, told) if before else _plain(told)


def excluding(told: str) -> RequestError:
    """The error for a filter that is to leave something out."""
    return RequestError(
        f"'{told}': archives cannot exclude what matches. Leave this filter out: KEY=VALUE says only what is wanted; "
        "leave those rows out when you read the answer."
    )


def separated(told: str, rest: str) -> RequestError:
    """The error for a value that ends in what parts filters elsewhere."""
    sign = SEPARATORS[told[-1]]
    words = _words(rest)
    key, _, value = told.partition("=")
    if words:
        listed = "".join([value, *words])
        return RequestError(
            f"'{shortened(told)}' ends in a {sign}. Write a list without spaces: {shortened(f'{key}={listed}')}. "
            f'If all of it is one value, quote it: {shortened(key + "=" + chr(34) + " ".join([value, *words]))}".'
        )
    return RequestError(
        f"'{shortened(told)}' ends in a {sign}. Write filters side by side with spaces alone; "
        f'a {sign} that belongs to the value needs quotes: {key}="{shortened(value)}".'
    )


def _behind(word: str, rest: str, before: str, told: str) -> RequestError:
    key, _, value = before.partition("=")
    following = rest[len(word) :]
    if word.upper() in _OR:
        return _either(told, key, value, following)
    if word.upper() in _AND:
        return RequestError(f"'{told}': write filters side by side with spaces; all of them must match.")
    if word[0] in "-/":
        return RequestError(f"'{told}' stands alone. Write a range without spaces: StudyDate=20240101-20240131.")
    if word.upper() in _OPERATORS:
        return RequestError(
            f"'{told}' is not a filter. {_OPERATORS[word.upper()].format(key=key)} Write KEY=VALUE without spaces."
        )
    return _part_of_value(told, key, " ".join([value, *_words(rest)]))


def _part_of_value(told: str, key: str, whole: str) -> RequestError:
    """The error for words that follow an unquoted value: they probably belong to it."""
    tag = dictionary.tag_of_any_case(key)
    codes = code_words.codes_for(json.keyword_of(tag), whole) if tag else ()
    if codes:
        return RequestError(f"'{told}' is not a filter. Write the code: {key}={','.join(codes)}.")
    quoted = f'{key}="{shortened(whole)}"'
    if '"' in whole:
        return RequestError(
            f"'{told}' is not a filter. A value that holds a quote stands between quotes of the other kind "
            f"({key}='...'), or has \\\" for each of its own."
        )
    if tag and json.vr_of(tag) == "PN" and "^" not in whole:
        names = " or ".join(pair(key, name) for name in dict.fromkeys(name_forms.patterns(whole)))
        return RequestError(
            f"'{told}' is not a filter. A name is written with ^ between family and given name: {names}; "
            f"quoted as it is ({quoted}) it finds only names without ^."
        )
    return RequestError(f"'{told}' is not a filter. If it belongs to the value before it, quote the whole: {quoted}.")


def _either(told: str, key: str, value: str, following: str) -> RequestError:
    """The error for OR: of one attribute the values go into one filter, of two only two searches tell."""
    other = _FILTER.match(following)
    tag = dictionary.tag_of_any_case(key)
    same = other and dictionary.tag_of_any_case(other["key"]) == tag
    if tag and (same or not other):
        second = (other["value"] if other else " ".join(_words(following))).strip("\"'")
        return RequestError(
            f"'{told}': several values go into one filter. Write {key}={list_of(tag, [value, second])}."
        )
    return RequestError(
        f"'{told}': all filters must match; one or the other of two attributes takes two searches. "
        "Write filters side by side with spaces, and search twice."
    )


def _valueless(word: str, rest: str) -> RequestError:
    """The error for a key that no = follows directly."""
    following = rest[len(word) :].split()
    operator = following[0].upper() if following else ""
    if operator in _NOT or operator in {"!=", "<>"}:
        return excluding(shortened(f"{word} {operator}"))
    said = _OPERATORS.get(operator, "").format(key=word)
    return RequestError(
        f"'{shortened(word)}' is not a filter. {said + ' ' if said else ''}"
        f"Write KEY=VALUE without spaces around the =, for example {EXAMPLE}."
    )


def _plain(told: str) -> RequestError:
    return RequestError(
        f"'{told}' is not a filter. Write KEY=VALUE without spaces around the =, for example {EXAMPLE}."
    )


def _words(rest: str) -> list[str]:
    """The words up to the next filter."""
    words: list[str] = []
    for word in rest.split():
        if re.match(r"[^\s=]+=", word) or word.upper() in _AND | _OR | _NOT:
            break
        words.append(word)
    return words
