"""One switch per quirk that concerns search, each with the archives that were seen to have it.

A switch that is off is what PS3.18 says. Who does it: from their source, their documents, or from running them.
"""

from dataclasses import dataclass
from enum import StrEnum


class Order(StrEnum):
    """In which order an archive gives its matches; the standard asks for a stable one, no particular one."""

    STORED = "stored"  # Orthanc, tiny-pacs: the row number
    NEWEST_STORED = "newest stored"  # Azure: the latest stored first
    UID = "uid"
    NAME = "name"  # Conquest: PatientName
    OLDEST = "oldest"
    BY_FILTER = "by filter"  # Orthanc: another order with ModalitiesInStudy among the filters


class OrderBy(StrEnum):
    """What becomes of `orderby`, which is dcm4chee's extension."""

    IGNORED = "ignored"  # Orthanc and most
    SUPPORTED = "supported"  # dcm4chee
    ASCENDING = "ascending"  # the minus is taken for a space
    UNDATED_FIRST = "undated first"  # databases that sort NULL as the greatest value
    REFUSED = "refused"  # Azure: 400 for what it does not know


class UnknownKey(StrEnum):
    """What becomes of a parameter that the archive does not know."""

    IGNORED = "ignored"  # Orthanc, static-wado, dicomweb-pacs, tiny-pacs: everybody's studies
    REFUSED = "refused"  # Azure, dcm4chee: 400


class RepeatedKey(StrEnum):
    """What becomes of `A=1&A=2`."""

    LAST = "last"  # Orthanc
    FIRST = "first"
    REFUSED = "refused"  # Azure


class Fuzzy(StrEnum):
    """What becomes of `fuzzymatching=true`."""

    WARNED = "warned"  # literal matching and Warning 299, as PS3.18 8.3.4.2 has it
    SUPPORTED = "supported"  # Azure: prefixes of words; dcm4chee: by sound
    SILENT = "silent"  # Orthanc: literal matching without a word


