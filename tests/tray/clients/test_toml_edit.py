"""Codex's settings: one table put in, changed and taken out of TOML; every other byte stays (issue 4 part 6)."""

import random
import tomllib

import pytest

from tray.clients.toml_edit import TomlError, parse, put, remove

PATH = ("mcp_servers", "federator")
ENTRY = {"command": "/opt/föderator/federator", "args": ["--config", 'C:\\Users\\A "B"\\archives.toml']}


def document(seed: int) -> str:
    """Random settings with comments everywhere, sub-tables, strings that look like headers, both line ends."""
    chance = random.Random(seed)
    lines = [f"# note {n}" for n in range(chance.randrange(3))]
    lines += [
        f"key{n} = {chance.choice(['1', 'true', 'nan', '2024-01-31', '{ a = 1 }'])} # end {n}"
        for n in range(chance.randrange(3))
    ]
    if chance.random() < 0.3:
        lines += ['text = """', "[mcp_servers.federator]", "# no comment", '"""']
    tables = [f"{chance.choice(['mcp_servers.', 'other.', ''])}t{n}" for n in range(chance.randrange(4))]
    if chance.random() < 0.3:
        tables.insert(chance.randrange(len(tables) + 1), "mcp_servers.federator")
    if chance.random() < 0.2:
        tables.insert(0, "mcp_servers")
    for name in tables:
        lines += [""] * chance.randrange(2)
        lines += [f"# about {name}"] * chance.randrange(2)
        lines.append(chance.choice([f"[{name}]", f"[ {name} ] # {name}"]))
        values = 'command = "old" # was' if name.endswith("federator") else "value = 1"
        lines += [values] * chance.randrange(2)
        if chance.random() < 0.3 and name != "mcp_servers":
            lines += ["", f"  [{name}.env]", 'KEY = "secret" # theirs']
    if chance.random() < 0.3:
        lines.append("# the end")
    newline = chance.choice(["\n", "\r\n"])
    return newline.join(lines) + chance.choice([newline, ""])


def test_random_documents_change_nowhere_but_in_our_table() -> None:
    """Issue 4: nothing but our entry changes, no comment lost, a second run changes nothing."""
    refused = 0
    for seed in range(3_000):
        text = document(seed)
        before = tomllib.loads(text)
        held = before.get("mcp_servers", {}).get("federator")
        try:
            new = put(text, PATH, ENTRY)
        except TomlError:
            refused += 1
            continue
        after = tomllib.loads(new)
        ours = after["mcp_servers"].pop("federator")
        assert ours == {**(held or {}), **ENTRY}
        before.setdefault("mcp_servers", {}).pop("federator", None)
        assert repr(after) == repr({**before, "mcp_servers": after["mcp_servers"]})
        assert repr(before["mcp_servers"]) == repr(after["mcp_servers"])
        assert put(new, PATH, ENTRY) == new
        if held is None:
            assert new.startswith(text)
            assert remove(new, PATH).rstrip() == text.rstrip()
        else:
            kept = [line for line in text.splitlines() if line.lstrip().startswith("#")]
            assert [line for line in new.splitlines() if line.lstrip().startswith("#")] == kept
        back = remove(new, PATH)
        assert "federator" not in tomllib.loads(back).get("mcp_servers", {})
        assert remove(back, PATH) == back
    assert refused == 0


def test_the_comment_above_our_table_goes_with_it_and_the_neighbours_stays() -> None:
    """Facts 5.3: for tomlkit a comment above a table belongs to the one before; a wrong comment is worse than none."""
    text = (
        "# A\n[mcp_servers.a]\nx = 1\n\n# ours\n[mcp_servers.federator]\ncommand = 'x'\n\n# B\n[mcp_servers.b]\ny = 1\n"
    )
    assert remove(text, PATH) == "# A\n[mcp_servers.a]\nx = 1\n\n# B\n[mcp_servers.b]\ny = 1\n"


def test_a_comment_at_a_changed_value_stays() -> None:
    """Facts 5.3: changing values keeps everything."""
    text = '[mcp_servers.federator]\ncommand = "old" # mine\nenabled = false\n'
    assert put(text, PATH, {"command": "new"}) == '[mcp_servers.federator]\ncommand = "new" # mine\nenabled = false\n'


@pytest.mark.parametrize(
    "text",
    [
        "mcp_servers = { a = { command = 'x' } }\n",
        "mcp_servers.federator.command = 'x'\n",
        "[mcp_servers]\nfederator = { command = 'x' }\n",
        "[mcp_servers]\nfederator = 3\n",
        "mcp_servers = 3\n",
        "[[mcp_servers]]\nx = 1\n",
        "[mcp_servers.federator]\ncommand = 'x'\n[other]\n[mcp_servers.federator.env]\nK = 'v'\n",
    ],
)
def test_what_cannot_be_changed_safely_is_refused(text: str) -> None:
    """A refusal changes nothing; the proof step finds what a splice would break."""
    with pytest.raises(TomlError):
        put(text, PATH, ENTRY)


@pytest.mark.parametrize(
    "text", ["mcp_servers.federator.command = 'x'\n", "[mcp_servers]\nfederator = { command = 'x' }\n"]
)
def test_what_cannot_be_removed_safely_is_refused(text: str) -> None:
    """A refusal changes nothing."""
    with pytest.raises(TomlError, match="cannot be removed safely"):
        remove(text, PATH)


def test_a_list_of_tables_is_no_neighbour_of_ours() -> None:
    """TOML 1.0: [[x]] is an array of tables."""
    text = "[mcp_servers.federator]\ncommand = 'x'\n\n# list\n[[profiles]]\na = 1\n"
    assert remove(text, PATH) == "# list\n[[profiles]]\na = 1\n"


def test_the_line_of_a_fault_is_told() -> None:
    """Facts 6.3: the person reads in which line the file is damaged."""
    with pytest.raises(TomlError) as caught:
        parse("a = 1\nb = \n")
    assert caught.value.line == 2


@pytest.mark.parametrize("text", ["a = " + "1" * 5000, "a = " + "[" * 5000])
def test_what_python_itself_refuses_to_read_is_refused_in_words(text: str) -> None:
    """Found by fuzzing the configuration: numbers of more than 4,300 digits, nesting deeper than its stack."""
    with pytest.raises(TomlError, match="too many digits"):
        put(text, PATH, ENTRY)
