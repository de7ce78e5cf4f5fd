"""What stands on a page beside its content: values of forms, free text, stamps (ISO 32000-1 §12.5, §12.7).

An annotation with an appearance is drawn with the page, as a viewer does, and so read like the rest of it. For one
without, its value is put where it belongs; boxes that are checked or not are told by a mark.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_ANNOTATIONS = 2_000
_HIDDEN, _NO_VIEW = 1 << 1, 1 << 5
_PUSH_BUTTON, _PASSWORD = 1 << 16, 1 << 13
_MAX_PARENTS = 20
_MAX_VALUE = 2_000
_CORNERS = 4
_MATRIX = 6
_WITHOUT_TEXT = frozenset({"Popup", "Link"})
_NOTES = frozenset(
    {"Text", "Highlight", "Underline", "StrikeOut", "Squiggly", "Caret", "Ink", "Square", "Circle", "Line"}
)
"""Marks that a viewer shows with a note that opens."""

_SHOWS = (b"Tj", b"TJ", b"Do", b"'", b'"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A value that a form shows and no content stream draws: its text and its place in the page's own coordinates."""

    text: str
    box: tuple[float, float, float, float]


def read_annotations(page: Any) -> list[Entry]:  # noqa: ANN401 - pdfminer ships no types
    """Have the appearances of a pdfminer page's annotations drawn with its content; give the values without one."""
    from pdfminer.pdftypes import PDFStream, resolve1

    entries: list[Entry] = []
    drawn: list[bytes] = []
    forms: dict[str, Any] = {}
    for at, annotation in enumerate(_shown(page.annots)):
        mark = _mark(annotation)
        appearance = None if mark else _appearance(annotation)
        box = _box(annotation.get("Rect"))
        if box is None:
            continue
        if appearance is not None:
            name = f"FederatorAnnotation{at}"
            forms[name] = appearance
            drawn.append(_placed(appearance, box, name))
        if text := mark or _note(annotation) or (_value(annotation) if appearance is None else ""):
            entries.append(Entry(text=text, box=box))
    if drawn:
        resources = resolve1(page.resources)
        resources = dict(resources) if isinstance(resources, dict) else {}
        known = resolve1(resources.get("XObject"))
        page.resources = {**resources, "XObject": {**(known if isinstance(known, dict) else {}), **forms}}
        before, behind = PDFStream({}, b"q\n"), PDFStream({}, b"\nQ\n" + b"\n".join(drawn))
        # Numbers that no object has: pdfminer draws nothing that has none.
        before.set_objid(-1, 0)
        behind.set_objid(-2, 0)
        page.contents = [before, *page.contents, behind]
    return entries


