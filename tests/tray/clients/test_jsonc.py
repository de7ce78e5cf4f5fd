"""The splice editor changes one member of a settings file and nothing else."""

import json

import pytest

from tests.support.random_jsonc import ENTRY, RandomSettings
from tray.clients.jsonc import Dialect, JsoncError, comments, parse, put, remove
from tray.clients.jsonc_tree import Tree, _tokens, grow

PATH = ("mcpServers", "federator")


def pieces(text: str, *, but: tuple[int, int] = (0, 0)) -> list[str]:
    """Everything that is not white space, in order, but for what stands in one stretch of the text."""
    start, end = but
    return [t.text for t in _tokens(text) if not start <= t.start < end]


def is_old_and_one_comma(pieces_now: list[str], pieces_before: list[str]) -> bool:
    """Whether today's pieces are yesterday's, in their order, with at most one comma added."""
    if pieces_now == pieces_before:
        return True
    place = next(n for n, piece in enumerate(pieces_now) if n >= len(pieces_before) or piece != pieces_before[n])
    return pieces_now[place] == "," and pieces_now[:place] + pieces_now[place + 1 :] == pieces_before


def stretch(tree: Tree, path: tuple[str, ...]) -> tuple[int, int]:
    """From where to where a member stands."""
    node = tree.root
    for name in path:
        member = node.member(name)
        node = member.value
    return member.start, node.end


def test_ten_thousand_random_documents_change_nowhere_but_in_our_entry() -> None:
    """Issue 4: nothing but our entry changes, no comment lost or moved, a second run changes nothing."""
    removed = 0
    for seed in range(10_000):
        text = RandomSettings(seed).document()
        old = grow(text)
        before = old.root.value
        holds = "federator" in before.get("mcpServers", {})
        new = put(text, PATH, ENTRY)
        assert put(new, PATH, ENTRY) == new
        tree = grow(new)
        after = tree.root.value
        assert after["mcpServers"]["federator"] == ENTRY
        assert [c.text for c in tree.comments] == [c.text for c in old.comments]
        expected = json.loads(json.dumps(before))
        expected.setdefault("mcpServers", {})["federator"] = ENTRY
        assert json.dumps(after) == json.dumps(expected)
        if not holds:
            ours = PATH if "mcpServers" in before else PATH[:1]
            assert is_old_and_one_comma(pieces(new, but=stretch(tree, ours)), pieces(text)), seed
        back = remove(new, PATH)
        assert remove(back, PATH) == back
        start, end = stretch(tree, PATH)
        assert comments(back) == tuple(c.text for c in tree.comments if not start <= c.start < end)
        if not holds and "mcpServers" in before:
            assert pieces(back) == pieces(text), seed
            removed += 1
    assert removed > 3_000


def test_a_comment_stays_with_the_member_whose_line_it_stands_on() -> None:
    """Facts 6.2: a comment behind the last member on its line belongs to that member."""
    text = '{\n  "mcpServers": {\n    "a": {} // about a\n    // nothing more\n  }\n}\n'
    assert put(text, PATH, {"command": "x"}) == (
        '{\n  "mcpServers": {\n    "a": {}, // about a\n    "federator": {\n'
        '      "command": "x"\n    }\n    // nothing more\n  }\n}\n'
    )


def test_a_trailing_comma_and_windows_line_ends_and_tabs_are_kept() -> None:
    """Issue 4 part 6: the file's own indentation, line ends and commas."""
    text = '{\r\n\t"servers": {\r\n\t\t"a": 1,\r\n\t},\r\n}\r\n'
    assert put(text, ("servers", "federator"), {"command": "x"}) == (
        '{\r\n\t"servers": {\r\n\t\t"a": 1,\r\n\t\t"federator": {\r\n\t\t\t"command": "x"\r\n\t\t},\r\n\t},\r\n}\r\n'
    )


def test_a_file_on_one_line_stays_on_one_line() -> None:
    """Issue 4 part 6."""
    assert put('{"mcpServers": {"a": {}}}', PATH, {"command": "x"}) == (
        '{"mcpServers": {"a": {}, "federator": {"command": "x"}}}'
    )


