"""What tells images of one series apart besides their place: echoes, b-values, phases, localizers, derived images.

Each aspect is a short text. Some change what is bright and what dark, so that one window does not fit both; others are
views of the same from elsewhere, or moments of it. Read from an instance's own attributes, or from what its functional
groups say of a frame.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from federator.dicom import json
from federator.dicom.image.geometry import place_along_normal, plane_words
from federator.dicom.image.header import FRAME_GROUPS, functional_group, number_of_frames
from federator.dicom.image.masks import segment_words
from federator.model import DicomJson

ATTRIBUTES = (
    *("00080008", "00189087", "00180081", "00180082", "00181314", "00200100", "00181060"),
    *("00200012", "00209241", "00541300", "00200062", "00185101", "00180060", "00480006", "00480007"),
)
"""What a search is asked for, so that it can be chosen from; archives tell much of it only then."""
PRIVATE = ("0019100C", "20011003", "00431039")
"""Where Siemens, Philips and GE kept the b-value before there was an attribute for it."""

_PLAIN_TYPES = frozenset({"ORIGINAL", "PRIMARY", "SECONDARY", "OTHER", "NONE", "MIXED"})
_PLANES = frozenset({"AXIAL", "SAGITTAL", "CORONAL"})
_FRAME_TYPES = ("00189226", "00189329", "00189751", "00189504", "00220031")
_DIFFUSION, _ECHO, _CONTENT, _CARDIAC, _RESPIRATORY = "00189117", "00189114", "00209111", "00189118", "00209253"
_SEGMENT, _LOCALIZER = "segment", "localizer"
_GE_HIGHEST = 1_000_000_000
_LONGEST = 40
_NUMBER_OF_FRAMES = "00280008"
_MOST_FRAMES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspects:
    """By name, in the order in which they are told. Windows depend on the `looks`, not on `views` and `moments`."""

    looks: dict[str, str]
    views: dict[str, str]
    moments: dict[str, str]

    @property
    def window_key(self) -> tuple[tuple[str, str], ...]:
        """Equal for images that one window fits."""
        return tuple(self.looks.items())

    @property
    def group_key(self) -> tuple[tuple[str, str], ...]:
        """Equal for images of one kind, of which some are to be seen."""
        return (*self.looks.items(), *self.views.items())

    @property
    def moment_key(self) -> tuple[tuple[str, str], ...]:
        """Equal for images of one moment."""
        return tuple(self.moments.items())


def aspects_of(row: DicomJson, frame_number: int) -> Aspects:
    """All that is told of one image, whether the others differ in it or not."""
    return _read(_alone(row, frame_number), row, frame_number)


def aspects_of_frames(row: DicomJson) -> list[tuple[Aspects, float | None]]:
    """The same for every frame of an instance, with its place along the normal in mm, where it is told."""
    found = []
    items = json.items(row, FRAME_GROUPS)
    for number in range(1, min(number_of_frames(row), _MOST_FRAMES) + 1):
        alone = _alone(row, number, items)
        found.append((_read(alone, row, number), place_along_normal(alone)))
    return found


def _alone(row: DicomJson, frame_number: int, items: Sequence[DicomJson] | None = None) -> DicomJson:
    """The row as if of this frame only: to look a frame up among thousands costs as much as there are."""
    items = json.items(row, FRAME_GROUPS) if items is None else items
    if not items:
        return row
    own = items[frame_number - 1 : frame_number] if len(items) >= number_of_frames(row) else []
    return {**row, FRAME_GROUPS: {"vr": "SQ", "Value": own}, _NUMBER_OF_FRAMES: {"vr": "IS", "Value": [1]}}


def _read(alone: DicomJson, row: DicomJson, frame_number: int) -> Aspects:
    looks, views, moments = (
        {name: told for name, read in readers.items() if (told := read(alone))}
        for readers in (_LOOKS, _VIEWS, _MOMENTS)
    )
    for vectors, into in ((_LOOK_VECTORS, looks), (_MOMENT_VECTORS, moments)):
        for tag, words in vectors.items():
            numbers = json.texts(row, tag)
            if frame_number <= len(numbers):
                into[tag] = words.format(numbers[frame_number - 1][:8])
    return Aspects(looks=looks, views=views, moments=moments)


def told_apart(images: Sequence[Aspects]) -> list[str]:
    """For each image the words of those aspects in which they differ; localizers and segments are named in any case."""
    merged = [one.looks | one.views | one.moments for one in images]
    names = dict.fromkeys(name for one in merged for name in one)
    told = {name for name in names if len({one.get(name, "") for one in merged}) > 1} | {_SEGMENT}
    return [", ".join(one[name] for name in one if name in told or one[name] == _LOCALIZER) for one in merged]


def _kind(row: DicomJson) -> str:
    """Image Type or Frame Type: derived or not, localizer, part of the signal, label of a slide (PS3.3 C.7.6.1.1.2)."""
    groups = (functional_group(row, 1, tag) for tag in _FRAME_TYPES)
    group = next((each for each in groups if each is not None), None)
    types = [text.upper() for text in (json.texts(group, "00089007") if group else json.texts(row, "00080008"))]
    if "LOCALIZER" in types[2:]:
        return _LOCALIZER
    is_derived = types[:1] == ["DERIVED"]
    named = [text.lower().replace("_", " ") for text in types[2:] if text not in _PLAIN_TYPES | _PLANES]
    return " ".join(["derived"] * is_derived + named)[:_LONGEST].strip()


def _b_value(row: DicomJson) -> str:
    group = functional_group(row, 1, _DIFFUSION) or row
    found = json.number(group, "00189087")
    if found is None:
        found = next((value for tag in PRIVATE[:2] if (value := json.number(row, tag)) is not None), None)
    if found is None and (ge := json.number(row, PRIVATE[2])) is not None:
        # GE adds 1e9 to tell its own b-values from those that somebody typed.
        found = ge % _GE_HIGHEST
    direction = json.text(group, "00189075").upper()
    words = "" if found is None else f"b {found:g}"
    return f"{words} trace".strip() if direction == "ISOTROPIC" else words


def _numbered(tag: str, words: str, *groups: tuple[str, str]) -> Callable[[DicomJson], str]:
    """A reader of a number: of a functional group (its sequence and the tag in it), else of the instance."""

    def read(row: DicomJson) -> str:
        for sequence, inner in groups:
            group = functional_group(row, 1, sequence)
            if group is not None and (value := json.number(group, inner)) is not None:
                return words.format(f"{value:g}")
        value = json.number(row, tag)
        return "" if value is None else words.format(f"{value:g}")

    return read


def _worded(tag: str, words: str) -> Callable[[DicomJson], str]:
    def read(row: DicomJson) -> str:
        value = " ".join(json.text(row, tag).split())[:_LONGEST]
        return words.format(value) if value else ""

    return read


def _matrix(row: DicomJson) -> str:
    """The size of a whole slide in the pixels of this level (PS3.3 C.8.12.4)."""
    columns, rows = json.integer(row, "00480006"), json.integer(row, "00480007")
    return f"slide of {columns} × {rows} pixels" if columns and rows else ""


_LOOKS: dict[str, Callable[[DicomJson], str]] = {
    "kind": _kind,
    "echo": _numbered("00180081", "echo time {} ms", (_ECHO, "00189082")),
    "b": _b_value,
    "inversion": _numbered("00180082", "inversion time {} ms"),
    "flip": _numbered("00181314", "flip angle {}°"),
}
_VIEWS: dict[str, Callable[[DicomJson], str]] = {
    "plane": partial(plane_words, frame_number=1),
    "view": _worded("00185101", "view {}"),
    "side": _worded("00200062", "side {}"),
    "voltage": _numbered("00180060", "{} kV"),
    "slide": _matrix,
    _SEGMENT: partial(segment_words, frame_number=1),
}
_MOMENTS: dict[str, Callable[[DicomJson], str]] = {
    "acquisition": _numbered("00200012", "acquisition {}", (_CONTENT, "00209156")),
    "position": _numbered("00200100", "time position {}", (_CONTENT, "00209128")),
    "trigger": _numbered("00181060", "trigger time {} ms", (_CARDIAC, "00209153")),
    "cardiac": _numbered("00209241", "cardiac phase {} %", (_CARDIAC, "00209241")),
    "respiratory": _numbered("00209245", "respiratory phase {} %", (_RESPIRATORY, "00209245")),
    "reference": _numbered("00541300", "at {} ms"),
}
_LOOK_VECTORS = {"00540010": "energy window {}", "00540020": "detector {}"}
_MOMENT_VECTORS = {"00540030": "phase {}", "00540070": "time slot {}", "00540100": "time slice {}"}
"""The vectors of nuclear medicine: one number for each frame (PS3.3 C.8.4.8)."""
