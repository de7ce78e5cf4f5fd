"""Letters as they are compared: folded alike, and never at a cost by the square of their length."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federator.dicom.letters import bearable, folded, plain_name, without_marks


@given(text=st.text(max_size=29))
def test_text_of_usual_length_stays_as_it_is(text: str) -> None:
    """UAX #15 §13: thirty marks are more than any language needs."""
    assert bearable(text) == text


@given(letters=st.text(st.sampled_from("ae\u0301\u0316\u0f73\uff9e\u3099字 "), min_size=200, max_size=2_000))
def test_no_letter_keeps_more_than_thirty_marks(letters: str) -> None:
    """UAX #15 §13: also where letters fall apart into marks."""
    run = longest = 0
    for letter in unicodedata.normalize("NFKD", bearable(letters)):
        run = run + 1 if unicodedata.combining(letter) else 0
        longest = max(longest, run)
    assert longest <= 2 * 30


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        (" Doe ^ Jane \u2003^", "doe^jane^"),
        ("MÜLLER^JÖRG", "muller^jorg"),
        ("\u3000山田\u3000^\u00a0太郎", "山田^太郎"),
        ("Straße", "strasse"),
        (" " * 500_000 + "Doe", ""),
        ("Doe" + "\u0301" * 100_000 + "^Jane", "doe"),
    ],
)
def test_names_are_compared_without_case_marks_and_padding(written: str, plain: str) -> None:
    """PS3.5 §6.2.1; what stands behind a thousand characters is no name."""
    assert plain_name(written) == plain


def test_text_is_folded_as_before() -> None:
    """PS3.4 §C.2.2.2.4: without regard to case, here."""
    assert folded("  CHEST \u0130 ") == "chest i\u0307"
    assert without_marks("Müller 山") == "Muller 山"
