"""Stored values to what is shown: windows, tables, inversion, padding, colours (PS3.4 N.2)."""

import numpy as np
import pytest
from highdicom.pixels import apply_voi_window
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from federator.dicom.image.gray import GrayTransformation
from federator.dicom.image.tables import LookupTable
from federator.dicom.image.windows import PRESETS, Window, WindowFunction, WindowRequest, parse
from federator.dicom.pixels.encoded import EncodedFrame
from federator.dicom.pixels.part10 import DicomFile
from federator.dicom.render.display import _windowed, chosen_toning
from federator.dicom.render.frame import display_pixels
from federator.dicom.render.line import Line
from federator.errors import ContentError, RequestError
from tests.support.dicom_files import file
from tests.support.synthetic.images import image_dataset, image_file, written

RAMP = np.arange(-2048, 2048, dtype=np.int16).reshape(64, 64)


def _shown(pixels: np.ndarray, request: WindowRequest | None = None, **attributes: object) -> np.ndarray:
    return display_pixels(DicomFile(image_file(pixels, **attributes)).frame(1), request)[0]


def _words(dataset: Dataset, asked: str = "") -> str:
    return display_pixels(DicomFile(written(dataset)).frame(1), parse(asked))[1].words


def _linear(values: np.ndarray, center: float, width: float) -> np.ndarray:
    """PS3.3 C.11.2.1.2.1, written down as it stands there, for the output range 0 to 255."""
    low, high = center - 0.5 - (width - 1) / 2, center - 0.5 + (width - 1) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = ((values - (center - 0.5)) / (width - 1) + 0.5) * 255
    return np.rint(np.where(values <= low, 0, np.where(values > high, 255, inside))).astype(np.uint8)


@given(
    center=st.floats(-3000, 3000, allow_nan=False),
    width=st.floats(1, 5000, allow_nan=False),
    slope=st.sampled_from([1.0, 0.5, 2.0, -1.0]),
    intercept=st.sampled_from([0.0, -1024.0, 12.25]),
)
@settings(max_examples=80, deadline=None)
def test_a_linear_window_is_the_standards_formula(center: float, width: float, slope: float, intercept: float) -> None:
    """PS3.3 C.11.2.1.2.1 after PS3.3 C.11.1.1."""
    request = WindowRequest(window=Window(center=center, width=width))
    ours = _shown(RAMP, request, RescaleSlope=slope, RescaleIntercept=intercept)
    expected = _linear(RAMP * slope + intercept, center, width)
    assert np.abs(ours.astype(int) - expected).max() <= 1
    assert (ours != expected).mean() < 0.02


@given(
    window=st.builds(
        Window,
        center=st.floats(-3000, 70_000, allow_nan=False) | st.integers(-1000, 3000),
        width=st.floats(1, 70_000, allow_nan=False) | st.integers(1, 4000),
        function=st.sampled_from(WindowFunction),
    ),
    slope=st.sampled_from([1.0, 0.5, 2.0, -1.0, 0.000_305]),
    intercept=st.sampled_from([0.0, -1024.0, 12.25]),
    kind=st.sampled_from(["MONOCHROME1", "MONOCHROME2"]),
    values=st.sampled_from(["i1", "u1", "i2", "u2"]),
)
@settings(max_examples=80, deadline=None)
def test_a_frame_is_shown_to_the_byte_as_value_by_value(
    window: Window, slope: float, intercept: float, kind: str, values: str
) -> None:
    """Issue 5: fast and still exact. Values in floating point are neither tabled nor drawn as a line."""
    limits = np.iinfo(values)
    pixels = np.arange(limits.min, limits.max + 1).reshape(16, -1)
    attributes = {"RescaleSlope": slope, "RescaleIntercept": intercept, "PhotometricInterpretation": kind}
    dataset = image_dataset(pixels.astype(np.float64), **attributes)
    dataset.DoubleFloatPixelData = dataset.PixelData
    del dataset.PixelData
    request = WindowRequest(window=window)
    expected = display_pixels(DicomFile(written(dataset)).frame(1), request)[0]
    assert np.array_equal(_shown(pixels.astype(values), request, **attributes), expected)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("inverse", [False, True])
