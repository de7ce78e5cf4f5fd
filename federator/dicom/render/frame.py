"""One frame, from its encoded bytes to a picture with its words: the steps of this package in their order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from federator.dicom.image.geometry import pixel_aspect
from federator.dicom.image.overlays import Overlay, mask_of, overlays_of
from federator.dicom.image.remarks import left_out
from federator.dicom.image.tables import TableElsewhere, inline_binary
from federator.dicom.image.windows import WindowRequest
from federator.dicom.pixels.decode import frame_words, values_in
from federator.dicom.pixels.encoded import EncodedFrame
from federator.dicom.render.contrast import contrast_of, words_of
from federator.dicom.render.display import Toning, chosen_toning, scaled_toning, shown
from federator.dicom.render.overview import Cell, shrunk
from federator.dicom.render.picture import Picture, encode
from federator.dicom.render.spread import Spread, spread_of, together
from federator.errors import ContentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ICC_PROFILE = "00282000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A picture, in words which values it shows as black and white, and sentences on what it does not show."""

    picture: Picture
    window_words: str
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Displayed:
    """The frame's pixels in full size as they are shown, shaped (rows, columns) or (rows, columns, 3)."""

    pixels: "NDArray[np.uint8]"
    toning: Toning
    remarks: tuple[str, ...]


def display_pixels(frame: EncodedFrame, request: WindowRequest | None = None) -> "tuple[NDArray[np.uint8], Toning]":
    """The frame's pixels without its overlays, and their window.

    Raises ContentError, and TableElsewhere where the frame's attributes lack the palette.
    """
    stored = values_in(frame_words(frame), frame)
    toning = chosen_toning(frame, request) or _own_scale(frame, stored)
    return shown(frame, stored, toning), toning


def display(frame: EncodedFrame, request: WindowRequest | None = None, toning: Toning | None = None) -> Displayed:
    """The frame as it is shown, overlays drawn in white; in the window given, asked for or its own.

    Raises as `display_pixels` does.
    """
    words = frame_words(frame)
    stored = values_in(words, frame)
    toning = toning or chosen_toning(frame, request) or _own_scale(frame, stored)
    pixels = shown(frame, stored, toning)
    poor = _contrast_words(frame, stored, pixels)
    pixels, overlay_words = _with_overlays(frame, words, pixels)
    remarks = [poor, *overlay_words, *left_out(frame.row, frame.frame_number)]
    return Displayed(pixels=pixels, toning=toning, remarks=tuple(remark for remark in remarks if remark))


def render_frame(frame: EncodedFrame, *, request: WindowRequest | None, media_type: str, max_edge: int) -> Rendered:
    """The frame as a picture that fits (see `picture.encode`); raises as `display_pixels` does."""
    displayed = display(frame, request)
    picture = encode(
        displayed.pixels,
        media_type=media_type,
        max_edge=max_edge,
        pixel_aspect=pixel_aspect(frame.row, frame.frame_number),
        icc_profile=_icc_profile(frame),
    )
    return Rendered(picture=picture, window_words=displayed.toning.words, remarks=displayed.remarks)


def needs_no_values(frame: EncodedFrame, request: WindowRequest | None) -> bool:
    """Whether the window of a series is known without a look at what its images hold."""
    return not frame.layout.is_gray or (request is not None and chosen_toning(frame, request) is not None)


def frame_spread(frame: EncodedFrame) -> Spread:
    """How the values of a frame are spread; raises as `display_pixels` does."""
    return spread_of(frame.row, frame.gray, values_in(frame_words(frame), frame))


def check_decodable(frame: EncodedFrame) -> None:
    """A ContentError says why the frame cannot be shown here."""
    try:
        frame_spread(frame)
    except TableElsewhere as error:
        raise ContentError("A lookup table that the image needs is not there.") from error


def overview_toning(frame: EncodedFrame, request: WindowRequest | None, spreads: Sequence[Spread] = ()) -> Toning:
    """The window for images of a series: the one asked for, else this frame's own, else what shows these spreads.

    Without spreads, it is scaled to the values of the frame.
    """
    own = chosen_toning(frame, request)
    return own or scaled_toning(together(spreads or [frame_spread(frame)]), is_inverse=frame.gray.is_inverse)


def overview_cell(frame: EncodedFrame, toning: Toning, *, max_edge: int) -> Cell:
    """The frame for a contact sheet; frames far larger than `max_edge` are made smaller at once, to save memory."""
    displayed = display(frame, toning=toning)
    pixels = displayed.pixels
    step = max(pixels.shape[:2]) // (2 * max_edge)
    pixels = shrunk(pixels, step) if step > 1 else pixels
    aspect = pixel_aspect(frame.row, frame.frame_number)
    return Cell(pixels=pixels, pixel_aspect=aspect, remarks=displayed.remarks)


def _own_scale(frame: EncodedFrame, stored: "NDArray[Any]") -> Toning:
    return scaled_toning(spread_of(frame.row, frame.gray, stored), is_inverse=frame.gray.is_inverse)


def _contrast_words(frame: EncodedFrame, stored: "NDArray[Any]", pixels: "NDArray[np.uint8]") -> str:
    contrast = contrast_of(pixels)
    if not frame.layout.is_gray:
        return f"{contrast.share_words}." if contrast.is_one_tone else ""
    if not contrast.is_poor:
        return ""
    return words_of(contrast, spread_of(frame.row, frame.gray, stored))


def _with_overlays(
    frame: EncodedFrame, words: "NDArray[Any]", pixels: "NDArray[np.uint8]"
) -> "tuple[NDArray[np.uint8], list[str]]":
    """The pixels with overlays drawn in white, and what was drawn and what was not."""
    drawn: list[Overlay] = []
    missing: list[Overlay] = []
    for overlay in overlays_of(frame.row, frame.frame_number):
        mask = mask_of(frame.row, overlay, frame.frame_number, words)
        if mask is None:
            missing.append(overlay)
        elif mask.any():
            pixels = pixels if drawn else pixels.copy()
            pixels[mask] = 255
            drawn.append(overlay)
    said = []
    if drawn:
        said.append(f"Drawn over it in white: overlay {'; '.join(one.words for one in drawn)}.")
    if missing:
        said.append(f"Not drawn, because its data are not there: overlay {'; '.join(one.words for one in missing)}.")
    return pixels, said


def _icc_profile(frame: EncodedFrame) -> bytes:
    try:
        return inline_binary(frame.row, _ICC_PROFILE)
    except TableElsewhere:
        return b""
