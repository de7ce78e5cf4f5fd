"""How attributes are named in requests, by which what is known of filters is told apart."""

from enum import StrEnum

from federator.model import Level


class Naming(StrEnum):
    """How a request names attributes: `00100020` or `PatientID`. tiny-pacs ignores the former without a word."""

    TAG = "tag"
    KEYWORD = "keyword"


Place = tuple[Naming, Level, str]
"""A filter as it was sent: how it was named, at which level, and its tag."""
