"""Looks every minute at what should be told, sends what is due, and deletes what is too old."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date, datetime, timedelta
from itertools import groupby

from starlette.concurrency import run_in_threadpool

from aggregator.alerts.post import WEBHOOK, Post, PostError, channels
from aggregator.alerts.rules import Scene, findings
from aggregator.figures.layouts import names_read
from aggregator.figures.release import release
from aggregator.organisation.current import Organisation
from aggregator.settings import Settings
from aggregator.storage.alerts import Due
from aggregator.storage.database import StorageError
from aggregator.storage.store import Store

log = logging.getLogger("aggregator.alerts")

EVERY = 60.0  # seconds between two looks


class Watch:
    """One centre's watch. Processes that share a database take turns: each alert is noted once."""

    def __init__(
        self,
        store: Store,
        organisation: Organisation,
        settings: Settings,
        clock: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._organisation = organisation
        self._settings = settings
        self._clock = clock
        self._published: date | None = None  # the day on which it was last looked at
        self._forgotten: date | None = None  # and on which it was last looked for old comments
        self._tidied: tuple[date, int] | None = None  # that day, and the version of the document

    def look(self) -> int:
        """Note what the rules find now; returns how many alerts are new. Raises StorageError."""
        now, centre = self._clock(), self._organisation.refreshed()
        rating = self._organisation.surveys[centre.instruments.rating]
        scene = Scene(self._store.snapshot(), self._settings, centre, rating, now)
        to = channels(self._settings, centre)
        return self._store.alerts.update(findings(scene), now, to)

    def send(self) -> None:
        """Send what is due, but in quiet hours. What fails is tried again later.

        Raises StorageError.
        """
        centre = self._organisation.refreshed()
        if centre.alerts.is_quiet(self._clock().astimezone(centre.zone).time()):
            return
        post = Post(self._settings, centre)
        due = sorted(self._store.alerts.take(self._clock()), key=lambda one: one.channel)
        for channel, own in groupby(due, key=lambda one: one.channel):
            if channel == WEBHOOK:
                for one in own:
                    self._send([one], lambda one=one: post.webhook(one, self._clock()))  # type: ignore[misc]
            else:
                together = list(own)
                self._send(
                    together,
                    lambda to=channel, all=together: post.mail(to, all, self._clock()),  # type: ignore[misc]
                )

    def forget(self) -> int:
        """Delete contact details whose time is over; returns how many. Raises StorageError."""
        days = self._organisation.centre.cases.contact_days
        return self._store.contacts.forget(self._clock(), days)

    def forget_comments(self) -> int:
        """Once a day, delete the texts of comments whose time is over; returns how many.

        Raises StorageError.
        """
        centre = self._organisation.centre
        today, days = centre.local_day(self._clock()), centre.cases.comment_days
        if not days or self._forgotten == today:
            return 0
        forgotten = self._store.comments.forget(today - timedelta(days=days))
        self._forgotten = today
        return forgotten

    def publish(self) -> None:
        """Once a day, freeze the months that are over, where the public board is on.

        Raises StorageError.
        """
        centre = self._organisation.refreshed()
        today = centre.local_day(self._clock())
        if centre.board.enabled and self._published != today:
            rating = self._organisation.surveys[centre.instruments.rating]
            release(self._store, rating, centre, self._clock())
            self._published = today

    def close(self) -> int:
        """Close the days that are over in the ledger; returns how many entries were made.

        Raises StorageError.
        """
        return self._store.closings.close(self._organisation.centre.local(self._clock()))

    def tidy(self) -> int:
        """Once a day, and when the document changed, delete sums kept by settings of before.

        Returns of how many layouts. Raises StorageError.
        """
        centre = self._organisation.refreshed()
        now = centre.local_day(self._clock()), self._organisation.number
        if self._tidied == now:
            return 0
        surveys = self._store.definitions.counted(self._organisation.surveys)
        gone = self._store.drop_unread(names_read(centre, surveys.values()))
        self._tidied = now
        return gone

    def _send(self, due: list[Due], send: Callable[[], None]) -> None:
        try:
            send()
        except PostError as error:
            log.warning("alerts: %s: %s", due[0].channel, error)
            self._store.alerts.failed(due, self._clock(), str(error))
        else:
            self._store.alerts.sent(due, self._clock())

    def running(self) -> contextlib.AbstractAsyncContextManager[None]:
        """Looks, sends and forgets every minute, from the end of the first on."""
        return each_minute(self._turn)

    async def _turn(self) -> None:
        try:
            await run_in_threadpool(self.look)
            await run_in_threadpool(self.send)
            await run_in_threadpool(self.forget)
            await run_in_threadpool(self.publish)
            await run_in_threadpool(self.close)
            await run_in_threadpool(self.forget_comments)
            await run_in_threadpool(self.tidy)
        except StorageError as error:
            log.warning("alerts: %s", error)
        except Exception:
            log.exception("alerts")


@contextlib.asynccontextmanager
async def each_minute(act: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Does something every minute while it is entered, from the end of the first on."""

    async def repeat() -> None:
        while True:
            await asyncio.sleep(EVERY)
            await act()

    repeating = asyncio.create_task(repeat())
    try:
        yield
    finally:
        repeating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await repeating
