"""Which storage classes are no images, what each is for, and which tool reads it (PS3.4 B.5)."""

from dataclasses import dataclass

from federator.dicom.report.sop_classes import class_name

_STORAGE = "1.2.840.10008.5.1.4.1.1."
_OTHERS = "1.2.840.10008.5.1.4."
_METADATA, _REPORT, _DOCUMENT = (
    "get-instance-metadata",
    "get-structured-report-text",
    "get-encapsulated-pdf-report-text",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What objects of a class that is no image are for, in a clause without an end; `tool` reads them."""

    name: str
    purpose: str
    tool: str = _METADATA


_RADIOTHERAPY_GIVEN = "what was given in radiotherapy"
_RADIOTHERAPY_PLANNED = "how radiotherapy is to be given"
_EYE = "measurements of an eye, written in its attributes"
_MODEL = "a model in space for printing or viewing, without pixels"

# By the longest beginning of the UID below the root of storage, component by component.
_PURPOSES = {
    "4.2": "spectra and no pixels",
    "8": "a drawing to lie over images, of a retired kind",
    "9": "curves over time: an ECG, pressures, sound",
    "10": "a table for the values of images, of a retired kind",
    "11": "how images are to be shown: window, zoom, drawn marks",
    "66": "what a device keeps for itself before there are images; only its maker's programs read it",
    "66.1": "how images lie to each other in space",
    "66.2": "points that are marked in images",
    "66.3": "how images lie to each other in space, bent to fit",
    "66.5": "surfaces of organs or findings in space, without pixels",
    "66.6": "nerve fibres as lines in space, without pixels",
    "67": "how stored values become measured ones",
    "68": "a scanned surface in space, without pixels",
    "77.1.5.3": "which images are pairs to be seen with both eyes",
    "78": _EYE,
    "79": _EYE,
    "80": _EYE,
    "88": "a structured report",
    "88.59": "a selection of images that somebody made, with the reason",
    "90.1": "what a check of other objects found",
    "91": "marks on a slide, without pixels",
    "104.1": "a document in PDF",
    "104.2": "a clinical document (CDA)",
    "104.3": _MODEL,
    "104.4": _MODEL,
    "104.5": "the materials of a model in space",
    "129": "curves over time",
    "131": "how a screen is to be laid out",
    "200": "a protocol of how to scan",
    "201": "a list of what an archive holds",
    "481.3": "outlines of organs and targets for radiotherapy",
    "481.4": _RADIOTHERAPY_GIVEN,
    "481.5": _RADIOTHERAPY_PLANNED,
    "481.6": _RADIOTHERAPY_GIVEN,
    "481.7": _RADIOTHERAPY_GIVEN,
    "481.8": _RADIOTHERAPY_PLANNED,
    "481.9": _RADIOTHERAPY_GIVEN,
    "481.10": _RADIOTHERAPY_PLANNED,
    "481.11": "which regions radiotherapy is about, and where they are outlined",
    **{f"481.{number}": _RADIOTHERAPY_PLANNED for number in (12, 13, 14, 15, 21, 22, 25)},
    **{f"481.{number}": _RADIOTHERAPY_GIVEN for number in (16, 17, 18, 19, 20)},
}
_OTHER_PURPOSES = {
    "34": _RADIOTHERAPY_PLANNED,
    "38": "how images are to be laid out on screens",
    "39": "a table of colours",
    "43": "the shape of an implant",
    "44": "which implants fit together",
    "45": "which implants belong together",
}
_NO_FAMILIES = frozenset({"66"})
"""Below it are segmentations, which are images, and others that have a purpose of their own."""
_TOOLS = {"88": _REPORT, "88.59": _REPORT, "104.1": _DOCUMENT, "104.2": _DOCUMENT}


def kind_of(sop_class_uid: str) -> Kind | None:
    """The kind of a class that is no image; None for images, and for classes that nobody knows."""
    for root, purposes in ((_STORAGE, _PURPOSES), (_OTHERS, _OTHER_PURPOSES)):
        if not sop_class_uid.startswith(root):
            continue
        components = sop_class_uid.removeprefix(root).split(".")
        for count in range(len(components), 0, -1):
            beginning = ".".join(components[:count])
            if beginning in purposes and (beginning not in _NO_FAMILIES or count == len(components)):
                tool = _TOOLS.get(beginning, _METADATA)
                return Kind(name=class_name(sop_class_uid), purpose=purposes[beginning], tool=tool)
        return None
    return None
