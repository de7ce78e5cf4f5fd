"""Finding and reading reports in archives that misbehave: all of them, or an answer that says what is missing."""

import json
import re
from enum import StrEnum, auto
from pathlib import Path

import pytest
from mcp import Client

from federator.archive.folder.app import folder_app
from federator.config import Archive, Config
from federator.server.app import build_server
from tests.support.synthetic.documents import encapsulated, image
from tests.support.synthetic.pdfs import drawn, lines
from tests.support.synthetic.report_catalogue import CATALOGUE
from tests.support.synthetic.reports import IMAGE_SERIES, SERIES, STUDY

pytestmark = pytest.mark.anyio

_INSTANCES = re.compile(r"/studies/[0-9.]+/series/[0-9.]+/instances")


class Quirk(StrEnum):
    """What archives were seen to do with reports (facts/dicomweb.md sections 1 and 7)."""

    BARE_ROWS = auto()  # Azure, tiny-pacs: only what they index
    NO_METADATA = auto()  # tiny-pacs, AWS at some levels
    METADATA_WITHOUT_SEQUENCES = auto()
    RETRIEVAL_FAILS = auto()
    NO_SOP_CLASSES = auto()  # Orthanc 1.10
    IMAGES_CANNOT_BE_LISTED = auto()
    FILTER_IGNORED = auto()  # Orthanc for keys that it does not know, static-wado for all
    FILTER_FINDS_NOTHING = auto()  # Orthanc for keys of another level
    ONLY_FIRST_OF_LIST = auto()  # tiny-pacs, Azure: one UID


class ReportArchive:
    """A folder of files behind real HTTP, with quirks; remembers the paths that were asked for."""

    def __init__(self, folder: Path, *quirks: Quirk) -> None:
        self._app = folder_app(folder, cache=folder.parent / f"{folder.name}-cache")
        self._quirks = frozenset(quirks)
        self.paths: list[str] = []
        self.rows_sent = 0

    async def __call__(self, scope, receive, send) -> None:
        path = scope["path"].removeprefix(scope["root_path"])
        self.paths.append(path)
        status = self._refusal(path)
        if status:
            await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})
            return
        sent = []

        async def keep(message) -> None:
            sent.append(message)

        query = self._query(scope["query_string"].decode())
        await self._app({**scope, "path": path, "root_path": "", "query_string": query.encode()}, receive, keep)
        start = sent[0]
        body = b"".join(message.get("body", b"") for message in sent[1:])
        if body[:1] == b"[":
            rows = [self._changed(row, path) for row in json.loads(body)]
            self.rows_sent += len(rows)
            body = json.dumps(rows).encode()
        kept = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
        headers = [*kept, (b"content-length", str(len(body)).encode())]
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _query(self, query: str) -> str:
        """The query string as this archive understands it."""
        if Quirk.FILTER_IGNORED in self._quirks:
            return re.sub(r"(00080016|SOPClassUID)=[^&]*&?", "", query)
        if Quirk.FILTER_FINDS_NOTHING in self._quirks:
            return re.sub(r"(00080016|SOPClassUID)=[^&]*", r"\1=1.2.3", query)
        if Quirk.ONLY_FIRST_OF_LIST in self._quirks:
            return re.sub(r"(00080016|SOPClassUID)=([^&,]*),[^&]*", r"\1=\2", query)
        return query

    def _refusal(self, path: str) -> int:
        is_metadata = path.endswith("/metadata")
        if is_metadata and Quirk.NO_METADATA in self._quirks:
            return 404
        if "/instances/" in path and Quirk.RETRIEVAL_FAILS in self._quirks:
            return 500
        lists_images = _INSTANCES.fullmatch(path) and ".1.2/" in path
        return 500 if lists_images and Quirk.IMAGES_CANNOT_BE_LISTED in self._quirks else 0

    def _changed(self, row: dict, path: str) -> dict:
        if Quirk.BARE_ROWS in self._quirks and _INSTANCES.fullmatch(path):
            row = {tag: row[tag] for tag in ("00080016", "00080018", "0020000D", "0020000E") if tag in row}
        if Quirk.METADATA_WITHOUT_SEQUENCES in self._quirks and path.endswith("/metadata"):
            row = {tag: element for tag, element in row.items() if element["vr"] != "SQ"}
        if Quirk.NO_SOP_CLASSES in self._quirks:
            row.pop("00080062", None)
        return row


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """One study: five images, three reports of two kinds, one PDF."""
    made = tmp_path_factory.mktemp("hostile") / "files"
    made.mkdir()
    objects = [image(number) for number in range(1, 6)]
    objects += [CATALOGUE[name]() for name in ("basic_text", "key_objects", "ct_dose")]
    objects.append(encapsulated(1, drawn(lines("Findings: normal")), modality="CT"))
    for held in objects:
        held.save_as(made / f"{held.SOPInstanceUID}.dcm", enforce_file_format=True)
    return made


