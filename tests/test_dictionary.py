"""pydicom's dictionary read as plain data says what pydicom says."""

import subprocess
import sys

from pydicom import datadict

from federator.dicom import dictionary, json


def test_every_keyword_and_value_representation_is_pydicoms() -> None:
    """PS3.6: the same dictionary, entry by entry."""
    for tag, entry in datadict.DicomDictionary.items():
        assert dictionary.entry_of(f"{tag:08X}") == entry
    assert dictionary.keywords() == {keyword: f"{tag:08X}" for keyword, tag in datadict.keyword_dict.items() if keyword}


def test_repeating_groups_are_known_under_each_of_their_numbers() -> None:
    """PS3.5 §7.6: overlays stand in groups 6000 to 60FF."""
    for tag in ("60003000", "60023000", "601E0010"):
        assert json.keyword_of(tag) == datadict.keyword_for_tag(int(tag, 16))
        assert json.vr_of(tag) == datadict.dictionary_VR(int(tag, 16)).split(" or ")[0]


def test_what_is_no_tag_has_no_entry() -> None:
    """Nothing raises on what an archive may send as a key."""
    assert [dictionary.entry_of(tag) for tag in ("", "0010001", "(0010,0010)", "0009ZZZZ", "00091001")] == [None] * 5


def test_a_look_up_does_not_import_pydicom() -> None:
    """The search path stays without NumPy and the pixel decoders (house rule: imported where they are used)."""
    program = (
        "import sys\n"
        "from federator.dicom import json\n"
        "assert json.keyword_of('00100010') == 'PatientName'\n"
        "print([name for name in ('pydicom', 'numpy', 'PIL') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
