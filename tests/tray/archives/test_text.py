"""Splices of `archives.toml`: nothing but the one entry changes, no comment is lost or moved (facts/tray.md 5.3)."""

import itertools
import json
import random
import tomllib
from dataclasses import dataclass, field

import pytest

from tray.archives import text as archives_text
from tray.archives.text import TextError

DOCUMENTS = 10_000
PARTS = 10
NAMES = ("mercy", "north", "research", "teaching", "old-1", "x")

SAMPLE = """# Archives of this house

schema_version = 1

# Mercy – main
[archives.mercy]  # the tag
url = "https://a" # the address
# signed in later
auth = "none"

# [archives.old]
# url = "https://old"

# North
[archives.north]
url = "https://b"

[other]
k = 1
# the end
"""


def test_removing_takes_the_comment_above_and_leaves_the_neighbours():
    """facts/tray.md 5.3: a wrong comment over a PACS address is worse than none."""
    new = archives_text.remove(SAMPLE, "mercy")
    assert new == SAMPLE.replace(SAMPLE[SAMPLE.index("# Mercy") : SAMPLE.index("# [archives.old]")], "")
    new = archives_text.remove(SAMPLE, "north")
    assert new == SAMPLE.replace(SAMPLE[SAMPLE.index("# North") : SAMPLE.index("[other]")], "")


def test_an_archive_that_was_commented_out_stays_where_it_is():
    """facts/tray.md 5.3: no comment of others is lost; it belongs to nobody, so it goes with nobody."""
    for name in ("mercy", "north"):
        assert '# [archives.old]\n# url = "https://old"\n' in archives_text.remove(SAMPLE, name)


def test_changing_a_value_keeps_every_comment_and_the_order_of_keys():
    """facts/tray.md 5.3."""
    new = archives_text.put(SAMPLE, "mercy", {"url": "https://new", "deadline_s": 20})
    assert new == SAMPLE.replace('"https://a"', '"https://new"').replace(
        'auth = "none"\n', 'auth = "none"\ndeadline_s = 20\n'
    )


def test_taking_out_a_key_takes_its_comment_and_no_other():
    """facts/tray.md 5.3."""
    assert archives_text.put(SAMPLE, "mercy", {"url": None}) == SAMPLE.replace('url = "https://a" # the address\n', "")


def test_what_is_so_already_is_not_written_again():
    """Issue 4: a second run changes nothing."""
    assert archives_text.put(SAMPLE, "north", {"url": "https://b", "title": None}) is SAMPLE
    assert archives_text.reorder(SAMPLE, ["mercy", "north"]) is SAMPLE


def test_true_is_not_one_and_one_is_not_a_float():
    """Python takes True, 1 and 1.0 for equal, and TOML does not."""
    text = "[archives.a]\nx = 1\n"
    assert archives_text.put(text, "a", {"x": True}) == "[archives.a]\nx = true\n"
    assert archives_text.put(text, "a", {"x": 1.0}) == "[archives.a]\nx = 1.0\n"


def test_a_new_entry_stands_at_the_end_and_takes_no_comment_over():
    """facts/tray.md 5.3: tomlkit would append it without an empty line."""
    new = archives_text.put(SAMPLE, "zoo", {"url": "https://z", "title": None})
    assert new == SAMPLE + '\n[archives.zoo]\nurl = "https://z"\n'
    no_line_end = SAMPLE.removesuffix("\n")
    assert archives_text.put(no_line_end, "zoo", {"url": "https://z"}) == new


def test_a_new_file_begins_with_its_version():
    """facts/tray.md 5.4: schema_version = 1."""
    expected = 'schema_version = 1\n\n[archives.a]\nurl = "https://a"\n'
    assert archives_text.put("", "a", {"url": "https://a"}) == expected
    assert archives_text.put("# mine\n", "a", {"url": "https://a"}) == f"# mine\n\n{expected}"


