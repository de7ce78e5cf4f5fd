"""WADO-RS over one archive, all of it: the functions that the floors above call, gathered in one place.

Every function takes an `ArchiveClient` and UIDs. ArchiveError means that the archive could not be asked or did not
answer with the object; ContentError that it has no such form of it, so that another way may still lead there.
"""

from federator.archive.retrieve.bulk_data import retrieve_bulk_data
from federator.archive.retrieve.documents import retrieve_document
from federator.archive.retrieve.instances import Frame, retrieve_frame, retrieve_instance
from federator.archive.retrieve.metadata import (
    Attributes,
    attributes_of_file,
    retrieve_attributes,
    retrieve_metadata,
)
from federator.archive.retrieve.rendered import Rendered, retrieve_rendered

__all__ = [
    "Attributes",
    "Frame",
    "Rendered",
    "attributes_of_file",
    "retrieve_attributes",
    "retrieve_bulk_data",
    "retrieve_document",
    "retrieve_frame",
    "retrieve_instance",
    "retrieve_metadata",
    "retrieve_rendered",
]
