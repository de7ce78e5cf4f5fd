"""Names of which an archive lost letters: neither shown as matches nor passed over in silence."""

import pytest

from federator.dicom.json import PersonName
from federator.dicom.query.matching import may_match_name

LATIN1 = PersonName(alphabetic="Yamada^Tarou", ideographic="^", phonetic="^")
QUESTION_MARKS = PersonName(alphabetic="Yamada^Tarou", ideographic="??^??", phonetic="")
READABLE = PersonName(alphabetic="Yamada^Tarou", ideographic="山田^太郎", phonetic="")


@pytest.mark.parametrize(
    ("name", "pattern", "may"),
    [
        (LATIN1, "山田*", True),
        (LATIN1, "Doe*", False),
        (QUESTION_MARKS, "山田^太郎", True),
        (QUESTION_MARKS, "*山田*", True),
        (QUESTION_MARKS, "山田太郎*", False),
        (QUESTION_MARKS, "Doe^*", False),
        (PersonName(alphabetic="M?ller^Hans", ideographic="", phonetic=""), "müller*", True),
        (PersonName(alphabetic="M?ller^Hans", ideographic="", phonetic=""), "möbius*", False),
        (READABLE, "鈴木*", False),
    ],
)
def test_a_name_with_lost_letters_may_be_the_one_asked_for(name: PersonName, pattern: str, may: bool) -> None:
    """Facts of the field, 1.4: Orthanc in Latin-1 answers ^ for 山田^太郎; contract.md §3.1: no silent gap."""
    assert may_match_name(name, pattern) is may