class IncludeField(StrEnum):
    """What becomes of `includefield`."""

    HONOURED = "honoured"
    IGNORED = "ignored"  # static-wado, tiny-pacs
    REFUSED = "refused"  # Raccoon, for fields that it does not know


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """The quirks of one archive. Zero, False and the first member of an enumeration mean: as the standard says."""

    # How much it gives
    silent_cap: int = 0
    """At most so many matches, no Warning, and offset only inside them: Orthanc with LimitFindResults."""
    cap_plus_one: bool = False
    """The silent cap gives one row more: Orthanc 1.10 (51 rows for 50)."""
    warned_cap: int = 0
    """At most so many rows an answer, with Warning 299: dcm4chee (1000)."""
    over_limit_refused: int = 0
    """400 for a greater limit: Azure (200), Raccoon (100)."""
    clamp_limit: int = 0
    """A greater limit counts as this one, without a word: tiny-pacs (10,000), Google."""
    default_limit: int = 0
    """What an absent limit means: Azure and Raccoon 100, DICOM-RST 200, tiny-pacs 1000."""
    limit_zero_refused: bool = False
    """400 for limit=0: dcm4chee. (Orthanc takes it for no limit.)"""
    too_broad: int = 0
    """413 if more match: dcm4chee with queryMaxNumberOfResults."""
    key_required: bool = False
    """400 where nothing filters: archives that are set to refuse broad questions."""
    short_pages: int = 0
    """So many rows less than the limit although more match: DICOMcloud."""
    repeated_rows: bool = False
    """The first row of an answer stands in it twice: Azure while studies change."""

    # Offset
    offset_ignored: bool = False
    """The first page again and again: dcmjs dicomweb-server, static-wado."""
    offset_broken_with_filters: bool = False
    """[] for any offset once a filter is there: Orthanc 1.10 with ModalitiesInStudy."""
    offset_clamp: int = 0
    """A greater offset counts as this one: tiny-pacs (100,000)."""

    # Order
    order: Order = Order.STORED
    orderby: OrderBy = OrderBy.IGNORED

    # Which parameters it knows
    ignored_keys: frozenset[str] = frozenset()
    """Tags that it does not filter by. What happens says `unknown_key`: Google, AWS, Azure know only some."""
    all_filters_ignored: bool = False
    """Every filter but StudyInstanceUID: static-wado."""
    study_date_ignored: bool = False
    """dcmjs dicomweb-server, which switched date filtering off."""
    unknown_key: UnknownKey = UnknownKey.IGNORED
    keywords_only: bool = False
    """Parameters by tag number are unknown: tiny-pacs."""
    lower_level_keys_empty: bool = False
    """A series key at study level matches nothing: Orthanc."""
    include_field: IncludeField = IncludeField.HONOURED
    server_error_for_bad_parameters: bool = False
    """500 where 400 would be right: Orthanc (limit=-1)."""
    no_relational_routes: bool = False
    """404 for /series and /instances: AWS, tiny-pacs, dicomweb-pacs."""

    # How it reads values
    commas_everywhere: bool = False
    """A comma separates values of any key, not only of UIDs: Orthanc."""
    one_uid_only: bool = False
    """No lists of UIDs, the comma is a letter: Azure, tiny-pacs."""
    escaped_comma_literal: bool = False
    """%2C is a letter, only a raw comma separates: dcm4chee."""
    backslash_stripped: bool = False
    """CT\\MR becomes CTMR: Orthanc."""
    repeated_key: RepeatedKey = RepeatedKey.LAST
    no_percent_decoding: bool = False
    """Escapes are letters, but for %2C; bytes beyond ASCII are a 400: Debian's Orthanc 1.10."""

    # How it matches
    wildcards_literal: bool = False
    """* and ? are letters: Google, tiny-pacs."""
    names_substring: bool = False
    """A name matches anywhere inside: tiny-pacs, dicomweb-pacs."""
    names_case_sensitive: bool = False
    names_folded_in_upper_case_only: bool = False
    """Case counts unless the whole query is in upper case: dcm4chee."""
    names_whole_with_groups: bool = False
    """A name with an ideographic group is compared as one text A=B=C: Orthanc."""
    non_ascii_not_indexed: bool = False
    """Letters beyond ASCII are not in the index: Orthanc 1.10 with Latin1."""
    fuzzy: Fuzzy = Fuzzy.WARNED
    text_case_folded: bool = False
    """PatientID and the like without regard to case: Orthanc."""
    date_and_time_combined: bool = False
    """StudyDate and StudyTime make one range of instants: dcm4chee."""
    bad_date_refused: bool = False
    """400 for dates that are not YYYYMMDD, where Orthanc finds nothing: Azure, tiny-pacs."""
    undated_match_open_ranges: bool = False
    """A study without a date matches -20240101: Orthanc, if the attribute is there and empty."""

    # What its rows look like
    absent_if_empty: bool = False
    """Attributes without a value are left out rather than empty: Orthanc."""
    few_attributes: bool = False
    """Only what includefield asks for beyond a few: Azure (no StudyTime, ModalitiesInStudy, counts)."""
    no_study_description: bool = False
    """Never StudyDescription: archives without that column."""
    no_counts: bool = False
    """No NumberOfStudyRelated…: tiny-pacs."""
    wrong_counts: bool = False
    """Zero: Orthanc's plugin in some releases before 1.18."""
    dotted_dates: bool = False
    """2019.01.02 as it stands in old files: Orthanc gives it back so."""
    padded_uids: bool = False
    """UIDs with the NUL that pads them in the file."""

    # What its JSON looks like
    missing_vr: bool = False
    """Elements without vr, or with an empty one: dcm4che #1079."""
    scalar_values: bool = False
    """Value is "x", not ["x"]."""
    null_elements: bool = False
    """Elements without a value are null."""
    null_values: bool = False
    """[null] for no value."""
    names_as_strings: bool = False
    """A person name as a string: old dicomweb servers."""
    numbers_as_strings: bool = False
    """"12" for 12: fo-dicom #1161, legal by now."""
    lower_case_hex: bool = False
    """0020000d."""
    latin1_bytes: bool = False
    """The body in Latin-1 although JSON is UTF-8; what Latin-1 lacks is lost."""
    lost_ideographs: bool = False
    """The ideographic group comes as ^: Orthanc 1.7 with Latin1."""
    control_characters: bool = False
    """Line breaks within strings as they are: dicomweb-proxy #123."""
    not_a_number: bool = False
    """NaN for numbers that are none."""
    byte_order_mark: bool = False
    trailing_comma: bool = False
    json_lines: bool = False
    """One object a line, without a list around them."""
    wrapped_list: bool = False
    """{"results": [...]}."""
    declared_charset: str = ""
    """Letters in this character set, and the Content-Type says so."""
    empty_row: bool = False
    """An empty object behind the rows."""
    broken_row: bool = False
    """A row that is no JSON between the others."""
    nameless_row: bool = False
    """A row whose UID is none behind the others."""
    blank_padded_uids: bool = False
    """UIDs with blanks and NULs behind them."""
    joined_names: bool = False
    """All groups of a name in Alphabetic, with = between them: microsoft/dicom-server #1097."""
    untold_modalities: bool = False
    """No ModalitiesInStudy, and no study is found by it; the series tell: OHIF/Viewers #7, tiny-pacs."""
    bulk_names: bool = False
    """Names are given as BulkDataURI."""

    # What it says of its own answers
    always_206: bool = False
    """206 Partial Content, whatever it holds back."""
    warned_in_general: bool = False
    """Warning 299: results may be incomplete."""

    # How it answers
    plain_json_only: bool = False
    """406 unless application/json is accepted: dicomweb-client #11."""
    delay_s: float = 0.0
    """So many seconds for every answer, which is sent as it was when the request came: a line of some length."""

    # What nothing looks like, and one
    empty_204: bool = False
    """204: Azure, dcm4chee, tiny-pacs."""
    empty_body: bool = False
    """200 with no body at all."""
    null_for_none: bool = False
    """null."""
    none_404: bool = False
    """404: dcm4chee-arc-light #3426."""
    single_object: bool = False
    """One match is an object, not a list of one (seen by dicomweb-client's authors)."""


QUIRKS = tuple(name for name in Switches.__dataclass_fields__ if name != "delay_s")
"""The names of all switches but the delay, which needs a clock of its own (`tests/support/stepped.py`)."""
