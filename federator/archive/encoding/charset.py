"""Bytes that ought to be UTF-8 → text, and whether its letters can be relied on.

JSON is UTF-8 (RFC 8259 §8.1, PS3.18 §F.2). Archives also send what they have: then the `charset` of the Content-Type
decides, and where there is none, letters are guessed and that is said.
"""

import codecs
import json
import re
from email.message import Message

_NAME = re.compile(r"[A-Za-z0-9._:-]{1,40}")
# Character sets of text in use. Python knows more (punycode, zlib), some of which swell or take quadratic time.
_IN_USE = re.compile(
    r"iso8859-\d+|cp(?:125\d|874|932|936|949|950|1361)|koi8-[ru]|tis-620|shift_jis(?:_2004|x0213)?|euc_(?:jp|kr)|"
    r"iso2022_(?:jp|kr)(?:_\w+)?|gbk?|gb2312|gb18030|big5(?:hkscs)?|mac-\w+|utf-(?:16|32)(?:-[bl]e)?"
)
_ESCAPE = b"\x1b"
# Looked up now: Python loads it when it is first used, and the first answer would wait for that.
_UTF_8 = codecs.lookup("utf-8-sig").name


def decoded(body: bytes, content_type: str) -> tuple[str, bool]:
    """The text, and whether its letters are only guessed.

    Bytes that are UTF-8 are read so whatever is declared: labels are often wrong, whole texts hardly ever so by chance.

    Standard: RFC 9110 §8.3.2
    """
    declared = _declared(content_type)
    wide: str = json.detect_encoding(body)
    named = [] if wide.startswith("utf-8") else [wide]
    named += [declared] if declared and _ESCAPE in body else []
    named += [_UTF_8, *([declared] if declared else [])]
    for charset in named:
        try:
            text = body.decode(charset)
        except UnicodeDecodeError:
            continue
        # Escape sequences of ISO 2022 that nobody declared: each byte is ASCII, the letters that are meant are not.
        return text.removeprefix("\ufeff"), charset == _UTF_8 and _ESCAPE in body
    return _guessed(body), True


def _declared(content_type: str) -> str:
    """Python's name of the declared character set; empty where none is declared, or none that is in use."""
    header = Message()
    header["content-type"] = content_type
    written = header.get_param("charset") or ""
    if not isinstance(written, str) or not _NAME.fullmatch(written):
        return ""
    try:
        name = codecs.lookup(written).name
    except LookupError:
        return ""
    return name if _IN_USE.fullmatch(name) else ""


def _guessed(body: bytes) -> str:
    """UTF-8 with some damage, where more of it is sound than broken; else Latin-1, which Orthanc before 1.18 sends."""
    text = body.decode("utf-8", "replace")
    lost = text.count("\ufffd")
    sound = len(text) - len(text.encode("ascii", "ignore")) - lost
    return text if sound > lost else body.decode("latin-1")
