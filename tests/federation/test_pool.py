"""The clients of the configured archives: exchanged when the configuration changes, and never under a question."""

import json
import threading
from pathlib import Path

import anyio
import pytest

from federator.config import Archive, Config, ConfigSource
from federator.dicom.query.language import Query
from federator.dicom.uid import TaggedUID
from federator.errors import RequestError
from federator.federation.federation import Federation
from federator.federation.pool import Pool
from federator.model import Level, Page
from tests.support.canned_server import STUDY_LIST, canned, http

pytestmark = pytest.mark.anyio

ALL = Query(level=Level.STUDY)


def names(*told: str) -> Config:
    return Config(archives=tuple(Archive(name=name, url=f"https://{name}.example/dicom-web") for name in told))


def entry(name: str, url: str, *more: str) -> str:
    return "\n".join([f"[archives.{name}]", f'url = "{url}"', *more, ""])


def written(path: Path, *entries: str) -> None:
    path.write_text("schema_version = 1\n" + "".join(entries))


async def test_archives_are_chosen_by_name_in_the_order_asked():
    """contract.md §1: the preferred one first; a name counts once; none named means all."""
    async with Pool(names("a", "b", "c")) as pool:
        assert [client.name for client in pool.chosen(["c", "a", "c"])] == ["c", "a"]
        assert [client.name for client in pool.chosen([])] == ["a", "b", "c"]


async def test_a_name_that_is_not_configured_lists_those_that_are():
    """contract.md §1: never "ask everyone"."""
    async with Pool(names("main", "research")) as pool:
        with pytest.raises(RequestError) as caught:
            pool.chosen(["main", "mian"])
    assert str(caught.value) == "Unknown archive 'mian'. Configured: main, research."


async def test_an_archive_that_is_switched_off_is_not_asked():
    """contract.md §7: enabled."""
    off = Archive(name="off", url="https://off.example", enabled=False)
    async with Pool(Config(archives=(off,))) as pool:
        with pytest.raises(RequestError, match="No archive is configured or enabled"):
            pool.chosen([])
        with pytest.raises(RequestError, match="Configured: none"):
            pool.chosen(["off"])


async def test_what_did_not_change_keeps_its_client(tmp_path):
    """contract.md §7: a changed file is taken up at the next call; what stays keeps connections and habits."""
    path = tmp_path / "archives.toml"
    written(path, entry("a", "https://a.example"), entry("b", "https://b.example"), entry("c", "https://c.example"))
    async with Pool(ConfigSource(path, {})) as pool:
        before = {client.name: client for client in pool.chosen([])}
        written(
            path, entry("d", "https://d.example"), entry("b", "https://b.example/new"), entry("a", "https://a.example")
        )
        await pool.refresh()
        assert pool.names == ["d", "b", "a"]
        after = {client.name: client for client in pool.chosen([])}
    assert after["a"] is before["a"]
    assert after["b"] is not before["b"]


async def test_a_broken_file_keeps_the_last_good_archives_and_says_so(tmp_path):
    """contract.md §7."""
    path = tmp_path / "archives.toml"
    written(path, entry("a", "https://a.example"))
    async with Federation(ConfigSource(path, {})) as federation:
        written(path, "nonsense")
        async with federation._pool.question():
            assert [archive.name for archive in federation.archives] == ["a"]
            assert federation.config_note


async def test_a_client_is_not_closed_under_a_question_but_after_it(tmp_path):
    """A question that began before the change ends as it began, and nothing of it stays open."""
    path = tmp_path / "archives.toml"
    asked_for, go_on = threading.Event(), threading.Event()

    def slow(_: str) -> bytes:
        asked_for.set()
        go_on.wait(20)
        return http(200, STUDY_LIST)

    pages: list[Page] = []
    with canned(slow) as old, canned(lambda _: http(200, b"[]")) as new, anyio.fail_after(30):
        written(path, entry("a", f"http://127.0.0.1:{old}/rs", "deadline_s = 20"))
        async with Federation(ConfigSource(path, {})) as federation:

            async def search() -> None:
                pages.append(await federation.search(ALL))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(search)
                await anyio.to_thread.run_sync(asked_for.wait, 10)
                (retired,) = federation._pool.chosen([])
                written(path, entry("a", f"http://127.0.0.1:{new}/rs", "deadline_s = 20"))
                assert (await federation.search(ALL)).entries == ()
                assert retired._http is not None
                go_on.set()
            assert [found.uid for found in pages[0].entries] == ["1.2.3"]
            assert retired._http is not None
            await federation.search(ALL)
            assert retired._http is None


