"""A PDF as it is drawn (the one door to PDFium): pages as pictures, what can be seen on them, and a second reading."""

import io
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

_MAX_EDGE_PX = 1568
_MAX_RESOLUTION_DPI = 150
_MIN_EDGE_PX = 400
_QUALITIES = (85, 70, 55, 40)
_POINTS_PER_INCH = 72
_MAX_EDGE_PT = 14_400
"""What a page may measure: 200 inches (ISO 32000-1 §C.2)."""

_MAX_SEEN_EDGE_PX = 2_000
_MIN_SEEN_SCALE = 0.5
_MAX_OBJECTS = 2_000
_CONTRAST = 12
"""Of 255. Gray 243 on white has it; nobody reads what has less."""

Box = tuple[float, float, float, float]

# PDFium may not be used from two threads at once.
_pdfium = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnPage:
    """One page in PDFium."""

    _page: Any

    def size_pt(self) -> tuple[float, float]:
        """Width and height in points, as the page is shown."""
        width, height = self._page.get_size()
        return float(width), float(height)

    def words(self) -> list[str]:
        """The words of the page's content as PDFium finds them; none on a page of absurd size."""
        if max(self.size_pt()) > _MAX_EDGE_PT:
            # PDFium keeps notes of each point along both edges.
            return []
        text = self._page.get_textpage()
        try:
            return str(text.get_text_range()).split()
        finally:
            text.close()

    def is_recognised(self) -> bool:
        """Whether most of the text is drawn invisibly, as programs that recognise letters in a scan lay it over it."""
        import pypdfium2.raw as pdfium

        texts = invisible = 0
        for found in islice(self._page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_TEXT], max_depth=2), _MAX_OBJECTS):
            texts += 1
            invisible += pdfium.FPDFTextObj_GetTextRenderMode(found.raw) == pdfium.FPDF_TEXTRENDERMODE_INVISIBLE
        return invisible > texts / 2

    def seen(self, boxes: Sequence[Box]) -> list[bool]:
        """Whether there is anything to be seen in each box (x0, top, x1, bottom in points from the upper left corner).

        What is white on white, covered, clipped, or outside of the page cannot be seen; text that lies invisibly
        over a scan of itself can. All can where the page is too large to be drawn for this.
        """
        import numpy as np

        width, height = self.size_pt()
        scale = min(1.0, _MAX_SEEN_EDGE_PX / max(width, height, 1.0))
        if scale < _MIN_SEEN_SCALE:
            return [True] * len(boxes)
        gray = self._page.render(scale=scale, grayscale=True, may_draw_forms=True).to_numpy()
        edges = _edges(gray.reshape(gray.shape[0], -1))
        places = np.array(boxes, dtype=float).reshape(-1, 4) * scale
        # A pixel more on each side: edges lie between a letter and what is around it.
        x0, y0 = (np.clip(np.floor(places[:, at]) - 1, 0, edges.shape[1 - at] - 1).astype(int) for at in (0, 1))
        x1, y1 = (np.clip(np.ceil(places[:, at]) + 1, 0, edges.shape[3 - at] - 1).astype(int) for at in (2, 3))
        found = edges[y1, x1] - edges[y0, x1] - edges[y1, x0] + edges[y0, x0]
        return [bool(number > 0) for number in found]

    def picture(self, max_bytes: int) -> bytes:
        """The page as a JPEG of at most `max_bytes`; empty where that cannot be had at a legible size."""
        edge_pt = max(*self.size_pt(), 1.0)
        resolution = min(_MAX_RESOLUTION_DPI, _MAX_EDGE_PX * _POINTS_PER_INCH / edge_pt)
        bitmap = self._page.render(scale=resolution / _POINTS_PER_INCH, may_draw_forms=True)
        picture = bitmap.to_pil().convert("RGB")
        while max(picture.size) >= _MIN_EDGE_PX:
            for quality in _QUALITIES:
                buffer = io.BytesIO()
                picture.save(buffer, "JPEG", quality=quality, optimize=True)
                if buffer.tell() <= max_bytes:
                    return buffer.getvalue()
            picture = picture.resize((picture.width * 3 // 4, picture.height * 3 // 4))
        return b""


class DrawnDocument:
    """A document in PDFium, opened when it is first needed; pages are drawn with the values of their forms."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._document: Any = None

    @contextmanager
    def page(self, number: int) -> Iterator[DrawnPage]:
        """Page `number`, counted from 1. Raises RuntimeError where PDFium cannot open it."""
        import pypdfium2

        with _pdfium:
            if self._document is None:
                self._document = pypdfium2.PdfDocument(self._content)
                self._document.init_forms()
            page = self._document[number - 1]
            try:
                yield DrawnPage(_page=page)
            finally:
                page.close()

    def close(self) -> None:
        """Let go of the document."""
        if self._document is not None:
            with _pdfium:
                self._document.close()


def _edges(gray: "np.ndarray") -> "np.ndarray":
    """How many edges lie above and left of each pixel: the sums of boxes are differences of these."""
    import numpy as np

    levels = gray.astype(np.int16)
    is_edge = np.zeros(levels.shape, dtype=bool)
    is_edge[:, 1:] |= np.abs(np.diff(levels, axis=1)) > _CONTRAST
    is_edge[1:, :] |= np.abs(np.diff(levels, axis=0)) > _CONTRAST
    summed = np.zeros((levels.shape[0] + 1, levels.shape[1] + 1), dtype=np.int32)
    summed[1:, 1:] = is_edge.cumsum(axis=0, dtype=np.int32).cumsum(axis=1, dtype=np.int32)
    return summed
