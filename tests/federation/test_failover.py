"""One object from whichever archive serves it: bare UIDs, tags, and the way from one holder to the next."""

from collections.abc import Callable

import anyio
import pytest

from federator.archive.connection.client import ArchiveClient
from federator.config import Archive, Config
from federator.dicom.query.language import Query
from federator.dicom.uid import TaggedUID
from federator.errors import ArchiveError, ContentError, NoArchiveAnswered, NotFound, RequestError
from federator.federation.federation import Federation, Target
from federator.model import Level, OutcomeState
from tests.support.hostile.archive import HostileArchive
from tests.support.hostile.loopback import Loopback
from tests.support.hostile.records import Holdings, study, with_images

pytestmark = pytest.mark.anyio

SERIES, INSTANCES = Query(level=Level.SERIES), Query(level=Level.INSTANCE)


class Counting(HostileArchive):
    """Counts what it is asked, and can be switched off."""

    def __init__(self, *uids: str) -> None:
        super().__init__(with_images([study(uid, date="20240101", modalities=("CT", "SR")) for uid in uids]))
        self.silent = False

    async def __call__(self, scope, receive, send) -> None:
        if self.silent:
            self.ledger.requests.append(None)
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        await super().__call__(scope, receive, send)

    @property
    def asked(self) -> int:
        """The requests since the last look."""
        count = len(self.ledger.requests)
        self.ledger.clear()
        return count


def of(urls: list[str], deadline_s: float = 20.0) -> Config:
    return Config(
        archives=tuple(
            Archive(name=name, url=url, deadline_s=deadline_s) for name, url in zip("abcd", urls, strict=False)
        )
    )


def serving(*failures: tuple[str, ArchiveError | ContentError]) -> Callable[[ArchiveClient], object]:
    """An operation that fails at some archives and gives the name of the archive at others."""
    failing = dict(failures)

    async def operation(client: ArchiveClient) -> str:
        if client.name in failing:
            raise failing[client.name]
        return client.name

    return operation


def error(state: OutcomeState = OutcomeState.FAILED, status: int | None = None) -> ArchiveError:
    return ArchiveError(f"said {status or state.value}.", state=state, http_status=status)


def target(text: str) -> Target:
    return Target(study=TaggedUID.parse(text))


# Failover


@pytest.mark.parametrize(
    "failure",
    [error(OutcomeState.UNREACHABLE), error(status=404), error(status=410), error(status=500), error(status=503),
     error(OutcomeState.REFUSED, 403), error(OutcomeState.SKIPPED), error(OutcomeState.NOT_DICOMWEB)],
)  # fmt: skip
async def test_the_next_holder_serves_what_the_preferred_one_cannot(failure):
    """contract.md §1: the answer says who served it, and why not the one before."""
    async with Federation(of(["http://127.0.0.1:9"] * 3)) as federation:
        served = await federation.retrieve(target("1.2@c,a,b"), serving(("c", failure)))
    assert (served.value, served.archive) == ("a", "a")
    assert [(outcome.archive, outcome.message) for outcome in served.earlier] == [("c", str(failure))]


async def test_a_holder_that_keeps_silent_has_its_own_deadline():
    """contract.md §1: fail over on a timeout too."""

    async def operation(client: ArchiveClient) -> str:
        if client.name == "a":
            await anyio.sleep_forever()
        return client.name

    async with Federation(of(["http://127.0.0.1:9"] * 2, deadline_s=0.1)) as federation:
        served = await federation.retrieve(target("1.2@a,b"), operation)
    assert served.archive == "b"
    assert [(outcome.state, outcome.message) for outcome in served.earlier] == [
        (OutcomeState.TIMED_OUT, "no answer within 0.1 s.")
    ]


async def test_not_found_names_who_said_no_and_who_did_not_answer():
    """contract.md §1 and §6."""
    operation = serving(("a", error(status=404)), ("b", error(OutcomeState.UNREACHABLE)), ("c", error(status=410)))
    async with Federation(of(["http://127.0.0.1:9"] * 3)) as federation:
        with pytest.raises(NotFound) as caught:
            await federation.retrieve(target("1.2@a,b,c"), operation)
    assert "Asked: a." in str(caught.value)
    assert "b: said unreachable.; c: said 410." in str(caught.value)


async def test_nobody_who_said_no_is_no_proof_that_it_does_not_exist():
    """contract.md §3.1: all failed is another error than not found."""
    operation = serving(("a", error(status=503)), ("b", error(OutcomeState.UNREACHABLE)))
    async with Federation(of(["http://127.0.0.1:9"] * 2)) as federation:
        with pytest.raises(NoArchiveAnswered):
            await federation.retrieve(target("1.2@a,b"), operation)


async def test_content_that_cannot_be_read_is_not_looked_for_elsewhere():
    """errors.py: found, but not of a kind that can be shown; another copy holds the same."""
    async with Federation(of(["http://127.0.0.1:9"] * 2)) as federation:
        with pytest.raises(ContentError):
            await federation.retrieve(target("1.2@a,b"), serving(("a", ContentError("no pixels"))))


async def test_tags_and_unknown_names_are_settled_before_anybody_is_asked():
    """contract.md §1: disagreeing tags, names that are not configured."""
    async with Federation(of(["http://127.0.0.1:9"] * 2)) as federation:
        with pytest.raises(RequestError, match=r"Configured: a, b\."):
            await federation.retrieve(target("1.2@a,nowhere"), serving())
        parted = Target(study=TaggedUID.parse("1.2@a"), series=TaggedUID.parse("1.3@b"))
        with pytest.raises(RequestError, match="no archive together"):
            await federation.retrieve(parted, serving())