def test_the_newline_that_ends_a_comment_survives_the_removal_of_the_member_behind_it() -> None:
    """Facts 6.2: white space before a member may contain the newline that ends a comment."""
    assert remove('{"a": 1, // one\n"x": 2 }', ("x",)) == '{"a": 1 // one\n }'
    assert remove('{\n  // one\n  "x": 2\n}', ("x",)) == "{\n  // one\n}"


def test_a_comment_behind_the_removed_member_does_not_move_to_its_neighbour() -> None:
    """Issue 4: no comment lost or moved."""
    assert remove('{"x": 2 /* of x */, "a": 1}', ("x",)) == '{/* of x */ "a": 1}'
    assert remove('{\n  "a": 1,\n  "x": 2 // of x\n}', ("x",)) == '{\n  "a": 1\n  // of x\n}'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "ends"),
        ("{", "ends"),
        ('{"a": 1', "ends"),
        ('{"a": "b', "does not know"),
        ('{"a": 1 /* never closed', "does not know"),
        ('{"a": 1, "a": 2}', "twice"),
        ('{"mcpServers": {"x": {"k": 1, "\\u006b": 2}}}', "twice"),
        ('{"a": NaN}', "does not know"),
        ('{"a": -Infinity}', "does not know"),
        ("{“a”: 1}", "does not know"),
        ("{'a': 1}", "does not know"),
        ('{"a": 01}', "does not know"),
        ('{"a": 1}}', "after its end"),
        ('{"a" 1}', ": is missing"),
        ('{"a": }', "a value is missing"),
        ('{"a": 1 "b": 2}', "} is missing"),
        ('{, "a": 1}', "in quotes is missing"),
        ('{"a": "tab\there"}', "does not know"),
        ("[1]", "should be an object"),
        ('"text"', "should be an object"),
        ('{"mcpServers": []}', "mcpServers should be an object"),
        ('{"mcpServers": null}', "mcpServers should be an object"),
        ('{"a": ' + "[" * 200 + "]" * 200 + "}", "deeper"),
        ('{"a": ' + "9" * 5000 + "}", "too long"),
    ],
)
def test_damaged_text_is_refused_in_words(text: str, words: str) -> None:
    """Issue 4 part 6: duplicates, NaN, smart quotes, wrong types and truncated text are refused."""
    with pytest.raises(JsoncError, match=words):
        put(text, PATH, ENTRY)


@pytest.mark.parametrize("text", ['{"a": 1, // no\n "b": 2}', '{"a": 1,}', '{"a": [1,]}'])
def test_a_strict_file_may_not_hold_what_only_jsonc_knows(text: str) -> None:
    """facts: Claude Desktop reads strict JSON; a trailing comma loads nothing there, silently."""
    assert parse(text) is not None
    with pytest.raises(JsoncError, match="this file may not"):
        parse(text, dialect=Dialect.JSON)


def test_a_dialect_may_know_comments_and_no_trailing_commas() -> None:
    """Tried with Gemini CLI: it strips comments and reads JSON; with one comma too many it does not start."""
    assert parse('{"a": 1 // one\n}', dialect=Dialect.COMMENTS) == {"a": 1}
    with pytest.raises(JsoncError, match="comma before a closing bracket"):
        parse('{"a": 1,}', dialect=Dialect.COMMENTS)


def test_every_cut_of_a_document_is_refused_or_is_the_whole() -> None:
    """Issue 4 part 6: truncated text is refused."""
    text = '{"mcpServers": {"a": {"command": "x", "args": ["1"]}} /* c */}'
    for length in range(len(text) - 1):
        with pytest.raises(JsoncError):
            put(text[:length], PATH, ENTRY)


def test_a_value_with_a_comment_inside_is_not_replaced_silently() -> None:
    """Issue 4: no comment lost."""
    with pytest.raises(JsoncError, match='line 1: the old value of "federator" holds a comment'):
        put('{"mcpServers": {"federator": {"args": [1 /* mine */]}}}', PATH, ENTRY)


def test_the_fault_names_the_line() -> None:
    """Facts 6.3: the person reads in which line the file is damaged."""
    with pytest.raises(JsoncError) as caught:
        parse('{\n  "a": 1\n  "b": 2\n}')
    assert caught.value.line == 3
    assert grow('{\n "a": 1}').line(4) == 2


def test_true_is_not_one() -> None:
    """The proof step compares what is written, not what Python calls equal."""
    assert put('{"a": 1}', ("a",), value=True) == '{"a": true}'
