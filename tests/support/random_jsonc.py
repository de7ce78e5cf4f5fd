"""Random JSONC documents as people write settings: the same document for the same seed."""

import json
import random

ENTRY = {"command": "/opt/föderator/bin/federator", "args": ["--config", 'C:\\Users\\A "B"\\archives.toml']}


class RandomSettings:
    """Writes random JSONC: comments anywhere, commas behind the last member, both line ends, tabs or nothing."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.newline = self.random.choice(["\n", "\r\n"])
        self.indent = self.random.choice(["  ", "    ", "\t", ""])
        self.commented = self.random.random() < 0.8
        self.count = 0

    def document(self) -> str:
        """A whole document, with or without other servers and with or without ours."""
        servers = self.random.random()
        names = [f"k{n}" for n in range(self.random.randrange(4))]
        members = [(name, self.value(1)) for name in names]
        if servers < 0.7:
            members.insert(self.random.randrange(len(members) + 1), ("mcpServers", self.servers()))
        return self.gap() + self.object(members, 0) + self.gap()

    def servers(self) -> str:
        names = [f"s{n}" for n in range(self.random.randrange(4))]
        members = [(name, self.value(2)) for name in names]
        if self.random.random() < 0.25:
            members.insert(self.random.randrange(len(members) + 1), ("federator", self.entry()))
        return self.object(members, 1)

    def entry(self) -> str:
        return self.random.choice(['{"command": "old"}', '{ "command" : 1,\n"args":[ ] }', "null", json.dumps(ENTRY)])

    def value(self, depth: int) -> str:
        kind = self.random.randrange(9 if depth < 3 else 7)
        plain = ["1", "-2.5e3", "true", "null", '"a // no comment"', '"\\u00e9 \\" } ,"', "[]"]
        if kind < 7:
            return plain[kind]
        if kind == 7:
            return "[" + ", ".join(self.gap() + self.value(depth + 1) for _ in range(2)) + self.gap() + "]"
        return self.object([(f"v{n}", self.value(depth + 1)) for n in range(self.random.randrange(3))], depth)

    def object(self, members: list[tuple[str, str]], depth: int) -> str:
        if self.random.random() < 0.2:
            return "{" + ",".join(f'"{name}":{value}' for name, value in members) + "}"
        text = "{" + self.tail()
        for place, (name, value) in enumerate(members):
            comma = "," if place < len(members) - 1 or self.random.random() < 0.3 else ""
            before = self.line(depth + 1) if self.random.random() < 0.8 else self.gap()
            text += f'{before}"{name}"{self.gap()}:{self.gap()}{value}{self.gap()}{comma}{self.tail()}'
        return text + self.line(depth) + "}"

    def line(self, depth: int) -> str:
        alone = f"{self.newline}{self.indent * depth}{self.comment()}" if self.random.random() < 0.2 else ""
        return alone + self.newline + self.indent * depth

    def tail(self) -> str:
        roll = self.random.random()
        if not self.commented or roll > 0.3:
            return ""
        if roll > 0.15:
            return f" {self.comment()}{self.newline}"
        return f"/* {self.number()} */"

    def gap(self) -> str:
        roll = self.random.random()
        if not self.commented or roll > 0.12:
            return " " if roll > 0.5 else ""
        return f"/* {self.number()}{self.newline if roll > 0.08 else ''} */" if roll > 0.04 else self.tail()

    def comment(self) -> str:
        return f"// {self.number()}, {{}}" if self.commented else ""

    def number(self) -> str:
        self.count += 1
        return f"note {self.count}"
