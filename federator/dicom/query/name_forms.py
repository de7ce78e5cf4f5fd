"""Names as people write them, and the patterns that would find them as the standard writes them. Pure.

DICOM writes `Family^Given^Middle^Prefix^Suffix` (PS3.5 §6.2.1): `Jane Doe` and `Doe, Jane` match no archive's row.
"""

import re

_TITLES = frozenset(
    """
    mr mrs ms miss mister dr doctor prof professor herr hr frau fr fräulein sir dame lord lady madame mme mlle monsieur
    sr sra señor señora dott dottore dottoressa ing dipl med phd md jr sen patient
    """.split()  # noqa: SIM905 - a list of so many strings is unreadable
)
_PARTICLES = frozenset(
    """
    van von vom zu zur de del della der den di da do dos das du la le les el al bin ibn ben abu mac mc st ten ter
    't y e
    """.split()  # noqa: SIM905 - a list of so many strings is unreadable
)


def patterns(written: str) -> list[str]:
    """What to write for a name without `^`: family first, then given; two where either word may be the family's."""
    text = " ".join(written.replace("%", " ").split()).strip("*?,;: ")
    if "," in text:
        last, given = (_untitled(part) for part in text.split(",", 1))
        return [f"{' '.join(last)}^{_given(given)}*"] if last and given else _single(last or given)
    words = _untitled(text)
    family_at = next((place for place, word in enumerate(words) if word.lower() in _PARTICLES), len(words) - 1)
    if len(words) < 2 or family_at == 0:  # noqa: PLR2004 - a family and a given name
        return _single(words)
    first, family = words[:family_at], " ".join(words[family_at:])
    return [f"{words[0]}^{_given(words[1:])}*", f"{family}^{_given(first)}*"]


def is_whole_family(written: str) -> bool:
    """Whether the words may be one family name, as in `van der Berg`."""
    words = [word.strip("*?").lower() for word in written.split()]
    return all(word in _PARTICLES for word in words[:-1])


def _single(words: list[str]) -> list[str]:
    name = " ".join(words)
    return [f"{name}*", f"{name}^*"] if name else []


def _given(words: list[str]) -> str:
    return words[0] if words else ""


def _untitled(text: str) -> list[str]:
    words = [word.strip(",") for word in text.split()]
    kept = [word for word in words if word.lower().rstrip(".") not in _TITLES]
    return [word for word in kept or words if re.search(r"\w", word)]