def test_the_presets_of_ct_are_drawn_as_lines(preset: str, inverse: bool) -> None:
    """Issue 5: what was made fast is what is used."""
    gray = GrayTransformation(slope=1, intercept=-1024, is_inverse=inverse)
    stored = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    center, width = PRESETS[preset]
    table = _linear(stored.ravel() - 1024.0, center, width)
    line = Line.of(gray, Window(center=center, width=width))
    assert line
    assert np.array_equal(
        line.drawn(stored, 0, 255 - table if inverse else table), (255 - table if inverse else table).reshape(64, 64)
    )


def test_a_line_that_is_no_more_than_close_to_the_table_is_not_drawn() -> None:
    """Issue 5: one value that is shown otherwise is one too many."""
    stored = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    line = Line.of(GrayTransformation(), Window(center=2000, width=1000))
    assert line
    table = _linear(stored.ravel(), 2000, 1000)
    assert line.drawn(stored, 0, table) is not None
    table[1700] += 1
    assert line.drawn(stored, 0, table) is None


@pytest.mark.parametrize(
    ("gray", "window"),
    [
        (GrayTransformation(), Window(center=40, width=1)),
        (GrayTransformation(), Window(center=40, width=400, function=WindowFunction.SIGMOID)),
        (GrayTransformation(slope=1e300), Window(center=40, width=400)),
        (
            GrayTransformation(slope=-1e200, intercept=1e200),
            Window(center=40, width=1e-200, function=WindowFunction.LINEAR_EXACT),
        ),
        (
            GrayTransformation(modality_table=LookupTable(first=0, bits=8, entries=(0, 255))),
            Window(center=40, width=400),
        ),
    ],
)
def test_what_is_no_line_of_numbers_in_reach_is_none(gray: GrayTransformation, window: Window) -> None:
    """Issue 3 part 7: steps, curves, tables and absurd numbers."""
    assert Line.of(gray, window) is None


@pytest.mark.parametrize("inverse", [False, True])
def test_linear_exact_and_sigmoid_are_the_standards_formulas(inverse: bool) -> None:
    """PS3.3 C.11.2.1.3.1 and C.11.2.1.3.2."""
    kind = {"PhotometricInterpretation": "MONOCHROME1" if inverse else "MONOCHROME2"}
    exact = _shown(RAMP, WindowCenter=0, WindowWidth=1000, VOILUTFunction="LINEAR_EXACT", **kind)
    expected = np.clip((RAMP / 1000 + 0.5) * 255, 0, 255)
    assert np.abs(exact - (255 - expected if inverse else expected)).max() <= 0.5 + 1e-9
    sigmoid = _shown(RAMP, WindowCenter=100, WindowWidth=800, VOILUTFunction="SIGMOID", **kind)
    expected = 255 / (1 + np.exp(-4 * (RAMP - 100.0) / 800))
    assert np.abs(sigmoid - (255 - expected if inverse else expected)).max() <= 0.5 + 1e-9


@pytest.mark.parametrize(
    ("photometric", "shape", "inverse"),
    [
        ("MONOCHROME2", "", False),
        ("MONOCHROME1", "", True),
        ("MONOCHROME2", "INVERSE", True),
        ("MONOCHROME1", "INVERSE", True),
        ("MONOCHROME2", "IDENTITY", False),
        ("MONOCHROME1", "IDENTITY", False),
    ],
)
def test_inversion_follows_the_shape_and_else_the_photometric_interpretation(
    photometric: str, shape: str, inverse: bool
) -> None:
    """PS3.3 C.7.6.3.1.2 and C.11.6.1: once, never twice."""
    plain = _shown(RAMP, WindowCenter=0, WindowWidth=4096)
    attributes = {"PresentationLUTShape": shape} if shape else {}
    shown = _shown(RAMP, WindowCenter=0, WindowWidth=4096, PhotometricInterpretation=photometric, **attributes)
    assert np.abs(shown.astype(int) - (255 - plain.astype(int) if inverse else plain)).max() <= 1


@pytest.mark.parametrize("width", [0, 0.5, -10])
def test_a_window_width_below_one_counts_as_none(width: float) -> None:
    """PS3.3 C.11.2.1.2.1: Window Width shall be at least 1; devices write 0 (facts/dicomweb.md section 4)."""
    dataset = image_dataset(RAMP, WindowCenter=0, WindowWidth=width)
    assert _words(dataset).startswith("scaled from")
    assert np.array_equal(_shown(RAMP, WindowCenter=0, WindowWidth=width), _shown(RAMP))


