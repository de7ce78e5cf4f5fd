"""PDF documents: what stands on a page is read, and what cannot be read is said."""

import io
import re
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from federator.dicom.pdf.pages import ranges, selected
from federator.dicom.pdf.soundness import check
from federator.dicom.pdf.text import MAX_IMAGE_BYTES, MAX_IMAGES, read_pdf
from federator.errors import ContentError, RequestError
from tests.support.synthetic import pdfs


def test_text_is_read_page_by_page_in_the_order_of_the_lines():
    """contract.md §4: text page by page."""
    document = read_pdf(pdfs.drawn(pdfs.lines("Findings: normal", "Second line"), pdfs.lines("Page two")))
    assert document.page_count == 2
    assert [(page.number, page.text) for page in document.pages] == [
        (1, "Findings: normal\nSecond line"),
        (2, "Page two"),
    ]
    assert document.notices == ()
    assert [page.image for page in document.pages] == [b"", b""]


def test_two_columns_of_prose_are_read_one_after_the_other():
    """Issue 3 part 5: layout good enough for two columns; the heading above and the line below stay outside."""
    (page,) = read_pdf(pdfs.drawn(pdfs.two_columns)).pages
    read = [line.strip() for line in page.text.split("\n") if line.strip()]
    assert read[1:-1] == [*pdfs.LEFT_COLUMN, *pdfs.RIGHT_COLUMN]
    assert read[0].startswith("A heading")
    assert read[-1].startswith("A footer")


def test_columns_whose_lines_are_out_of_step_are_told_apart_too():
    """Issue 3 part 5."""
    (page,) = read_pdf(pdfs.drawn(pdfs.columns_out_of_step)).pages
    assert [line for line in page.text.split("\n") if line] == [*pdfs.LEFT_COLUMN, *pdfs.RIGHT_COLUMN]


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (pdfs.FORM, (50, 150, 320, 440)),
        (pdfs.REFERENCE_VALUES, (50, 270, 340)),
        ([(row[0], row[2]) for row in pdfs.REFERENCE_VALUES], (50, 320)),
    ],
)
def test_a_table_of_long_cells_is_read_row_by_row_although_it_looks_like_columns(table, columns):
    """Issue 3: a number is never attached to the wrong thing, nor torn from the right one."""
    (page,) = read_pdf(pdfs.drawn(pdfs.rows(table, *columns))).pages
    assert [tuple(re.split(r" {2,}", line)) for line in page.text.split("\n")] == table


def test_a_value_stays_on_the_line_of_its_label():
    """Issue 3: a number is never attached to the wrong thing; labels and values are not two columns of prose."""
    (page,) = read_pdf(pdfs.drawn(pdfs.labels_and_values)).pages
    assert [tuple(line.split("  ")[at].strip() for at in (0, -1)) for line in page.text.split("\n")] == pdfs.LABELS


def test_a_cell_of_a_table_without_lines_stays_below_its_heading_when_the_cell_before_is_empty():
    """Issue 3: a number is never attached to the wrong thing."""

    def table(canvas):
        pdfs.lines("Lesion", "Liver", "Lung", x=72)(canvas)
        pdfs.lines("2021", "", "5 mm", x=200)(canvas)
        pdfs.lines("2024", "12 mm", "8 mm", x=330)(canvas)

    heading, liver, lung = read_pdf(pdfs.drawn(table)).pages[0].text.split("\n")
    assert heading.index("2024") == liver.index("12 mm") == lung.index("8 mm")
    assert heading.index("2021") == lung.index("5 mm")


def test_a_ruled_table_keeps_its_rows_and_cells():
    """Issue 3 part 5: layout good enough for tables."""
    (page,) = read_pdf(pdfs.ruled_table()).pages
    assert page.text.split("\n") == [" | ".join(row) for row in pdfs.TABLE_ROWS]


