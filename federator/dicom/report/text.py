"""Values of DICOM objects as text that reads well: free text, numbers, dates, names."""

from federator.dicom import json
from federator.dicom.visible import on_one_line, visible
from federator.model import DicomJson

_DATE_DIGITS = 8


def clean(text: str) -> str:
    """What a person can see of the text, with plain line ends."""
    return visible(text)


def free_text(row: DicomJson, tag: str) -> str:
    """A text attribute of one value, whole: line breaks and backslashes are part of it (PS3.5 §6.2: UT, LT, ST)."""
    # Orthanc takes a backslash for a delimiter and sends several values; joining them gives the text back.
    return clean("\\".join(value for value in json.values(row, tag) if isinstance(value, str))).strip("\n ")


def line(row: DicomJson, tag: str) -> str:
    """A text attribute on one line; several values with semicolons between them."""
    return "; ".join(on_one_line(value) for value in json.texts(row, tag))


def decimal(value: object) -> str:
    """A number as the archive sent it, be it text or a JSON number (contract.md section 5)."""
    if isinstance(value, bool):
        return ""
    return on_one_line(str(value)) if isinstance(value, str | int | float) else ""


def decimals(row: DicomJson, tag: str) -> list[str]:
    """The numbers of an attribute, see `decimal`; several in one string are told apart at the backslash."""
    return [part for value in json.values(row, tag) for part in decimal(value).split("\\") if part]


def date(row: DicomJson, tag: str) -> str:
    """A date as YYYY-MM-DD; as it stands where it is no date."""
    return readable_date(json.text(row, tag))


def time(row: DicomJson, tag: str) -> str:
    """A time as HH:MM:SS with its fraction; as it stands where it is no time."""
    return readable_time(json.text(row, tag))


def date_time(row: DicomJson, tag: str) -> str:
    """A DT value as YYYY-MM-DD HH:MM:SS with its offset from UTC; as it stands where it is none."""
    return readable_date_time(json.text(row, tag))


def readable_date(written: str) -> str:
    """`20240131` as 2024-01-31."""
    day = json.as_date(written)
    return f"{day[:4]}-{day[4:6]}-{day[6:]}" if day else on_one_line(written)


def readable_time(written: str) -> str:
    """`143005.120000` as 14:30:05.12; what was not written is not added."""
    if not json.as_time(written):
        return on_one_line(written)
    digits, _, fraction = written.replace(":", "").partition(".")
    clock = ":".join(digits[start : start + 2] for start in range(0, len(digits), 2))
    fraction = fraction.rstrip("0")
    return f"{clock}.{fraction}" if fraction else clock


def readable_date_time(written: str) -> str:
    """`20240131143005+0100` as 2024-01-31 14:30:05 +01:00 (PS3.5 §6.2, DT)."""
    stem, offset = written, ""
    if len(written) > 5 and written[-5] in "+-" and written[-4:].isdigit():  # noqa: PLR2004 - &ZZXX
        stem, offset = written[:-5], f" {written[-5:-2]}:{written[-2:]}"
    day, clock = stem[:_DATE_DIGITS], stem[_DATE_DIGITS:]
    if not json.as_date(day) or (clock and not json.as_time(clock)):
        return on_one_line(written)
    return readable_date(day) + (f" {readable_time(clock)}" if clock else "") + offset


def person(row: DicomJson, tag: str) -> str:
    """The person names of an attribute, readable, with semicolons between them."""
    return on_one_line("; ".join(str(name) for name in json.names(row, tag)))