def test_the_first_of_several_windows_is_used_and_all_are_told() -> None:
    """Issue 3 part 7: several windows."""
    dataset = image_dataset(
        RAMP,
        WindowCenter=[40, -600],
        WindowWidth=[400, 1500],
        WindowCenterWidthExplanation=["SOFT", "LUNG"],
        RescaleSlope=1,
        RescaleIntercept=0,
    )
    words = _words(dataset)
    assert "center 40, width 400 SOFT" in words
    assert "first of 2" in words
    assert "center -600, width 1500 LUNG" in words
    pixels = display_pixels(DicomFile(written(dataset)).frame(1))[0]
    assert np.abs(pixels.astype(int) - _linear(RAMP, 40, 400)).max() <= 1


def test_a_frames_own_functional_groups_win_over_the_shared_ones() -> None:
    """PS3.3 C.7.6.16: enhanced objects keep rescale and window per frame."""
    values = np.stack([RAMP, RAMP, RAMP])
    dataset = image_dataset(values)
    dataset.SOPClassUID = UID("1.2.840.10008.5.1.4.1.1.2.1")

    def group(slope: float | None, center: float | None) -> Dataset:
        item = Dataset()
        if slope is not None:
            transformation = Dataset()
            transformation.RescaleSlope, transformation.RescaleIntercept = slope, 0
            transformation.RescaleType = "HU"
            item.PixelValueTransformationSequence = Sequence([transformation])
        if center is not None:
            window = Dataset()
            window.WindowCenter, window.WindowWidth = center, 500
            item.FrameVOILUTSequence = Sequence([window])
        return item

    dataset.SharedFunctionalGroupsSequence = Sequence([group(1, 0)])
    dataset.PerFrameFunctionalGroupsSequence = Sequence([group(None, None), group(2, None), group(None, 300)])
    opened = DicomFile(written(dataset))
    for frame_number, (slope, center) in {1: (1, 0), 2: (2, 0), 3: (1, 300)}.items():
        pixels, _ = display_pixels(opened.frame(frame_number))
        assert np.abs(pixels.astype(int) - _linear(RAMP * slope, center, 500)).max() <= 1


@pytest.mark.parametrize("padding", [-2000, 63536])
def test_padding_does_not_count_when_values_are_scaled(padding: int) -> None:
    """PS3.3 C.7.5.1.1.2; written with or without its sign (facts/dicomweb.md section 4)."""
    values = np.full((64, 64), -2000, np.int16)
    values[16:48, 16:48] = np.arange(32 * 32).reshape(32, 32) // 8
    dataset = image_dataset(values, RescaleSlope=1, RescaleIntercept=0)
    dataset.add_new("PixelPaddingValue", "US" if padding > 0 else "SS", padding)
    words = _words(dataset)
    assert words.startswith("scaled from 1 to 126")


def test_values_that_are_all_the_same_are_shown_black_and_named() -> None:
    """contract.md section 4: the text says what the pixels cannot."""
    dataset = image_dataset(np.full((8, 8), 700, np.uint16))
    assert _words(dataset) == "all values are 700"


def test_eight_bits_without_a_window_are_shown_as_they_are() -> None:
    """PS3.3 C.7.6.3: without a transformation they are for the screen; stretching would change captures."""
    values = np.arange(100, dtype=np.uint8).reshape(10, 10)
    assert np.array_equal(_shown(values), values)


def test_float_pixels_are_scaled_and_not_read_as_integers() -> None:
    """PS3.3 C.7.6.24: parametric maps; infinite values and NaN do no harm."""
    values = np.linspace(0, 1, 4096, dtype=np.float32).reshape(64, 64)
    values[0, 0], values[0, 1] = np.nan, np.inf
    dataset = image_dataset(np.zeros((64, 64), np.uint16))
    del dataset.PixelData
    dataset.FloatPixelData = values.tobytes()
    dataset.BitsAllocated = 32
    for keyword in ("BitsStored", "HighBit", "PixelRepresentation"):
        delattr(dataset, keyword)
    pixels, toning = display_pixels(DicomFile(written(dataset)).frame(1))
    assert toning.words.startswith("scaled from 0.01")
    assert np.abs(pixels[32].astype(int) - np.clip((values[32] - 0.0105) / 0.98 * 255, 0, 255)).max() <= 2


