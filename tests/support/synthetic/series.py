"""Series whose images differ in more than their place: echoes, b-values, phases, segments, levels of a slide."""

from collections.abc import Iterator, Sequence

import numpy as np
from pydicom.dataset import Dataset

from tests.support.synthetic.images import image_dataset
from tests.support.synthetic.no_images import item

SIZE = 48
ROW, COLUMN = np.mgrid[0:SIZE, 0:SIZE]
DISC = (COLUMN - 24) ** 2 + (ROW - 24) ** 2 < 15**2
MR, ENHANCED_MR, WHOLE_SLIDE = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("4", "4.1", "77.1.6"))
STUDY, SERIES = "1.2.3", "1.2.3.4"


def slice_of(number: int, pixels: np.ndarray, *, place: float = 0.0, **attributes: object) -> Dataset:
    """One MR image of the series, axial at `place` mm."""
    made = image_dataset(
        pixels.astype(np.uint16),
        Modality="MR",
        SOPClassUID=MR,
        InstanceNumber=number,
        ImagePositionPatient=[0, 0, place],
        ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
        PixelSpacing=[1, 1],
        PatientID="P1",
        StudyDate="20240101",
        **attributes,
    )
    made.SOPInstanceUID = f"{SERIES}.{number}"
    return made


def places_times(places: int, kinds: Sequence[dict[str, object]], brightness: Sequence[float]) -> Iterator[Dataset]:
    """Each kind at each place; one kind after the other, each as bright as told."""
    number = 0
    for kind, bright in zip(kinds, brightness, strict=True):
        for place in range(places):
            number += 1
            yield slice_of(number, DISC * bright + COLUMN, place=5.0 * place, **kind)


def enhanced(groups: Sequence[dict[str, object]], brightness: Sequence[float]) -> Dataset:
    """One enhanced MR object, a frame for each of the groups; a group's items by keyword, its place under `place`."""
    frames = np.stack([DISC * bright + COLUMN for bright in brightness]).astype(np.uint16)
    made = image_dataset(frames, Modality="MR", SOPClassUID=ENHANCED_MR, PatientID="P1", InstanceNumber=1)
    made.SOPInstanceUID = f"{SERIES}.1"
    made.SharedFunctionalGroupsSequence = [
        item(PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])])
    ]
    made.PerFrameFunctionalGroupsSequence = []
    for group in groups:
        told = {keyword: value for keyword, value in group.items() if keyword != "place"}
        frame = item(PlanePositionSequence=[item(ImagePositionPatient=[0, 0, group["place"]])], **told)
        made.PerFrameFunctionalGroupsSequence.append(frame)
    return made


def slide_level(number: int, flavor: str, gray: int, *, matrix: int, tiles: int = 1) -> Dataset:
    """A level, thumbnail, overview or label of a whole slide, all of one gray; `matrix` is its edge in pixels."""
    pixels = np.full((tiles, 32, 32) if tiles > 1 else (32, 32), gray, np.uint8)
    made = image_dataset(
        pixels,
        Modality="SM",
        SOPClassUID=WHOLE_SLIDE,
        ImageType=["DERIVED", "PRIMARY", flavor, "NONE"],
        TotalPixelMatrixColumns=matrix,
        TotalPixelMatrixRows=matrix,
        InstanceNumber=number,
        PatientID="P1",
    )
    made.SOPInstanceUID = f"{SERIES}.{number}"
    return made