def test_a_scanned_page_comes_as_an_image_and_says_so():
    """contract.md §4: a page without a text layer comes as an image and says so."""
    document = read_pdf(pdfs.drawn(pdfs.lines("A cover page"), pdfs.scan))
    cover, scanned = document.pages
    assert (cover.image, cover.note) == (b"", "")
    assert scanned.number == 2
    assert scanned.text == ""
    assert scanned.note == "This page has no text layer. It comes as an image."
    picture = Image.open(io.BytesIO(scanned.image))
    assert picture.format == "JPEG"
    assert max(picture.size) <= 1568
    assert min(picture.convert("L").getextrema()) < 100


def test_a_picture_with_a_page_number_below_comes_as_an_image_too():
    """Issue 3 part 5, mixed pages: a footer is no text layer."""

    def stamped(canvas):
        pdfs.scan(canvas)
        pdfs.lines("Page 1 of 1", top=30)(canvas)

    (page,) = read_pdf(pdfs.drawn(stamped)).pages
    assert page.text == "Page 1 of 1"
    assert page.image
    assert page.note.startswith("Most of this page is a picture")


def test_a_text_layer_without_letters_is_told_and_the_page_shown():
    """Issue 3 part 5: glyphs without a mapping to characters are no text."""
    content = pdfs.unmapped_glyphs()
    (page,) = read_pdf(content).pages
    assert page.note.startswith("The text layer of this page is not readable.")
    assert page.image


def test_a_picture_of_gigantic_size_is_not_drawn():
    """Issue 3: a bomb, 60,000 by 60,000 pixels in a few bytes."""
    (page,) = read_pdf(pdfs.gigantic_picture()).pages
    assert page.image == b""
    assert page.note == "This page has no text layer. It holds a picture that is too large to be drawn."


def test_many_scanned_pages_are_shown_as_far_as_an_answer_can_hold_them():
    """contract.md §5: a result stays under 1 MB; the pages that do not fit are named."""
    document = read_pdf(pdfs.drawn(*[pdfs.scan] * (MAX_IMAGES + 2)))
    assert [bool(page.image) for page in document.pages] == [True] * MAX_IMAGES + [False] * 2
    assert sum(len(page.image) for page in document.pages) <= MAX_IMAGE_BYTES
    assert "Pages 5-6 need to be seen" in document.notices[0]
    later = read_pdf(pdfs.drawn(*[pdfs.scan] * (MAX_IMAGES + 2)), pages="5-6")
    assert [(page.number, bool(page.image)) for page in later.pages] == [(5, True), (6, True)]


def test_long_text_is_cut_with_a_notice_that_names_the_pages_left_out():
    """contract.md §5: lists end early and say how much more there is."""
    document = read_pdf(pdfs.drawn(*[pdfs.lines("words " * 10)] * 5), max_characters=100)
    assert [page.number for page in document.pages] == [1, 2]
    assert sum(len(page.text) for page in document.pages) <= 101
    assert document.notices == (
        "The text of page 2 is cut off.",
        "Pages 3-5 are left out to keep the answer short: ask for them with pages.",
    )


def test_pages_selects_pages():
    """contract.md §4: `pages`."""
    content = pdfs.drawn(*[pdfs.lines(f"page {number}") for number in range(1, 8)])
    assert [page.text for page in read_pdf(content, pages="2-3, 6-").pages] == ["page 2", "page 3", "page 6", "page 7"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "The archive sent an empty document."),
        (b"<html>login</html>", "The document is labelled a PDF but is none."),
        (b"%PDF-1.7 and then nothing that makes sense\n%%EOF", "The PDF is damaged and cannot be read."),
        (pdfs.encrypted(password="secret"), "The PDF is encrypted and opens only with its password."),
        (pdfs.no_pages(), "The PDF has no pages."),
    ],
)
def test_what_is_no_readable_pdf_gets_a_clear_answer(content, message):
    """Issue 3 part 5: encrypted, broken and zero-page PDFs get a clear answer."""
    with pytest.raises(ContentError) as error:
        read_pdf(content)
    assert str(error.value) == message


def test_a_pdf_that_is_protected_against_editing_only_is_read():
    """Issue 3 part 5: an empty user password opens, as it does in every viewer."""
    assert read_pdf(pdfs.encrypted(password="")).pages[0].text == "secret findings"


