"""The one place where the address of a request below an archive's base is made.

UIDs come in checked (`dicom.json.uid`, `dicom.uid.TaggedUID`) and a BulkDataURI by its own rules; whatever comes in
nevertheless, nothing leaves here that could mean something else in a URL, lead out of the base, or be of any length.
"""

import re
from collections.abc import Sequence
from urllib.parse import quote, unquote

from federator.errors import ArchiveError
from federator.model import OutcomeState

# What stands in a query as it is: Orthanc 1.10 does not decode escapes, dcm4chee takes %2C for a letter.
_QUERY_SAFE = "*?^,-.=@:/~!$'();"
_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+)+/?")
_LONGEST = 16_384


def target(base: str, path: str, parameters: Sequence[tuple[str, str]]) -> str:
    """Path and query of a request: `path` lies below `base`, parameters are DICOM values that are not yet encoded.

    Raises ArchiveError for what is no plain path, or longer than archives take.

    Standard: RFC 3986 §3.3, §5.2.4
    """
    segments = re.split(r"[/\\]", unquote(path))
    if not _PATH.fullmatch(path) or any(segment in {".", ".."} for segment in segments):
        raise _refused("names an object by what is no UID, so it was not asked for it.")
    query = "&".join(f"{name}={quote(value, safe=_QUERY_SAFE)}" for name, value in parameters)
    written = base.rstrip("/") + path + (f"?{query}" if query else "")
    if len(written) > _LONGEST:
        raise _refused("would have to be asked for a value that is longer than any may be.")
    return written


def _refused(message: str) -> ArchiveError:
    return ArchiveError(message, state=OutcomeState.FAILED, permanent=True)
