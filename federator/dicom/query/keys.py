"""Which attribute a key of a query names, and whether it can be asked for at the level that is searched.

Standard: PS3.18 §8.3.4, §10.6.3.3
"""

import re

from federator.dicom import dictionary, json
from federator.dicom.query import attributes
from federator.dicom.query.filters import is_searchable, shortened
from federator.dicom.query.misplaced import excluding
from federator.errors import RequestError
from federator.model import Level

_TOOLS = {Level.STUDY: "find-studies", Level.SERIES: "find-series", Level.INSTANCE: "find-instances"}
_PLURALS = {Level.STUDY: "studies", Level.SERIES: "series", Level.INSTANCE: "instances"}
_ORDER = (Level.STUDY, Level.SERIES, Level.INSTANCE)

_HEXADECIMAL = re.compile(r"\(\s*([0-9A-Fa-f]{4})\s*,\s*([0-9A-Fa-f]{4})\s*\)|([0-9A-Fa-f]{4}),?([0-9A-Fa-f]{4})")
_IN_BRACKETS = re.compile(r"\(\s*([0-9A-Fa-f]{4})\s*,\s*([0-9A-Fa-f]{4})\s*\)")
_BULK = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
# Of commands, of the file's header, of delimiters: no object has them in its data set.
_NOT_IN_DATA_SETS = frozenset({"0000", "0002", "FFFE"})
# What rows of every level may carry (PS3.18 Tables 10.6.3-3 to -5).
_ANY_LEVEL = frozenset({"00080005", "00080054", "00080056", "00080201", "00081190"})
# The UIDs above the level searched are given beside the query: one place for each.
_UID_PARAMETERS: dict[Level, dict[str, str]] = {
    Level.STUDY: {},
    Level.SERIES: {"0020000D": "studyInstanceUid"},
    Level.INSTANCE: {"0020000D": "studyInstanceUid", "0020000E": "seriesInstanceUid"},
}


def searchable_tag(key: str, value: str, level: Level, *, options: tuple[str, ...]) -> str:
    """The tag that a key stands for, if it can be asked for at this level; RequestError otherwise.

    `value` is quoted in messages. `options` are the keys that are no attributes: a misspelt one is recognised.
    """
    token = shortened(f"{key}={value}")
    tag = _resolved(key, level, options)
    if level is Level.STUDY and tag == attributes.MODALITY:
        return attributes.MODALITIES_IN_STUDY
    _refuse_unsearchable(token, tag)
    own = attributes.level_of(tag)
    if tag in _UID_PARAMETERS[level]:
        raise RequestError(
            f"'{token}': {_TOOLS[level]} takes this UID as its parameter {_UID_PARAMETERS[level][tag]}. "
            "Write it there and not into the query."
        )
    if own is level:
        return tag
    keyword = json.keyword_of(tag)
    if _ORDER.index(own) > _ORDER.index(level):
        everyday = attributes.everyday_meaning(key, level)
        meant = f" Did you mean {everyday}?" if everyday else ""
        raise RequestError(
            f"'{token}': {keyword} describes {_PLURALS[own]}, not {_PLURALS[level]}. "
            f"Use {_TOOLS[own]} for it, with the UID of what {_TOOLS[level]} found.{meant}"
        )
    other = " Did you mean Modality?" if tag == attributes.MODALITIES_IN_STUDY and level is Level.SERIES else ""
    raise RequestError(
        f"'{token}': {keyword} describes {_PLURALS[own]} and is the same for all {_PLURALS[level]} searched here. "
        f"Use {_TOOLS[own]} for it.{other}"
    )