def _with_palette(
    values: np.ndarray, entries: np.ndarray, *, first: int = 0, bits: int = 16, packed: bool = False
) -> Dataset:
    dataset = image_dataset(values, PhotometricInterpretation="PALETTE COLOR")
    for color, table in zip(("Red", "Green", "Blue"), entries, strict=True):
        descriptor = [len(table) % 65536, first, bits]
        dataset.add_new(f"{color}PaletteColorLookupTableDescriptor", "SS" if first < 0 else "US", descriptor)
        data = table.astype(np.uint8 if packed else np.uint16).tobytes()
        dataset.add_new(f"{color}PaletteColorLookupTableData", "OW", data)
    return dataset


@pytest.mark.parametrize("scale", [256, 257])
def test_sixteen_bit_palettes_show_their_upper_eight_bits(scale: int) -> None:
    """PS3.3 C.7.6.3.1.5; written as x·256 by some and as x·257 by others."""
    levels = np.arange(256, dtype=np.uint16)
    entries = np.stack([levels, levels[::-1], levels // 2]) * scale
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    pixels, _ = display_pixels(DicomFile(written(_with_palette(values, entries))).frame(1))
    assert np.array_equal(pixels.reshape(-1, 3).T, (entries >> 8).astype(np.uint8))


def test_palettes_of_eight_bits_are_read_packed_or_in_words_and_clip_at_their_ends() -> None:
    """PS3.3 C.7.6.3.1.6 and C.7.6.3.1.5: values outside take the first or the last entry."""
    entries = np.stack([np.arange(100), np.arange(100) + 50, np.arange(100) + 100])
    values = np.arange(256, dtype=np.uint16).reshape(16, 16)
    expected = entries[:, np.clip(values.ravel().astype(int) - 40, 0, 99)].T
    for packed in (True, False):
        dataset = _with_palette(values, entries, first=40, bits=8, packed=packed)
        pixels, _ = display_pixels(DicomFile(written(dataset)).frame(1))
        assert np.array_equal(pixels.reshape(-1, 3), expected)


def test_palettes_that_declare_sixteen_bits_and_hold_eight_are_not_black() -> None:
    """facts/dicomweb.md section 4: devices do."""
    entries = np.stack([np.arange(256)] * 3)
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    pixels, _ = display_pixels(DicomFile(written(_with_palette(values, entries))).frame(1))
    assert np.array_equal(pixels[..., 0], values)


def test_segmented_palettes_are_expanded() -> None:
    """PS3.3 C.7.9.2: discrete and linear segments."""
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    dataset = image_dataset(values, PhotometricInterpretation="PALETTE COLOR")
    for color in ("Red", "Green", "Blue"):
        setattr(dataset, f"{color}PaletteColorLookupTableDescriptor", [256, 0, 16])
        segments = np.array([0, 1, 0, 1, 255, 65280], np.uint16).tobytes()
        setattr(dataset, f"Segmented{color}PaletteColorLookupTableData", segments)
    pixels, _ = display_pixels(DicomFile(written(dataset)).frame(1))
    assert np.abs(pixels[..., 0].astype(int) - values).max() <= 1


def test_a_palette_that_is_missing_is_said_to_be() -> None:
    """contract.md section 6: found, but not of a kind that can be shown."""
    broken = image_file(np.zeros((8, 8), np.uint8), PhotometricInterpretation="PALETTE COLOR")
    with pytest.raises(ContentError, match="palette"):
        display_pixels(DicomFile(broken).frame(1))


@pytest.mark.parametrize(("dtype", "stored"), [(np.uint8, 8), (np.uint16, 16), (np.uint16, 12), (np.uint32, 32)])
def test_colours_of_any_depth_become_eight_bits(dtype: type, stored: int) -> None:
    """facts/dicomweb.md section 4: highdicom leaves 16 and 32 bits unscaled."""
    colors = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(dtype)
    content = image_file(colors << (stored - 8), is_color=True, BitsStored=stored, HighBit=stored - 1)
    pixels, _ = display_pixels(DicomFile(content).frame(1))
    assert np.array_equal(pixels, colors.astype(np.uint8))


def test_planes_of_colour_are_put_together() -> None:
    """PS3.3 C.7.6.3.1.3: Planar Configuration 1."""
    colors = np.random.default_rng(0).integers(0, 256, (8, 10, 3)).astype(np.uint8)
    dataset = image_dataset(colors, is_color=True, PlanarConfiguration=1)
    dataset.PixelData = np.moveaxis(colors, -1, 0).tobytes()
    pixels, _ = display_pixels(DicomFile(written(dataset)).frame(1))
    assert np.array_equal(pixels, colors)


@pytest.mark.parametrize("is_inverse", [False, True])
@pytest.mark.parametrize("function", list(WindowFunction))
@pytest.mark.parametrize(("center", "width"), [(40, 400), (-600, 1500), (0.5, 2), (1024, 1.5), (-2048, 4096)])
def test_the_greys_of_a_window_are_those_that_highdicom_computes(
    center: float, width: float, function: WindowFunction, is_inverse: bool
) -> None:
    """PS3.3 C.11.2.1.2 and C.11.2.1.3, written twice by people who know nothing of each other."""
    window = Window(center=center, width=width, function=function)
    with np.errstate(over="ignore"):
        expected = apply_voi_window(RAMP, center, width, function.value, output_range=(0, 255), invert=is_inverse)
    assert np.abs(_windowed(RAMP, window, is_inverse=is_inverse) - expected).max() < 1e-9


@pytest.mark.parametrize("asked", [*PRESETS, "Soft Tissue", "LUNG", "soft_tissue"])
def test_every_preset_can_be_asked_for_in_any_spelling(asked: str) -> None:
    """contract.md section 4: lung, bone, brain, soft-tissue, …"""
    request = parse(asked)
    assert request is not None
    assert request.preset in PRESETS
    assert (request.window.center, request.window.width) == PRESETS[request.preset]


@pytest.mark.parametrize(
    ("asked", "center", "width", "function"),
    [
        ("40,400", 40, 400, WindowFunction.LINEAR),
        ("-600, 1500", -600, 1500, WindowFunction.LINEAR),
        ("0.5/1", 0.5, 1, WindowFunction.LINEAR),
        ("2.5,0.25", 2.5, 0.25, WindowFunction.LINEAR_EXACT),
    ],
)
def test_center_and_width_can_be_given_as_numbers(asked: str, center: float, width: float, function: str) -> None:
    """contract.md section 4: CENTER,WIDTH."""
    request = parse(asked)
    assert request is not None
    assert request.window == Window(center=center, width=width, function=WindowFunction(function))
    assert parse("") is None
    assert parse("  ") is None


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("lungs", "Did you mean lung?"), ("40", "CENTER,WIDTH"), ("40,0", "above 0"), ("40,-5", "neither"),
        ("nan,inf", "neither"), ("1e9,1e9", "neither"), ("40,400,linear", "neither"), ("x" * 500, "neither"),
    ],
)  # fmt: skip
def test_a_window_that_is_none_is_refused_with_a_remedy(asked: str, said: str) -> None:
    """contract.md section 6: quote the part, say what to write instead."""
    with pytest.raises(RequestError, match="window:") as refused:
        parse(asked)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 400


