"""Computer-aided detection: numbers are properties of the finding that they hang below (TID 4000, 4100)."""

from dataclasses import replace

from federator.dicom.codes import dcm
from federator.dicom.measures.facts import images_of, said_once, sources_of, value_of
from federator.dicom.measures.generic import GenericReader, Line
from federator.dicom.measures.row import Group
from federator.dicom.report.tree import Item

_FINDINGS = (dcm("111059", "Single Image Finding"), dcm("111015", "Composite Feature"))
_IMAGE_LATERALITY = dcm("111027", "Image Laterality")
_IMAGE_VIEW = dcm("111031", "Image View")


class CadReader(GenericReader):
    """Takes the finding for the group: findings are CODE items there, with everything known of them below."""

    def group_item(self, line: Line) -> Item:
        """The finding around a number; the nearest container for numbers of the whole report."""
        nearest = next((item for item in reversed(line) if item.has_concept(*_FINDINGS)), None)
        return nearest or super().group_item(line)

    def read_group(self, item: Item, line: Line) -> Group:
        """A finding with the images that it was seen on; side and view are told with the images."""
        group = super().read_group(item, line)
        if not item.has_concept(*_FINDINGS):
            return group
        images = tuple(images_of(item, self.tree))
        sides = {said_once(image, _IMAGE_LATERALITY) for image in images} - {""}
        views = dict.fromkeys(said_once(image, _IMAGE_VIEW) for image in images)
        return replace(
            group,
            finding=value_of(item),
            laterality=group.laterality or (sides.pop() if len(sides) == 1 else ""),
            details=(*group.details, *(("Image View", view) for view in views if view)),
            sources=sources_of(item, self.tree),
        )
