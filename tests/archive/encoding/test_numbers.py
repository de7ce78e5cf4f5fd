"""Numbers of an archive's JSON keep the digits in which they were written."""

import json as text_json

import pytest

from federator.archive.encoding.nearly_json import read
from federator.dicom import json
from federator.dicom.metadata import listing
from federator.dicom.report.text import decimals


@pytest.mark.parametrize("written", ["25.40", "560.0", "0.00", "-1.50e-3", "7.0"])
@pytest.mark.parametrize(
    "around", ['[{{"0040A30A": {{"vr": "DS", "Value": [{}]}}}}]', '[{{"0040A30A": {{"vr": "DS", "Value": [{}]}}}},']
)
def test_a_number_stands_as_the_archive_wrote_it(written: str, around: str):
    """contract.md section 5: 560.0, 0.00 and 25.40 stay so; also where the text around them is no JSON."""
    (row,) = read(around.format(written)).values
    assert decimals(row, "0040A30A") == [written]
    assert json.text(row, "0040A30A") == written
    assert listing(row).text.endswith(f": {written}")
    assert json.number(row, "0040A30A") == float(written)
    assert text_json.loads(text_json.dumps(row)) == row


@pytest.mark.parametrize(
    ("written", "shown"),
    [("0.69999999999999996", "0.7"), ("25.399999999999999", "25.4"), ("0.000123456789012345", "0.000123456789012345")],
)
def test_what_a_program_wrote_out_of_a_float_is_shown_as_short_as_it_means_the_same(written: str, shown: str):
    """Orthanc 1.10 writes 17 digits of what a file has as 0.7; 15 digits are what a float holds of anybody's."""
    (value,) = read(f"[{written}]").values
    assert str(value) == shown


def test_digits_that_no_attribute_could_hold_are_not_kept():
    """PS3.5 section 6.2: a DS has 16 characters; a number of a megabyte is a number, not a text."""
    (value,) = read("[0." + "1" * 1_000_000 + "]").values
    assert value == pytest.approx(1 / 9)
    assert len(str(value)) < 40