def test_removing_the_last_archive_leaves_no_empty_file():
    """facts/tray.md 5.4: an empty file is taken for one that is just being written."""
    assert archives_text.remove('[archives.a]\nurl = "x"\n', "a") == "schema_version = 1\n"
    assert tomllib.loads(archives_text.remove('# c\n\narchives.a.url = "x"', "a")) == {"schema_version": 1}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('[archives]\na = { url = "x" }\n# b\nb = { url = "y" }\n', '[archives]\n# b\nb = { url = "y" }\n'),
        ('archives.a.url = "x"\narchives.a.user = "u"\narchives.b.url = "y"\n', 'archives.b.url = "y"\n'),
        ("[archives.a]\nurl = 'x'\n[archives.a.more]\nk = 1\n[archives.b]\n", "[archives.b]\n"),
        ("[archives.a.more]\nk = 1\n[archives.b]\n[archives.a]\nurl = 'x'\n", "[archives.b]\n"),
        ('["archives" . \'a\']\nk = """\n[archives.b]\n# no comment\n"""\n[archives.b]\n', "[archives.b]\n"),
        ("[archives.a]\nk = [ # inside\n  1,\n]\n\n[archives.b]\n", "[archives.b]\n"),
    ],
)
def test_an_entry_is_found_however_it_is_written(text, left):
    """TOML v1.0: headers, dotted keys, quoted keys, inline tables, values that span lines."""
    assert archives_text.remove(text, "a") == left


@pytest.mark.parametrize(
    "change",
    [
        lambda: archives_text.remove('archives = { a = { url = "x" }, b = { url = "y" } }\n', "a"),
        lambda: archives_text.put('archives = { a = { url = "x" } }\n', "b", {"url": "y"}),
        lambda: archives_text.put('archives = { a = { url = "x" }, b = { url = "y" } }\n', "a", {"url": "z"}),
        lambda: archives_text.reorder('archives = { a = { url = "x" }, b = { url = "y" } }\n', ["b", "a"]),
        lambda: archives_text.rename('archives = { a = { url = "x" } }\n', "a", "b"),
        lambda: archives_text.remove("[archives.b]\n", "a"),
        lambda: archives_text.rename("[archives.b]\n[archives.a]\n", "a", "b"),
        lambda: archives_text.rename("[archives.b]\n", "a", "c"),
        lambda: archives_text.reorder("[archives.b]\n", ["a", "b"]),
        lambda: archives_text.put("archives = 1\n", "a", {"url": "x"}),
    ],
)
def test_what_cannot_be_changed_safely_is_refused(change):
    """facts/tray.md 5.3: the proof step; nothing is written that does not read back as it was meant."""
    with pytest.raises(TextError):
        change()


def test_reordering_moves_each_entry_with_its_own_comment():
    """Issue 4: archives can be put in order, which decides between holders."""
    new = archives_text.reorder(SAMPLE, ["north", "mercy"])
    assert list(tomllib.loads(new)["archives"]) == ["north", "mercy"]
    assert '# North\n[archives.north]\nurl = "https://b"\n\n# [archives.old]' in new
    assert "# Mercy – main\n[archives.mercy]  # the tag\n" in new


def test_renaming_changes_the_header_and_nothing_else():
    """facts/tray.md 4.2: renaming an archive."""
    assert archives_text.rename(SAMPLE, "mercy", "main") == SAMPLE.replace("[archives.mercy]", "[archives.main]")


def test_windows_line_ends_stay_windows_line_ends():
    """facts/tray.md 5.2: tomlkit appends with LF."""
    text = SAMPLE.replace("\n", "\r\n")
    for new in (
        archives_text.put(text, "zoo", {"url": "https://z"}),
        archives_text.put(text, "mercy", {"deadline_s": 5}),
        archives_text.remove(text, "mercy"),
        archives_text.reorder(text, ["north", "mercy"]),
    ):
        assert new.count("\r\n") == new.count("\n")


@dataclass
class Block:
    """A part of a generated document: its lines, and the comments that go with it."""

    name: str = ""
    lines: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)


