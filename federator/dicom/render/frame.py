"""One frame, from its encoded bytes to a picture with its words: the steps of this package in their order."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from federator.dicom.render.decode import stored_values
from federator.dicom.render.display import Toning, chosen_toning, scaled_toning, shown
from federator.dicom.render.encoded import EncodedFrame
from federator.dicom.render.geometry import pixel_aspect
from federator.dicom.render.overview import Cell, shrunk
from federator.dicom.render.picture import Picture, encode
from federator.dicom.render.tables import TableElsewhere, inline_binary
from federator.dicom.render.windows import WindowRequest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_ICC_PROFILE = "00282000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A picture, and in words which values it shows as black and white."""

    picture: Picture
    window_words: str


def display_pixels(frame: EncodedFrame, request: WindowRequest | None = None) -> "tuple[NDArray[np.uint8], Toning]":
    """The frame's pixels in full size as they are shown, shaped (rows, columns) or (rows, columns, 3).

    Raises ContentError, and TableElsewhere where the frame's attributes lack the palette.
    """
    stored = stored_values(frame)
    toning = chosen_toning(frame, request) or scaled_toning(frame, stored)
    return shown(frame, stored, toning), toning


def render_frame(frame: EncodedFrame, *, request: WindowRequest | None, media_type: str, max_edge: int) -> Rendered:
    """The frame as a picture that fits (see `picture.encode`); raises as `display_pixels` does."""
    pixels, toning = display_pixels(frame, request)
    picture = encode(
        pixels,
        media_type=media_type,
        max_edge=max_edge,
        pixel_aspect=pixel_aspect(frame.row, frame.frame_number),
        icc_profile=_icc_profile(frame),
    )
    return Rendered(picture=picture, window_words=toning.words)


def overview_toning(frame: EncodedFrame, request: WindowRequest | None) -> Toning:
    """The window for all images of a series: the one asked for, else this frame's own, else scaled to its values."""
    return chosen_toning(frame, request) or scaled_toning(frame, stored_values(frame))


def overview_cell(frame: EncodedFrame, toning: Toning, *, max_edge: int) -> Cell:
    """The frame for a contact sheet; frames far larger than `max_edge` are made smaller at once, to save memory."""
    pixels = shown(frame, stored_values(frame), toning)
    step = max(pixels.shape[:2]) // (2 * max_edge)
    pixels = shrunk(pixels, step) if step > 1 else pixels
    return Cell(pixels=pixels, pixel_aspect=pixel_aspect(frame.row, frame.frame_number))


def _icc_profile(frame: EncodedFrame) -> bytes:
    try:
        return inline_binary(frame.row, _ICC_PROFILE)
    except TableElsewhere:
        return b""
