"""Whatever happens in whatever order, the outbox loses nothing and doubles nothing."""

import shutil
import tempfile
from pathlib import Path
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from kiosk.outbox import Outbox, content_digest
from surveys.wire import Receipt
from tests.kiosk.conftest import submission

KEYS = [UUID(int=number) for number in range(1, 7)]


class OutboxMachine(RuleBasedStateMachine):
    """A model of what must be where, beside the real file."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.box = Outbox(self.folder / "outbox.sqlite3")
        self.waiting: dict[str, int] = {}
        self.refused: dict[str, int] = {}
        self.delivered: dict[str, int] = {}

    @rule(key=st.sampled_from(KEYS), rating=st.integers(1, 5))
    def add(self, key: UUID, rating: int) -> None:
        known = self.waiting | self.refused | self.delivered
        result = self.box.add(submission(key, answers={"rating": rating}, visit="v"))
        if str(key) not in known:
            assert result == "stored"
            self.waiting[str(key)] = rating
        else:
            assert result == ("duplicate" if known[str(key)] == rating else "conflict")

    @rule(
        lost=st.sets(st.sampled_from(KEYS)),
        status=st.sampled_from(["accepted", "duplicate", "refused", "conflict"]),
        limit=st.integers(1, 4),
    )
    def deliver(self, lost: set[UUID], status: str, limit: int) -> None:
        batch = self.box.pending(limit)
        got = {
            row.id: Receipt(id=row.id, status=status)  # type: ignore[arg-type]
            for row in batch
            if UUID(row.id) not in lost
        }
        assert self.box.settle(got) == len(got)
        for key in got:
            home = self.delivered if status in ("accepted", "duplicate") else self.refused
            home[key] = self.waiting.pop(key)

    @rule()
    def retry(self) -> None:
        assert self.box.retry() == len(self.refused)
        self.waiting |= self.refused
        self.refused = {}

    @rule()
    def crash(self) -> None:
        # A second connection sees exactly what a restart after a power cut would read.
        self.box = Outbox(self.box.path)

    @invariant()
    def nothing_lost_nothing_doubled(self) -> None:
        pending = self.box.pending(100)
        assert sorted(row.id for row in pending) == sorted(self.waiting)
        assert sorted(row.id for row in self.box.refused()) == sorted(self.refused)
        assert all(self.box.knows(key) for key in self.delivered)

    def teardown(self) -> None:
        self.box.close()
        shutil.rmtree(self.folder)


OutboxMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=25)
TestOutboxMachine = OutboxMachine.TestCase


def test_the_time_of_arrival_is_not_content() -> None:
    one = submission(KEYS[0], visit="v")
    assert content_digest(one) == content_digest(submission(KEYS[0], visit="v"))
    assert content_digest(one) != content_digest(submission(KEYS[0], visit="w"))
