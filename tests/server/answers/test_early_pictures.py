"""Pictures that are asked for beside the metadata: at once, and never to another end than one after the other."""

import asyncio
import base64
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from mcp import Client
from PIL import Image
from pydicom.dataset import Dataset

from federator.config import Archive, Config
from federator.server.app import build_server
from tests.support.hostile.fences import unmarked
from tests.support.hostile.loopback import Loopback
from tests.support.synthetic.images import image_dataset

pytestmark = pytest.mark.anyio

STUDY, SERIES = "1.2.3", "1.2.3.4"
CT, OTHER_CT, MR, REPORT = (f"{SERIES}.{number}" for number in range(1, 5))
MR_STORAGE = "1.2.840.10008.5.1.4.1.1.4"


def ct(uid: str) -> Dataset:
    dataset = image_dataset(np.full((32, 32), 1000, np.int16), WindowCenter=40, WindowWidth=400)
    dataset.SOPInstanceUID = uid
    return dataset


def mr(uid: str) -> Dataset:
    dataset = image_dataset(np.full((32, 32), 100, np.uint8), Modality="MR", SOPClassUID=MR_STORAGE)
    dataset.SOPInstanceUID = uid
    return dataset


def report(uid: str) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID = STUDY, SERIES, uid
    return dataset


class Pictures:
    """An archive that makes pictures, each of its own brightness by instance and window.

    `refused` are HTTP statuses in place of pictures. Once `coupled`, it answers for metadata only when a picture was
    asked for as well.
    """

    def __init__(self, *held: Dataset) -> None:
        self.held = {str(dataset.SOPInstanceUID): dataset for dataset in held}
        self.refused: dict[str, int] = {}
        self.requests: list[str] = []
        self._asked = asyncio.Event()
        self._asked.set()

    def couple(self) -> None:
        self._asked = asyncio.Event()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        resource = scope["path"].rpartition("/instances/")[2]
        asked = f"{resource}?{scope['query_string'].decode()}".rstrip("?")
        self.requests.append(asked)
        uid = resource.partition("/")[0]
        if resource.endswith("/rendered"):
            self._asked.set()
            status, kind, body = self._picture(uid, resource, asked)
        elif resource.endswith("/metadata"):
            await self._asked.wait()
            row = self.held[uid].to_json_dict(bulk_data_threshold=16, bulk_data_element_handler=lambda _: "bulk")
            status, kind, body = 200, "application/dicom+json", json.dumps([row]).encode()
        elif "/frames/" in resource:
            status, kind, body = 200, "application/octet-stream", self.held[uid].PixelData
        else:
            status, kind, body = 404, "text/plain", b""
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _picture(self, uid: str, resource: str, asked: str) -> tuple[int, str, bytes]:
        if uid in self.refused or "/frames/1/" not in resource:
            return self.refused.get(uid, 400), "text/plain", b""
        return 200, "image/png", shade(uid, asked.partition("?")[2])

    def pictures_asked(self) -> list[str]:
        return [asked for asked in self.requests if "/rendered" in asked]


def shade(uid: str, query: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (32, 32), 20 * int(uid[-1]) + sum(query.encode()) % 19).save(buffer, "PNG")
    return buffer.getvalue()


@contextmanager
def serving(loopback: Loopback, *held: Dataset) -> Iterator[tuple[Pictures, Client]]:
    pictures = Pictures(*held)
    with loopback.serve(pictures) as [url]:
        yield pictures, Client(build_server(Config(archives=(Archive(name="mercy", url=url, deadline_s=10),))))


async def look(client: Client, uid: str, **arguments: object) -> tuple[str, bytes]:
    """The text and the picture of an answer."""
    tags = {"studyInstanceUid": STUDY, "seriesInstanceUid": SERIES, "sopInstanceUid": f"{uid}@mercy"}
    result = await client.call_tool("render-instance-frame", {**tags, "outputFormat": "image/png", **arguments})
    texts = [block.text for block in result.content if block.type == "text"]
    images = [base64.b64decode(block.data) for block in result.content if block.type == "image"]
    return unmarked("\n".join(texts)), b"".join(images)