def _resolved(key: str, level: Level, options: tuple[str, ...]) -> str:
    """The tag of a keyword in any case, of `GGGGEEEE` or of `(GGGG,EEEE)`."""
    told = shortened(key)
    hexadecimal = _HEXADECIMAL.fullmatch(key)
    if hexadecimal:
        return _public("".join(part for part in hexadecimal.groups() if part).upper(), told, level)
    if key[-1] == "!" or key[0] in "!-" or key.endswith("<>"):
        raise excluding(f"{told}=")
    if key[-1] in "<>~:":
        raise RequestError(
            f"'{told}=' compares in a way that archives do not know. Write KEY=VALUE, and open ranges of dates as "
            "StudyDate=20240131- or StudyDate=-20240131."
        )
    if "." in key and not attributes.means_one(key, level):
        raise RequestError(
            f"'{told}' names an attribute in a sequence; what archives answer to that cannot be checked. "
            f"{_ask_for(level)}"
        )
    tag = dictionary.tag_of_any_case(key)
    if not tag:
        raise RequestError(f"'{told}' {_unknown(key, level, options)}")
    return tag


def _public(tag: str, told: str, level: Level) -> str:
    """The tag, if archives know it."""
    if int(tag[:4], 16) % 2:
        raise RequestError(f"'{told}' is a private attribute, which archives do not search. {_ask_for(level)}")
    if not json.keyword_of(tag):
        raise RequestError(f"'{told}' is not in the DICOM dictionary. {_ask_for(level)}")
    return tag


def _unknown(key: str, level: Level, options: tuple[str, ...]) -> str:
    """What to say of a key that the dictionary does not know."""
    if attributes.is_order(key):
        return "is no key: answers come newest first already, series and instances by number. Leave it out."
    meant = attributes.suggestion(key, level, options)
    remedy = f"Did you mean {meant}?" if meant else _ask_for(level)
    if meant == "StudyDate":
        remedy += " A range is written StudyDate=20240101-20240131, an open one 20240101- or -20240131."
    return f"is not a DICOM keyword. {remedy}"


def _refuse_unsearchable(token: str, tag: str) -> None:
    if is_searchable(tag) and tag[:4] not in _NOT_IN_DATA_SETS:
        return
    vr = json.vr_of(tag)
    if tag[:4] in _NOT_IN_DATA_SETS:
        reason = "belongs to messages and files, not to what archives search"
    elif vr == "SQ":
        reason = "is a sequence, which has no value of its own to compare"
    elif vr in _BULK:
        reason = "is bulk data, which archives do not search"
    else:
        reason = "has no value that could be compared with text"
    raise RequestError(f"'{token}': {json.keyword_of(tag)} {reason}. Leave it out.")


def _ask_for(level: Level) -> str:
    return f"Ask for one of {', '.join(attributes.main_keywords(level))}, or another attribute of {_PLURALS[level]}."


def included_tags(written: str | None, level: Level) -> tuple[tuple[str, ...], bool]:
    """The tags to be returned in addition, and whether `all` was among them; None means none. Raises RequestError."""
    if written is None:
        return (), False
    keys = [key.strip() for key in _IN_BRACKETS.sub(r"\1\2", written).split(",")]
    tags = [_included(key, written, level) for key in keys if key.lower() != "all"]
    return tuple(dict.fromkeys(tags)), any(key.lower() == "all" for key in keys)


def _included(key: str, written: str, level: Level) -> str:
    if not key:
        raise RequestError(
            f"'includefield={shortened(written)}': one name of the list is empty. "
            "Write includefield=all or keywords with commas between them."
        )
    tag = _resolved(key, level, ("all",))
    own = attributes.level_of(tag)
    if json.vr_of(tag) in _BULK or tag[:4] in _NOT_IN_DATA_SETS:
        raise RequestError(
            f"'includefield={shortened(key)}': searches do not return {json.keyword_of(tag)}. "
            "Leave it out; get-instance-metadata shows it."
        )
    if tag not in _ANY_LEVEL and _ORDER.index(own) > _ORDER.index(level):
        raise RequestError(
            f"'includefield={shortened(key)}': {json.keyword_of(tag)} describes {_PLURALS[own]}, which {_TOOLS[level]} "
            f"does not return (PS3.18 10.6.3.3). Use {_TOOLS[own]} for it."
        )
    return tag
