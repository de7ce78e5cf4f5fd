"""multipart/related and the marks of content: right on what is right, forgiving on what archives send."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from federator.archive.encoding.multipart import MultipartError, content_type, is_multipart, parse
from federator.archive.encoding.part10 import inspect
from federator.archive.encoding.sniff import Kind, ends_as_begun, is_rle, jpeg_process, rle_decoded_bytes, sniff
from tests.support.hostile_retrieval import rendered_image
from tests.support.retrieval_objects import IMAGES, JPEG, NATIVE, OBJECTS, PDF, REPORT, packaged

BOUNDARIES = st.text("abcXYZ0189'()+_,-./:=?", min_size=1, max_size=70)
CONTENTS = st.binary(max_size=300) | st.lists(
    st.sampled_from([b"\r\n", b"\n", b"--b", b"--b--", b"\r\n--b", b"\r\n--bc\r\n", b"\0", b"DICM"]), max_size=12
).map(b"".join)


def multipart(contents: list[bytes], boundary: str, *, line: bytes = b"\r\n", sized: bool = False) -> bytes:
    body = b""
    for content in contents:
        size = f"Content-Length: {len(content)}".encode() + line if sized else b""
        body += b"--" + boundary.encode() + line + b"Content-Type: application/dicom" + line + size + line
        body += content + line
    return body + b"--" + boundary.encode() + b"--" + line


@given(contents=st.lists(CONTENTS, min_size=1, max_size=4), boundary=BOUNDARIES)
def test_what_was_put_together_is_taken_apart_again(contents, boundary):
    """RFC 2046 §5.1.1: a boundary does not occur in the content; everything else may."""
    assume(not any(b"\n--" + boundary.encode() in b"\n" + content for content in contents))
    parts = parse(multipart(contents, boundary), f'multipart/related; type="application/dicom"; boundary="{boundary}"')
    assert [part.content for part in parts] == contents
    assert all(part.whole and part.framed for part in parts)


@given(contents=st.lists(CONTENTS, min_size=1, max_size=4))
def test_a_stated_length_settles_even_a_boundary_inside_the_content(contents):
    """PS3.18 §8.6.1.2.1: parts may carry Content-Length."""
    parts = parse(multipart(contents, "b", sized=True), "multipart/related; boundary=b")
    assert [part.content for part in parts] == contents


@given(contents=st.lists(CONTENTS, min_size=1, max_size=3), cut=st.integers(min_value=1), sized=st.booleans())
def test_a_cut_body_never_gives_a_part_that_looks_whole_and_is_not(contents, cut, sized):
    """RFC 2046 §5.1.1: only a delimiter, or a length, ends a part."""
    assume(not any(b"\n--b" in b"\n" + content for content in contents))
    body = multipart(contents, "b", sized=sized)
    try:
        parts = parse(body[: len(body) - 1 - cut % len(body)], "multipart/related; boundary=b")
    except MultipartError:
        return
    whole = [part.content for part in parts if part.whole]
    assert whole == contents[: len(whole)]


@given(content=st.binary(max_size=200))
def test_line_feeds_alone_are_taken_for_line_breaks(content):
    """Sloppy servers write LF; the content keeps its last byte."""
    assume(b"\n--b" not in b"\n" + content)
    assert parse(multipart([content], "b", line=b"\n"), "multipart/related; boundary=b")[0].content == content


@given(body=st.binary(max_size=400), header=st.text(max_size=80))
def test_any_bytes_give_parts_or_a_multipart_error(body, header):
    """house.md, errors: foreign bytes never crash."""
    try:
        parts = parse(body, header)
    except MultipartError:
        return
    assert parts


@pytest.mark.parametrize("missing", range(0, 40, 3))
def test_a_delimiter_is_found_wherever_it_lies_in_a_large_body(missing):
    """Large bodies are searched in pieces of 4 MiB; a delimiter may lie across two of them."""
    contents = [bytes(4_194_304 - missing), b"\r\n--bc\r\n--b-", b""]
    assert [part.content for part in parse(multipart(contents, "b"), "multipart/related; boundary=b")] == contents


def test_a_missing_boundary_is_read_off_the_first_line():
    """facts: IDC's client met answers without a boundary parameter."""
    assert parse(multipart([b"one", b"two"], "b"), "multipart/related")[1].content == b"two"


def test_a_boundary_that_is_not_the_one_used_is_passed_over():
    """The body is right about its own delimiter."""
    assert parse(multipart([b"one"], "b"), "multipart/related; boundary=c")[0].content == b"one"


