"""Delivery against a real server: nothing lost, nothing doubled, patience without sleep."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from kiosk.app import deliver
from kiosk.outbox import Outbox, OutboxError, Row
from kiosk.uploader import BATCH, LONGEST_PAUSE, Uploader, backoff, read_receipts
from tests.conftest import Servers
from tests.kiosk.conftest import StandIn, submission
from tests.programs import free_port

Items = list[dict[str, Any]]


def drain(outbox: Outbox, url: str, uploader: Uploader | None = None) -> str:
    uploader = uploader or Uploader(outbox, url, "secret")

    async def once() -> str:
        async with httpx2.AsyncClient(timeout=2) as client:
            return await uploader.drain(client)

    return asyncio.run(once())


def fill(outbox: Outbox, count: int) -> list[str]:
    rows = [submission() for _ in range(count)]
    outbox.add_all(rows)
    return [str(row.id) for row in rows]


def test_everything_that_waits_is_delivered_in_batches(
    outbox: Outbox, aggregator: StandIn, serve: Servers
) -> None:
    """Weeks offline: many rows at once, in order."""
    ids = fill(outbox, 1050)
    assert drain(outbox, serve(aggregator.app)) == "delivered"
    assert list(aggregator.taken) == ids
    assert aggregator.sizes == [BATCH] * 5 + [50]
    assert aggregator.tokens[0] == "Bearer secret"
    assert outbox.status().pending == 0


def test_an_empty_outbox_says_nothing(outbox: Outbox, aggregator: StandIn, serve: Servers) -> None:
    assert drain(outbox, serve(aggregator.app)) == "empty"
    assert aggregator.calls == 0


def test_the_same_rating_five_times_is_one(
    outbox: Outbox, aggregator: StandIn, serve: Servers
) -> None:
    same, url = submission(), serve(aggregator.app)
    for _ in range(5):
        outbox.add(same)
        drain(outbox, url)
    assert aggregator.calls == 1
    assert list(aggregator.taken) == [str(same.id)]


def test_a_crash_between_send_and_receipt_counts_once(
    outbox: Outbox, aggregator: StandIn, serve: Servers
) -> None:
    ids, url = fill(outbox, 3), serve(aggregator.app)

    aggregator.answers.append(lambda items: _taken_but_lost(aggregator, items))
    assert drain(outbox, url) == "stuck"
    assert list(aggregator.taken) == ids
    outbox.close()  # the kiosk is switched off here, and on again
    again = Outbox(outbox.path)
    assert drain(again, url) == "delivered"
    assert list(aggregator.taken) == ids
    assert again.status().pending == 0
    again.close()


def _taken_but_lost(aggregator: StandIn, items: Items) -> Response:
    for item in items:
        aggregator.receipt(item)
    return PlainTextResponse("the receipts got lost on the way", 502)


def test_refusals_and_conflicts_stay_for_a_human(
    outbox: Outbox, aggregator: StandIn, serve: Servers
) -> None:
    good, bad, disputed = submission(), submission(department="so_y_te", counter=None), submission()
    aggregator.taken[str(disputed.id)] = {"other": "content"}
    outbox.add_all([good, bad, disputed])
    assert drain(outbox, serve(aggregator.app)) == "delivered"
    kept = {row.id: row.refused for row in outbox.refused()}
    assert kept[str(bad.id)] == "refused: department: not here"
    assert str(kept[str(disputed.id)]).startswith("conflict")
    assert outbox.status().pending == 0


@pytest.mark.parametrize(
    "answer",
    [
        PlainTextResponse("no", 401),
        PlainTextResponse("moved", 302, {"location": "http://127.0.0.1:1/"}),
        PlainTextResponse("broken", 500),
        PlainTextResponse("", 204),
        PlainTextResponse("<html>Sign in to the hotel's network</html>", 200),
        JSONResponse([1, 2, 3]),
        JSONResponse({"receipts": "none"}),
        JSONResponse({"receipts": [None, 7, {"status": "accepted"}, {"id": 5, "status": "no"}]}),
        JSONResponse({"receipts": [{"id": str(uuid4()), "status": "accepted"}]}),
    ],
    ids=lambda answer: f"{answer.status_code}-{bytes(answer.body)[:18]!r}",
)
def test_an_answer_without_receipts_leaves_every_row(
    outbox: Outbox, aggregator: StandIn, serve: Servers, answer: Response
) -> None:
    fill(outbox, 3)
    aggregator.answers.append(lambda items: answer)
    url = serve(aggregator.app)
    assert drain(outbox, url) == "stuck"
    assert outbox.status().pending == 3
    assert drain(outbox, url) == "delivered"


def test_nobody_listening_leaves_every_row(outbox: Outbox) -> None:
    fill(outbox, 2)
    assert drain(outbox, f"http://127.0.0.1:{free_port()}") == "stuck"
    assert outbox.status().pending == 2


def test_a_missing_receipt_leaves_its_row_and_blocks_nobody(
    outbox: Outbox, aggregator: StandIn, serve: Servers
) -> None:
    ids = fill(outbox, BATCH + 3)

    def all_but_first(items: Items) -> Response:
        return JSONResponse({"receipts": [aggregator.receipt(item) for item in items[1:]]})

    aggregator.answers.append(all_but_first)
    assert drain(outbox, serve(aggregator.app)) == "stuck"
    assert [row.id for row in outbox.pending(10)] == ids[:1]


def test_too_large_halves_the_batch_until_it_fits(
    outbox: Outbox, aggregator: StandIn, serve: Servers
) -> None:
    fill(outbox, 150)

    def at_most_forty(items: Items) -> Response | None:
        return PlainTextResponse("too large", 413) if len(items) > 40 else None

    aggregator.answers += [at_most_forty] * 100
    assert drain(outbox, serve(aggregator.app)) == "delivered"
    assert len(aggregator.taken) == 150


def test_one_row_that_is_too_large_is_kept_for_a_human(
    outbox: Outbox, aggregator: StandIn, serve: Servers
) -> None:
    fill(outbox, 1)
    aggregator.answers.append(lambda items: PlainTextResponse("too large", 413))
    drain(outbox, serve(aggregator.app))
    assert [row.refused for row in outbox.refused()] == ["refused: too large (413)"]


def test_the_pause_grows_with_jitter_to_five_minutes() -> None:
    assert [backoff(failures, 1.0) for failures in (1, 2, 3, 8, 9, 10_000)] == [
        2, 4, 8, 256, LONGEST_PAUSE, LONGEST_PAUSE,
    ]  # fmt: skip
    assert backoff(9, 0.0) == 0
    assert backoff(9, 0.5) == LONGEST_PAUSE / 2


def test_a_refused_token_is_noted_with_what_to_do_until_delivery_works(
    outbox: Outbox, aggregator: StandIn, serve: Servers
) -> None:
    noted: list[str] = []

    async def pause(seconds: float) -> None:
        problem = await asyncio.to_thread(outbox.problem)
        noted.append(problem[1] if problem else "")

    aggregator.answers.append(lambda items: PlainTextResponse("", 401))
    fill(outbox, 1)
    uploader = Uploader(outbox, serve(aggregator.app), "", pause=pause)

    async def run() -> None:
        task = asyncio.create_task(uploader.run())
        async with asyncio.timeout(20):
            await _until(lambda: len(aggregator.taken) == 1)
            await _until(lambda: outbox.problem() is None)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert noted == ["the aggregator answered 401: no or wrong HAILONG_DEVICE_TOKEN"]


def test_it_waits_longer_and_longer_then_delivers_and_wakes_for_a_new_row(
    outbox: Outbox, aggregator: StandIn, serve: Servers
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    broken: Callable[[Items], Response | None] = lambda items: PlainTextResponse("", 503)  # noqa: E731
    aggregator.answers += [broken] * 4
    fill(outbox, 1)
    uploader = Uploader(outbox, serve(aggregator.app), "secret", pause=pause, chance=lambda: 1.0)

    async def run() -> None:
        task = asyncio.create_task(uploader.run())
        async with asyncio.timeout(20):
            await _until(lambda: len(aggregator.taken) == 1)
            await asyncio.to_thread(fill, outbox, 1)
            uploader.wake()
            await _until(lambda: len(aggregator.taken) == 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert pauses == [2, 4, 8, 16]


async def _until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - what it waits for happens in another thread
        await asyncio.sleep(0)


def test_receipts_that_can_be_read_are_read_among_nonsense() -> None:
    reply = {"receipts": [None, {"id": "a", "status": "accepted"}, {"id": "b", "status": "?"}]}
    assert [receipt.id for receipt in read_receipts(reply)] == ["a"]
    assert read_receipts("nonsense") == []


@pytest.mark.parametrize("reply", [b"[" * 200_000, b'{"receipts":' + b"[" * 200_000])
def test_a_reply_that_nests_without_end_is_no_receipt(
    outbox: Outbox, aggregator: StandIn, serve: Servers, reply: bytes
) -> None:
    fill(outbox, 1)
    aggregator.answers.append(lambda items: Response(reply, media_type="application/json"))
    url = serve(aggregator.app)
    assert drain(outbox, url) == "stuck"
    assert drain(outbox, url) == "delivered"


def run_until(uploader: Uploader, true: Callable[[], bool]) -> None:
    async def run() -> None:
        task = asyncio.create_task(uploader.run())
        async with asyncio.timeout(20):
            await _until(lambda: true() or task.done())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())


@pytest.mark.parametrize("defect", [OutboxError("disk full"), RecursionError("an answer")])
def test_housekeeping_that_fails_does_not_keep_back_what_is_safe_already(
    outbox: Outbox,
    aggregator: StandIn,
    serve: Servers,
    defect: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken() -> None:
        raise defect

    fill(outbox, 1)
    uploader = Uploader(outbox, serve(aggregator.app), "secret", housekeeping=broken)
    run_until(uploader, lambda: outbox.status().pending == 0)
    assert type(defect).__name__ in caplog.text
    assert "an answer" not in caplog.text


def test_a_disk_that_takes_no_receipts_still_gives_what_lies_on_it(
    outbox: Outbox, aggregator: StandIn, serve: Servers
) -> None:
    ids, url = fill(outbox, BATCH + 1), serve(aggregator.app)
    assert outbox.disk.connection is not None
    outbox.disk.connection.execute("PRAGMA query_only = ON")
    assert drain(outbox, url) == "stuck"
    assert list(aggregator.taken) == ids
    assert outbox.status().pending == len(ids)
    outbox.disk.connection.execute("PRAGMA query_only = OFF")
    assert drain(outbox, url) == "delivered"
    assert list(aggregator.taken) == ids


def test_an_unforeseen_error_is_a_reason_to_try_again(
    outbox: Outbox, aggregator: StandIn, serve: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    fill(outbox, 1)
    pending, faults = outbox.pending, [ZeroDivisionError("Nguyễn Văn A"), OutboxError("locked")]

    def faulty(limit: int, after: int = 0) -> list[Row]:
        if faults:
            raise faults.pop()
        return pending(limit, after)

    outbox.pending = faulty  # type: ignore[method-assign]
    uploader = Uploader(outbox, serve(aggregator.app), "secret", chance=lambda: 0.0)
    run_until(uploader, lambda: outbox.status().pending == 0)
    assert "ZeroDivisionError" in caplog.text
    assert "Nguyễn" not in caplog.text


def test_a_token_that_no_header_can_carry_stays_out_of_the_log(
    outbox: Outbox, aggregator: StandIn, serve: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    fill(outbox, 1)
    url = serve(aggregator.app)
    for token in ("hl_secret ", "hl_secret\n", "hl_secretộ"):
        assert drain(outbox, url, Uploader(outbox, url, token)) == "stuck"
    assert "Error" in caplog.text
    assert "hl_secret" not in caplog.text


def test_an_uploader_that_ends_is_told_and_begins_again(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    uploader = Uploader(outbox, "http://127.0.0.1:1", "secret")
    begun: list[int] = []

    async def ending() -> None:
        begun.append(1)
        if len(begun) == 1:
            raise ZeroDivisionError("Nguyễn Văn A")

    async def run() -> None:
        monkeypatch.setattr(uploader, "run", ending)
        task = asyncio.create_task(deliver(uploader, pause=0))
        async with asyncio.timeout(20):
            await _until(lambda: len(begun) > 2 or task.done())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert "delivery ended (ZeroDivisionError)" in caplog.text
    assert "Nguyễn" not in caplog.text