def _shown(annotations: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - what stands in a document
    from pdfminer.pdftypes import resolve1

    listed = resolve1(annotations)
    for reference in listed[:MAX_ANNOTATIONS] if isinstance(listed, list) else ():
        annotation = resolve1(reference)
        if not isinstance(annotation, dict) or _name(annotation.get("Subtype")) in _WITHOUT_TEXT:
            continue
        flags = resolve1(annotation.get("F", 0))
        if not (isinstance(flags, int) and flags & (_HIDDEN | _NO_VIEW)):
            yield annotation


def _note(annotation: dict[str, Any]) -> str:
    """What the note of a mark says."""
    written = _text(annotation.get("Contents")) if _name(annotation.get("Subtype")) in _NOTES else ""
    return f"[note: {written}]" if written else ""


def _mark(annotation: dict[str, Any]) -> str:
    """The mark of a check box or radio button; empty for all else."""
    if _name(_inherited(annotation, "FT")) != "Btn" or _flags(annotation) & _PUSH_BUTTON:
        return ""
    state = _name(annotation.get("AS")) or _name(_inherited(annotation, "V"))
    return "☑" if state not in {"", "Off"} else "☐"


def _value(annotation: dict[str, Any]) -> str:
    """The value of a text or choice field, or the text of a free text annotation."""
    kind = _name(_inherited(annotation, "FT"))
    if kind not in {"Tx", "Ch"} or _flags(annotation) & _PASSWORD:
        return _text(annotation.get("Contents")) if _name(annotation.get("Subtype")) == "FreeText" else ""
    return _chosen(annotation) if kind == "Ch" else _text(_inherited(annotation, "V"))


def _chosen(annotation: dict[str, Any]) -> str:
    """What a list shows for what was chosen: its options may have a name for the file and one for people."""
    from pdfminer.pdftypes import resolve1

    value, options = _inherited(annotation, "V"), _inherited(annotation, "Opt")
    names: dict[str, str] = {}
    for option in options[:MAX_ANNOTATIONS] if isinstance(options, list) else ():
        pair = resolve1(option)
        if isinstance(pair, list) and len(pair) == 2:  # noqa: PLR2004 - the exported name and the shown one
            names[_text(pair[0])] = _text(pair[1])
    chosen = [_text(one) for one in (value[:MAX_ANNOTATIONS] if isinstance(value, list) else [value])]
    return ", ".join(names.get(one, one) for one in chosen if one)


def _flags(annotation: dict[str, Any]) -> int:
    flags = _inherited(annotation, "Ff")
    return flags if isinstance(flags, int) else 0


def _inherited(annotation: dict[str, Any], key: str) -> Any:  # noqa: ANN401 - what stands in a document
    """An entry of a field, which may stand at a field above it."""
    from pdfminer.pdftypes import resolve1

    field: Any = annotation
    for _ in range(_MAX_PARENTS):
        if not isinstance(field, dict):
            return None
        if key in field:
            return resolve1(field[key])
        field = resolve1(field.get("Parent"))
    return None


def _appearance(annotation: dict[str, Any]) -> Any:  # noqa: ANN401 - a stream of pdfminer
    """The normal appearance; of several, the one of the annotation's state."""
    from pdfminer.pdftypes import PDFStream, resolve1

    appearances = resolve1(annotation.get("AP"))
    normal = resolve1(appearances.get("N")) if isinstance(appearances, dict) else None
    if isinstance(normal, dict):
        normal = resolve1(normal.get(_name(annotation.get("AS"))))
    if not isinstance(normal, PDFStream) or (_value(annotation) and not _shows_something(normal)):
        return None
    # It is a form whether it says so or not, and only forms are drawn.
    normal.attrs = {**normal.attrs, "Subtype": _form()}
    return normal


def _shows_something(appearance: Any) -> bool:  # noqa: ANN401 - a stream of pdfminer
    """Whether an appearance draws text: programs that fill in a form leave the empty one behind."""
    drawn = appearance.get_data()
    return any(operator in drawn for operator in _SHOWS)


def _form() -> Any:  # noqa: ANN401 - a name of pdfminer
    from pdfminer.psparser import LIT

    return LIT("Form")


def _placed(appearance: Any, box: tuple[float, float, float, float], name: str) -> bytes:  # noqa: ANN401 - a stream of pdfminer
    """The operators that draw an appearance into its place (ISO 32000-1 §12.5.5, algorithm 8.1)."""
    x0, y0, x1, y1 = _box(appearance.get("BBox")) or (0.0, 0.0, box[2] - box[0], box[3] - box[1])
    a, b, c, d, e, f = _numbers(appearance.get("Matrix"), _MATRIX) or (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    corners = [(a * x + c * y + e, b * x + d * y + f) for x in (x0, x1) for y in (y0, y1)]
    left, right = min(x for x, _ in corners), max(x for x, _ in corners)
    low, high = min(y for _, y in corners), max(y for _, y in corners)
    across = (box[2] - box[0]) / (right - left) if right > left else 1.0
    up = (box[3] - box[1]) / (high - low) if high > low else 1.0
    moved = (box[0] - left * across, box[1] - low * up)
    return f"q {across:.6f} 0 0 {up:.6f} {moved[0]:.4f} {moved[1]:.4f} cm /{name} Do Q".encode()


def _box(value: Any) -> tuple[float, float, float, float] | None:  # noqa: ANN401 - what stands in a document
    found = _numbers(value, _CORNERS)
    if not found:
        return None
    x0, y0, x1, y1 = found
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _numbers(value: Any, count: int) -> tuple[float, ...]:  # noqa: ANN401 - what stands in a document
    from pdfminer.pdftypes import resolve1

    listed = resolve1(value)
    found = [resolve1(number) for number in listed] if isinstance(listed, list) and len(listed) == count else []
    return tuple(map(float, found)) if all(isinstance(number, int | float) for number in found) else ()


def _name(value: Any) -> str:  # noqa: ANN401 - what stands in a document
    from pdfminer.pdftypes import resolve1
    from pdfminer.psparser import PSLiteral

    name = resolve1(value)
    if not isinstance(name, PSLiteral):
        return ""
    return name.name if isinstance(name.name, str) else name.name.decode("latin-1")


def _text(value: Any) -> str:  # noqa: ANN401 - what stands in a document
    """A text string (ISO 32000-1 §7.9.2.2) on one line."""
    from pdfminer.pdftypes import PDFStream, resolve1
    from pdfminer.utils import decode_text

    found = resolve1(value)
    if isinstance(found, PDFStream):
        found = found.get_data()
    if isinstance(found, bytes):
        found = decode_text(found)
    elif not isinstance(found, str):
        found = _name(found)
    return " ".join(found[:_MAX_VALUE].split())
