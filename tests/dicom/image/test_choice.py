"""What tells the images of a series apart, and which of them a person would choose."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from federator.archive.retrieve.metadata import row_of_file
from federator.dicom.image.aspects import Aspects, aspects_of, aspects_of_frames, told_apart
from federator.dicom.image.choice import Candidate, choose, evenly_spaced, slides_first
from federator.dicom.pixels.part10 import DicomFile
from tests.support.synthetic.images import image_dataset, image_file, written
from tests.support.synthetic.no_images import item, segmentation
from tests.support.synthetic.series import COLUMN, enhanced, slide_level


def told(**attributes: object) -> list[str]:
    """What tells an image with these attributes from one without, from the file and from metadata alike."""
    content, plain = image_file(COLUMN.astype(np.uint16), **attributes), image_file(COLUMN.astype(np.uint16))
    ours = told_apart([aspects_of(DicomFile(each).frame(1).row, 1) for each in (content, plain)])
    theirs = told_apart([aspects_of(row_of_file(each), 1) for each in (content, plain)])
    assert ours == theirs
    return ours


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ({"EchoTime": "80"}, "echo time 80 ms"),
        ({"DiffusionBValue": 1000.0}, "b 1000"),
        ({"DiffusionBValue": 1000.0, "DiffusionDirectionality": "ISOTROPIC"}, "b 1000 trace"),
        ({"InversionTime": "2500"}, "inversion time 2500 ms"),
        ({"FlipAngle": "15"}, "flip angle 15°"),
        ({"TemporalPositionIdentifier": "3"}, "time position 3"),
        ({"TriggerTime": "412.5"}, "trigger time 412.5 ms"),
        ({"NominalPercentageOfCardiacPhase": 75.0}, "cardiac phase 75 %"),
        ({"NominalPercentageOfRespiratoryPhase": 50.0}, "respiratory phase 50 %"),
        ({"FrameReferenceTime": "60000"}, "at 60000 ms"),
        ({"AcquisitionNumber": "2"}, "acquisition 2"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "localizer"),
        ({"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]}, "derived diffusion adc"),
        ({"ImageType": ["DERIVED", "SECONDARY", "MPR", "CT_SOM5"]}, "derived mpr ct som5"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "P", "ND"]}, "p nd"),
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}, "sagittal"),
        ({"ViewPosition": "MLO", "ImageLaterality": "L"}, "view MLO, side L"),
        ({"KVP": "140"}, "140 kV"),
        ({"EnergyWindowVector": [2], "DetectorVector": [1]}, "energy window 2, detector 1"),
        ({"PhaseVector": [3]}, "phase 3"),
    ],
    ids=str,
)
def test_images_are_told_apart_by_what_they_differ_in(attributes: dict[str, object], words: str) -> None:
    """PS3.3 §C.7.6.1.1.2, §C.8.3.1, §C.8.13.5.9, §C.8.4.8 and their kin."""
    assert told(**attributes)[0] == words


@pytest.mark.parametrize(
    ("tag", "vr", "value", "words"),
    [
        (0x0019100C, "IS", "800", "b 800"),
        (0x20011003, "FL", 600.0, "b 600"),
        (0x00431039, "IS", ["1000000050", "8", "0", "0"], "b 50"),
    ],
)
def test_b_values_of_before_there_was_an_attribute_are_read(tag: int, vr: str, value: object, words: str) -> None:
    """Siemens, Philips and GE, as their conformance statements have it."""
    dataset = image_dataset(COLUMN.astype(np.uint16))
    dataset.add_new(tag, vr, value)
    plain = image_file(COLUMN.astype(np.uint16))
    rows = [DicomFile(each).frame(1).row for each in (written(dataset), plain)]
    assert told_apart([aspects_of(row, 1) for row in rows]) == [words, ""]


def test_what_all_images_share_is_not_repeated_but_a_localizer_is_named() -> None:
    """contract.md section 4"""
    alike = Aspects(looks={"echo": "echo time 80 ms"}, views={}, moments={})
    localizer = Aspects(looks={"kind": "localizer"}, views={}, moments={})
    assert told_apart([alike, alike]) == ["", ""]
    assert told_apart([localizer, localizer]) == ["localizer", "localizer"]


GROUPS = {
    "b 700": {"MRDiffusionSequence": [item(DiffusionBValue=700.0)]},
    "echo time 35 ms": {"MREchoSequence": [item(EffectiveEchoTime=35.0)]},
    "time position 2": {"FrameContentSequence": [item(TemporalPositionIndex=2)]},
    "acquisition 4": {"FrameContentSequence": [item(FrameAcquisitionNumber=4)]},
    "cardiac phase 30 %": {"CardiacSynchronizationSequence": [item(NominalPercentageOfCardiacPhase=30.0)]},
    "trigger time 90 ms": {"CardiacSynchronizationSequence": [item(NominalCardiacTriggerDelayTime=90.0)]},
    "respiratory phase 20 %": {"RespiratorySynchronizationSequence": [item(NominalPercentageOfRespiratoryPhase=20.0)]},
    "derived adc": {"MRImageFrameTypeSequence": [item(FrameType=["DERIVED", "PRIMARY", "ADC", "NONE"])]},
}


@pytest.mark.parametrize("words", list(GROUPS))
def test_frames_are_told_apart_by_their_functional_groups(words: str) -> None:
    """PS3.3 §C.7.6.16"""
    row = row_of_file(written(enhanced([{"place": 0, **GROUPS[words]}, {"place": 5}], [1000, 1000])))
    frames = aspects_of_frames(row)
    assert told_apart([aspects for aspects, _ in frames]) == [words, ""]
    assert [place for _, place in frames] == [0, 5]
    assert [aspects_of(row, number) for number in (1, 2)] == [aspects for aspects, _ in frames]


def test_frames_of_a_segmentation_are_told_apart_by_their_segment() -> None:
    """PS3.3 §C.8.20.3.1"""
    frames = aspects_of_frames(row_of_file(written(segmentation())))
    assert told_apart([aspects for aspects, _ in frames]) == ['segment 1 "Liver"', 'segment 2 "Spleen"']
    assert told_apart([frames[0][0]]) == ['segment 1 "Liver"']


def test_thousands_of_frames_are_looked_through_one_by_one() -> None:
    """House: nothing costs the square of what an archive sends; this would take minutes."""
    groups = [{"place": number, **GROUPS["b 700"]} for number in range(3000)]
    row = row_of_file(written(enhanced(groups, [1] * 3000)))
    assert len(aspects_of_frames(row)) == 3000


def of_kinds(*kinds: tuple[str, int], moments: int = 1) -> list[Candidate]:
    """So many places of each kind, at so many moments each."""
    return [
        Candidate(
            aspects=Aspects(looks={"kind": kind}, views={}, moments={"phase": f"{moment}"} if moments > 1 else {}),
            place=float(place),
        )
        for kind, count in kinds
        for place in range(count)
        for moment in range(moments)
    ]


def shown(candidates: list[Candidate], wanted: int) -> list[tuple[str, float | None]]:
    chosen = [candidates[index] for index in choose(candidates, wanted).indices]
    return [(one.aspects.looks["kind"], one.place) for one in chosen]


def test_each_kind_is_represented_evenly_and_kind_by_kind() -> None:
    """contract.md section 4: evenly spaced; a person compares like with like."""
    assert shown(of_kinds(("a", 4), ("b", 4), ("c", 4)), 9) == [
        (kind, place) for kind in "abc" for place in (0.0, 2.0, 3.0)
    ]
    assert [kind for kind, _ in shown(of_kinds(("scout", 2), ("a", 100)), 9)] == ["scout"] * 2 + ["a"] * 7
    assert shown(of_kinds(("a", 100)), 3) == [("a", 0.0), ("a", 50.0), ("a", 99.0)]


def test_more_kinds_than_places_on_the_sheet_are_said() -> None:
    """contract.md section 4: what is left out is said."""
    candidates = of_kinds(*((f"{number}", 3) for number in range(20)))
    chosen = choose(candidates, 9)
    assert len(chosen.indices) == 9
    assert "20 kinds" in chosen.note


def test_of_many_moments_of_each_place_one_is_shown_and_said() -> None:
    """A person looks at one phase at a time; a film of one place is a film."""
    beating = of_kinds(("heart", 10), moments=20)
    chosen = choose(beating, 9)
    assert {beating[index].aspects.moments["phase"] for index in chosen.indices} == {"10"}
    assert len({beating[index].place for index in chosen.indices}) == 9
    assert "20 moments" in chosen.note
    film = of_kinds(("heart", 1), moments=20)
    assert len({film[index].aspects.moments["phase"] for index in choose(film, 9).indices}) == 9
    few = of_kinds(("liver", 10), moments=3)
    assert [few[index].aspects.moments["phase"] for index in choose(few, 9).indices] == list("000111222")


def test_moments_of_their_own_for_each_image_tell_nothing() -> None:
    """Trigger times of interleaved slices."""
    interleaved = [
        Candidate(aspects=Aspects(looks={}, views={}, moments={"trigger": f"{place}"}), place=float(place))
        for place in range(30)
    ]
    chosen = choose(interleaved, 3)
    assert (chosen.indices, chosen.note) == ((0, 14, 29), "")


@given(
    kinds=st.lists(st.tuples(st.sampled_from("abcdefg"), st.integers(1, 40)), max_size=6),
    moments=st.integers(1, 7),
    wanted=st.integers(1, 36),
)
@settings(max_examples=150, deadline=None)
def test_no_image_is_chosen_twice_and_none_of_the_places_stays_empty(
    kinds: list[tuple[str, int]], moments: int, wanted: int
) -> None:
    """contract.md section 4: `frames` images, where there are as many."""
    candidates = of_kinds(*kinds, moments=moments)
    chosen = choose(candidates, wanted)
    assert len(set(chosen.indices)) == len(chosen.indices) <= wanted
    if not chosen.note:
        assert len(chosen.indices) == min(wanted, len(candidates))


@given(count=st.integers(0, 3000), wanted=st.integers(1, 36))
@settings(max_examples=200, deadline=None)
def test_chosen_images_are_spread_evenly_from_the_first_to_the_last(count: int, wanted: int) -> None:
    """contract.md section 4: evenly spaced images."""
    chosen = evenly_spaced(count, wanted)
    assert len(chosen) == min(count, wanted)
    assert sorted(set(chosen)) == chosen
    if len(chosen) > 1:
        assert (chosen[0], chosen[-1]) == (0, count - 1)
        gaps = np.diff(chosen)
        assert gaps.max() - gaps.min() <= 1
    elif chosen:
        assert chosen == [count // 2]


def _rows(*levels: Dataset) -> list[dict]:
    return [dict(row_of_file(written(level))) for level in levels]


def test_of_a_slide_its_overview_comes_first_and_its_tiles_not_at_all() -> None:
    """PS3.3 §C.8.12.4.1.1: VOLUME, THUMBNAIL, OVERVIEW, LABEL."""
    rows = _rows(
        slide_level(1, "VOLUME", 10, matrix=320, tiles=100),
        slide_level(2, "LABEL", 20, matrix=32),
        slide_level(3, "VOLUME", 30, matrix=64, tiles=4),
        slide_level(4, "THUMBNAIL", 40, matrix=32),
        slide_level(5, "OVERVIEW", 50, matrix=32),
    )
    assert slides_first(rows) == [4, 3, 1]
    assert slides_first(rows[:1] + rows[2:3]) == [1]
    assert slides_first([*rows[:1], *_rows(slide_level(6, "VOLUME", 60, matrix=30))]) == [1]
    others = [dict(row_of_file(image_file(COLUMN.astype(np.uint16))))] * 3
    assert slides_first(others) == [0, 1, 2]
