"""Coded entries: what a concept is called, and when two codes mean the same (PS3.3 §8)."""

from dataclasses import dataclass
from functools import lru_cache

from federator.dicom import json
from federator.dicom.visible import on_one_line
from federator.model import DicomJson

# Older names of the SNOMED RT scheme: the same codes, before it was renamed "SRT" (PS3.16 §8, Table 8-1).
_OLD_SNOMED = frozenset({"SNM3", "99SDM"})
_SRT, _SCT = "SRT", "SCT"

_SHORT = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """One coded entry as it stands in the object: any part of it may be empty."""

    value: str
    scheme: str
    meaning: str

    @property
    def is_private(self) -> bool:
        """Whether the scheme is a local one, so that only its owner knows the code (PS3.16 §8.2)."""
        return self.scheme.startswith("99") or self.scheme.upper() in {"", "L", "LOCAL"}

    def is_same_as(self, other: "Code") -> bool:
        """Whether both mean the same concept, whatever they call it; old SNOMED codes are the new ones."""
        return bool(self.value) and _is_same(self.value, self.scheme, other.value, other.scheme)

    def is_one_of(self, others: "tuple[Code, ...]") -> bool:
        """Whether it means the same as any of `others`."""
        return any(self.is_same_as(other) for other in others)

    def __str__(self) -> str:
        """The meaning; with code and scheme where the meaning is empty or the scheme is private."""
        identity = ", ".join(part for part in (self.value, self.scheme) if part)
        if not self.meaning:
            return f"({identity})" if identity else ""
        return f"{self.meaning} ({identity})" if self.is_private and self.value else self.meaning


def dcm(value: str, meaning: str = "") -> Code:
    """A code of the DICOM Controlled Terminology (PS3.16 Annex D)."""
    return Code(value=value, scheme="DCM", meaning=meaning)


def sct(value: str, meaning: str = "") -> Code:
    """A SNOMED CT code, which also stands for its older SRT form."""
    return Code(value=value, scheme="SCT", meaning=meaning)


def code_of(entry: DicomJson) -> Code | None:
    """The code in one item of a code sequence: short, long or URN; None where there is neither code nor meaning."""
    value = json.text(entry, "00080100") or json.text(entry, "00080119") or json.text(entry, "00080120")
    scheme, meaning = json.text(entry, "00080102"), json.text(entry, "00080104")
    # A report says the same few codes thousands of times.
    return _known(value, scheme, meaning) if len(value) + len(meaning) < _SHORT else _read(value, scheme, meaning)


def _read(value: str, scheme: str, meaning: str) -> Code | None:
    value, meaning = on_one_line(value), on_one_line(meaning)
    return Code(value=value, scheme=on_one_line(scheme), meaning=meaning) if value or meaning else None


_known = lru_cache(maxsize=4096)(_read)


def codes_in(row: DicomJson, tag: str) -> tuple[Code, ...]:
    """The codes of the code sequence `tag`."""
    read = (code_of(entry) for entry in json.items(row, tag))
    return tuple(code for code in read if code is not None)


def first_code(row: DicomJson, tag: str) -> Code | None:
    """The first code of the code sequence `tag`, None where it is absent or empty."""
    return next((code for entry in json.items(row, tag) if (code := code_of(entry)) is not None), None)


@lru_cache(maxsize=65_536)
def _is_same(value: str, scheme: str, other_value: str, other_scheme: str) -> bool:
    """Asked for every fact of every item of a report, and nearly always of the same few codes."""
    schemes = {_SRT if written in _OLD_SNOMED else written for written in (scheme, other_scheme)}
    if value == other_value and len(schemes) == 1:
        return True
    return _SRT in schemes and schemes <= {_SRT, _SCT} and _mapped(value, scheme) == _mapped(other_value, other_scheme)


def _mapped(value: str, scheme: str) -> object:
    # Loaded where an old code is met only: it takes longer than reading most reports.
    from pydicom.sr import coding

    return coding.Code(value, _SRT if scheme in _OLD_SNOMED else scheme, "")
