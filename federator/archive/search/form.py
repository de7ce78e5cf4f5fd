"""What one question looks like on the wire at one archive, by what is known of it when the request goes out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from federator.archive.habits.known import Known
from federator.archive.habits.naming import Naming
from federator.archive.search import wire
from federator.archive.search.fetched import Window
from federator.archive.search.wire import ACCENTS, CAPITALS, DATES, STUDY_DATE, STUDY_TIME, STUDY_UID, UID_LISTS
from federator.dicom.query.filters import Filter
from federator.dicom.query.language import Query
from federator.model import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way to ask: `sent` are the filters as they are written, `requests` their terms, one list per request.

    `dated` says whether windows on study dates are sent. `needs` are the kinds of filter, each with the filter where
    there is one, that have to be sound for a short answer to mean anything. `faults` counts what of the question this
    archive is known not to take in this naming.
    """

    naming: Naming
    sent: tuple[Filter, ...]
    requests: tuple[tuple[tuple[str, str], ...], ...]
    dated: bool
    needs: Mapping[str, Filter | None]
    faults: int

    @property
    def tags(self) -> frozenset[str]:
        """The attributes that are filtered by."""
        return frozenset(filter_.tag for filter_ in self.sent) | ({STUDY_DATE} if self.dated else set())

    @property
    def by_case(self) -> frozenset[str]:
        """The kinds of text that are found in other capitals only at an archive that folds case."""
        return frozenset(kind for kind in self.needs if kind.startswith(CAPITALS))

    @property
    def key(self) -> tuple[object, ...]:
        """What two forms have in common that ask the same."""
        return self.naming, self.requests, self.dated

    def terms_of(self, window: Window) -> tuple[tuple[str, str], ...]:
        """What a request says of the window."""
        if window.open or not self.dated:
            return ()
        dated = ((STUDY_DATE, f"{window.first}-{window.last}"),)
        if window.from_time or window.to_time:
            return (*dated, (STUDY_TIME, f"{window.from_time}-{window.to_time}"))
        return dated


def forms(query: Query, window: Window, known: Known) -> list[Form]:
    """How to ask now: in one form where that is known, else by tag and by keyword at once.

    Where neither does all, the form that does more is taken; what it does not do is checked on the rows.
    """
    # Text goes out as it is written and without its letters at once, where it is not known whether case counts.
    all_ways = [_form(query, window, known, naming, opened=opened) for naming in Naming for opened in (False, True)]
    possible = list({form.key: form for form in reversed(all_ways)}.values())[::-1]
    least = min(form.faults for form in possible)
    best = [form for form in possible if form.faults == least]
    decided = [form for form in best if form.naming is known.naming]
    if decided:
        return decided
    asks = any(form.sent for form in best) or query.filter(STUDY_DATE) is not None
    together = known.naming is None and asks and not least
    return _few(best) if together else [form for form in best if form.naming is best[0].naming]


def first_forms(query: Query, window: Window, known: Known) -> list[Form]:
    """How to ask first, where an earlier process kept what it found: as it was understood, and as it did at last.

    The next round asks as if nothing were kept, so whatever that was, only what was seen by this process is believed.
    """
    asked = forms(query, window, known)
    kept = known.kept
    if kept is None or known.trusted:
        return asked
    sound = {**dict.fromkeys(kept.unsound, False), **known.sound}
    naming = known.naming or kept.naming
    likely = replace(known, naming=naming, sound=sound, ignored=known.ignored | kept.avoided)
    first = [form for form in asked if form.naming is naming] or asked
    return list({form.key: form for form in (*first, *forms(query, window, likely))}.values())


def _few(together: list[Form]) -> list[Form]:
    """What is asked by the naming that is less likely goes without letters at once: that finds all that matches.

    So the first question with a sample beside it is four requests, as many as an archive gets at a time.
    """
    first = together[0].naming
    without = {form.naming for form in together if not form.by_case}
    return [form for form in together if form.naming is first or not form.by_case or form.naming not in without]


def _form(query: Query, window: Window, known: Known, naming: Naming, *, opened: bool) -> Form:
    asked = wire.terms(query.filters, known, naming, fuzzy=query.fuzzy, opened=opened)
    sound = [term for term in asked if known.sound.get((naming, term.kind)) is not False]
    wanted = [term.sent.tag for term in asked] + ([] if window.open else [STUDY_DATE])
    applied = {tag for tag in wanted if known.applied((naming, Level.STUDY, tag))}
    dates = known.trusted or (
        known.sound.get((naming, DATES)) is not False and known.applied((naming, Level.STUDY, STUDY_DATE))
    )
    dated = not window.open and dates
    needs: dict[str, Filter | None] = {term.kind: term.sent for term in sound if term.kind and term.sent.tag in applied}
    needs |= {term.capitals: term.sent for term in sound if term.capitals and term.sent.tag in applied}
    if any(term.marked for term in sound):
        needs[ACCENTS] = None
    lists = known.sound.get((naming, UID_LISTS)) is not False
    if lists and any(term.sent.tag == STUDY_UID and wire.is_list(term.sent) for term in sound):
        needs[UID_LISTS] = None
    if dated:
        needs[DATES] = None
    usable = sum(term.sent.tag in applied for term in sound) + dated
    return Form(
        naming=naming,
        sent=tuple(term.sent for term in sound),
        requests=tuple(tuple(terms) for terms in wire.combinations(sound, known, naming)),
        dated=dated,
        needs={} if known.trusted else needs,
        faults=len(wanted) - usable,
    )