def test_preamble_epilogue_and_white_space_behind_delimiters_are_no_content():
    """RFC 2046 §5.1.1."""
    body = b"MIME.\r\n\r\n--b  \r\n\r\none\r\n--b\t\r\nContent-Type: a/b\r\n\r\ntwo\r\n--b-- \r\nThe end.\r\n--b\r\n"
    parts = parse(body, "multipart/related; boundary=b")
    assert [(part.content, part.media_type) for part in parts] == [
        (b"one", "application/octet-stream"),
        (b"two", "a/b"),
    ]


def test_a_missing_close_delimiter_leaves_the_last_part_not_whole():
    """RFC 2046 §5.1.1: without it the part may have been cut."""
    body = multipart([b"one", b"two"], "b").removesuffix(b"\r\n--b--\r\n")
    parts = parse(body, "multipart/related; boundary=b")
    assert [(part.content, part.whole) for part in parts] == [(b"one", True), (b"two", False)]


def test_an_empty_part_may_share_its_line_break_with_the_delimiter():
    """Seen where a server forgets the line break that belongs to the delimiter."""
    assert parse(b"--b\r\nA: b\r\n\r\n--b--\r\n", "multipart/related; boundary=b")[0].content == b""


@pytest.mark.parametrize(
    "body", [b"", b"no delimiter at all", b"--b--\r\n", b"--b", b"--b\r\nContent-Type: a/b\r\n", b"--b\r\nx" * 20_000]
)
def test_what_holds_no_part_is_an_error(body):
    """house.md, types: a value that exists is valid."""
    with pytest.raises(MultipartError):
        parse(body, "multipart/related; boundary=b")


def test_orthancs_transfer_syntax_inside_the_quoted_type_is_found():
    """facts/dicomweb.md 1.5: how Orthanc 1.7 labels frames."""
    header = 'multipart/related; type="application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"; boundary=abc'
    assert content_type(header).transfer_syntax == "1.2.840.10008.1.2.1"
    assert parse(multipart([b"pixels"], "abc"), header)[0].transfer_syntax == "1.2.840.10008.1.2.1"


def test_the_part_knows_its_transfer_syntax_better_than_the_whole():
    """PS3.18 §8.7.3.5.2: parts may differ."""
    own = b"Content-Type: image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50\r\nContent-Location: /f/1"
    body = b"--b\r\n" + own + b"\r\n\r\n.\r\n--b--"
    part = parse(body, 'multipart/related; type="application/octet-stream"; transfer-syntax=1.2.3; boundary=b')[0]
    assert (part.transfer_syntax, part.media_type, part.location) == ("1.2.840.10008.1.2.4.50", "image/jpeg", "/f/1")


@pytest.mark.parametrize(
    ("header", "media_type", "parameters"),
    [
        ("application/dicom", "application/dicom", {}),
        (" Application/DICOM ; Transfer-Syntax = 1.2 ", "application/dicom", {"transfer-syntax": "1.2"}),
        (
            'multipart/related; type="a/b; x=1"; boundary="q;\\"r"',
            "multipart/related",
            {"type": "a/b; x=1", "boundary": 'q;"r'},
        ),
        (
            "multipart/related;type=application/dicom;boundary=x;boundary=y",
            "multipart/related",
            {"type": "application/dicom", "boundary": "x"},
        ),
        ('multipart/related; boundary="open', "multipart/related", {"boundary": "open"}),
        ("", "", {}),
    ],
)
def test_a_content_type_is_taken_apart(header, media_type, parameters):
    """RFC 9110 §8.3.1, and what archives make of it."""
    read = content_type(header)
    assert (read.media_type, dict(read.parameters)) == (media_type, parameters)


def test_a_multipart_body_is_known_by_its_look_under_any_label():
    """facts/dicomweb.md 1.5: bodies labelled octet-stream (OHIF's fixMultipart)."""
    assert is_multipart(multipart([b"x"], "b"), "application/octet-stream")
    assert is_multipart(b"preamble", "multipart/related; boundary=b")
    assert not is_multipart(b"--", "application/octet-stream")
    assert not is_multipart(b"-- two dashes of a CDA comment, no header", "text/xml")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", Kind.EMPTY),
        (NATIVE.file, Kind.DICOM),
        (JPEG.frames[0], Kind.JPEG),
        (rendered_image(1, "JPEG"), Kind.JPEG),
        (rendered_image(1, "PNG"), Kind.PNG),
        (rendered_image(1, "GIF"), Kind.GIF),
        (PDF, Kind.PDF),
        (b"\xef\xbb\xbf \n<!doctype HTML><p>", Kind.HTML),
        (b"<html lang='en'>", Kind.HTML),
        (b"\xff\xd8\xff" + b"\x12" * 400, Kind.UNKNOWN),
        (NATIVE.frames[0], Kind.UNKNOWN),
        (b'{"a": 1}', Kind.UNKNOWN),
    ],
)
def test_content_is_known_by_its_marks(content, kind):
    """facts/dicomweb.md 1.5, "Sniff"."""
    assert sniff(content) is kind


