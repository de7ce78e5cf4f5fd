"""One question about studies to one archive: fetch the rows of a window and keep those that match.

The question goes out first, by tag and by keyword at once where it is not known which the archive understands. Getting
to know the archive (rows to try filters on, trials of those filters) happens beside it. Then the answer is believed as
far as what was sent for it was found to be sound; where it was not, the question is asked again in another form.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from federator.archive.concurrently import concurrently
from federator.archive.connection.client import ArchiveClient
from federator.archive.habits.naming import Naming
from federator.archive.search import samples, soundness, wire
from federator.archive.search.attempt import Attempt
from federator.archive.search.doubts import Doubts
from federator.archive.search.fetched import Fetched, Wholeness, Window
from federator.archive.search.form import Form, first_forms, forms
from federator.archive.search.pages import read_pages
from federator.archive.search.wire import STUDY_DATE, STUDY_TIME, STUDY_UID
from federator.dicom import json
from federator.dicom.query.language import Query
from federator.dicom.query.matching import Verdict, judge
from federator.model import DicomJson, Level

_ANY_DATE = Window(first="18000101")
_MOST_FORMS = 6


class Search:
    """One query to one archive at the study level. Not shared between questions.

    `in_hand` are the rows that surely match, by UID, as soon as they have come: between them others may be missing.
    """

    def __init__(self, client: ArchiveClient, query: Query) -> None:
        self.client = client
        self.query = query
        self.in_hand: dict[str, DicomJson] = {}
        self._dropped: Counter[str] = Counter()
        self._lacking: Counter[str] = Counter()
        self._twins: set[str] = set()
        self._missed: set[str] = set()
        self._untried: set[str] = set()
        self._doubts = Doubts()
        self._below: dict[str, DicomJson] = {}
        self._tried: set[tuple[Naming, str]] = set()
        self._sampled = False
        self._unsettled = False
        self._more_of_nothing = False

    @property
    def dates_usable(self) -> bool:
        """Whether the archive can be asked for a range of study dates."""
        return forms(self.query, _ANY_DATE, self.client.habits.known)[0].dated

    @property
    def single(self) -> bool:
        """Whether one request asks the whole question, so that an archive's own order means something."""
        return len(forms(self.query, Window(), self.client.habits.known)[0].requests) == 1

    def remarks(self) -> list[str]:
        """What the archive did not do as asked, in sentences."""
        return [
            f"It did not apply {keyword}: {count} rows that do not match were left out here."
            for keyword, count in sorted(self._dropped.items())
        ]

    def unjudged(self) -> list[str]:
        """What may be missing, because the archive did not tell enough of it, in sentences."""
        told = self._doubts.sentences()
        told += [
            f"{count} rows without {keyword} were left out, because it is not known whether they match."
            for keyword, count in sorted(self._lacking.items())
        ]
        if self._twins:
            told.append(
                f"{len(self._twins)} of its studies stand there more than once under one Study Instance UID, with "
                "different attributes; one version of each is shown."
            )
        if self._missed:
            told.append(
                f"It did not find {len(self._missed)} studies that it gave when asked otherwise; others like them may "
                "be missing."
            )
        if self._untried:
            told.append(
                f"Whether it finds all that match by {', '.join(sorted(self._untried))} could not be tried: it refuses "
                "what would show that."
            )
        if self._more_of_nothing:
            told.append("It says that there is more, but gives nothing.")
        if self._unsettled:
            told.append("What it does with filters kept changing while it was asked, so studies may be missing.")
        return told

    async def fetch(
        self,
        window: Window,
        *,
        limit: int,
        offset: int = 0,
        orderby: str = "",
        beside: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> Fetched:
        """Ask for the studies of a window. Raises ArchiveError.

        What is awaited `beside` the first requests has ended before their answers are judged.

        Standard: PS3.18 §10.6, PS3.4 §C.2.2.2
        """
        made: list[Attempt] = []
        settled: set[tuple[object, ...]] = set()
        for _ in range(_MOST_FORMS):
            # What was found out of this archive may have been thrown away meanwhile, and nothing rests on that.
            made = [attempt for attempt in made if attempt.habits is self.client.habits]
            now = forms if made else first_forms
            fresh = [form for form in now(self.query, window, self.client.habits.known) if _is_new(form, made)]
            if not fresh and self._best(made).form.key in settled:
                break
            begun = [self._attempt(form, window) for form in fresh]
            made += begun
            asked: list[Callable[[], Awaitable[None]]] = [partial(each.run, limit, offset, orderby) for each in begun]
            asked += [partial(self._try_out, form) for form in fresh]
            asked += [self._take_sample] if fresh else []
            asked, beside = [*asked, *beside], ()
            await concurrently(asked)
            best = self._best(made)
            settled.add(best.form.key)
            await self._settle(best, made)
        else:
            self._unsettled = True
        fetched = await self._believed(self._best(made), made)
        if not offset and not (window.from_time or window.to_time):
            self._hold_against(window, fetched)
        return fetched

    def _hold_against(self, window: Window, fetched: Fetched) -> None:
        """Keep what came otherwise, matches and should have been found: an answer without it is not all."""
        missed = {
            uid: row
            for uid, row in self.in_hand.items()
            if uid not in fetched.seen and window.holds(json.date(row, STUDY_DATE))
        }
        if not missed or fetched.wholeness is Wholeness.CUT:
            return
        if fetched.wholeness is Wholeness.UNPROVEN:
            fetched.wholeness = Wholeness.CUT
            return
        fetched.rows |= missed
        fetched.seen |= missed.keys()
        fetched.moments += [
            (json.date(row, STUDY_DATE), json.time(row, STUDY_TIME))
            for row in missed.values()
            if json.date(row, STUDY_DATE)
        ]
        self._missed |= missed.keys()

    async def pages(self, window: Window) -> Fetched:
        """The whole list of a window, page by page. Raises ArchiveError."""
        habits = self.client.habits
        if self.single:
            return await read_pages(
                lambda limit, offset: self.fetch(window, limit=limit, offset=offset), habits, Level.STUDY
            )
        # Each request has a list and offsets of its own.
        await self._take_sample()
        for _ in range(2):
            # Whether case counts is tried first, then what is sent where it does, or where that cannot be tried.
            await self._try_out(forms(self.query, window, habits.known)[0])
            await self._try_out(self._widest(window))
        form = self._widest(window)
        whole = Fetched()
        for terms in form.requests:
            attempt = self._attempt(form, window)
            whole.take(await read_pages(partial(attempt.page, list(terms)), habits, Level.STUDY))
            self._count(attempt)
        return whole

    def _widest(self, window: Window) -> Form:
        """The form that rests least on how the archive takes case."""
        known = self.client.habits.known
        return min(
            forms(self.query, window, known),
            key=lambda form: sum(not known.sound.get((form.naming, kind)) for kind in form.by_case),
        )

    def _attempt(self, form: Form, window: Window) -> Attempt:
        return Attempt(
            client=self.client, query=self.query, form=form, window=window, in_hand=self.in_hand, below=self._below
        )

    async def _take_sample(self) -> None:
        """Ask for rows to try filters on, where none is known that has what is asked for: once in a question."""
        known = self.client.habits.known
        unseen = self._unseen()
        wanted = bool(unseen) or (not known.sample and self.query.filter(STUDY_DATE) is not None)
        if not wanted or self._sampled or known.trusted or known.lists_refused:
            return
        self._sampled = True
        await self.client.habits.once(
            ("sample", unseen), partial(samples.take, self.client, unseen, self._take_in_hand)
        )

    def _take_in_hand(self, rows: Sequence[DicomJson]) -> None:
        """What came to get to know the archive may match as well; nobody found it by its sound."""
        for row in rows:
            uid = json.uid(row, STUDY_UID)
            if uid and all(judge(row, each) is Verdict.MATCH for each in self.query.filters):
                self.in_hand.setdefault(uid, row)

    def _unseen(self) -> tuple[str, ...]:
        """The attributes asked for that cannot be tried on any known row, and for which none was looked for yet."""
        known = self.client.habits.known
        sent = forms(self.query, Window(), known)[0].sent
        tags = dict.fromkeys(filter_.tag for filter_ in sent)
        return tuple(
            tag
            for tag in tags
            if tag not in known.looked_for and not any(samples.telling(row, tag) for row in known.sample)
        )

    async def _try_out(self, form: Form) -> None:
        trials = soundness.trials(self.client, form.naming, form.needs)
        # A trial that broke down is not tried again by the same question.
        trials = {kind: trial for kind, trial in trials.items() if (form.naming, kind) not in self._tried}
        await soundness.try_out(self.client, form.naming, trials)
        self._tried |= {(form.naming, kind) for kind in trials}

    def _best(self, made: list[Attempt]) -> Attempt:
        return min(made, key=lambda attempt: self._standing(attempt, made))

    def _standing(self, attempt: Attempt, made: list[Attempt]) -> tuple[bool, int, bool, int]:
        """How far an attempt is to be believed, the best first: what may be missing weighs more than what is too much.

        An answer without a row that another one has, and that matches, was not found by what was sent for it.
        """
        form, known = attempt.form, self.client.habits.known
        unsound = sum(known.sound.get((form.naming, kind)) is False for kind in form.needs)
        found = {uid for other in made if other.error is None for uid in other.sure}
        missed = attempt.too_broad or (
            attempt.fetched.wholeness is not Wholeness.CUT
            and (not found <= attempt.fetched.seen or self._may_be_more(attempt, made))
        )
        not_applied = sum(not known.applied((form.naming, Level.STUDY, sent.tag)) for sent in form.sent)
        return attempt.error is not None, unsound, missed, not_applied

    def _may_be_more(self, attempt: Attempt, made: list[Attempt]) -> bool:
        """Whether the same without letters brought a part only, so that it is open what stands in other capitals."""
        return bool(self._case_open(attempt)) and any(
            other.error is None and other.fetched.wholeness is Wholeness.CUT
            for other in made
            if other.form.naming is attempt.form.naming and not other.form.by_case
        )

    def _case_open(self, attempt: Attempt) -> frozenset[str]:
        known, form = self.client.habits.known, attempt.form
        return frozenset(kind for kind in form.by_case if (form.naming, kind) not in known.sound)

    def _case_untried(self, best: Attempt, made: list[Attempt]) -> frozenset[str]:
        """What may stand in other capitals: neither was that tried, nor did the same without letters bring all."""
        without = (other for other in made if not other.form.by_case and other.error is None and not other.too_broad)
        covered = any(other.possible <= best.fetched.seen for other in without)
        return frozenset() if covered else self._case_open(best)

    async def _settle(self, best: Attempt, made: list[Attempt]) -> None:
        """Learn what the answer itself shows, and try out what is still open."""
        if best.error is not None:
            return
        habits, form = self.client.habits, best.form
        rows = [best.fetched.rows[uid] for uid in best.sure]
        for kind, sent in form.needs.items():
            if sent is not None and (form.naming, kind) not in habits.known.sound and soundness.shown(kind, sent, rows):
                habits.sound(form.naming, kind, yes=True)
        if form.dated and soundness.dates_shown(habits.known.sample, rows):
            habits.sound(form.naming, wire.DATES, yes=True)
        # What the next form rests on is tried as well: an archive that compares by case is asked without letters.
        named_alike = [each.form for each in made if each.error is None and each.form.naming is form.naming]
        await concurrently([partial(self._try_out, each) for each in named_alike])
        for each in named_alike:
            soundness.give_up(self.client, each.naming, each.needs)
        known = habits.known
        sound = bool(form.needs) and all(known.sound.get((form.naming, kind)) for kind in form.needs)
        applied = all(known.applied((form.naming, Level.STUDY, tag)) for tag in form.tags)
        if form.tags and applied and (sound or (rows and form.sent)):
            habits.named(form.naming)

    async def _believed(self, best: Attempt, made: list[Attempt]) -> Fetched:
        if best.error is not None:
            raise best.error
        await best.keep_matching()
        self._count(best)
        form, known = best.form, self.client.habits.known
        unsound = {kind for kind in form.needs if known.sound.get((form.naming, kind)) is False}
        untried = set(soundness.trials(self.client, form.naming, form.needs))
        if known.lists_refused and not known.sample:
            untried |= {kind for kind in form.needs if (form.naming, kind) not in known.sound}
        self._untried |= unsound | untried | self._case_untried(best, made)
        self._more_of_nothing = self._more_of_nothing or (best.more and not best.fetched.seen)
        return best.fetched

    def _count(self, attempt: Attempt) -> None:
        self._dropped += attempt.dropped
        self._lacking += attempt.lacking
        self._doubts.take(attempt.doubts)
        self._twins |= attempt.twins


def _is_new(form: Form, made: list[Attempt]) -> bool:
    return form.key not in {attempt.form.key for attempt in made}
