"""Retrieving from a real archive: pictures, overviews and reports, against raw requests for the same."""

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks import studies
from benchmarks.distance import AWAY_MS, far_away
from benchmarks.measuring import Line, RawGet, Stdio, federator_command, interleaved, text_of
from benchmarks.searching import config_of
from federator.demo.samples.catalogue import write_samples
from tests.support.orthanc_server import Orthanc, running

_EDGE = 512
_KIND = "Basic Text SR"


@contextmanager
def _orthanc() -> Iterator[Orthanc]:
    with tempfile.TemporaryDirectory() as folder, running(Path(folder), "bench", "/dicom-web/") as orthanc:
        yield orthanc


@contextmanager
def _server(orthanc: Orthanc) -> Iterator[Stdio]:
    with config_of({"pacs": orthanc.url}) as config:
        server = Stdio(federator_command(config))
        try:
            server.initialize()
            yield server
        finally:
            server.close()


_TAGS = {"studyInstanceUid": f"{studies.IMAGE_STUDY}@pacs", "seriesInstanceUid": f"{studies.IMAGE_SERIES}@pacs"}


def pictures(*, rounds: int = 15) -> list[Line]:
    """One frame against the archive's own picture of it; overviews against single frames; beside it and far away."""
    with _orthanc() as orthanc, far_away(orthanc, AWAY_MS) as far:
        for number in range(1, studies.SLICES + 1):
            orthanc.store(studies.slice_file(number, _EDGE))
        return [*_pictures(orthanc, "", rounds), *_pictures(far, f", {AWAY_MS} ms away", rounds)]


def _pictures(orthanc: Orthanc, where: str, rounds: int) -> list[Line]:
    with _server(orthanc) as server:
        return [_passed_through(server, orthanc, where, rounds), *_overviews(server, where, rounds // 3 or 1)]


def _passed_through(server: Stdio, orthanc: Orthanc, where: str, rounds: int) -> Line:
    instance = studies.slice_uid(1)
    path = f"/studies/{studies.IMAGE_STUDY}/series/{studies.IMAGE_SERIES}/instances/{instance}/frames/1/rendered"
    with closing(RawGet(orthanc, path, "image/jpeg")) as raw:
        ours_s, raw_s, times = interleaved(lambda: _render(server, instance), raw.get, rounds=rounds)
    return Line(
        what=f"`render-instance-frame` passed through{where}",
        against="a raw GET of `/rendered`",
        reached=times,
        goal=1.15,
        note=f"{ours_s * 1000:.0f} ms against {raw_s * 1000:.0f} ms, {_EDGE} × {_EDGE}",
    )


def _render(server: Stdio, instance: str) -> object:
    return server.call("render-instance-frame", **_TAGS, sopInstanceUid=f"{instance}@pacs")


def _overviews(server: Stdio, where: str, rounds: int) -> list[Line]:
    def singles() -> None:
        for number in range(1, studies.SLICES + 1):
            _render(server, studies.slice_uid(number))

    sheet_s, singles_s, times = interleaved(
        lambda: server.call("render-series-overview", **_TAGS, frames=studies.SLICES), singles, rounds=rounds
    )
    nine_s, one_s, nine_times = interleaved(
        lambda: server.call("render-series-overview", **_TAGS, frames=9),
        lambda: _render(server, studies.slice_uid(1)),
        rounds=rounds * 2,
    )
    return [
        Line(
            what=f"overview of {studies.SLICES} frames{where}",
            against=f"one frame × {studies.SLICES}, one after the other",
            reached=times,
            goal=0.35 if where else 0.6,
            note=f"{sheet_s * 1000:.0f} ms against {singles_s * 1000:.0f} ms",
        ),
        Line(
            what=f"overview of 9 frames{where}",
            against="one frame",
            reached=nine_times,
            note=f"{nine_s * 1000:.0f} ms against {one_s * 1000:.0f} ms",
        ),
    ]


def decoding(*, rounds: int = 15) -> list[Line]:
    """Decoding and windowing a frame here, against pydicom's pixel data alone."""
    from io import BytesIO

    from pydicom import dcmread
    from pydicom.pixels.utils import pixel_array

    from federator.dicom.pixels.part10 import DicomFile
    from federator.dicom.render.frame import display_pixels

    content = studies.slice_file(1, _EDGE)
    frame = DicomFile(content).frame(1)
    dataset = dcmread(BytesIO(content))
    ours_s, theirs_s, times = interleaved(
        lambda: display_pixels(frame), lambda: pixel_array(dataset), rounds=rounds * 4, repeats=10
    )
    return [
        Line(
            what=f"decoding and windowing a {_EDGE} × {_EDGE} 16-bit frame here",
            against="`pydicom` pixel data alone",
            reached=times,
            goal=2.0,
            note=f"{ours_s * 1000:.2f} ms against {theirs_s * 1000:.2f} ms",
        )
    ]


def reports(*, rounds: int = 20) -> list[Line]:
    """A structured report as text, against a raw GET of its metadata."""
    with tempfile.TemporaryDirectory() as folder, _orthanc() as orthanc:
        mercy = write_samples(Path(folder))[0]
        for file in sorted(mercy.rglob("*")):
            if file.is_file():
                orthanc.store(file.read_bytes())
        with _server(orthanc) as server:
            tags = _first_report(server)
            study, series, instance = (tag.partition("@")[0] for tag in tags.values())
            path = f"/studies/{study}/series/{series}/instances/{instance}/metadata"
            with closing(RawGet(orthanc, path, "application/dicom+json")) as raw:
                ours_s, raw_s, times = interleaved(
                    lambda: server.call("get-structured-report-text", **tags), raw.get, rounds=rounds
                )
            said = text_of(server.call("get-structured-report-text", **tags))
    return [
        Line(
            what="structured report as text",
            against="a raw GET of its metadata",
            reached=times,
            note=f"{ours_s * 1000:.0f} ms against {raw_s * 1000:.0f} ms, {len(said)} characters",
        )
    ]


def _first_report(server: Stdio) -> dict[str, str]:
    """The UIDs of one text report of the samples, found as a model would find it."""
    studies_found = server.structured("find-studies", query="ModalitiesInStudy=SR")["studies"]
    for study in studies_found:
        found = server.structured("find-structured-reports", studyInstanceUid=study["studyInstanceUid"])
        for report in found["reports"]:
            if report["kind"] == _KIND:
                return {
                    "studyInstanceUid": study["studyInstanceUid"],
                    "seriesInstanceUid": report["seriesInstanceUid"],
                    "sopInstanceUid": report["sopInstanceUid"],
                }
    raise RuntimeError("The samples have no text report.")
