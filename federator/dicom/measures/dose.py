"""Radiation dose: numbers belong to their irradiation event, or to the sums over all events (TID 10001, 10011)."""

from dataclasses import replace

from federator.dicom.codes import dcm
from federator.dicom.measures.facts import details_of, said_once
from federator.dicom.measures.generic import KNOWN_FACTS, GenericReader, Line
from federator.dicom.measures.row import Group
from federator.dicom.report.tree import Item

_EVENTS_AND_SUMS = (
    dcm("113706", "Irradiation Event X-Ray Data"),
    dcm("113819", "CT Acquisition"),
    dcm("113502", "Radiopharmaceutical Administration"),
    dcm("113702", "Accumulated X-Ray Dose Data"),
    dcm("113811", "CT Accumulated Dose Data"),
)
_EVENT_UIDS = (
    dcm("113769", "Irradiation Event UID"),
    dcm("113503", "Radiopharmaceutical Administration Event UID"),
)
_PROTOCOL = dcm("125203", "Acquisition Protocol")
_TARGET_REGION = dcm("123014", "Target Region")


class DoseReader(GenericReader):
    """Keeps every number of an event with the event, however deep the containers below it go."""

    def group_item(self, line: Line) -> Item:
        """The event or sum around a number; the nearest container where there is neither."""
        nearest = next((item for item in reversed(line) if item.has_concept(*_EVENTS_AND_SUMS)), None)
        return nearest or super().group_item(line)

    def read_group(self, item: Item, line: Line) -> Group:
        """An event: its UID is the tracking UID, the region irradiated the site; its protocol joins the heading."""
        group = super().read_group(item, line)
        protocol = said_once(item, _PROTOCOL)
        return replace(
            group,
            heading=f"{group.heading}: {protocol}" if protocol else group.heading,
            site=said_once(item, _TARGET_REGION) or group.site,
            tracking_uid=said_once(item, *_EVENT_UIDS),
            details=details_of(item, without=(*KNOWN_FACTS, *_EVENT_UIDS, _PROTOCOL, _TARGET_REGION)),
        )
