"""Large JSON is read row by row and lets other threads in; what it holds is the same."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federator.archive.encoding import nearly_json
from federator.archive.encoding.weight import is_light, longest_run, weight_of
from federator.archive.search.cut import cut

ROW = {"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Doe^Jane"}]}, "00080020": {"vr": "DA", "Value": ["20240101"]}}
MEGABYTE = 1_048_576
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(values=st.lists(VALUES, min_size=1), blanks=st.sampled_from(["", " ", "\n\t"]))
def test_a_large_list_holds_what_the_same_values_are_by_themselves(values, blanks) -> None:
    """RFC 8259 §5: whichever way it is read."""
    rows = [*values, "x" * 70_000]
    text = blanks + "[" + blanks + f"{blanks},{blanks}".join(map(json.dumps, rows)) + blanks + "]" + blanks
    read = nearly_json.read(text)
    assert (read.values, read.broken) == (json.loads(text), ())
    assert read.large is not None
    assert len(values) in read.large


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("[]" + " " * 70_000, 0),
        (json.dumps(ROW) + " " * 70_000, 1),
        (json.dumps([ROW] * 2000)[:-1] + ",]", 2000),
        (json.dumps([ROW] * 2000)[:-1], 2000),
        ("\n".join([json.dumps(ROW)] * 2000), 2000),
        ("Warning: 1\n" + json.dumps([ROW] * 2000), 2000),
    ],
)
def test_large_texts_that_are_no_sound_list_are_read_as_small_ones_are(text: str, count: int) -> None:
    """facts/dicomweb.md: archives write JSON by hand."""
    assert nearly_json.read(text).values == [ROW] * count


def test_long_rows_are_told() -> None:
    """PS3.5 §6.2: only they are looked at for values that are too long."""
    text = json.dumps([ROW, {"00081030": {"vr": "LO", "Value": ["a" * 70_000]}}, ROW])
    assert nearly_json.read(text).large == {1}
    assert nearly_json.read('{"a": "' + "b" * 70_000 + '"}').large is None


def test_a_search_row_keeps_the_beginning_of_each_element() -> None:
    """contract.md §3.9: a value of 100 kB costs nobody else anything."""
    long = {
        "00081030": {"vr": "LO", "Value": ["a" * 100_000]},
        "00080061": {"vr": "CS", "Value": ["CT"] * 100_000},
        "00081110": {"vr": "SQ", "Value": [ROW] * 100_000},
        "00100010": ROW["00100010"],
    }
    kept = cut(long)
    assert list(kept) == list(long)
    assert kept["00100010"] == ROW["00100010"]
    assert kept["00080061"]["Value"][:3] == ["CT"] * 3
    assert kept["00081110"]["Value"][0] == ROW
    assert all(len(json.dumps(element)) < 300_000 for element in kept.values())
    deep: list[object] = []
    for _ in range(500):
        deep = [deep]
    assert cut({"00081030": {"vr": "LO", "Value": deep}})


def test_values_in_a_row_are_counted_up_to_the_next_object() -> None:
    """CWE-405: Python reads them in one go."""
    assert longest_run(b"[" + b"[]," * MEGABYTE + b"0]") == MEGABYTE
    assert longest_run(b'["' + b"\\n" * MEGABYTE + b'"]') == MEGABYTE
    assert longest_run(json.dumps([ROW] * 20_000).encode()) == 0
    assert longest_run(b'["' + b"a" * (4 * MEGABYTE) + b'"]') == 0


def test_the_weight_of_pieces_is_that_of_the_whole() -> None:
    """CWE-770: the widest letter counts, wherever it stands."""
    assert is_light(b"[]")
    assert weight_of(b"[]") == 2
    plain = json.dumps([ROW] * 20_000).encode()
    assert not is_light(plain)
    wide = b'["\xf0\x9f\x98\x80"' + b" " * (2 * MEGABYTE) + b"]"
    assert weight_of(wide) > 8.9 * len(wide)
    assert weight_of(b'["\xc3\xa4"' + b" " * (2 * MEGABYTE) + b"]") < 3.1 * len(wide)
    assert weight_of(plain) > 5 * len(plain)
