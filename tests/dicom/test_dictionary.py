"""pydicom's dictionary read as plain data says what pydicom says."""

import subprocess
import sys

from pydicom import datadict
from pydicom._uid_dict import UID_dictionary
from pydicom.uid import UID

from federator.dicom import dictionary, json


def test_every_keyword_and_value_representation_is_pydicoms() -> None:
    """PS3.6: the same dictionary, entry by entry."""
    for tag, entry in datadict.DicomDictionary.items():
        assert dictionary.entry_of(f"{tag:08X}") == (entry[0], entry[4])
    tags = {keyword: f"{tag:08X}" for keyword, tag in datadict.keyword_dict.items() if keyword}
    assert {keyword: json.tag_of(keyword) for keyword in dictionary.keywords()} == tags


def test_every_uid_has_the_name_that_pydicom_gives_it() -> None:
    """PS3.6 Annex A: the same list."""
    assert {uid: dictionary.name_of(uid) for uid in UID_dictionary} == {uid: UID(uid).name for uid in UID_dictionary}
    assert dictionary.name_of("1.2.3") == ""
    classes = dict(dictionary.sop_classes())
    assert classes == {uid: entry[0] for uid, entry in UID_dictionary.items() if entry[1] == "SOP Class"}


def test_repeating_groups_are_known_under_each_of_their_numbers() -> None:
    """PS3.5 §7.6: overlays stand in groups 6000 to 60FF."""
    for tag in ("60003000", "60023000", "601E0010"):
        assert json.keyword_of(tag) == datadict.keyword_for_tag(int(tag, 16))
        assert json.vr_of(tag) == datadict.dictionary_VR(int(tag, 16)).split(" or ")[0]
    for mask, entry in datadict.RepeatersDictionary.items():
        for digit in "02468ACE":
            tag = mask.replace("x", digit)
            if int(tag, 16) not in datadict.DicomDictionary:
                assert dictionary.entry_of(tag) == (entry[0], entry[4])


def test_a_keyword_is_found_in_any_case_and_as_written_only_where_that_is_asked() -> None:
    """contract.md §2: keys of a query in any case; PS3.18 §8.3.4.1: keywords are spelt as in PS3.6."""
    for keyword in dictionary.keywords():
        tag = dictionary.tag_of_any_case(keyword)
        assert tag == dictionary.tag_of_any_case(keyword.upper()) == dictionary.tag_of_any_case(keyword.lower())
        assert json.keyword_of(tag) == keyword
    assert (json.tag_of("PatientName"), json.tag_of("patientname")) == ("00100010", "")
    unknown = ("", "Aaa", "Zzz", "PatientNam", "PatientName\tPN", "PatientName\n")
    assert [dictionary.tag_of_any_case(word) for word in unknown] == [""] * len(unknown)


def test_what_is_no_tag_has_no_entry() -> None:
    """Nothing raises on what an archive may send as a key."""
    assert [dictionary.entry_of(tag) for tag in ("", "0010001", "(0010,0010)", "0009ZZZZ", "00091001")] == [None] * 5


def test_little_of_the_dictionary_stays_in_memory() -> None:
    """Issue 5, memory: its text is 0.2 MB; pydicom's tuples and an index by keyword would be 1.8 MB."""
    program = (
        "import gc, tracemalloc\n"
        "from federator.dicom import dictionary\n"
        "dictionary.prepare()\n"  # Python's own table of names grows with the first reading, and stays so.
        "dictionary._table.cache_clear()\n"
        "dictionary._uids.cache_clear()\n"
        "gc.collect()\n"
        "tracemalloc.start()\n"
        "dictionary.prepare()\n"
        "gc.collect()\n"
        "print(tracemalloc.get_traced_memory()[0])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 500_000


def test_a_look_up_does_not_import_pydicom() -> None:
    """The search path stays without NumPy and the pixel decoders (house rule: imported where they are used)."""
    program = (
        "import sys\n"
        "from federator.dicom import dictionary, json\n"
        "assert json.keyword_of('00100010') == 'PatientName'\n"
        "assert dictionary.name_of('1.2.840.10008.1.2') == 'Implicit VR Little Endian'\n"
        "print([name for name in ('pydicom', 'numpy', 'PIL') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
