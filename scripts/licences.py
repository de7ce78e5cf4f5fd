"""Writes docs/licences.md: the licence of every package in locks/tray.txt, as its own metadata states it.

    python -m scripts.licences     writes the page anew; a test compares it with the lock

What is installed here is read here; of what only other systems or versions of Python install, the wheel is fetched.
"""

import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import HeaderParser
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "locks" / "tray.txt"
PAGE = ROOT / "docs" / "licences.md"

_MARKS = {"win32": "Windows", "darwin": "macOS", "linux": "Linux", "emscripten": "browsers"}
_PLATFORMS = ("any", "win_amd64", "macosx_11_0_universal2", "macosx_10_9_universal2")
_HEAD = """# Licences

federator is under the MIT licence. These are the packages that it and its tray install, and the licence that each
states in its own metadata; none is under the GPL or the AGPL. `python -m scripts.licences` writes this page from
`locks/tray.txt`.

| package | version | licence | only on |
|---|---|---|---|
"""


def pins(lock: str) -> Iterator[tuple[str, str, str]]:
    """Name, version and marker of every package of a lock."""
    for line in lock.splitlines():
        if "==" in line and not line.startswith((" ", "#")):
            pin, _, marker = line.rstrip("\\ ").partition(";")
            name, _, version = pin.strip().partition("==")
            yield name, version, marker.strip()


def page() -> str:
    """The whole page."""
    rows = (
        f"| {name} | {version} | {_licence(_metadata_of(name, version))} | {_places(marker)} |\n"
        for name, version, marker in pins(LOCK.read_text(encoding="utf-8"))
    )
    return _HEAD + "".join(rows)


def _metadata_of(name: str, version: str) -> Message:
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        return _fetched(name, version)
    return HeaderParser().parsestr(installed.read_text("METADATA") or "")


def _fetched(name: str, version: str) -> Message:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command += ["--python-version", "3.13"]
    platforms = (option for platform in _PLATFORMS for option in ("--platform", platform))
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*command, *platforms, "--dest", folder, f"{name}=={version}"], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            (place,) = (entry for entry in archive.namelist() if entry.endswith(".dist-info/METADATA"))
            return HeaderParser().parsestr(archive.read(place).decode("utf-8"))


def _licence(told: Message) -> str:
    """The expression (PEP 639), else the classifier, else the free text where it is a name and not a whole licence."""
    classifiers = [value.split(" :: ")[-1] for value in told.get_all("Classifier", []) if value.startswith("License")]
    free = str(told.get("License", "")).strip()
    licence = str(told.get("License-Expression", "")) or ", ".join(classifiers) or free.partition("\n")[0]
    if not licence:
        message = f"{told['Name']} states no licence."
        raise SystemExit(message)
    return licence


def _places(marker: str) -> str:
    systems = ", ".join(words for mark, words in _MARKS.items() if f"sys_platform == '{mark}'" in marker)
    _, _, version = marker.partition("python_full_version ")
    bound = version.partition(" and ")[0].replace("'", "")
    return ", ".join(filter(None, [systems, f"Python {bound}" if bound else ""]))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
