"""What an archive says about its own answer in status and headers, judged in our words (contract.md section 3.7).

Standard: PS3.18 §8.3.4.4 and Table 10.6.3-1, RFC 7234 §5.5
"""

import re

from federator.archive.connection.client import Answer
from federator.archive.search.doubts import Doubt, Doubts

_PARTIAL_CONTENT = 206
_CODE = re.compile(r"\b[12][0-9]{2}\b")
_STALE = frozenset({"110", "111", "112"})
_HARMLESS = frozenset({"113", "214"})
# What concerns the form of the answer, or a wish that is met otherwise, and takes no row away.
_ABOUT_FORM = ("fuzzymatching", "includefield", "orderby")


def judge(answer: Answer, doubts: Doubts) -> bool:
    """Whether the archive says that there is more to be had; its other warnings become doubts."""
    said = [warning.lower() for warning in answer.warnings]
    if answer.status == _PARTIAL_CONTENT:
        doubts.said.add(Doubt.PARTIAL_CONTENT)
    if answer.failed_attributes:
        doubts.said.add(Doubt.NOT_INDEXED)
    for warning in said:
        doubt = _doubt(warning)
        if doubt is not None:
            doubts.said.add(doubt)
    return any("additional" in warning for warning in said)


def _doubt(warning: str) -> Doubt | None:
    if "additional" in warning or any(word in warning for word in _ABOUT_FORM):
        return None
    found = _CODE.search(warning.partition('"')[0])
    code = found[0] if found is not None else ""
    if code in _HARMLESS:
        return None
    return Doubt.STALE if code in _STALE else Doubt.WARNED
