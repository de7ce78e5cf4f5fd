"""The one order of each level, as keys that sort ascending (contract.md section 3.2)."""

from federator.dicom import json
from federator.model import DicomJson, Level

Rank = tuple[int, int, str]
"""A place in a list: smaller is earlier. The last part is the UID, so that no two entries share a place."""

_LAST = 1
_FAR = 2**62


def study_rank(row: DicomJson) -> Rank:
    """Study Date, then Study Time, newest first; no time after the times of that day, no date last."""
    return moment_rank(json.date(row, "00080020"), json.time(row, "00080030"), json.uid(row, "0020000D"))


def moment_rank(date: str, time: str = "", uid: str = "") -> Rank:
    """The place of a date (YYYYMMDD) and a time (HHMMSS.ffffff); empty where there is none."""
    if not date:
        return _LAST, _LAST, uid
    return -int(date), -_microseconds(time) if time else _LAST, uid


def series_rank(row: DicomJson) -> Rank:
    """Series Date and Time, newest first (the performed procedure step's where absent), then Series Number."""
    date = json.date(row, "00080021") or json.date(row, "00400244")
    time = json.time(row, "00080031") if json.date(row, "00080021") else json.time(row, "00400245")
    moment = int(date) * 10**12 + (_microseconds(time) if time else -1) if date else 0
    number = json.integer(row, "00200011")
    return -moment, number if number is not None else _FAR, json.uid(row, "0020000E")


def instance_rank(row: DicomJson) -> Rank:
    """Instance Number, ascending as a number, absent last."""
    number = json.integer(row, "00200013")
    return (_LAST if number is None else 0), number or 0, json.uid(row, "00080018")


def rank(level: Level, row: DicomJson) -> Rank:
    """The place of a row among its kind."""
    match level:
        case Level.STUDY:
            return study_rank(row)
        case Level.SERIES:
            return series_rank(row)
        case Level.INSTANCE:
            return instance_rank(row)


def _microseconds(time: str) -> int:
    """HHMMSS.ffffff as one number that orders like it."""
    whole, _, fraction = time.partition(".")
    return int(whole) * 1_000_000 + int((fraction + "000000")[:6])