class Generator:
    """Random documents of which it is known what they say and which comment belongs to whom."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.count = itertools.count()
        self.names = self.random.sample(NAMES, self.random.randint(0, 4))
        self.blocks = [self.loose(), *self.body()]
        self.end = self.random.choice(["\n", "\r\n"])
        tail = self.random.choice(["", self.end])
        self.text = self.end.join(itertools.chain.from_iterable(block.lines for block in self.blocks)) + tail

    def comment(self) -> str:
        marks = ("", " [archives.mercy]", ' url = "x"', " ü", ' """', " # #")
        return f"# {next(self.count)}{self.random.choice(marks)}"

    def body(self) -> list[Block]:
        blocks = [self.top_keys()]
        for name in self.names:
            blocks += [self.entry(name), self.loose()]
            if self.random.random() < 0.2:
                blocks += [self.foreign(), self.loose()]
        return blocks

    def loose(self) -> Block:
        """Comments that stand alone between empty lines, or just the empty line."""
        if self.random.random() < 0.7:
            return Block(lines=[""])
        comments = [self.comment() for _ in range(self.random.randint(1, 2))]
        return Block(lines=["", *comments, ""], comments=comments)

    def top_keys(self) -> Block:
        block = Block()
        for key in self.random.sample(["schema_version", "a", "b c"], self.random.randint(0, 3)):
            self.key(block, json.dumps(key), "1" if key == "schema_version" else self.value())
        return block

    def entry(self, name: str) -> Block:
        block = Block(name=name)
        self.above(block)
        shown = self.random.choice([name, f'"{name}"', f"'{name}'"])
        space = self.random.choice(["", " "])
        self.line(block, f"[archives{space}.{space}{shown}]")
        for key in self.random.sample(["url", "title", "k k", "user", "deadline_s"], self.random.randint(0, 4)):
            self.key(block, key if " " not in key else json.dumps(key), self.value())
        if self.random.random() < 0.15:
            self.above(block)
            self.line(block, f"[archives.{name}.more]")
            self.key(block, "k", self.value())
        if self.random.random() < 0.15:
            self.above(block)
        return block

    def foreign(self) -> Block:
        block = Block()
        self.above(block)
        self.line(
            block, self.random.choice(["[other{}]", "[[list]] # {}", "[archives-not.{}]"]).format(next(self.count))
        )
        if block.lines[-1].startswith("[["):
            block.comments.append(block.lines[-1].partition(" ")[2])
        self.key(block, "url", self.value())
        return block

    def above(self, block: Block) -> None:
        for _ in range(self.random.choice([0, 0, 1, 2])):
            block.comments.append(self.comment())
            block.lines.append(block.comments[-1])

    def key(self, block: Block, key: str, value: str) -> None:
        if self.random.random() < 0.2:
            self.above(block)
        self.line(block, f"{key}{self.random.choice([' = ', '=', '  =  '])}{value}")

    def line(self, block: Block, line: str) -> None:
        if "#" not in line and "\n" not in line and self.random.random() < 0.25:
            block.comments.append(self.comment())
            line = f"{line} {block.comments[-1]}"
        block.lines.append(line)

    def value(self) -> str:
        return self.random.choice(
            [
                '"https://pacs/dicom-web"',
                "'single'",
                "10",
                "1.5",
                "nan",
                "true",
                "2026-01-31T09:41:07Z",
                '"a # no comment"',
                '"[archives.north]"',
                "[ 1, 2 ]",
                '{ a = 1, b = "}" }',
                '"""\n[archives.x]\n# no comment\n"""',
                "'''\n[archives.mercy]\nurl = 1\n'''",
                "[\n  1,\n  2,\n]",
            ]
        )

    def comments(self, *, without: str = "") -> list[str]:
        return [comment for block in self.blocks if block.name != without or not without for comment in block.comments]


def same(one: object, other: object) -> bool:
    return json.dumps(one, default=repr, sort_keys=True) == json.dumps(other, default=repr, sort_keys=True)


def comments_in_order(text: str, comments: list[str]) -> bool:
    """Whether each comment stands in the text, in this order."""
    place = 0
    for comment in comments:
        place = text.find(comment, place)
        if place < 0:
            return False
        place += len(comment)
    return True


def holds_under(text: str, generator: Generator) -> bool:
    """Whether the comments of each entry still stand between its first and its last line."""
    for block in generator.blocks:
        if block.name and block.comments:
            inner = generator.end.join(block.lines)
            if inner not in text:
                return False
    return True


