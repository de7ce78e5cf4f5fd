"""Which images of a series stand for all: each kind is represented, and each evenly from its first to its last."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from federator.dicom import json
from federator.dicom.image.aspects import Aspects
from federator.dicom.image.header import number_of_frames
from federator.model import DicomJson

WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"

_FEW_MOMENTS = 4
_NEARLY_ALL = 0.8
_FLAVORS = ("OVERVIEW", "THUMBNAIL", "LABEL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One image that may be shown; `place` is its place along the normal in mm, where it is told."""

    aspects: Aspects
    place: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The places of the chosen ones in the sequence, kind by kind; `note` says what their choice left out."""

    indices: tuple[int, ...]
    note: str = ""


def choose(candidates: Sequence[Candidate], wanted: int) -> Chosen:
    """At most `wanted` of the candidates, which are in their order in the patient, or as they come."""
    every, note = _one_moment(candidates, wanted)
    groups = _groups(candidates, every)
    if len(groups) > wanted:
        note = f"{len(groups)} kinds of images, not all of which are shown. {note}".strip()
        groups = [groups[index] for index in evenly_spaced(len(groups), wanted)]
    chosen = [
        group[place]
        for group, share in zip(groups, _shares([len(group) for group in groups], wanted), strict=True)
        for place in evenly_spaced(len(group), share)
    ]
    return Chosen(indices=tuple(chosen), note=note)


def evenly_spaced(count: int, wanted: int) -> list[int]:
    """At most `wanted` of the indices 0 to count - 1, evenly spaced, the first and the last among them.

    One alone is the middle one.
    """
    wanted = min(count, wanted)
    if wanted <= 1:
        return [count // 2][:wanted]
    return [round(index * (count - 1) / (wanted - 1)) for index in range(wanted)]


def slides_first(rows: Sequence[DicomJson]) -> list[int]:
    """Of whole-slide images, those on which the slide can be seen: overview, thumbnail, label, then its smallest level.

    Levels of many tiles are left out where there is anything else. Other images stay as they are.
    Standard: PS3.3 C.8.12.4.1.1
    """
    slides = [index for index, row in enumerate(rows) if json.uid(row, "00080016") == WHOLE_SLIDE]
    if not slides:
        return list(range(len(rows)))
    others = [index for index in range(len(rows)) if index not in set(slides)]
    flavored = sorted((_flavor(rows[index]), index) for index in slides if _flavor(rows[index]) < len(_FLAVORS))
    levels = sorted((index for index in slides if _flavor(rows[index]) == len(_FLAVORS)), key=lambda i: _area(rows[i]))
    whole = [index for index in levels if _is_untiled(rows[index])]
    seen = [index for _, index in flavored if _is_untiled(rows[index])] + whole[:1]
    return [*others, *(seen or levels[:1] or slides[:1])]


def _one_moment(candidates: Sequence[Candidate], wanted: int) -> tuple[list[int], str]:
    """Where places were imaged at many moments: those of the middle one. A person looks at one phase at a time."""
    every = list(range(len(candidates)))
    moments = list(dict.fromkeys(one.aspects.moment_key for one in candidates))
    places = {(one.aspects.group_key, one.place) for one in candidates if one.place is not None}
    if len(candidates) <= wanted or len(moments) <= _FEW_MOMENTS or len(places) < 2:  # noqa: PLR2004 - one is a film
        return every, ""
    middle = moments[len(moments) // 2]
    then = [index for index in every if candidates[index].aspects.moment_key == middle]
    if len(then) < max(2, _NEARLY_ALL * len(places)):
        return every, ""
    return then, f"The series has {len(moments)} moments of each place: those of the middle one are shown."


def _groups(candidates: Sequence[Candidate], every: Sequence[int]) -> list[list[int]]:
    """By kind, in the order in which the kinds come; by moment as well where there are a few moments of many places."""
    moments = {candidates[index].aspects.moment_key for index in every}
    by_moment = 1 < len(moments) <= _FEW_MOMENTS and len(every) >= 2 * len(moments)
    found: dict[Hashable, list[int]] = {}
    for index in every:
        aspects = candidates[index].aspects
        found.setdefault((aspects.group_key, aspects.moment_key if by_moment else ()), []).append(index)
    return [_by_place(candidates, group) for group in found.values()]


def _by_place(candidates: Sequence[Candidate], group: Sequence[int]) -> list[int]:
    places = {index: candidates[index].place for index in group}
    return list(group) if None in places.values() else sorted(group, key=lambda index: places[index] or 0.0)


def _shares(sizes: Sequence[int], wanted: int) -> list[int]:
    """How many of each group: as many of one as of the other, and what small groups leave goes to the large ones."""
    shares = [0] * len(sizes)
    left = min(wanted, sum(sizes))
    while left:
        open_groups = [index for index, size in enumerate(sizes) if shares[index] < size]
        least = min(shares[index] for index in open_groups)
        for index in [index for index in open_groups if shares[index] == least][:left]:
            shares[index] += 1
            left -= 1
    return shares


def _flavor(row: DicomJson) -> int:
    types = {text.upper() for text in json.texts(row, "00080008")[2:]}
    return next((place for place, flavor in enumerate(_FLAVORS) if flavor in types), len(_FLAVORS))


def _is_untiled(row: DicomJson) -> bool:
    """One frame that is the whole matrix."""
    columns, rows = json.integer(row, "00280011") or 0, json.integer(row, "00280010") or 0
    matrix = json.integer(row, "00480006") or columns, json.integer(row, "00480007") or rows
    return number_of_frames(row) == 1 and matrix[0] <= columns and matrix[1] <= rows


def _area(row: DicomJson) -> tuple[int, int]:
    matrix = (json.integer(row, "00480006") or 0) * (json.integer(row, "00480007") or 0)
    return matrix or number_of_frames(row), number_of_frames(row)
