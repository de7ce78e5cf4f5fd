"""fuzzymatching=true: what the archive found by its sound stands, and what it did not find at all does not."""

from dataclasses import replace

import pytest

from tests.archive.search.test_none_is_proven import NAME, asked, found
from tests.support.hostile.records import study
from tests.support.hostile.switches import Fuzzy

pytestmark = pytest.mark.anyio

STUDIES = [
    study("1.2.1", date="20240105", name="Doe^Janet"),
    study("1.2.2", date="20240104", name="Doe^Jan"),
    study("1.2.3", date="20240103", name="Roe^Richard"),
]


@pytest.mark.parametrize(
    ("expected", "switches"),
    [
        (["1.2.1", "1.2.2"], {"fuzzy": Fuzzy.SUPPORTED}),
        (["1.2.1", "1.2.2"], {"fuzzy": Fuzzy.SUPPORTED, "keywords_only": True}),
        (["1.2.2"], {"fuzzy": Fuzzy.SILENT}),
        (["1.2.2"], {"fuzzy": Fuzzy.SILENT, "keywords_only": True}),
        (["1.2.2"], {"fuzzy": Fuzzy.SILENT, "ignored_keys": frozenset({"00100010"})}),
        (["1.2.2"], {"fuzzy": Fuzzy.SILENT, "all_filters_ignored": True}),
    ],
)
async def test_names_that_differ_stand_only_where_the_archive_applies_names(loopback, expected, switches):
    """PS3.18 §8.3.4.2; contract.md §2: fuzzy hits are not checked by letter, and no ignored key widens a search."""
    page, _ = await found(loopback, STUDIES, replace(asked(NAME, "Doe^Jan"), fuzzy=True), **switches)
    assert [entry.uid for entry in page.entries] == expected