async def test_a_client_that_rests_between_two_requests_of_a_question_is_not_closed(tmp_path):
    """A question is many requests; a client that was closed between them would open anew and stay open for ever."""
    path = tmp_path / "archives.toml"
    written(path, entry("a", "https://a.example"))
    async with Pool(ConfigSource(path, {})) as pool:
        closed: list[str] = []
        async with pool.question():
            (client,) = pool.chosen([])
            client._stack.callback(closed.append, "a")
            written(path, entry("b", "https://b.example"))
            async with pool.question():
                assert pool.names == ["b"]
            async with pool.question():
                assert closed == []
        async with pool.question():
            assert closed == ["a"]


async def test_everything_is_closed_at_the_end_also_what_was_retired(tmp_path):
    """house.md, Async: the lifespan owns every client."""
    path = tmp_path / "archives.toml"
    written(path, entry("a", "https://a.example"))
    closed: list[str] = []
    async with Pool(ConfigSource(path, {})) as pool, pool.question():
        pool.chosen([])[0]._stack.callback(closed.append, "a")
        written(path, entry("b", "https://b.example"))
        await pool.refresh()
        pool.chosen([])[0]._stack.callback(closed.append, "b")
    assert sorted(closed) == ["a", "b"]


async def test_a_hundred_archives_open_nothing_before_they_are_asked():
    """contract.md §3.6: a hundred are not a special case."""
    async with Pool(names(*(f"archive-{number}" for number in range(100)))) as pool:
        assert len(pool.chosen([])) == 100
        assert all(client._http is None for client in pool.chosen([]))


@pytest.mark.parametrize("change", ["removed", "renamed", "switched off", "added"])
@pytest.mark.parametrize("below", [False, True])
async def test_a_list_does_not_go_on_over_other_archives_than_it_began_with(tmp_path, change, below):
    """contract.md §3.1, §3.4: an archive that is gone or new between two pages is never a silent hole."""
    rows = [
        {tag: {"vr": "UI", "Value": [uid]} for tag, uid in (("0020000D", "1.2"), ("0020000E", f"1.2.{n}"))}
        for n in range(3)
    ]
    studies = [{"0020000D": {"vr": "UI", "Value": [f"1.2.{n}"]}} for n in range(3)]
    path = tmp_path / "archives.toml"
    query = Query(level=Level.SERIES if below else Level.STUDY, limit=1, limit_asked=1)
    study = TaggedUID(uid="1.2") if below else None

    def answer(head: str) -> bytes:
        return http(200, json.dumps(rows if "/series" in head else studies).encode())

    with canned(answer) as port:
        url = f"http://127.0.0.1:{port}/rs"
        written(path, entry("north", url), entry("south", url))
        async with Federation(ConfigSource(path, {})) as federation:
            first = await federation.search(query, study=study)
            assert first.next_cursor
            assert (await federation.search(query, study=study, cursor=first.next_cursor)).entries
            now = {
                "removed": [entry("north", url)],
                "renamed": [entry("north", url), entry("west", url)],
                "switched off": [entry("north", url), entry("south", url, "enabled = false")],
                "added": [entry("north", url), entry("south", url), entry("west", url)],
            }[change]
            written(path, *now)
            with pytest.raises(RequestError, match="no longer those that the cursor was given for"):
                await federation.search(query, study=study, cursor=first.next_cursor)