async def call(url: str, tool: str, **arguments):
    async with Client(build_server(Config(archives=(Archive(name="odd", url=url),)))) as client:
        return await client.call_tool(tool, arguments)


def said(result) -> str:
    return "\n".join(block.text for block in result.content if block.type == "text")


HARMLESS = (
    (),
    (Quirk.BARE_ROWS,),
    (Quirk.NO_SOP_CLASSES,),
    (Quirk.BARE_ROWS, Quirk.NO_METADATA),
    (Quirk.NO_METADATA, Quirk.NO_SOP_CLASSES),
    (Quirk.BARE_ROWS, Quirk.METADATA_WITHOUT_SEQUENCES),
)


@pytest.mark.parametrize("quirks", HARMLESS, ids=" ".join)
async def test_every_report_is_found_although_the_archive_tells_little(folder, loopback, quirks):
    """Issue 3 part 2: all of them; archives that cannot search SOPClassUID are walked."""
    with loopback.serve(ReportArchive(folder, *quirks)) as (url,):
        reports = (await call(url, "find-structured-reports", studyInstanceUid=STUDY)).structured_content
        documents = (await call(url, "find-encapsulated-pdf-reports", studyInstanceUid=STUDY)).structured_content
    assert reports["complete"] is True
    assert {report["sopInstanceUid"] for report in reports["reports"]} == {f"{SERIES}.{n}@odd" for n in (1, 5, 6)}
    assert [report["kind"] for report in documents["reports"]] == ["Encapsulated PDF"]


@pytest.mark.parametrize(
    "quirks", [quirks for quirks in HARMLESS if Quirk.METADATA_WITHOUT_SEQUENCES not in quirks], ids=" ".join
)
async def test_titles_and_states_are_known_although_search_rows_do_not_tell_them(folder, loopback, quirks):
    """Issue 3 part 2: title, date, completion and verification where the archive tells, be it in the object only."""
    with loopback.serve(ReportArchive(folder, *quirks)) as (url,):
        reports = (await call(url, "find-structured-reports", studyInstanceUid=STUDY)).structured_content["reports"]
    assert {(report["title"], report.get("verification", "")) for report in reports} == {
        ("Diagnostic Imaging Report", "VERIFIED"),
        ("Of Interest", ""),
        ("X-Ray Radiation Dose Report", "UNVERIFIED"),
    }


@pytest.mark.parametrize("quirks", HARMLESS, ids=" ".join)
async def test_a_report_is_read_whole_although_its_metadata_are_missing_or_cut(folder, loopback, quirks):
    """facts/dicomweb.md 1.5: where /metadata does not do, the instance itself does."""
    uids = {"studyInstanceUid": STUDY, "seriesInstanceUid": SERIES, "sopInstanceUid": f"{SERIES}.6"}
    with loopback.serve(ReportArchive(folder, *quirks)) as (url,):
        text = said(await call(url, "get-structured-report-text", **uids))
        table = (await call(url, "get-structured-report-measurements", **uids)).structured_content
    assert "DLP: 300.10 mGy.cm" in text
    # Two sums, and eleven numbers of two events.
    assert sum(len(group["measurements"]) for group in table["groups"]) == 2
    told = [cell for events in table["events"] for row in events["rows"] for cell in row]
    assert [cell for cell in told if cell in {"8.20", "300.10", "350", "9.10", "212.30", "5.3"}] == [
        *("8.20", "300.10", "350", "5.3"),
        *("9.10", "212.30", "350", "5.3"),
    ]
    assert [len(re.findall(r"\b(?:80|120|140) \(", cell)) for cell in told if "X-Ray Source" in cell] == [1, 2]


