"""One QIDO-RS request: what is left out when it is refused, what that teaches, and what counts as an answer."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federator.archive.connection.client import Answer, ArchiveClient, Meter, current_meter
from federator.archive.habits.known import Known
from federator.archive.habits.naming import Naming
from federator.archive.habits.owner import Habits
from federator.archive.search import rows
from federator.archive.search.request import INCLUDE, Request, ask, ask_as_taken
from federator.config import Archive
from federator.errors import ArchiveError
from federator.model import Level, OutcomeState
from tests.support.canned_server import canned, http
from tests.support.hostile.archive import HostileArchive
from tests.support.hostile.loopback import Loopback
from tests.support.hostile.records import Holdings, study
from tests.support.hostile.switches import Fuzzy, IncludeField, Switches, UnknownKey

pytestmark = pytest.mark.anyio

STUDIES = [study(f"1.{number}", date="20240101", patient_id=f"P{number % 5}") for number in range(30)]


def request(*terms: tuple[str, str], limit: int = 1000, **keys: object) -> Request:
    return Request(level=Level.STUDY, path="/studies", terms=terms, limit=limit, **keys)  # type: ignore[arg-type]


@contextmanager
def archive(loopback: Loopback, **switches: object) -> Iterator[tuple[HostileArchive, ArchiveClient]]:
    hostile = HostileArchive(Holdings(studies=STUDIES), Switches(**switches))  # type: ignore[arg-type]
    with loopback.serve(hostile) as (url,):
        yield hostile, ArchiveClient(Archive(name="a", url=url, max_rows=2_000))


async def test_the_first_refusal_is_answered_by_leaving_things_out_and_the_second_question_by_knowing(loopback):
    """facts/dicomweb.md 1.2: Raccoon takes limit=100 at most, others no includefield, Azure no unknown key."""
    with archive(loopback, over_limit_refused=100) as (hostile, client):
        async with client:
            assert len((await ask(client, request())).rows) == 30
            assert client.habits.known.max_limit == 100
            hostile.ledger.clear()
            assert (await ask_as_taken(client, request())).sent.limit == 100
            assert len(hostile.ledger.requests) == 1
            assert (await ask_as_taken(client, request(limit=50))).sent.limit == 50
            assert not client.habits.known.include_refused


async def test_refused_includefields_are_left_out_and_nothing_else(loopback):
    """facts/dicomweb.md 1.2."""
    with archive(loopback, include_field=IncludeField.REFUSED) as (hostile, client):
        async with client:
            assert len((await ask(client, request(("00100020", "P1")))).rows) == 6
            assert client.habits.known.include_refused
            assert (client.habits.known.max_limit, client.habits.known.refused) == (None, set())
            hostile.ledger.clear()
            await ask(client, request())
            assert len(hostile.ledger.requests) == 1


async def test_a_refused_filter_is_left_out_and_remembered_for_its_level(loopback):
    """facts/dicomweb.md 1.2: unknown keys are a 400 at Azure; the rows are checked by the caller."""
    keys = {"ignored_keys": frozenset({"00100020"}), "unknown_key": UnknownKey.REFUSED}
    with archive(loopback, **keys) as (hostile, client):
        async with client:
            assert len((await ask(client, request(("00080020", "20240101-"), ("00100020", "P1")))).rows) == 30
            assert client.habits.known.refused == {(Naming.TAG, Level.STUDY, "00100020")}
            hostile.ledger.clear()
            await ask(client, request(("00100020", "P2"), ("00080020", "20240101-")))
            (sent,) = hostile.ledger.requests
            assert "00080020=20240101-" in sent.query
            assert "P2" not in sent.query


async def test_a_question_that_means_nothing_without_its_terms_is_refused_as_a_whole(loopback):
    """A trial with one term less would prove the wrong thing."""
    keys = {"ignored_keys": frozenset({"00100020"}), "unknown_key": UnknownKey.REFUSED}
    with archive(loopback, **keys) as (_, client):
        async with client:
            with pytest.raises(ArchiveError) as caught:
                await ask(client, request(("00100020", "P1"), whole=True))
            assert caught.value.http_status == 400
            assert client.habits.known.refused == set()


async def test_an_archive_that_refuses_everything_is_asked_a_bounded_number_of_times():
    """house.md, Async: no unbounded loop; nothing is learned from it."""
    count = 0

    def refuse(_: str) -> bytes:
        nonlocal count
        count += 1
        return http(400)

    with canned(refuse) as port:
        async with ArchiveClient(Archive(name="a", url=f"http://127.0.0.1:{port}")) as client:
            with pytest.raises(ArchiveError) as caught:
                await ask(
                    client, request(("00100020", "P1"), ("00080020", "20240101-"), ("00080061", "CT"), fuzzy=True)
                )
            assert (caught.value.http_status, caught.value.state) == (400, OutcomeState.FAILED)
            assert client.habits.known == Known()
    assert count <= 20


async def test_what_breaks_while_things_are_left_out_is_told_as_it_is():
    """contract.md §3.1: an archive that breaks down meanwhile has failed, it did not refuse."""
    answers = iter([http(400), http(403)])
    with canned(lambda _: next(answers)) as port:
        async with ArchiveClient(Archive(name="a", url=f"http://127.0.0.1:{port}")) as client:
            with pytest.raises(ArchiveError) as caught:
                await ask(client, request())
    assert caught.value.state is OutcomeState.REFUSED


async def test_nothing_at_the_address_is_no_empty_list_but_a_study_may_be_absent():
    """contract.md §3.1: "no archive" and "no results" must never be mixed up."""
    with canned(lambda _: http(404)) as port:
        async with ArchiveClient(Archive(name="a", url=f"http://127.0.0.1:{port}")) as client:
            with pytest.raises(ArchiveError) as caught:
                await ask(client, request())
            assert caught.value.state is OutcomeState.NOT_DICOMWEB
            absent = Request(level=Level.SERIES, path="/studies/1.2/series", limit=10)
            assert (await ask(client, absent)).rows == []


async def test_more_rows_than_the_budget_are_a_part(loopback):
    """contract.md §3: four budgets; rows are counted over all requests of one question."""
    with archive(loopback) as (_, client):
        async with client:
            current_meter.set(Meter(rows=1_980))
            with pytest.raises(ArchiveError, match="max_rows") as caught:
                await ask(client, request())
    assert caught.value.state is OutcomeState.PARTIAL


async def test_hexadecimal_keys_are_sent_unless_keywords_were_found_to_be_needed(loopback):
    """facts/dicomweb.md 1.3: keywords are case-sensitive, hexadecimal keys are taken by nearly all."""
    with archive(loopback, fuzzy=Fuzzy.SUPPORTED) as (hostile, client):
        async with client:
            await ask(client, request(("00100010", "DOE*"), limit=7, offset=3, orderby="-StudyDate", fuzzy=True))
            client.habits.named(Naming.KEYWORD)
            await ask(client, request(("00100010", "DOE*"), limit=7, include=("00080050", "00101010")))
    first, second = (sent.query for sent in hostile.ledger.requests)
    assert first.startswith(
        "00100010=DOE*&fuzzymatching=true&limit=7&offset=3&orderby=-StudyDate&includefield=00080020"
    )
    assert second.startswith("PatientName=DOE*&limit=7&includefield=StudyDate&")
    assert second.endswith("&includefield=PatientAge")
    assert second.count("includefield=AccessionNumber") == 1
    assert first.count("includefield") == len(INCLUDE[Level.STUDY])


# What counts as an answer


def answer(body: bytes, status: int = 200, media_type: str = "application/dicom+json", *warnings: str) -> Answer:
    return Answer(status=status, media_type=media_type, content_type=media_type, body=body, warnings=warnings)


ROW = b'{"0020000D": {"vr": "UI", "Value": ["1.2"]}}'


@pytest.mark.parametrize(
    ("body", "status", "count"),
    [(b"", 204, 0), (b"[]", 200, 0), (b"[" + ROW + b"]", 200, 1), (ROW, 200, 1), (b"\xef\xbb\xbf[]", 200, 0),
     (b"", 200, 0), (b" \n", 200, 0), (b"null", 200, 0), (b"{}", 200, 0), (b"[[" + ROW + b"]]", 200, 1),
     (b'{"count": 1, "results": [' + ROW + b"]}", 200, 1), (b'{"0": ' + ROW + b', "2": ' + ROW + b"}", 200, 2),
     (ROW + b"\n" + ROW + b"\n", 200, 2), (b"\x1e" + ROW + b"\n\x1e" + ROW + b"\n", 200, 2),
     (b"[" + ROW + b"," + ROW + b",]", 200, 2), (f"[{ROW.decode()}]".encode("utf-16"), 200, 1)],
)  # fmt: skip
def test_what_is_dicom_json_is_read(body, status, count):
    """PS3.18 §8.3.4.4, §F.2; facts/dicomweb.md 1.7: one object instead of a list; contract.md §3.7: an empty "none"."""
    found = rows.parse(answer(body, status))
    assert (len(found.rows), found.count, found.doubts.sentences()) == (count, count, [])


@pytest.mark.parametrize(
    "body",
    [b"1", b'"x"', b"[1]", b'{"error": "x"}', b"[" * 90_000, b'{"error": ["x"]}', b'[{"error": "x"}, {}]',
     b'[{"a": 1}]', b"<html></html>", b"  <!DOCTYPE html>", b"\xff" + b"[" * 90_000, b"\xff\xfe\x00",
     b"[" + b"9" * 5000 + b"]", b'{"a":' * 50_000, b"<?php ?>", b"[]]["],
)  # fmt: skip
def test_what_is_not_dicom_json_is_refused(body):
    """contract.md §3.1: not_dicomweb, never an empty list."""
    with pytest.raises(ArchiveError) as caught:
        rows.parse(answer(body))
    assert (caught.value.state, caught.value.permanent) == (OutcomeState.NOT_DICOMWEB, True)


@pytest.mark.parametrize("body", [b"", b"  ", b"null", b"{}"])
def test_silence_is_none_only_where_it_calls_itself_dicom_json(body):
    """contract.md §3.1 and §3.7: "no results" and "no archive" must never be mixed up."""
    with pytest.raises(rows.Silence):
        rows.parse(answer(body, 200, "application/json"))


@pytest.mark.parametrize(
    ("body", "count", "left_out"),
    [(b"[{}]", 0, 1), (b"[null]", 0, 1), (b"[" + ROW + b", {}]", 1, 1), (b"[" + ROW + b", {}, {}, 5]", 1, 3),
     (b"[" + ROW, 1, 1), (b"[" + ROW + b',{"00080020": oops},' + ROW + b"]", 2, 1),
     (b"[" + ROW + b',{"0020000D": {"vr": "UI", "Value": ["1.', 1, 1), (b"[" + ROW + b"] and more", 1, 1),
     (b"Warning: x in y.php on line 3\n[" + ROW + b"]", 1, 1)],
)  # fmt: skip
def test_a_broken_row_costs_none_of_the_others_and_is_counted(body, count, left_out):
    """contract.md §3.9: read what can be read, say what was left out."""
    found = rows.parse(answer(body))
    assert (len(found.rows), found.count) == (count, count + left_out)
    (sentence,) = found.doubts.sentences()
    assert sentence.startswith("1 row could not" if left_out == 1 else f"{left_out} rows could not")


@pytest.mark.parametrize(
    ("written", "read"),
    [(b"CT\nCHEST", "CT\nCHEST"), (b"a\tb\x00c\x1f", "a\tb\x00c\x1f"), (rb"C:\Maps", r"C:\Maps"), (rb"5\" x", '5" x')],
)
def test_what_should_be_escaped_is_read_as_it_stands(written, read):
    """RFC 8259 §7 is broken by the archive; nothing is lost."""
    body = b'[{"0020000D": {"Value": ["1.2"]}, "00081030": {"Value": ["' + written + b'", NaN, -Infinity]}}]'
    found = rows.parse(answer(body))
    assert found.rows[0]["00081030"]["Value"] == [read, None, None]
    assert found.doubts.sentences() == []


@pytest.mark.parametrize("charset", ["ISO-8859-2", '"iso-8859-2"', "latin2", "Windows-1250"])
def test_letters_are_read_in_the_character_set_that_is_declared(charset):
    """RFC 9110 §8.3.2."""
    python = "cp1250" if "1250" in charset else "iso-8859-2"
    body = '[{"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Łukasz^Żak"}]}}]'.encode(python)
    found = rows.parse(answer(body, 200, f"application/dicom+json; charset={charset}"))
    assert found.rows[0]["00100010"]["Value"][0]["Alphabetic"] == "Łukasz^Żak"
    assert found.doubts.sentences() == []


@pytest.mark.parametrize("name", ["山田^太郎", "Müller^Jörg", "Żak"])
@pytest.mark.parametrize("charset", ["ISO-8859-1", "shift_jis", "punycode", "zip", "x" * 99, "nonsense"])
def test_utf_8_is_read_as_utf_8_whatever_is_declared(name, charset):
    """RFC 8259 §8.1; many servers label every text ISO-8859-1. No character set that swells is taken."""
    body = f'[{{"00081030": {{"Value": ["{name}"]}}}}]'.encode()
    found = rows.parse(answer(body, 200, f"application/dicom+json; charset={charset}"))
    assert found.rows[0]["00081030"]["Value"] == [name]
    assert found.doubts.sentences() == []


def test_escape_sequences_are_letters_only_where_they_are_declared():
    """ISO 2022 is ASCII byte for byte: undeclared, it looks sound and is not."""
    body = '[{"00081030": {"Value": ["山田"]}}]'.encode("iso2022_jp")
    found = rows.parse(answer(body, 200, "application/dicom+json; charset=ISO-2022-JP"))
    assert found.rows[0]["00081030"]["Value"] == ["山田"]
    assert found.doubts.sentences() == []
    assert rows.parse(answer(body)).doubts.sentences()


def test_one_damaged_letter_does_not_spoil_the_others():
    """A body that is UTF-8 but for one byte stays UTF-8, and the damage is said."""
    body = '[{"00081030": {"Value": ["Müller 山田 '.encode() + b'\xff"]}}]'
    found = rows.parse(answer(body))
    assert found.rows[0]["00081030"]["Value"] == ["Müller 山田 \ufffd"]
    assert found.doubts.sentences()


def test_a_broken_answer_is_read_in_linear_time():
    """CWE-407: each broken row is not read to the end of the text again."""
    piece = '{"00080020": [' * 20_000
    started = time.process_time()
    with pytest.raises(ArchiveError):
        rows.parse(answer(piece.encode()))
    single = time.process_time() - started
    started = time.process_time()
    with pytest.raises(ArchiveError):
        rows.parse(answer((piece * 8).encode()))
    assert time.process_time() - started < max(0.5, 40 * single)


@given(
    body=st.binary(max_size=60)
    | st.text(st.sampled_from('[]{}":,0123456789ABCDEFvrValue\\ud8'), max_size=60).map(str.encode)
)
def test_any_body_is_read_or_refused(body):
    """house.md, Errors: nothing but an ArchiveError comes out of a strange answer."""
    try:
        found = rows.parse(answer(body)).rows
    except ArchiveError:
        found = []
    assert all(len(tag) == 8 and tag == tag.upper() for row in found for tag in row)


def test_a_web_page_is_told_from_a_list_also_by_its_type():
    """facts/dicomweb.md 1.6: login pages come with status 200."""
    with pytest.raises(ArchiveError, match="web page"):
        rows.parse(answer(b"[]", 200, "text/html"))


def test_latin_1_is_read_where_utf_8_was_promised_and_it_is_said():
    """facts/dicomweb.md 1.4: Orthanc before 1.18; it may be any other character set as well."""
    body = '[{"00100010": {"vr": "PN", "Value": [{"Alphabetic": "Müller"}]}}]'.encode("latin-1")
    found = rows.parse(answer(body))
    assert found.rows[0]["00100010"]["Value"][0]["Alphabetic"] == "Müller"
    assert found.doubts.sentences() == [
        "Its text is not in UTF-8 and names no other character set, so letters may be wrong."
    ]


def test_half_a_character_becomes_a_question_mark_and_a_whole_one_stays():
    """One lone surrogate in one name would otherwise keep the whole page from being written as UTF-8."""
    body = rb'[{"00081030": {"Value": ["a\ud800b", "\ud83d\ude00", "\\ud800"]}}]'
    (row,) = rows.parse(answer(body)).rows
    assert row["00081030"]["Value"] == ["a?b", "\U0001f600", "\\ud800"]


def test_keys_in_lower_case_are_lifted_and_strange_ones_left_out():
    """facts/dicomweb.md 1.7."""
    body = b"[" + ROW + b', {"0020000d": {"Value": ["1.3"]}, "0010,0020": null}]'
    assert [list(row) for row in rows.parse(answer(body)).rows] == [["0020000D"], ["0020000D"]]


@pytest.mark.parametrize(
    ("status", "warning", "more", "said"),
    [
        (200, "", False, ""),
        (206, "", False, "a part only (206)"),
        (200, '299 dcm4chee "There are 7 additional results that can be requested"', True, ""),
        (204, "299 x: There are 7 Additional results", True, ""),
        (200, "299 x: The fuzzymatching parameter is not supported. Only literal matching performed.", False, ""),
        (200, '299 archive "One storage node did not answer"', False, "(Warning 299)"),
        (200, "HTTP/1.1 299 {x}: some tags had errors", False, "(Warning 299)"),
        (200, "strange", False, "(Warning 299)"),
        (200, '110 proxy "Response is stale"', False, "out of date"),
        (200, '214 proxy "Transformation applied"', False, ""),
        (200, '299 x "includefield 00081030 not supported"', False, ""),
    ],
)
def test_what_an_archive_says_of_its_own_answer_is_believed_and_told_in_our_words(status, warning, more, said):
    """PS3.18 §8.3.4.4, RFC 7234 §5.5; contract.md §3.7."""
    found = rows.parse(answer(b"[]", status, "application/json", *([warning] if warning else [])))
    assert found.more is more
    assert said in " ".join(found.doubts.sentences())
    assert len(found.doubts.sentences()) == bool(said)


# What is remembered of lengths


@given(lengths=st.lists(st.integers(0, 1200), max_size=12), cap=st.none() | st.integers(10, 200))
def test_a_cap_is_never_below_an_answer_that_was_seen(lengths, cap):
    """habits: a longer answer refutes a cap."""
    habits = Habits()
    if cap:
        habits.cuts(Level.STUDY, cap)
    for length in lengths:
        habits.saw(Level.STUDY, length)
    assert habits.known.caps.get(Level.STUDY, 10**9) >= max(lengths, default=0)
    assert habits.known.seen.get(Level.STUDY, 0) == max(lengths, default=0)


def test_an_answer_shorter_than_one_seen_before_is_whole():
    """fetched: a cap is the same for every answer of a level."""
    habits = Habits()
    assert habits.known.may_be_capped(Level.STUDY, 30)
    habits.saw(Level.STUDY, 60)
    assert not habits.known.may_be_capped(Level.STUDY, 30)
    assert habits.known.may_be_capped(Level.SERIES, 30)
    assert not habits.known.may_be_capped(Level.SERIES, 9)
    habits.prove(Level.STUDY, 77)
    assert not habits.known.may_be_capped(Level.STUDY, 77)
    habits.cuts(Level.STUDY, 77)
    assert habits.known.may_be_capped(Level.STUDY, 77)
