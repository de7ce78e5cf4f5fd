"""Radiation dose: numbers belong to their irradiation event, or to the sums over all events (TID 10001, 10011)."""

from dataclasses import replace

from federator.dicom.codes import dcm
from federator.dicom.measures.facts import children_named, said_once
from federator.dicom.measures.generic import GenericReader, Line
from federator.dicom.measures.row import Detail, Group, Role
from federator.dicom.report.tree import Item
from federator.dicom.report.values import concept_name

_EVENTS = (dcm("113706", "Irradiation Event X-Ray Data"), dcm("113819", "CT Acquisition"))
_SUMS = (
    dcm("113702", "Accumulated X-Ray Dose Data"),
    dcm("113811", "CT Accumulated Dose Data"),
    dcm("130500", "Accumulated Dose Data"),
)
_EVENTS_AND_SUMS = (*_EVENTS, *_SUMS, dcm("113502", "Radiopharmaceutical Administration"))
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
            role=_role(item),
            site=said_once(item, _TARGET_REGION) or group.site,
            tracking_uid=said_once(item, *_EVENT_UIDS),
            details=_details(item, group),
        )


def _role(item: Item) -> Role:
    if item.has_concept(*_EVENTS):
        return Role.EVENT
    return Role.TOTAL if item.has_concept(*_SUMS) else Role.OTHER


def _details(item: Item, group: Group) -> tuple[Detail, ...]:
    """The facts without what the group tells elsewhere: its UID, its region, and its protocol in the heading."""
    told = {concept_name(child) for child in children_named(item, *_EVENT_UIDS, _TARGET_REGION)}
    if not item.has_concept(*_EVENTS):
        told |= {concept_name(child) for child in children_named(item, _PROTOCOL)}
    return tuple(detail for detail in group.details if detail[0] not in told)
