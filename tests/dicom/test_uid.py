"""UIDs and the tags that say which archives hold them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federator.dicom.uid import TaggedUID, is_archive_name, is_uid
from federator.errors import RequestError

uids = st.from_regex(r"[0-9]{1,10}(\.[0-9]{1,10}){0,4}", fullmatch=True)
names = st.from_regex(r"[a-z0-9][a-z0-9-]{0,31}", fullmatch=True)


@given(uid=uids, archives=st.lists(names, unique=True, max_size=5))
def test_a_tagged_uid_is_read_as_it_is_written(uid, archives):
    """contract.md §1: the tag is the only routing state, so nothing of it may be lost."""
    tagged = TaggedUID.of(uid, archives)
    assert TaggedUID.parse(str(tagged)) == tagged
    assert TaggedUID.parse(f"  {tagged}\n") == tagged


@given(text=st.text(max_size=80))
def test_whatever_comes_is_read_or_refused_in_words(text):
    """contract.md §6: never a crash."""
    said = ""
    try:
        tagged = TaggedUID.parse(text, name="studyInstanceUid")
    except RequestError as error:
        said = str(error)
    else:
        assert is_uid(tagged.uid)
        assert all(map(is_archive_name, tagged.archives))
    assert not said or said.startswith("studyInstanceUid: '")


@pytest.mark.parametrize(
    "text",
    ["", "@a", "1.2.", ".1", "1..2", "1.2x", "1" * 65, "1.2@", "1.2@a,", "1.2@,a", "1.2@A", "1.2@-a", "1.2@a@b",
     "1.2@" + "a" * 33, "1.2@a b", "1.2@a\nb", "\u0661.\u0662", "1.2\u200b", "../1", "1.2/series"],
)  # fmt: skip
def test_what_does_not_fit_the_grammar_is_refused(text):
    """contract.md §1: UID ["@" NAME *("," NAME)]."""
    with pytest.raises(RequestError):
        TaggedUID.parse(text)


@pytest.mark.parametrize("text", ["0", "1.2.3", "1" * 64, "1.02.3", "2.25.329800735698586629295641978511506172918"])
def test_what_archives_hold_is_taken(text):
    """Components with leading zeros are against PS3.5 §9.1, but such objects exist."""
    assert TaggedUID.parse(text) == TaggedUID(uid=text)


def test_a_name_that_stands_twice_counts_once():
    """contract.md §1: the names are the holders, the preferred one first."""
    assert TaggedUID.parse("1.2@b,a,b").archives == ("b", "a")
    assert TaggedUID.parse("1.2@ b , a ").archives == ("b", "a")


def test_a_long_text_is_shortened_in_the_message():
    """contract.md §5: answers are small."""
    with pytest.raises(RequestError) as caught:
        TaggedUID.parse("x" * 5000)
    assert len(str(caught.value)) < 300
