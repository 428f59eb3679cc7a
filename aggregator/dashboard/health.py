"""Whether a submission would be stored if it came now, which only a write can tell."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from starlette.concurrency import run_in_threadpool

from aggregator.intake.ingest import GroupCommit
from aggregator.storage.database import StorageError
from aggregator.storage.migrations import is_current
from aggregator.storage.store import Store

log = logging.getLogger("aggregator.health")

SHARED = timedelta(seconds=1)
OTHER_SCHEMA = "the database cannot be read, or its schema is not that of this version"


class Health:
    """Tries to store a submission, at most once in the time ``SHARED`` however many ask.

    Anybody may ask, without a token, and each try costs a flush of the disk.
    """

    def __init__(self, store: Store, commits: GroupCommit, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._commits = commits
        self._clock = clock
        self._lock = asyncio.Lock()
        self._tried_at: datetime | None = None
        self._problem: str | None = None

    async def ready(self) -> bool:
        """Whether a submission would be stored. Why not is in the log, once for each reason."""
        async with self._lock:
            if self._tried_at is None or abs(self._clock() - self._tried_at) >= SHARED:
                problem = await self._find_problem()
                if problem not in (None, self._problem):
                    log.error("no submission can be stored: %s", problem)
                self._problem, self._tried_at = problem, self._clock()
            return self._problem is None

    async def _find_problem(self) -> str | None:
        if not await run_in_threadpool(is_current, self._store.engine):
            return OTHER_SCHEMA
        try:
            receipt = await self._commits.try_out()
        except StorageError as error:
            return str(error)
        return receipt.reason
