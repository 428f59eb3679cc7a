"""What is kept in memory of days follows what comes in: always what a stranger would count."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from aggregator.intake.ingest import Candidate, Ingest, rebuild
from aggregator.storage.audit import Entry
from aggregator.storage.batches import NewBatch
from aggregator.storage.blocks import Block
from aggregator.storage.database import Lock
from aggregator.storage.flags import MOST_JUDGED, Flagging
from aggregator.storage.rollups import FACTORS, POOL, TALLIES, Layout, Span
from aggregator.storage.store import Selection, Store
from aggregator.storage.together import Part, Together
from tests.aggregator.conftest import CENTRE, Room, sipas, submission
from tests.aggregator.figures.test_flagged import DAY, attack, honest, traffic

SURVEYS = ("in_centre", "sipas_2020")
SPAN = Span(DAY.date() - timedelta(days=3), DAY.date() + timedelta(days=1))
Numbers = Mapping[tuple[date, Any, Any], list[int]]


@pytest.fixture
def watched(make_room: Callable[..., Room], migrated_url: str) -> Room:
    """An aggregator of the sample centre with its flags, on each kind of database in turn."""
    return make_room(migrated_url, centre=CENTRE)


def numbers(days: Iterable[tuple[date, Block]], *, at: str | None = None) -> Numbers:
    """By day, item and place; ``at``: of all departments and counters, as this one."""
    found: dict[tuple[date, Any, Any], Counter[int]] = {}
    for day, block in days:
        for i, item in enumerate(block.items):
            for p, place in enumerate(block.places):
                own = place if at is None else (place[0], at, "")
                values = block.values[:, i, p].tolist()
                found.setdefault((day, item, own), Counter()).update(dict(enumerate(values)))
    return {
        key: [of_sum[n] for n in range(len(of_sum))]
        for key, of_sum in found.items()
        if any(of_sum.values())
    }


def counted(store: Store, layout: Layout, survey: str) -> list[tuple[date, Block]]:
    """The days as they are counted from the answers alone."""
    days = [SPAN.since + timedelta(days=n) for n in range((SPAN.until - SPAN.since).days + 1)]
    with store.database.begin() as connection:
        return [(day, layout.block(connection, survey, Span(day, day))) for day in days]


class Centre:
    """A centre to which things happen, and its stores as they are kept by those who read them."""

    def __init__(self, room: Room, chance: Random) -> None:
        self.context, self.room, self.chance = room.context, room, chance
        self.items = [*traffic(chance), *honest(), *attack()]
        chance.shuffle(self.items)
        url = self.store.engine.url.render_as_string(hide_password=False)
        self.other = Store(url)
        asked = {id: survey.fingerprint for id, survey in self.context.surveys.items()}
        part = Part(self.store, lambda version: asked, self.flagging)
        self.together = Together(url, {"a": lambda: part}, asked)
        self.batches = 0

    @property
    def store(self) -> Store:
        return self.context.store

    def flagging(self, survey: str) -> Flagging:
        return Flagging(self.context.surveys[survey], self.context.centre)

    def happens(self) -> None:
        """Answers, late ones among them; dossiers; a paper file and its end; a burst."""
        match self.chance.randrange(7):
            case 0:
                at, n = self.chance.choice(("so_tu_phap", "so_y_te")), self.chance.choice((0, 3))
                row = {"day": DAY.date(), "department": at, "dossiers": n}
                self.store.put_transactions([row])
            case 1:
                self.take_paper_in_and_back()
            case 2:
                said: dict[str, Any] = {
                    "answered_at": DAY.isoformat(),
                    "visit": f"w{len(self.items)}",
                }
                self.room.take([sipas(**said)])
                self.agree()
                self.room.take([submission(**said) for _ in range(9)])  # flags its visit's form
            case _:
                n = self.chance.choice((1, 1, 2, 9))
                some, self.items = self.items[:n], self.items[n:]
                self.room.take(some)

    def take_paper_in_and_back(self) -> None:
        context, self.batches = self.context, self.batches + 1
        ingest = Ingest(self.store, context.surveys, context.centre, context.clock)
        paper = submission(channel="paper", answered_at=DAY.isoformat(), answers={"rating": 2})
        [one] = ingest.read([paper], "en", context.clock())
        assert isinstance(one, Candidate)
        told = Entry(context.clock(), "giam_doc", "batch.withdrawn", {"name": "Giấy", "n": 1})
        batch = NewBatch(
            *(f"Giấy {self.batches}", "ratings", "in_centre", "giay.csv", "1", 1),
            *(context.clock(), "giam_doc"),
        )
        ingest.replace_batch(batch, 0, [one], [], told)
        if self.chance.random() < 0.5:
            self.agree()  # what is withdrawn was read before
            ingest.replace_batch(batch, 1, [], [one.row.id], told)

    def agree(self) -> None:
        view = self.together.snapshot()
        for survey in SURVEYS:
            for layout in (TALLIES, POOL, FACTORS, self.flagging(survey)):
                days = counted(self.store, layout, survey)
                whole = Selection(survey)
                for store in (self.store, self.other):
                    found = store._blocks(layout, whole, daily=True)
                    assert numbers(found) == numbers(days), (survey, layout.name)
                newest = Selection(survey, since=DAY.date())
                found = view._blocks(layout, newest, daily=True)
                wanted = [one for one in days if newest.has_day(one[0])]
                assert numbers(found) == numbers(wanted, at="a"), (survey, layout.name)
                summed = [(DAY.date(), block) for _, block in days]
                sums = [(DAY.date(), view._whole(layout, whole))]
                assert numbers(sums) == numbers(summed, at="a"), (survey, layout.name)


@pytest.mark.parametrize(("seed", "most"), [(2, MOST_JUDGED), (5, MOST_JUDGED), (3, 20)])
def test_days_follow_whatever_happens(
    watched: Room, seed: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the process that takes answers in, in another one, and in a province.

    Also where a day has more than can be kept to judge others by.
    """
    monkeypatch.setattr("aggregator.storage.flags.MOST_JUDGED", most)
    one = Centre(watched, Random(seed))
    watched.take([submission(answered_at=DAY.isoformat())])
    one.agree()
    for _ in range(14):
        one.happens()
        one.agree()
    watched.take(one.items)
    one.agree()
    rebuild(one.store, lambda _: None)
    one.agree()
    one.other.close()
    one.together.close()


def test_another_database_in_its_place_is_counted_anew(watched: Room) -> None:
    """Such as a copy that was put back: as many answers, and others among them."""
    one = Centre(watched, Random(1))
    watched.take(honest())
    one.agree()
    late = datetime.fromisoformat("2026-11-20T15:00:00+07:00")
    with one.store.database.locked(Lock.WRITER) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("ALTER TABLE submission DISABLE TRIGGER USER")
        else:
            names = connection.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'submission'"
            )
            for name in names.scalars().all():
                connection.exec_driver_sql(f"DROP TRIGGER {name}")
        connection.exec_driver_sql("DELETE FROM submission")
    watched.take([submission(answered_at=late.isoformat(), answers={"rating": 1})] * 1)
    one.agree()
    one.other.close()
    one.together.close()