async def test_a_picture_is_asked_for_beside_the_metadata_of_an_archive_that_was_seen_to_render(loopback):
    """Issue 5: neither waits for the other; here, the one is not answered without the other."""
    with serving(loopback, ct(CT), ct(OTHER_CT)) as (pictures, archive):
        async with archive as client:
            await look(client, CT)
            pictures.couple()
            text, picture = await look(client, OTHER_CT)
    assert "Decoded by federator" not in text
    assert picture == shade(OTHER_CT, "")
    assert len(pictures.pictures_asked()) == 2


async def test_so_is_a_picture_in_a_window_once_the_archive_was_seen_to_honour_windows(loopback):
    """Issue 5; issue 3 part 7: whether an archive honours windows is found out step by step, by asking twice."""
    with serving(loopback, ct(CT), ct(OTHER_CT)) as (pictures, archive):
        async with archive as client:
            await look(client, CT, window="40,400")
            assert len(pictures.pictures_asked()) == 2
            pictures.couple()
            text, picture = await look(client, OTHER_CT, window="40,400")
    assert "Window: center 40, width 400." in text
    assert picture == shade(OTHER_CT, "window=40,400,linear")
    assert len(pictures.pictures_asked()) == 3


async def test_a_picture_in_a_window_that_does_not_apply_is_never_shown(loopback):
    """Issue 3 part 7: presets hold for CT only; what was guessed before that was known is thrown away."""
    with serving(loopback, ct(CT), mr(MR)) as (pictures, archive):
        async with archive as client:
            plain = await look(client, MR, window="lung")
            await look(client, CT, window="lung")
            pictures.couple()
            again = await look(client, MR, window="lung")
    assert again == plain
    assert "The preset 'lung' was not applied" in again[0]
    assert again[1] == shade(MR, "")
    assert pictures.pictures_asked()[-2:] == [
        f"{MR}/frames/1/rendered?window=-600,1500,linear",
        f"{MR}/frames/1/rendered",
    ]


async def test_nothing_is_asked_early_of_an_archive_that_is_not_known_to_render(loopback):
    """Issue 5: at the first contact, the metadata say first whether there is anything to render."""
    with serving(loopback, ct(CT), report(REPORT)) as (pictures, archive):
        async with archive as client:
            assert "This is no image" in (await look(client, REPORT))[0]
            assert "This instance has one frame" in (await look(client, CT, frame=2))[0]
    assert pictures.pictures_asked() == []


async def test_what_an_early_question_was_in_vain_for_is_told_as_before_and_teaches_nothing(loopback):
    """Issue 5: reports and frames that do not exist are refused by archives as well; that is no habit of theirs."""
    with serving(loopback, ct(CT), report(REPORT)) as (pictures, archive):
        async with archive as client:
            report_before, frame_before = await look(client, REPORT), await look(client, CT, frame=2)
            await look(client, CT)
            pictures.refused[REPORT] = 400
            pictures.couple()
            assert await look(client, REPORT) == report_before
            pictures.couple()
            assert await look(client, CT, frame=2) == frame_before
            pictures.couple()
            text, picture = await look(client, CT)
    assert "Decoded by federator" not in text
    assert picture == shade(CT, "")


async def test_a_kind_that_is_refused_early_is_not_asked_for_again(loopback):
    """Issue 3 part 7: what an archive cannot render is remembered per kind; from then on it is asked step by step."""
    with serving(loopback, ct(CT), mr(MR)) as (pictures, archive):
        async with archive as client:
            await look(client, CT)
            pictures.refused[MR] = 400
            pictures.couple()
            first, _ = await look(client, MR)
            asked = len(pictures.pictures_asked())
            second, _ = await look(client, MR)
    assert "Decoded by federator: mercy does not render this object" in first
    assert "Decoded by federator: mercy was found not to render this kind of object" in second
    assert len(pictures.pictures_asked()) == asked


@pytest.mark.parametrize("status", [403, 410])
async def test_a_fault_of_an_early_picture_is_told_in_the_same_words(loopback, status):
    """Issue 5: an archive that cannot be asked for the picture has failed, whenever it was asked."""
    with serving(loopback, ct(CT)) as (pictures, archive):
        async with archive as client:
            pictures.refused[CT] = status
            before = await look(client, CT)
            del pictures.refused[CT]
            await look(client, CT)
            pictures.refused[CT] = status
            pictures.couple()
            assert await look(client, CT) == before
    assert before[1] == b""
