"""Where a request goes: below the archive's base and nowhere else, whatever stands in a path or a value."""

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from federator.archive.connection.target import target
from federator.errors import ArchiveError

BASE = "/pacs/dicom-web"


@pytest.mark.parametrize(
    "uid",
    ["..", "../..", "%2e%2e", "%2E%2e/x", "..%2f..", "1.2/../../x", "1.2?x=1", "1.2#x", "//evil.example", "http://evil",
     "1.2\\..", "1.2%5c..%5c..", "", "1.2\r\nX: y", "1.2 ", "１.2", "a" * 20_000],
)  # fmt: skip
def test_what_is_no_uid_is_not_put_into_a_path(uid):
    """CWE-22, CWE-918; contract.md §3.9: the last door, behind which only requests lie."""
    with pytest.raises(ArchiveError):
        target(BASE, f"/studies/{uid}/series", ())


@given(path=st.text(max_size=40), value=st.text(max_size=40))
def test_whatever_comes_in_stays_below_the_base(path, value):
    """RFC 3986 §5.2.4."""
    try:
        written = target(BASE, f"/studies/{path}", [("00100020", value)])
    except ArchiveError:
        return
    parts = urlsplit(f"http://archive.example{written}")
    assert parts.netloc == "archive.example"
    assert parts.path.startswith(f"{BASE}/studies/")
    assert not {".", ".."} & set(unquote(parts.path).replace("\\", "/").split("/"))
    assert (parts.fragment, written.count("?00100020=")) == ("", 1)
    assert written.isascii()


def test_a_value_of_any_length_does_not_go_out():
    """contract.md §3.9: no value from an archive goes out unbounded."""
    with pytest.raises(ArchiveError, match="longer than any may be"):
        target(BASE, "/studies", [("00100020", "x" * 100_000)])
