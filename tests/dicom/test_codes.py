"""When two codes mean the same, and how they are read."""

import pytest
from pydicom.sr import coding
from pydicom.sr._snomed_dict import mapping

from federator.dicom.codes import Code, codes_in, first_code

OLD, NEW = next((old, new) for old, new in mapping["SRT"].items() if old != new)
OTHER = next(old for old, new in mapping["SRT"].items() if new not in {OLD, NEW} and old != OLD)
CODES = [
    *[(value, scheme) for value in (OLD, NEW, OTHER) for scheme in ("SRT", "SNM3", "99SDM", "SCT", "DCM", "")],
    ("", "SRT"),
    ("x", "SCT"),
]


@pytest.mark.parametrize("one", CODES, ids=str)
def test_codes_mean_the_same_where_pydicom_says_so_and_old_names_of_snomed_are_snomed(one):
    """PS3.16 §8 Table 8-1, Annex L; pydicom's `Code` as the oracle."""
    value, scheme = one
    for other_value, other_scheme in CODES:
        known = [
            coding.Code(code, "SRT" if named in {"SNM3", "99SDM"} else named, "")
            for code, named in ((value, scheme), (other_value, other_scheme))
        ]
        code, other = (
            Code(value=written, scheme=named, meaning="any")
            for written, named in ((value, scheme), (other_value, other_scheme))
        )
        assert code.is_same_as(other) is (bool(value) and bool(known[0] == known[1])), other


@pytest.mark.parametrize("meaning", ["Lung\tleft\u200b", "Lung " * 100], ids=["short", "long"])
def test_a_code_is_read_on_one_line_the_first_that_is_one_counts(meaning):
    """PS3.3 §8; contract.md §5: letters that nobody sees never pass."""
    item = {"00080100": {"vr": "SH", "Value": [" 1 "]}, "00080104": {"vr": "LO", "Value": [meaning]}}
    row = {"0040A043": {"vr": "SQ", "Value": [{}, None, "no item", item, {**item}]}}
    code = Code(value="1", scheme="", meaning=" ".join(meaning.replace("\u200b", "").split()))
    assert first_code(row, "0040A043") == code
    assert codes_in(row, "0040A043") == (code, code)
    assert first_code({}, "0040A043") is None
