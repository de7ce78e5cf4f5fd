"""Whether a large series of images holds reports too, without listing all of its images.

A search by SOPClassUID answers that in one request, where the archive can do it: many ignore the key, or find nothing
by it. So the same kind of question is asked first for the class of an image that is there, among UIDs that are not.
"""

from collections.abc import Callable

from federator.archive.connection.client import ArchiveClient
from federator.archive.search.request import Request, ask
from federator.dicom import json
from federator.dicom.report.sop_classes import MAYBE_REPORTS, REPORT_CLASSES
from federator.model import DicomJson, Level

LARGE = 200
"""Series of more instances than this are worth three small questions."""

_SOP_CLASS = "00080016"
_NUMBER_OF_INSTANCES = "00201209"
# UIDs of no class, around the one that must be found: who reads only the first or the last of a list is found out.
_NOWHERE = ("1.2.840.10008.5.1.4.1.1.0.1", "1.2.840.10008.5.1.4.1.1.0.2")


async def surely_holds_none(
    client: ArchiveClient, study_instance_uid: str, series: DicomJson, is_wanted: Callable[[str], bool]
) -> bool:
    """Whether a series is large, of images, and was shown to hold no object of a wanted class; False in any doubt.

    Raises ArchiveError.
    """
    size = json.integer(series, _NUMBER_OF_INSTANCES) or 0
    if size <= LARGE or json.text(series, "00080060") in MAYBE_REPORTS:
        return False
    path = f"/studies/{study_instance_uid}/series/{json.uid(series, '0020000E')}/instances"
    first = await _classes(client, path, ())
    if not first or not all(first) or any(map(is_wanted, first)):
        return False
    control = await _classes(client, path, (_NOWHERE[0], first[0], _NOWHERE[1]))
    if not control or set(control) != {first[0]}:
        return False
    return not await _classes(client, path, tuple(filter(is_wanted, REPORT_CLASSES)))


async def _classes(client: ArchiveClient, path: str, sop_classes: tuple[str, ...]) -> list[str]:
    """The SOP Class UIDs of a few instances that match a list of classes; of any instances where it is empty."""
    terms = ((_SOP_CLASS, ",".join(sop_classes)),) if sop_classes else ()
    answer = await ask(client, Request(level=Level.INSTANCE, path=path, terms=terms, limit=3))
    return [json.uid(row, _SOP_CLASS) for row in answer.rows]
