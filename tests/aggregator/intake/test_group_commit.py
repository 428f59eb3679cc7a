"""Many writers at once: requests, groups and processes that hand in the same submissions."""

import asyncio
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import httpx2
import pytest
from sqlalchemy import event

from aggregator.intake.ingest import GroupCommit, Ingest, Offer, rebuild
from aggregator.storage.database import StorageError
from aggregator.storage.migrations import migrate
from aggregator.storage.store import Store
from surveys.centre import Centre
from surveys.definition import Survey
from surveys.wire import Receipt
from tests.aggregator.conftest import (
    SUBMISSIONS,
    Clock,
    Intake,
    Room,
    ratings,
    submission,
    tallies,
)
from tests.conftest import Servers


def post(url: str, token: str, items: list[Any]) -> list[dict[str, Any]]:
    answer = httpx2.post(
        f"{url}{SUBMISSIONS}",
        json={"submissions": items},
        headers={"authorization": f"Bearer {token}"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    receipts: list[dict[str, Any]] = answer.json()["receipts"]
    return receipts


def test_five_at_once_of_the_same_submission_are_one_row(any_room: Room, serve: Servers) -> None:
    url, sent = serve(any_room.another()), submission()
    with ThreadPoolExecutor(5) as threads:
        answers = list(threads.map(lambda _: post(url, any_room.device, [sent]), range(5)))
    assert Counter(receipt["status"] for [receipt] in answers) == {"accepted": 1, "duplicate": 4}
    assert {receipt["id"] for [receipt] in answers} == {sent["id"]}
    store = any_room.context.store
    assert [row.id for row in store.submissions(None, None)] == [sent["id"]]
    assert [n for (n,) in tallies(store)["tally"].values()] == [1]


def test_two_servers_on_one_database_count_each_id_once(
    any_room: Room, serve: Servers, surveys: dict[str, Survey]
) -> None:
    """As two processes do: each server has its own store, connections and group commit."""
    urls = [serve(any_room.another()), serve(any_room.another())]
    sent = ratings([5, 4, 3, 2, 1] * 40)

    def client(number: int) -> list[dict[str, Any]]:
        mine = random.Random(number).sample(sent, len(sent))
        batches = [mine[at : at + 20] for at in range(0, len(mine), 20)]
        return [r for b in batches for r in post(urls[number % 2], any_room.device, b)]

    with ThreadPoolExecutor(4) as threads:
        receipts = [receipt for found in threads.map(client, range(4)) for receipt in found]
    assert Counter(r["status"] for r in receipts) == {"accepted": 200, "duplicate": 600}
    accepted = [r["id"] for r in receipts if r["status"] == "accepted"]
    assert sorted(accepted) == sorted(one["id"] for one in sent)
    store = any_room.context.store
    counted = tallies(store)
    assert sorted(n for (n,) in counted["tally"].values()) == [40] * 5
    rebuild(store, lambda done: None)
    assert tallies(store) == counted


def test_requests_that_wait_share_a_group_and_get_their_own_receipts(intake: Intake) -> None:
    batches = [[one] for one in ratings([5] * 150)]
    commits: list[object] = []
    event.listen(intake.store.engine, "commit", commits.append)

    async def offer_all() -> list[list[Receipt]]:
        async with GroupCommit(intake.ingest) as group:
            return await asyncio.gather(*(group.submit(Offer(b, "en")) for b in batches))

    answers = asyncio.run(offer_all())
    assert [[r.id for r in receipts] for receipts in answers] == [[b[0]["id"]] for b in batches]
    assert {r.status for receipts in answers for r in receipts} == {"accepted"}
    assert len(commits) <= 2
    assert [n for (n,) in tallies(intake.store)["tally"].values()] == [150]


def test_what_waits_is_committed_with_the_large_requests_that_are_being_read(
    intake: Intake,
) -> None:
    small, large = ratings([5]), ratings([4] * 300)
    commits: list[object] = []
    event.listen(intake.store.engine, "commit", commits.append)

    async def offer_both() -> list[list[Receipt]]:
        async with GroupCommit(intake.ingest) as group:
            with group.coming():
                first = asyncio.create_task(group.submit(Offer(small, "en")))
                for _ in range(100):
                    await asyncio.sleep(0)  # turns of the loop, not time
                assert not first.done()
            return list(await asyncio.gather(first, group.submit(Offer(large, "en"))))

    answers = asyncio.run(offer_both())
    assert [len(receipts) for receipts in answers] == [1, 300]
    assert len(commits) == 1


def test_a_large_request_that_cannot_be_read_holds_nobody_up(intake: Intake) -> None:
    async def offer() -> list[Receipt]:
        async with GroupCommit(intake.ingest) as group:
            with suppress(ValueError), group.coming():
                waiting = asyncio.create_task(group.submit(Offer(ratings([5]), "en")))
                await asyncio.sleep(0)
                raise ValueError
            return await waiting

    assert [r.status for r in asyncio.run(offer())] == ["accepted"]


def test_a_request_larger_than_a_group_is_taken_whole(intake: Intake) -> None:
    sent = ratings([4] * 2_500)

    async def offer_all() -> list[list[Receipt]]:
        async with GroupCommit(intake.ingest) as commits:
            offers = (Offer(sent, "en"), Offer(sent[:3], "en"))
            return await asyncio.gather(*map(commits.submit, offers))

    large, small = asyncio.run(offer_all())
    assert [r.id for r in large] == [one["id"] for one in sent]
    assert {r.status for r in large} == {"accepted"}
    assert [r.status for r in small] == ["duplicate"] * 3


def test_a_client_that_went_away_spoils_no_other_and_its_answers_are_kept(intake: Intake) -> None:
    gone, stays = submission(), submission()

    async def offer_both() -> list[Receipt]:
        async with GroupCommit(intake.ingest) as commits:
            leaving = asyncio.create_task(commits.submit(Offer([gone], "en")))
            staying = asyncio.create_task(commits.submit(Offer([stays], "en")))
            await asyncio.wait([leaving, staying], timeout=0)  # both are handed in
            leaving.cancel()
            return await staying

    assert [r.status for r in asyncio.run(offer_both())] == ["accepted"]
    assert {row.id for row in intake.store.submissions(None, None)} == {gone["id"], stays["id"]}


def test_closing_commits_what_was_handed_in(intake: Intake) -> None:
    sent = ratings([5] * 30)

    async def offer_and_close() -> list[list[Receipt]]:
        async with GroupCommit(intake.ingest) as commits:
            tasks = [asyncio.create_task(commits.submit(Offer([one], "en"))) for one in sent]
            await asyncio.wait(tasks, timeout=0)
        return [task.result() for task in tasks]

    assert {r.status for [r] in asyncio.run(offer_and_close())} == {"accepted"}
    assert len(list(intake.store.submissions(None, None))) == 30


def test_a_group_that_fails_tells_each_of_its_requests_and_the_next_goes_on(
    database_url: str, surveys: dict[str, Survey], centre: Centre
) -> None:
    store = Store(database_url)
    sent = submission()

    async def offer() -> Receipt:
        async with GroupCommit(Ingest(store, surveys, centre, Clock())) as commits:
            offers = [commits.submit(Offer([sent], "en")) for _ in range(3)]
            failed = await asyncio.gather(*offers, return_exceptions=True)
            assert [type(error) for error in failed] == [StorageError] * 3  # no tables yet
            migrate(store.engine)
            [receipt] = await commits.submit(Offer([sent], "en"))
            return receipt

    try:
        assert asyncio.run(offer()).status == "accepted"
    finally:
        store.close()


@pytest.mark.parametrize("groups", [2, 3])
def test_group_commits_that_race_for_the_same_ids(
    intake: Intake, migrated_url: str, surveys: dict[str, Survey], centre: Centre, groups: int
) -> None:
    sent = ratings([5, 1] * 30)
    stores = [Store(migrated_url) for _ in range(groups)]

    def hand_in(store: Store) -> list[Receipt]:
        async def offer_each() -> list[list[Receipt]]:
            async with GroupCommit(Ingest(store, surveys, centre, Clock())) as commits:
                offers = [Offer(sent[at : at + 4], "en") for at in range(0, len(sent), 4)]
                return [await commits.submit(offer) for offer in offers]

        return [receipt for receipts in asyncio.run(offer_each()) for receipt in receipts]

    with ThreadPoolExecutor(groups) as threads:
        receipts = [r for found in threads.map(hand_in, stores) for r in found]
    for store in stores:
        store.close()
    assert Counter(r.status for r in receipts) == {"accepted": 60, "duplicate": 60 * (groups - 1)}
    assert sorted(n for (n,) in tallies(intake.store)["tally"].values()) == [30, 30]
