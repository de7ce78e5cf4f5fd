"""What to say of a word that stands where a `key=value` should, and what to write (contract.md section 2)."""

import re

from federator.dicom import dictionary, json
from federator.dicom.query import attributes, code_words, name_forms, written_dates
from federator.dicom.query.filters import age_meant, list_of, shortened
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
_SPACED_KEY = re.compile(r"((?:[A-Za-z]+\s+){1,4}[A-Za-z]+)\s*=(\S*)")
_OTHER_SIGN = re.compile(r"(\w+)(<=|>=|[<>:~])(.*)")
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
    return _instead_of_key(word, rest, before, told) or (
        _valueless(word, rest)
        if dictionary.tag_of_any_case(word) or word.lower() in options
        else _behind(word, rest, before, told)
        if before
        else _plain(told)
    )


def _instead_of_key(word: str, rest: str, before: str, told: str) -> RequestError | None:
    """The error for a word that other languages have before, in or behind a key; None where it is no such word."""
    if word.upper() in _NOT or before.partition("=")[2].upper() in _NOT:
        return excluding(told)
    if before.endswith("="):
        value = " ".join(_words(rest))
        return RequestError(
            f"'{before}' has no VALUE, because a blank follows the =. Write {pair(before[:-1], value)}."
        )
    if attributes.is_order(word):
        return RequestError(f"'{told}': answers come newest first already. Leave it out, and write KEY=VALUE only.")
    said = _spaced(rest) or _compared(word)
    if said:
        return RequestError(f"'{told}' is not a filter. {said} Write KEY=VALUE without spaces around the =.")
    return None


def _spaced(rest: str) -> str:
    """What to write for a key that is written with a blank (`Patient ID=1`); empty where it is none."""
    found = _SPACED_KEY.match(rest)
    tag = dictionary.tag_of_any_case(re.sub(r"\s", "", found[1])) if found else ""
    return f"Write {json.keyword_of(tag)}={found[2]}." if found and tag else ""


def _compared(word: str) -> str:
    """What to write for a key with another sign than = behind it; empty where it is none."""
    found = _OTHER_SIGN.fullmatch(word)
    tag = dictionary.tag_of_any_case(found[1]) if found else ""
    if not found or not tag:
        return ""
    dates = written_dates.meant(found[2] + found[3]) if found[2][0] in "<>" else ()
    ranges = " An open range is written 20240131- or -20240131." if dates else ""
    return f"Write {' or '.join(pair(found[1], value) for value in dates or (found[3] or 'VALUE',))}.{ranges}"


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
        other = _FILTER.match(following)
        tag = dictionary.tag_of_any_case(key)
        if other and tag and dictionary.tag_of_any_case(other["key"]) == tag:
            return _either(told, key, value, following)
        return RequestError(f"'{told}': write filters side by side with spaces; all of them must match.")
    if word[0] in "-/":
        return RequestError(f"'{told}' stands alone. Write a range without spaces: StudyDate=20240101-20240131.")
    whole = " ".join([value, *_words(rest)])
    if word.upper() in _OPERATORS and not _dates(key, whole):
        return RequestError(
            f"'{told}' is not a filter. {_OPERATORS[word.upper()].format(key=key)} Write KEY=VALUE without spaces."
        )
    return _part_of_value(told, key, whole)


def _part_of_value(told: str, key: str, whole: str) -> RequestError:
    """The error for words that follow an unquoted value: they probably belong to it."""
    tag = dictionary.tag_of_any_case(key)
    codes = _codes(json.keyword_of(tag), whole) if tag else ()
    if codes:
        return RequestError(
            f"'{told}' is not a filter. Write codes, with commas between several: {key}={','.join(codes)}."
        )
    dates = _dates(key, whole)
    if dates:
        noun = "range" if "/" in dates[0] else "date"
        written = " or ".join(f"{key}={date}" for date in dates)
        return RequestError(f"'{told}' is not a filter. Write the {noun} without spaces: {written}.")
    if tag and json.vr_of(tag) == "AS":
        return RequestError(
            f"'{told}' is not a filter. Write an age as three digits and D, W, M or Y: {age_meant(whole)}."
        )
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


def _dates(key: str, whole: str) -> tuple[str, ...]:
    """The dates or ranges that words behind a date's key mean; none behind another key."""
    tag = dictionary.tag_of_any_case(key)
    return written_dates.meant(whole) if tag and json.vr_of(tag) == "DA" else ()


def _codes(keyword: str, whole: str) -> tuple[str, ...]:
    """The codes that words mean, together or each by itself; none where one of them is neither code nor such a word."""
    together = code_words.codes_for(keyword, whole)
    each = [code_words.codes_for(keyword, word) or (word.upper(),) for word in whole.split()]
    known = keyword in code_words.MODALITY_KEYWORDS and all(set(one) <= code_words.MODALITIES for one in each)
    return together or (tuple(code for one in each for code in one) if known else ())


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
    if not said and len(following) == 1 and "=" not in following[0]:
        said = f"Write {word.lower()}={following[0]}." if following[0].isdigit() else ""
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
