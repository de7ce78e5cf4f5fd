"""Results within what clients let through: text and structure side by side, each sufficient alone."""

import json
from collections.abc import Sequence
from itertools import accumulate

from mcp.types import CallToolResult, TextContent

from federator.server.wording.models import Answer

MAX_CHARACTERS = 48_000
"""What one answer may have in text, and once more in structure.

The narrowest clients take 25,000 tokens (UIDs cost a token for every two or three characters), 50,000 characters
of text and 1 MB in all.
"""

_HEAD_CHARACTERS = 8_000
"""What outcomes, notes and the cursor take of it."""


def both(answer: Answer, lines: Sequence[str]) -> CallToolResult:
    """The answer as text and as structure."""
    return CallToolResult(
        content=[TextContent(type="text", text="\n".join(lines))], structured_content=answer.structured()
    )


def text_only(*blocks: str) -> CallToolResult:
    """An answer that is text: blocks with an empty line between them."""
    return CallToolResult(content=[TextContent(type="text", text="\n\n".join(blocks))])


def fitting(items: Sequence[Answer], *, head_characters: int = _HEAD_CHARACTERS) -> int:
    """How many of the items fit into one answer, at least one; as text they are shorter than as structure."""
    sizes = (len(json.dumps(item.structured(), ensure_ascii=False)) + 2 for item in items)
    room = MAX_CHARACTERS - head_characters
    return max(1, sum(total <= room for total in accumulate(sizes)))
