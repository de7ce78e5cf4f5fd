"""archives.example.toml: every key, its default and its unit (contract.md section 7)."""

import dataclasses
import re
import tomllib
from pathlib import Path

from federator.config import ARCHIVE_KEYS, Archive, load, parse

EXAMPLE = Path(__file__).parents[2] / "archives.example.toml"


def test_it_can_be_read_as_it_stands_and_with_every_comment_taken_away():
    """house.md: every key, its default and unit; an example that does not load misleads."""
    assert [archive.name for archive in load(EXAMPLE).archives] == ["mercy", "cloud", "research", "network", "teaching"]
    text = EXAMPLE.read_text(encoding="utf-8")
    uncommented = re.sub(r"(?m)^# (?=\w+ = )", "", text)
    assert uncommented.count("#") < text.count("#")
    assert parse(uncommented).archives[0].viewer_url.endswith("{study}")


def test_it_shows_every_key():
    """house.md: archives.example.toml (every key, its default and unit)."""
    text = EXAMPLE.read_text(encoding="utf-8")
    assert [key for key in ARCHIVE_KEYS if not re.search(rf"(?m)^(# )?{key} = ", text)] == []


def test_the_defaults_that_it_names_are_the_defaults():
    """The part under "stands here as it is when left out" must not drift from the code."""
    mercy = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))["archives"]["mercy"]
    defaults = {field.name: field.default for field in dataclasses.fields(Archive)}
    shown = ("deadline_s", "max_connections", "max_bytes", "max_rows", "patient_id_issuer", "enabled")
    assert {key: mercy[key] for key in shown} == {key: defaults[key] for key in shown}