def test_a_truncated_pdf_is_read_as_far_as_it_goes_or_refused_but_never_taken_for_whole():
    """Issue 3 part 5: truncated."""
    whole = pdfs.drawn(pdfs.lines("first page"), pdfs.lines("second page"))
    nearly = read_pdf(whole[:-6])
    assert "cut off" in nearly.notices[0]
    assert [page.text for page in nearly.pages] == ["first page", "second page"]
    for kept in (len(whole) * 9 // 10, len(whole) // 2, 40):
        with pytest.raises(ContentError, match="cut off"):
            read_pdf(whole[:kept])


def test_a_stream_that_unpacks_to_hundreds_of_megabytes_is_refused_before_it_is_opened():
    """Issue 3: hostile retrieval, a bomb."""
    content = pdfs.bomb()
    assert len(content) < 1_000_000
    with pytest.raises(ContentError, match="unpacks to more than"):
        read_pdf(content)


def test_a_document_beyond_the_size_limit_is_refused():
    """Issue 3 part 5: huge. The limit is lowered so that the test needs no hundred megabytes."""
    with pytest.raises(ContentError, match="more than 100 are not read"):
        check(pdfs.drawn(pdfs.lines("small")), max_bytes=100)


def test_pages_are_drawn_in_several_threads_at_once_without_harm():
    """PDFium may not be used from two threads at once; the server reads documents in worker threads."""
    content, read = pdfs.drawn(pdfs.scan, pdfs.scan), []
    threads = [threading.Thread(target=lambda: read.append(read_pdf(content))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read) == 4
    assert all(document == read[0] for document in read)


@pytest.mark.parametrize(
    ("pages", "numbers"),
    [
        ("", (1, 2, 3, 4, 5)),
        ("1", (1,)),
        ("1-3,5", (1, 2, 3, 5)),
        (" 2 - 3 ", (2, 3)),
        ("4-", (4, 5)),
        ("-2", (1, 2)),
        ("3-9", (3, 4, 5)),
    ],
)
def test_page_selections_are_read_as_print_dialogs_read_them(pages, numbers):
    """contract.md §4: `pages`."""
    assert selected(pages, 5) == numbers


@pytest.mark.parametrize("pages", ["0", "x", "1,,2", "3-1", "1;2", "-", "²", "9999999"])
def test_what_is_no_page_is_refused_with_an_example(pages):
    """contract.md §6: the message quotes the part and says what to write."""
    with pytest.raises(RequestError, match="for example 1-3,5"):
        selected(pages, 5)


def test_a_page_beyond_the_end_is_an_error_that_tells_the_number_of_pages():
    """contract.md §6: the model can act on it."""
    with pytest.raises(RequestError, match="there is no page 6; the document has 5"):
        selected("6", 5)


def test_page_numbers_are_written_as_ranges():
    """contract.md §5: compact text."""
    assert ranges((1, 2, 3, 5, 7, 8)) == "1-3,5,7-8"


BASES = (
    pdfs.drawn(pdfs.two_columns, pdfs.lines("a", "b")),
    pdfs.ruled_table(),
    pdfs.encrypted(password=""),
    pdfs.unmapped_glyphs(),
    pdfs.gigantic_picture(),
)


@settings(deadline=None, max_examples=100)
@given(
    st.sampled_from(BASES),
    st.lists(st.tuples(st.floats(0, 0.999), st.binary(max_size=4), st.integers(0, 9)), max_size=8),
)
def test_a_damaged_pdf_is_read_or_refused_in_our_own_words(content, damages):
    """Issue 3 part 5: broken PDFs get a clear answer, never a fault of ours."""
    damaged = bytearray(content)
    for place, put, cut in damages:
        at = int(place * len(damaged))
        damaged[at : at + cut] = put
    try:
        read = read_pdf(bytes(damaged))
    except ContentError as refusal:
        said = str(refusal)
    else:
        said = " ".join((*read.notices, *(page.text + page.note for page in read.pages)))
    assert said
