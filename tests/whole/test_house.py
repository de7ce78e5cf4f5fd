"""The house: one family, one room (CONTRIBUTING.md). What import-linter, which has layers and circles, cannot see."""

import ast
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = ("federator", "tray", "tests")
MOST_MODULES = 16
MOST_OF_A_PREFIX = 3
GATHERS = {"federator/config"}
"""The one package that offers its modules' names as its own: it is small, and everything needs it."""


def rooms() -> Mapping[str, list[str]]:
    """Every folder with the stems of its modules, without the mark of tests."""
    found: dict[str, list[str]] = defaultdict(list)
    for floor in FLOORS:
        for path in (ROOT / floor).rglob("*.py"):
            if path.name != "__init__.py":
                found[path.parent.relative_to(ROOT).as_posix()].append(path.stem.removeprefix("test_"))
    return found


def packages() -> list[str]:
    paths = [*(ROOT / "federator").rglob("__init__.py"), *(ROOT / "tray").rglob("__init__.py")]
    return sorted(path.parent.relative_to(ROOT).as_posix() for path in paths)


@pytest.mark.parametrize(("room", "modules"), sorted(rooms().items()))
def test_a_room_is_small_enough_to_be_looked_over(room: str, modules: list[str]):
    """rooms.md: about fifteen modules, then it is two rooms."""
    assert len(modules) <= MOST_MODULES


@pytest.mark.parametrize(("room", "modules"), sorted(rooms().items()))
def test_a_prefix_that_many_share_is_a_room(room: str, modules: list[str]):
    """rooms.md: a prefix that many files share is a room without walls."""
    shared = Counter(stem.partition("_")[0] for stem in modules)
    assert {prefix: count for prefix, count in shared.items() if count > MOST_OF_A_PREFIX} == {}


@pytest.mark.parametrize("package", packages())
def test_a_package_says_what_it_is_and_imports_nothing(package: str):
    """rooms.md: its docstring says what lives there, and start-up time counts."""
    module = ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(module)
    imports = [node for node in ast.walk(module) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not imports or package in GATHERS
