"""What render-series-overview does: choose the images, have them shown, and say which image each number is."""

from collections.abc import Sequence

from mcp.server.mcpserver import Context
from mcp.types import CallToolResult

from federator.dicom import json
from federator.dicom.image.aspects import told_apart
from federator.dicom.image.describe import details, title
from federator.dicom.image.geometry import place_along_normal
from federator.dicom.image.masks import is_mask
from federator.dicom.image.windows import parse
from federator.dicom.render.overview import contact_sheet
from federator.dicom.uid import TaggedUID
from federator.dicom.visible import cell
from federator.errors import ContentError, NotFound
from federator.server.answers.choosing import chosen, instead
from federator.server.answers.frame import picture_result
from federator.server.answers.series_images import QUERY, images_of, no_images_words
from federator.server.answers.sheet import STEPS_BEFORE, Missing, Sheet, Shown
from federator.server.shared import App
from federator.server.wording.wording import counted, explain, fenced_lines, first_line, listed, one_line

_MOST_WORDS = 600


async def overview(
    ctx: Context[App], study: TaggedUID, series: TaggedUID, *, frames: int, window: str
) -> CallToolResult:
    """A contact sheet of evenly spaced images of each kind, and in text which image each number is."""
    request = parse(window)
    app = ctx.request_context.lifespan_context
    federation = await app.federation()
    page = await federation.search(QUERY, study=study, series=series)
    app.note(page.outcomes)
    images = await app.in_worker(images_of, page)
    if not images:
        raise NotFound(no_images_words(page), outcomes=page.outcomes)
    choices = await chosen(federation, study, series, images, frames)
    await ctx.report_progress(1, len(choices.images) + STEPS_BEFORE, "the images are chosen")
    cells = await Sheet(ctx, app, federation, choices.images, request).cells()
    if nearer := instead(choices.images, [isinstance(cell, Shown) for cell in cells], frames):
        cells = [
            *await Sheet(ctx, app, federation, nearer, request).cells(),
            *(cell for cell in cells if isinstance(cell, Missing)),
        ]
    seen = [cell for cell in cells if isinstance(cell, Shown)]
    missing = [cell for cell in cells if isinstance(cell, Missing)]
    if not seen:
        raise ContentError(f"None of the images can be shown. {missing[0].fault}")
    picture = await app.in_worker(contact_sheet, [one.cell for one in seen])
    said, *numbered = _numbered(seen, missing, len(images))
    lines = [
        first_line(page.outcomes, missing="Images"),
        said,
        choices.note,
        *fenced_lines([cell(line) for line in (*numbered, *_windows(seen), *_about_all(seen))], "the images"),
    ]
    return picture_result(picture, [line for line in lines if line])


def _numbered(seen: Sequence[Shown], missing: Sequence[Missing], count: int) -> list[str]:
    failed = dict.fromkeys(explain(outcome) for one in seen for outcome in one.earlier)
    origin = "; ".join([f"From {listed(sorted({one.archive for one in seen}))}", *failed])
    said = f"{counted(len(seen), 'image')} of a series of {counted(count, 'instance')}, numbered as on the sheet:"
    apart = told_apart([one.aspects for one in seen])
    common = set(_common_remarks(seen))
    return [
        f"{origin}. {said}",
        *(
            f"{number}: {_words(one, one_line(told), common)}"
            for number, (one, told) in enumerate(zip(seen, apart, strict=True), start=1)
        ),
        *_not_shown(missing),
    ]


def _not_shown(missing: Sequence[Missing]) -> list[str]:
    """One line for each instance and reason."""
    frames: dict[tuple[str, str], list[int]] = {}
    for one in missing:
        frames.setdefault((str(one.choice.target.instance), one.fault), []).append(one.choice.frame_number)
    return [
        f"Not shown: {instance} {_frames(sorted(numbers))}. {one_line(fault)}"
        for (instance, fault), numbers in frames.items()
    ]


def _frames(numbers: Sequence[int]) -> str:
    return f"frame {numbers[0]}" if len(numbers) == 1 else f"frames {', '.join(str(number) for number in numbers)}"


def _words(one: Shown, told: str, common: set[str]) -> str:
    number = json.integer(one.row, "00200013")
    place = place_along_normal(one.row, one.choice.frame_number)
    parts = [
        f"{one.choice.target.instance} frame {one.choice.frame_number}",
        f"image {number}" if number is not None else "",
        f"at {place:.1f} mm" if place is not None else "",
        told,
    ]
    remarks = [one_line(remark, max_characters=_MOST_WORDS) for remark in one.cell.remarks if remark not in common]
    return " ".join([", ".join(part for part in parts if part) + ("." if remarks else ""), *remarks])


def _windows(seen: Sequence[Shown]) -> list[str]:
    """One line where one window holds for all; else a line for each window with the numbers that it holds for."""
    numbers: dict[str, list[int]] = {}
    for number, one in enumerate(seen, start=1):
        numbers.setdefault(one.toning.words, []).append(number)
    if len(numbers) == 1:
        looks = {one.aspects.window_key for one in seen}
        mixed = " They differ in kind, as their lines say." if len(looks) > 1 else ""
        return [f"All in one window: {one_line(seen[0].toning.words, max_characters=_MOST_WORDS)}.{mixed}"]
    return [
        f"Window of {_ranges(held)}: {one_line(words, max_characters=_MOST_WORDS)}." for words, held in numbers.items()
    ]


def _ranges(numbers: Sequence[int]) -> str:
    """`1–4, 7`."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def _about_all(seen: Sequence[Shown]) -> list[str]:
    middle = seen[len(seen) // 2]
    return [
        *(["These are masks and no images: white is what belongs to the segment."] if is_mask(middle.row) else []),
        *(one_line(f"Of all: {remark}", max_characters=_MOST_WORDS) for remark in _common_remarks(seen)),
        f"About all, from the middle one: {title(middle.row, middle.choice.frame_number)}.",
        *details(middle.row, middle.choice.frame_number),
    ]


def _common_remarks(seen: Sequence[Shown]) -> list[str]:
    """What is to be said of all images alike, where there are several."""
    if len(seen) == 1:
        return []
    return [remark for remark in seen[0].cell.remarks if all(remark in one.cell.remarks for one in seen)]
