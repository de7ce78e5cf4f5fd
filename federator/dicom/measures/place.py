"""Where a number was measured, and what else holds for it: context is inherited (PS3.3 C.17.5)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from federator.dicom.measures.facts import laterality_of, site_of
from federator.dicom.measures.row import Detail
from federator.dicom.report.tree import Item

_WITHIN = "Within"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Site and side by their nearest tellers; `within` is a wider place whose side may not be the nearer one's."""

    site: str
    laterality: str
    within: tuple[Detail, ...] = ()


def place_of(around: Iterable[Item]) -> Place:
    """The place that the items tell, the nearest first.

    A side belongs to the site that it stands with. Where a nearer site tells no side, it takes one that stands alone
    further out; one that stands with another site is told beside it, for it may be of that site only.
    """
    site = laterality = ""
    within: list[Detail] = []
    for item in around:
        own_site, own_side = site_of(item), laterality_of(item)
        if not site:
            site, laterality = own_site, laterality or own_side
        elif own_site and own_site != site:
            said = f"{own_site}, {own_side}" if own_side else own_site
            within.append((_WITHIN, said))
        elif not laterality:
            laterality = own_side
    return Place(site=site, laterality=laterality, within=tuple(dict.fromkeys(within)))


def with_context(own: Sequence[Detail], context: Iterable[Sequence[Detail]]) -> tuple[Detail, ...]:
    """The facts with those of the sections around them, the nearest first; a nearer one replaces one of its name."""
    found = list(own)
    for details in context:
        names = {name for name, _ in found}
        found += [detail for detail in details if detail[0] not in names]
    return tuple(dict.fromkeys(found))