async def test_reports_that_cannot_be_opened_are_listed_and_the_list_says_what_is_not_known(folder, loopback):
    """contract.md §3: an archive's shortcomings are told in words, beside what it did give."""
    with loopback.serve(ReportArchive(folder, Quirk.BARE_ROWS, Quirk.RETRIEVAL_FAILS)) as (url,):
        result = await call(url, "find-structured-reports", studyInstanceUid=STUDY)
    assert len(result.structured_content["reports"]) == 3
    assert "Title and state of 3 reports are not known: they were not opened." in said(result)


async def test_a_series_that_cannot_be_listed_makes_the_answer_partial(folder, loopback):
    """contract.md §3: complete is true only if the archive gave everything that belongs into the answer."""
    archive = ReportArchive(folder, Quirk.IMAGES_CANNOT_BE_LISTED, Quirk.NO_SOP_CLASSES)
    with loopback.serve(archive) as (url,):
        result = await call(url, "find-structured-reports", studyInstanceUid=STUDY)
    assert result.structured_content["complete"] is False
    assert len(result.structured_content["reports"]) == 3
    assert said(result).startswith("PARTIAL ANSWER: odd gave only a part (One series could not be looked into")


async def test_an_archive_that_lists_the_classes_of_a_study_is_not_walked_for_nothing(tmp_path, loopback):
    """Issue 3 part 2: bounded; (0008,0062) proves that there is no report, so no series is looked into."""
    files = tmp_path / "images"
    files.mkdir()
    for held in (image(1), image(2)):
        held.save_as(files / f"{held.SOPInstanceUID}.dcm", enforce_file_format=True)
    archive = ReportArchive(files)
    with loopback.serve(archive) as (url,):
        result = await call(url, "find-structured-reports", studyInstanceUid=STUDY)
    assert result.structured_content["reports"] == []
    assert result.structured_content["complete"] is True
    assert archive.paths == ["/studies"]


async def test_a_report_that_is_read_is_not_opened_once_more_to_see_whether_another_replaces_it(folder, loopback):
    """Issue 11, part 9: a report of megabytes is asked for once; the others still tell what they replace."""
    archive = ReportArchive(folder)
    with loopback.serve(archive) as (url,):
        uids = {"seriesInstanceUid": SERIES, "sopInstanceUid": f"{SERIES}.1"}
        result = await call(url, "get-structured-report-text", studyInstanceUid=STUDY, **uids)
    assert not result.is_error
    opened = [path for path in archive.paths if path.endswith("/metadata")]
    assert [path.count(f"/instances/{SERIES}.1/") for path in opened].count(1) == 1
    assert len(opened) > 1


LARGE_SERIES = 230


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    """A series of 230 images, and by mistake a report among them."""
    made = tmp_path_factory.mktemp("large") / "files"
    made.mkdir()
    stray = CATALOGUE["basic_text"]()
    stray.SeriesInstanceUID, stray.Modality = IMAGE_SERIES, "CT"
    for held in (*[image(number) for number in range(1, LARGE_SERIES)], stray):
        held.save_as(made / f"{held.SOPInstanceUID}.dcm", enforce_file_format=True)
    return made


@pytest.mark.parametrize(
    "quirks",
    [(), (Quirk.FILTER_IGNORED,), (Quirk.FILTER_FINDS_NOTHING,), (Quirk.ONLY_FIRST_OF_LIST,)],
    ids=" ".join,
)
async def test_a_report_among_many_images_is_found_whatever_the_archive_does_with_the_filter(large, loopback, quirks):
    """Issue 3 part 2: all of them; a search by SOPClassUID is believed only where it was shown to work."""
    with loopback.serve(ReportArchive(large, Quirk.NO_SOP_CLASSES, *quirks)) as (url,):
        found = (await call(url, "find-structured-reports", studyInstanceUid=STUDY)).structured_content
    assert found["complete"] is True
    assert [report["sopInstanceUid"] for report in found["reports"]] == [f"{SERIES}.1@odd"]


async def test_a_large_series_without_reports_costs_a_few_rows_where_the_filter_works(large, loopback):
    """Issue 3 part 2: bounded; the images are not listed one by one to find that there is no document."""
    archive = ReportArchive(large, Quirk.NO_SOP_CLASSES)
    with loopback.serve(archive) as (url,):
        found = (await call(url, "find-encapsulated-pdf-reports", studyInstanceUid=STUDY)).structured_content
    assert (found["complete"], found["reports"]) == (True, [])
    assert archive.rows_sent < 10
