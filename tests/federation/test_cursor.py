"""The place to resume at: whatever comes back is either exactly what was given, or refused."""

import base64
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from federator.errors import RequestError
from federator.federation import cursor as cursors

DIGEST = cursors.digest_of(["query", "1.2.3"])
ARCHIVES = ("north", "south")
ranks = st.tuples(st.integers(-(10**21), 10**21), st.integers(-(10**13), 10**13), st.text(max_size=64))
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=.~ é\0"


@given(place=ranks)
def test_a_cursor_tells_its_place(place):
    """contract.md §3.4: a stateless cursor."""
    cursor = cursors.encode(DIGEST, place, ARCHIVES)
    assert cursors.decode(cursor, DIGEST, ARCHIVES) == place
    assert cursors.decode(f" {cursor}\n", DIGEST, ARCHIVES) == place
    assert set(cursor) <= set(ALPHABET[:64])


@given(place=ranks, at=st.integers(0, 10_000), letter=st.sampled_from(ALPHABET))
@example(place=(1, 1, ""), at=-1, letter="A")
def test_any_other_letter_is_refused(place, at, letter):
    """contract.md §3.4: checked; a damaged cursor must never lead to another place."""
    cursor = cursors.encode(DIGEST, place, ARCHIVES)
    at %= len(cursor)
    damaged = cursor[:at] + letter + cursor[at + 1 :]
    if damaged.strip() != cursor:
        with pytest.raises(RequestError, match="damaged"):
            cursors.decode(damaged, DIGEST, ARCHIVES)


def test_every_letter_of_a_cursor_counts():
    """The last letter of base64 has bits to spare: another letter there would mean the same."""
    for uid in ("", "1", "12", "1.2.840"):
        cursor = cursors.encode(DIGEST, (-20240105, 1, uid), ARCHIVES)
        for at in range(len(cursor)):
            for letter in ALPHABET[:66]:
                damaged = cursor[:at] + letter + cursor[at + 1 :]
                if damaged != cursor:
                    with pytest.raises(RequestError):
                        cursors.decode(damaged, DIGEST, ARCHIVES)


@given(text=st.text(max_size=200))
def test_what_was_never_a_cursor_is_refused(text):
    """contract.md §6: the model can act on it."""
    with pytest.raises(RequestError):
        cursors.decode(text or "x", DIGEST, ARCHIVES)


@given(place=ranks, cut=st.integers(1, 30))
def test_a_cursor_cut_short_or_given_twice_is_refused(place, cut):
    """Assistants shorten what is long."""
    cursor = cursors.encode(DIGEST, place, ARCHIVES)
    for damaged in (cursor[:-cut], cursor[cut:], cursor + cursor, cursor + "=", cursor[:10] + "…"):
        with pytest.raises(RequestError, match="damaged"):
            cursors.decode(damaged, DIGEST, ARCHIVES)


def test_a_cursor_of_another_question_is_refused_by_saying_so():
    """contract.md §3.4: the query's digest is checked."""
    cursor = cursors.encode(cursors.digest_of(["other"]), (-20240105, 1, "1.2"), ARCHIVES)
    with pytest.raises(RequestError, match="another question"):
        cursors.decode(cursor, DIGEST, ARCHIVES)


def test_a_cursor_of_another_version_is_refused():
    """A server that was updated between two pages does not misread the place."""
    for content in ([2, DIGEST, 1, 1, ""], [1, DIGEST, 1, 1, "", "more"], [1, DIGEST, "1", 1, ""], {"v": 1}):
        body = json.dumps(content).encode()
        cursor = base64.urlsafe_b64encode(cursors._check(body) + body).decode().rstrip("=")
        with pytest.raises(RequestError, match="another question"):
            cursors.decode(cursor, DIGEST, ARCHIVES)


@given(parts=st.lists(st.text(max_size=5), max_size=4), others=st.lists(st.text(max_size=5), max_size=4))
def test_questions_have_digests_of_their_own(parts, others):
    """Two questions must not share their cursors."""
    no_nul = all("\0" not in part and part.isprintable() for part in (*parts, *others))
    if no_nul and parts and others:
        assert (cursors.digest_of(parts) == cursors.digest_of(others)) == (parts == others)


@pytest.mark.parametrize("now", [("north",), ("north", "souths"), ("north", "south", "west"), ("north,south",), ()])
def test_a_cursor_of_other_archives_is_refused_and_says_so(now):
    """contract.md §3.1, §3.4: an archive that is gone, new or renamed is never a silent hole in the list."""
    cursor = cursors.encode(DIGEST, (-20240105, 1, "1.2"), ARCHIVES)
    with pytest.raises(RequestError, match="archives of this configuration are no longer those"):
        cursors.decode(cursor, DIGEST, now)


def test_the_order_of_the_archives_makes_no_difference():
    """contract.md §3.4: it is one list, whichever archive is named first."""
    cursor = cursors.encode(DIGEST, (-20240105, 1, "1.2"), ARCHIVES)
    assert cursors.decode(cursor, DIGEST, ARCHIVES[::-1]) == (-20240105, 1, "1.2")