# Bare UIDs


async def test_a_bare_uid_is_found_by_asking_all_once(loopback: Loopback):
    """contract.md §1: found by asking every archive, once; remembered."""
    archives = [Counting("1.1"), Counting("1.2"), Counting("1.2", "1.3")]
    with loopback.serve(*archives) as urls:
        async with Federation(of(urls)) as federation:
            assert (await federation.retrieve(target("1.2"), serving())).archive == "b"
            assert all(archive.asked for archive in archives)
            assert (await federation.retrieve(target("1.2"), serving(("b", error(status=503))))).archive == "c"
            assert not any(archive.asked for archive in archives)


async def test_holders_are_not_remembered_while_one_archive_is_silent(loopback: Loopback):
    """contract.md §1: it may hold the study as well."""
    archives = [Counting("1.1"), Counting("1.1")]
    archives[1].silent = True
    with loopback.serve(*archives) as urls:
        async with Federation(of(urls, deadline_s=0.5)) as federation:
            assert (await federation.retrieve(target("1.1"), serving())).archive == "a"
            archives[1].silent = False
            _ = [archive.asked for archive in archives]
            served = await federation.retrieve(target("1.1"), serving(("a", error(status=503))))
    assert served.archive == "b"


async def test_a_bare_uid_found_nowhere_says_who_said_no_and_who_did_not_answer(loopback: Loopback):
    """contract.md §1."""
    archives = [Counting("1.1"), Counting("1.1")]
    archives[1].silent = True
    with loopback.serve(*archives) as urls:
        async with Federation(of(urls, deadline_s=0.5)) as federation:
            for ask in (
                federation.retrieve(target("9.9"), serving()),
                federation.search(SERIES, study=TaggedUID.parse("9.9")),
            ):
                with pytest.raises(NotFound) as caught:
                    await ask
                assert "Asked: a." in str(caught.value)
                assert "b: no answer within 0.5 s." in str(caught.value)


async def test_a_study_that_moved_is_looked_for_again(loopback: Loopback):
    """What was remembered is a hint: a NotFound from it is not believed."""
    archives = [Counting("1.1"), Counting("1.9")]
    with loopback.serve(*archives) as urls:
        async with Federation(of(urls)) as federation:
            bare = TaggedUID.parse("1.1")
            assert (await federation.search(SERIES, study=bare)).entries[0].holders == ("a",)
            archives[0].holdings, archives[1].holdings = archives[1].holdings, archives[0].holdings
            assert (await federation.search(SERIES, study=bare)).entries[0].holders == ("b",)
            assert (await federation.retrieve(target("1.1"), serving(("a", error(status=404))))).archive == "b"


async def test_a_tag_is_kept_to_even_where_another_holder_is_known(loopback: Loopback):
    """contract.md §1: UID@a asks only a, whatever was remembered."""
    archives = [Counting("1.1"), Counting("1.1")]
    with loopback.serve(*archives) as urls:
        async with Federation(of(urls)) as federation:
            await federation.search(SERIES, study=TaggedUID.parse("1.1"))
            archives[1].holdings = Holdings()
            federation._holders.forget("1.1")
            assert (await federation.search(SERIES, study=TaggedUID.parse("1.1"))).entries[0].holders == ("a",)
            _ = [archive.asked for archive in archives]
            with pytest.raises(NotFound):
                await federation.retrieve(target("1.1@a"), serving(("a", error(status=404))))
            assert not any(archive.asked for archive in archives)


async def test_the_holders_of_one_series_are_not_taken_for_those_of_the_study(loopback: Loopback):
    """contract.md §1: images may lie in a, the reports in b."""
    images, reports = Counting("1.1"), Counting("1.1")
    for archive, kept in ((images, "1.1.1"), (reports, "1.1.2")):
        archive.holdings.series = [row for row in archive.holdings.series if row["0020000E"] == (kept,)]
        archive.holdings.instances = [row for row in archive.holdings.instances if row["0020000E"] == (kept,)]
    with loopback.serve(images, reports) as urls:
        async with Federation(of(urls)) as federation:
            study_uid = TaggedUID.parse("1.1")
            instances = await federation.search(INSTANCES, study=study_uid, series=TaggedUID.parse("1.1.1"))
            assert {name for entry in instances.entries for name in entry.holders} == {"a"}
            page = await federation.search(SERIES, study=study_uid)
    assert {entry.uid: entry.holders for entry in page.entries} == {"1.1.1": ("a",), "1.1.2": ("b",)}


async def test_archives_named_in_the_query_narrow_those_of_the_tag(loopback: Loopback):
    """contract.md §2: archive=a,b, and none in common is an error."""
    archives = [Counting("1.1"), Counting("1.1"), Counting("1.1")]
    with loopback.serve(*archives) as urls:
        async with Federation(of(urls)) as federation:
            tagged = TaggedUID.parse("1.1@c,b")
            page = await federation.search(Query(level=Level.SERIES, archives=("a", "b")), study=tagged)
            assert [outcome.archive for outcome in page.outcomes] == ["b"]
            with pytest.raises(RequestError, match="none in common"):
                await federation.search(Query(level=Level.SERIES, archives=("a",)), study=tagged)
            with pytest.raises(RequestError, match="Unknown archive 'x'"):
                await federation.search(Query(level=Level.SERIES, archives=("x",)), study=tagged)
            page = await federation.search(Query(level=Level.SERIES, archives=("a",)), study=TaggedUID.parse("1.1"))
            assert [outcome.archive for outcome in page.outcomes] == ["a"]
