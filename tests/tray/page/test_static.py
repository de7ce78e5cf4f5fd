"""What the settings page is made of: a closed set of files, one table of plain words, nothing made from text."""

import re

import pytest

from tray.page.server import PAGES, STATIC

SCRIPTS = {path.name: path.read_text(encoding="utf-8") for path in sorted(STATIC.glob("*.js"))}
TEXTS = dict(re.findall(r'^  (\w+):\s+"(.*)",$', SCRIPTS["texts.js"], re.MULTILINE))
DOMAINS = r"https?://(?!www\.w3\.org/2000/svg|viewer\.example\.org|\"|\$)[\w.]+"


def test_every_file_is_served_and_every_served_name_is_a_file():
    """facts/tray.md 3.2 rule 4: a fixed table of names, no directory served."""
    assert sorted(name for name, _ in PAGES.values()) == sorted(path.name for path in STATIC.iterdir())


def test_the_page_speaks_plain_words():
    """facts/tray.md 8.4: archive, address, sign in, password, test; not endpoint, QIDO, credential, stdio, MCP."""
    assert len(TEXTS) > 150
    told = " ".join(TEXTS.values())
    assert re.findall(r"\b(?:endpoints?|QIDO|WADO|credentials?|stdio|MCP|server)\b", told, re.IGNORECASE) == []


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name != "texts.js"])
def test_every_text_comes_from_the_table(name):
    """Issue 4 part 2: all texts in one table, for later languages."""
    asked = re.findall(r'\bt\("(\w+)"', SCRIPTS[name])
    assert [key for key in asked if key not in TEXTS] == []
    # A sentence between tags or quotes would have a capital letter, a space and a full stop.
    assert re.findall(r"\"[A-Z][a-z]+ [^\"]+[.!?]\"", re.sub(r"^\s*//.*", "", SCRIPTS[name], flags=re.MULTILINE)) == []


def test_nothing_of_the_page_is_made_from_text_or_comes_from_elsewhere():
    """facts/tray.md 3.1: text is inserted as text only; no external resource."""
    for path in STATIC.iterdir():
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function", text) == []
        assert re.findall(DOMAINS, text) == [], path.name
