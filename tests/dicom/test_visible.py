"""What a person can see of a text, and what is taken off it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federator.dicom.json import PersonName
from federator.dicom.query.matching import matches_name, matches_text
from federator.dicom.visible import cell, on_one_line, visible
from tests.support.synthetic.hostile_text import UNSEEN


@pytest.mark.parametrize("letter", sorted(set(UNSEEN)))
def test_no_letter_that_nobody_sees_passes(letter):
    """contract.md section 5; Unicode §23: format, tag, variation, filler, private, unassigned, control."""
    assert visible(f"a{letter}b") == "ab"


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_every_line_end_is_one(end):
    """Unicode §5.8 (newline guidelines): whatever a reader takes for a line end is one, and none within a line."""
    assert visible(f"a{end}b") == "a\nb"
    assert on_one_line(f"a{end}b") == "a b"


@pytest.mark.parametrize(
    "word", ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0915\u094d\u200d\u0937", "\u0d9a\u0dca\u200d\u0dc2"]
)
def test_joiners_stay_between_letters_of_scripts_that_need_them(word):
    """Unicode §23.2: Persian, Hindi, Sinhala."""
    assert visible(word) == word


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"])
@pytest.mark.parametrize(
    "around", ["a{}b", "{}\u0645", "\u0645{}", "\u0645{} \u0645", "\u0645{}1", "\U0001f468{}\U0001f469"]
)
def test_joiners_go_where_they_join_nothing(joiner, around):
    """contract.md section 5: elsewhere they are letters that nobody sees."""
    assert visible(around.format(joiner)) == around.format("")
    assert visible("\u0645" + joiner * 2 + "\u0645") == "\u0645\u0645"


def test_letters_that_are_seen_stay_as_they_are():
    """contract.md section 5: a value stands as the archive gave it."""
    for text in ("山田^太郎", "Ångström 5 µm²", "e\u0301", "한글", "⚕ → ✓", "a\tb\nc", "\U00020bb7"):
        assert visible(text) == text


def test_a_cell_cannot_make_another_one():
    """contract.md section 5: a cell's own ` | ` is told from the separator."""
    assert cell("Doe^A | B\nC") == "Doe^A ¦ B C"


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from(UNSEEN + " |^"))))
def test_what_is_shown_finds_what_it_was_shown_for(held):
    """contract.md section 2: what is shown can be asked."""
    for shown in (on_one_line(held), cell(held)):
        if not set(shown) & set("*?=") and shown.strip("^ "):
            assert matches_text(held, shown)
            assert matches_name(PersonName(alphabetic=held), shown)


@given(st.text())
def test_what_is_visible_stays_so(text):
    """What is shown twice is shown the same."""
    once = visible(text)
    assert visible(once) == once
    assert not {letter for letter in once if unicodedata.category(letter) in {"Co", "Cn", "Cs", "Zl", "Zp"}}