def test_presets_hold_for_computed_tomography_only_and_say_so_elsewhere() -> None:
    """Brief of contract.md section 4: Hounsfield units mean nothing in MR."""
    attributes = {"WindowCenter": 100, "WindowWidth": 200, "RescaleSlope": 1, "RescaleIntercept": 0}
    resonance = image_dataset(RAMP, Modality="MR", **attributes)
    words = _words(resonance, "lung")
    assert words.startswith("the file's window center 100, width 200")
    assert "'lung' was not applied" in words
    assert "this is MR" in words
    other_units = image_dataset(RAMP, RescaleType="MGML", **attributes)
    assert "in other units" in _words(other_units, "lung")
    assert _words(image_dataset(RAMP, **attributes), "lung") == "lung: center -600, width 1500"
    assert _words(resonance, "40,400") == "center 40, width 400"


def test_colours_have_no_window() -> None:
    """contract.md section 4: the text says what the window did."""
    frame = DicomFile(file("SC_rgb.dcm")).frame(1)
    toning = chosen_toning(frame, parse("40,400"))
    assert toning is not None
    assert "does not apply" in toning.words


def test_overlays_are_not_burned_in() -> None:
    """facts/dicomweb.md section 4: burn only on request."""
    content = file("MR-SIEMENS-DICOM-WithOverlays.dcm")
    with_overlay = display_pixels(DicomFile(content).frame(1))[0]
    frame = DicomFile(content).frame(1)
    bare = EncodedFrame.of(
        {tag: element for tag, element in frame.row.items() if not tag.startswith("60")},
        1,
        content=frame.content,
        transfer_syntax=frame.transfer_syntax,
    )
    assert np.array_equal(with_overlay, display_pixels(bare)[0])