@pytest.mark.parametrize("part", range(PARTS))
def test_in_random_documents_nothing_but_the_one_entry_changes(part):
    """Issue 4: 10,000 random TOML documents; no comment lost or moved, a second run changes nothing."""
    for seed in range(part * DOCUMENTS // PARTS, (part + 1) * DOCUMENTS // PARTS):
        made = Generator(seed)
        said = tomllib.loads(made.text)
        others = [name for name in NAMES if name not in made.names]
        action = made.random.choice(["add", "change", "remove", "reorder", "rename"] if made.names else ["add"])
        name = made.random.choice(made.names or others)
        wanted = tomllib.loads(made.text)
        entries = wanted.setdefault("archives", {})
        match action:
            case "add":
                name = others[0]
                new = archives_text.put(made.text, name, {"url": "https://new", "enabled": True})
                again = archives_text.put(new, name, {"url": "https://new", "enabled": True})
                entries[name] = {"url": "https://new", "enabled": True}
                if not said:
                    wanted["schema_version"] = 1
                assert new.startswith(made.text)
                assert same(tomllib.loads(archives_text.remove(new, name)), said or {"schema_version": 1}), seed
            case "change":
                new = archives_text.put(made.text, name, {"url": "https://new", "title": None})
                again = archives_text.put(new, name, {"url": "https://new", "title": None})
                entries[name]["url"] = "https://new"
                entries[name].pop("title", None)
            case "remove":
                new = again = archives_text.remove(made.text, name)
                del entries[name]
                if not entries:
                    del wanted["archives"]
                wanted = wanted or {"schema_version": 1}
                assert comments_in_order(new, made.comments(without=name)), seed
            case "reorder":
                order = made.random.sample(made.names, len(made.names))
                new = archives_text.reorder(made.text, order)
                again = archives_text.reorder(new, order)
                assert list(tomllib.loads(new)["archives"]) == order, seed
                assert holds_under(new, made), seed
            case _:
                new = archives_text.rename(made.text, name, others[0])
                again = new
                entries[others[0]] = entries.pop(name)
                assert comments_in_order(new, made.comments()), seed
        assert same(tomllib.loads(new), wanted), seed
        assert again == new, seed
        if action in {"add", "rename"}:
            assert comments_in_order(new, made.comments()), seed
        assert untouched(new, made, name if action in {"change", "remove", "rename"} else ""), seed


def untouched(new: str, made: Generator, changed: str) -> bool:
    """Whether every block but the changed one stands in the new text byte for byte."""
    return all(made.end.join(block.lines) in new for block in made.blocks if block.name != changed or not changed)


@pytest.mark.parametrize("seed", range(300))
def test_a_change_that_is_taken_back_leaves_the_text_as_it_was(seed):
    """Issue 4: undo restores."""
    made = Generator(seed)
    if not made.names:
        added = archives_text.put(made.text, "zoo", {"url": "https://z"})
        assert "[archives.zoo]" in added
        return
    name = made.names[0]
    order = made.names
    if len(order) > 1:
        there = archives_text.reorder(made.text, order[::-1])
        back = archives_text.reorder(there, order)
        assert back.rstrip("\r\n") == made.text.rstrip("\r\n")
    assert archives_text.rename(archives_text.rename(made.text, name, "zoo"), "zoo", name) == unquoted(made.text, name)


def unquoted(text: str, name: str) -> str:
    for quote in "\"'":
        for space in ("", " "):
            text = text.replace(f"[archives{space}.{space}{quote}{name}{quote}]", f"[archives{space}.{space}{name}]")
    return text


def test_a_text_that_lost_a_comment_or_says_something_else_never_counts():
    """facts/tray.md Appendix B4: the proof step."""
    assert archives_text._proved("# a\nx = 1 # b\n", "x = 1 # b\n# a\n", {"x": 1})
    for new in ("x = 1 # b\n", "# a\nx = 1\n", "# a\nx = 1.0 # b\n", "# a\nx = # b\n"):
        with pytest.raises(TextError):
            archives_text._proved("# a\nx = 1 # b\n", new, {"x": 1})