@pytest.mark.parametrize("stored", IMAGES, ids=lambda stored: stored.name)
def test_every_compressed_frame_is_known_and_known_to_be_whole(stored):
    """Encapsulated frames of pydicom's files, split by pydicom."""
    for frame in stored.frames:
        kind = sniff(frame)
        assert ends_as_begun(frame, kind)
        if stored.transfer_syntax == "1.2.840.10008.1.2.5":
            assert is_rle(frame)
            assert rle_decoded_bytes(frame) == stored.native_bytes
            assert rle_decoded_bytes(frame[: len(frame) // 2]) < stored.native_bytes
        elif not stored.dataset.file_meta.TransferSyntaxUID.is_encapsulated:
            assert kind is Kind.UNKNOWN
            assert not is_rle(frame)
        else:
            assert kind in {Kind.JPEG, Kind.JPEG_LS, Kind.JPEG_2000}
            assert not ends_as_begun(frame[: len(frame) // 2], kind)


@given(content=st.binary(max_size=300))
def test_no_bytes_break_the_sniffing(content):
    """house.md, errors: foreign bytes never crash."""
    for candidate in (content, b"\xff\xd8\xff" + content):
        assert isinstance(ends_as_begun(candidate, sniff(candidate)), bool)
        jpeg_process(candidate)
        assert rle_decoded_bytes(candidate) >= 0


@pytest.mark.parametrize("stored", OBJECTS, ids=lambda stored: stored.name)
def test_a_dicom_file_tells_its_instance_and_that_it_is_whole(stored):
    """PS3.10 §7.1, PS3.5 §7."""
    facts = inspect(stored.file)
    assert facts.whole
    assert stored.uids[2] in facts.sop_instance_uids
    assert facts.transfer_syntax == stored.transfer_syntax


@pytest.mark.parametrize("stored", OBJECTS, ids=lambda stored: stored.name)
def test_a_dicom_file_that_is_cut_inside_of_its_last_element_is_not_whole(stored):
    """contract.md §3.1: cut short is never taken for complete."""
    assert not inspect(stored.file[:-5]).whole


def test_a_deflated_data_set_is_whole_only_to_its_end():
    """PS3.5 §A.5: the end is that of the deflated stream."""
    deflated = packaged("image_dfl.dcm").file
    assert inspect(deflated).whole
    assert not inspect(deflated[: len(deflated) // 2]).whole


def test_items_of_unknown_value_representation_are_walked_as_implicit_ones():
    """PS3.5 §6.2.2 note 4: UN of undefined length; this length looks like a value representation ("BB")."""
    begin = NATIVE.file.index(b"\xe0\x7f\x10\x00OW")
    item = b"\x08\0\x00\x01" + (0x4242).to_bytes(4, "little") + b"\xff" * 0x4242
    sequence = b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + item + b"\xfe\xff\x0d\xe0" + bytes(4)
    unknown = b"\x09\0\x01\x10UN\0\0\xff\xff\xff\xff" + sequence + b"\xfe\xff\xdd\xe0" + bytes(4)
    content = NATIVE.file[:begin] + unknown + NATIVE.file[begin:]
    assert inspect(content).whole
    assert not inspect(content[:-9]).whole
    assert not inspect(NATIVE.file[:begin] + unknown[:-9]).whole


@given(position=st.integers(min_value=140, max_value=len(REPORT.file) - 1))
def test_a_report_cut_anywhere_is_whole_only_between_two_elements(position):
    """The walk is compared with pydicom's own: where it stops early, pydicom has read fewer elements."""
    import io

    import pydicom

    if inspect(REPORT.file[:position]).whole:
        shorter = pydicom.dcmread(io.BytesIO(REPORT.file[:position]))
        assert all(element == REPORT.dataset[element.tag] for element in shorter)


@given(content=st.binary(max_size=600))
def test_no_bytes_behind_the_mark_break_the_look_through(content):
    """house.md, errors: foreign bytes never crash."""
    assert isinstance(inspect(bytes(128) + b"DICM" + content).whole, bool)
