"""What is installed: locked with hashes, covered, licensed (issue 12 part 8)."""

import re
import sysconfig
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.licences import pins

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "locks").glob("*.txt"))
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = DECLARED["project"]
EXTRAS = PROJECT["optional-dependencies"]
BROUGHT_BY_VENV = {"pip", "setuptools", "federator"}


def lock(name: str) -> str:
    return (ROOT / "locks" / f"{name}.txt").read_text(encoding="utf-8")


def versions(name: str) -> dict[str, str]:
    return {canonicalize_name(package): version for package, version, _ in pins(lock(name))}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_every_line_of_a_lock_is_one_version_with_its_hashes(path: Path) -> None:
    """Hash-checking mode of pip: no range, no address, no index, no file without a hash; wheels only."""
    head, *entries = re.split(r"(?m)^(?=[a-z0-9])", path.read_text(encoding="utf-8"))
    assert [line for line in head.splitlines() if not line.startswith("#")] == ["--only-binary :all:"]
    assert len(entries) > 3
    for entry in entries:
        assert re.fullmatch(
            r"[a-z0-9-]+==[\w.]+(?: ; [^\\\n]+)? \\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", entry
        ), entry.splitlines()[0]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("server", PROJECT["dependencies"]),
        ("tray", PROJECT["dependencies"] + EXTRAS["tray"]),
        ("test", PROJECT["dependencies"] + EXTRAS["tray"] + EXTRAS["test"]),
        ("build", DECLARED["dependency-groups"]["build"] + DECLARED["build-system"]["requires"]),
        ("tools", DECLARED["dependency-groups"]["tools"]),
    ],
)
def test_a_lock_covers_what_pyproject_asks_for(name: str, asked: list[str]) -> None:
    """Whoever changes pyproject.toml runs scripts/lock."""
    locked = versions(name)
    for text in asked:
        wanted = Requirement(text)
        assert wanted.specifier.contains(locked[canonicalize_name(wanted.name)]), text


@pytest.mark.parametrize("name", ["server", "tray", "build"])
def test_the_locks_agree(name: str) -> None:
    """What is tested is what is installed."""
    tested = versions("test")
    shared = versions(name).keys() & tested.keys()
    assert {package: versions(name)[package] for package in shared} == {package: tested[package] for package in shared}
    assert name == "build" or shared == versions(name).keys()


def test_what_a_locked_package_needs_is_locked_too() -> None:
    """The locks are installed without looking for dependencies, so they have to be whole."""
    locked = versions("test")
    for found in distributions(path=[str(place) for place in _site_packages()]):
        if canonicalize_name(found.name) not in locked:
            continue
        for text in found.requires or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({**default_environment(), "extra": ""}):
                assert canonicalize_name(needed.name) in locked, f"{found.name} needs {text}"


def test_nothing_is_installed_beside_the_lock() -> None:
    """scripts/test makes the environment from the lock and from nothing else."""
    locked = versions("test") | versions("build")
    installed = {
        canonicalize_name(found.name): found.version for found in distributions(path=[str(p) for p in _site_packages()])
    }
    beside = {
        name: version
        for name, version in installed.items()
        if name not in BROUGHT_BY_VENV and locked.get(name) != version
    }
    assert beside == {}


def _site_packages() -> list[Path]:
    """Of this environment alone: a system's own packages are not ours to lock."""
    return [Path(sysconfig.get_path("purelib")), Path(sysconfig.get_path("platlib"))]


@pytest.mark.parametrize("script", ["demo", "test", "sbom", "lock", "environment"])
def test_scripts_install_by_hash_or_build_what_lies_here(script: str) -> None:
    """Each `pip install` of a script checks hashes, or installs this folder without looking elsewhere."""
    text = (ROOT / "scripts" / script).read_text(encoding="utf-8").replace("\\\n", "")
    for line in re.findall(r"(?m)^[^#\n]*\bpip\b.* install\b.*$", text):
        assert "--no-deps" in line
        assert "--require-hashes" in line or "--no-build-isolation -e ." in line


def test_the_licence_of_every_package_is_listed_and_none_is_gpl() -> None:
    """docs/licences.md; `python -m scripts.licences` writes it anew."""
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    rows = re.findall(r"(?m)^\| ([a-z0-9-]+) \| (\S+) \| ([^|]+) \|", page)
    listed = {name: version for name, version, _ in rows if name != "package"}
    assert listed == versions("tray")
    for name, _, licence in rows:
        assert not re.search(r"(?<!L)\bA?GPL|(?<!Lesser )General Public", licence), name
