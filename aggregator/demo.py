"""A simulated quarter for trying the product: invented answers, marked as such on every page."""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from aggregator.indices.circular_01_2018 import (
    BY_DOSSIER,
    Counts,
    Dossier,
    Facts,
    dossier_points,
)
from aggregator.ingest import Ingest, Offer
from aggregator.periods import period_of
from aggregator.store import Store
from surveys.centre import Centre, Department
from surveys.definition import Survey

DAYS = 90
WEEKDAYS = 5  # Monday to Friday
# Ratings by hour of an opening day: a morning and an afternoon peak around the midday break.
RHYTHM = {8: 4, 9: 6, 10: 5, 11: 2, 13: 2, 14: 4, 15: 4, 16: 2}
PARTICIPATION = 0.35
CLOSING = time(17)
BUSINESS = "business"
SLOW = "so_tai_nguyen_moi_truong"  # the department with most overdue dossiers in the report
LATE_COUNTERS = 3  # kiosks that were without a network for some days
CITIZEN = {5: 0.955, 4: 0.03, 3: 0.008, 2: 0.004, 1: 0.003}
SLOW_CITIZEN = {5: 0.80, 4: 0.09, 3: 0.05, 2: 0.04, 1: 0.02}

Batch = tuple[datetime, list[dict[str, Any]]]


def simulate(
    store: Store, ingest: Ingest, centre: Centre, surveys: Mapping[str, Survey], now: datetime
) -> int:
    """Fill an empty store with a quarter up to now; returns the number of submissions.

    The same centre and day give the same quarter.
    """
    quarter = Quarter(centre, surveys[BUSINESS], now)
    taken = 0
    for received, items in sorted(quarter.batches(), key=lambda batch: batch[0]):
        if items and received <= now:
            [receipts] = ingest.accept([Offer(items, "vi")], received)
            taken += sum(receipt.status == "accepted" for receipt in receipts)
    store.put_transactions(quarter.transactions)
    handled = Handled(centre, now)
    store.handling.set_dossiers(handled.dossiers(quarter.transactions))
    store.handling.set_facts(handled.facts())
    return taken


class Quarter:
    """The invented visitors of some ninety days."""

    def __init__(self, centre: Centre, business: Survey, now: datetime) -> None:
        self._centre = centre
        self._business = business
        self._now = now
        self._random = random.Random(f"{centre.id} {now.date()}")  # noqa: S311 - a simulation
        counters = [c.id for d in centre.departments for c in d.counters]
        self._late = set(self._random.sample(counters, min(LATE_COUNTERS, len(counters))))
        # A few departments see most of the visitors, as in any centre.
        self._size = {d.id: self._random.paretovariate(1.3) for d in centre.departments}
        self.transactions: list[dict[str, object]] = []

    def batches(self) -> Iterator[Batch]:
        """What each hour's visitors said, with the time at which it was delivered."""
        today = self._centre.local_day(self._now)
        for back in range(DAYS, -1, -1):
            day = today - timedelta(days=back)
            if day.weekday() < WEEKDAYS:
                for department in self._centre.departments:
                    yield from self._department_day(department, day)

    def _department_day(self, department: Department, day: date) -> Iterator[Batch]:
        dossiers = round(self._random.gauss(9, 2.5) * min(4.0, self._size[department.id])) + 2
        dossiers = max(1, dossiers)
        end = datetime.combine(day, CLOSING, self._centre.zone)
        if end <= self._now:  # a day's dossiers are known when it is over
            row = {"day": day, "department": department.id, "dossiers": dossiers}
            self.transactions.append(row)
        hours = self._random.choices(list(RHYTHM), list(RHYTHM.values()), k=dossiers)
        on_time: list[dict[str, Any]] = []
        for hour in sorted(hours):
            if self._random.random() > PARTICIPATION:
                continue
            counter = self._random.choice([c.id for c in department.counters] or [None])
            minute = time(hour, self._random.randrange(60), self._random.randrange(60))
            moment = datetime.combine(day, minute, self._centre.zone)
            if moment > self._now:
                continue
            said = list(self._visit(department.id, counter, moment))
            if counter in self._late and day.toordinal() % 11 < 2:
                yield moment + timedelta(days=self._random.randint(1, 4)), said
            else:
                on_time += said
        yield min(end, self._now), on_time

    def _visit(
        self, department: str, counter: str | None, moment: datetime
    ) -> Iterator[dict[str, Any]]:
        """One visitor: a rating, perhaps reasons, perhaps the full survey, or a firm's view."""
        chance, slow = self._random.random, department == SLOW
        channel = "qr" if chance() < 0.2 else "kiosk"
        visit = str(self._id())
        place = {"department": department, "counter": counter, "channel": channel, "visit": visit}

        def say(survey: str, answers: Mapping[str, object], later: int) -> dict[str, Any]:
            at = (moment + timedelta(seconds=later)).isoformat()
            return {
                "id": str(self._id()),
                "survey": survey,
                **place,
                "answered_at": at,
                "language": "vi",
                "answers": answers,
            }

        if channel == "qr" and chance() < 0.15:
            yield say("business", self._firm(), 0)
            return
        rating = self._level(SLOW_CITIZEN if slow else CITIZEN)
        yield say("in_centre", {"rating": rating}, 0)
        if chance() < 0.25:
            reasons = sorted(self._random.sample(range(1, 6), self._random.randint(1, 2)))
            yield say("in_centre", {"reasons": reasons}, 20)
        if chance() < 0.08:
            mood = self._random.gauss(3.5 if slow else 4.3, 0.6)
            levels = (round(self._random.gauss(mood, 0.5)) for _ in range(22))
            answers = {f"q{n}": max(1, min(5, level)) for n, level in enumerate(levels, 1)}
            yield say("sipas_2020", answers, 180)

    def _firm(self) -> dict[str, int]:
        """The short core, or for one firm in three the whole set and its profile."""
        asked = self._business.core
        if self._random.random() < 1 / 3:
            asked = tuple(self._business.all_questions())
        answers = {}
        for question in asked:
            if self._random.random() < 0.1:  # rather not say
                continue
            if question.minimum is not None and question.maximum is not None:
                number = question.minimum + round(self._random.expovariate(1 / 5))
                answers[question.id] = min(number, question.maximum)
            elif (scale := self._business.scale_of(question)) is not None:
                answers[question.id] = self._random.choice(scale.codes)
        return answers

    def _level(self, weights: Mapping[int, float]) -> int:
        return self._random.choices(list(weights), list(weights.values()))[0]

    def _id(self) -> UUID:
        return UUID(int=self._random.getrandbits(128), version=4)


class Handled:
    """How the quarter's dossiers were handled; a stream of its own leaves the visitors as they are.

    Some dossiers lack an answer, and one department in five has not said all of itself.
    """

    def __init__(self, centre: Centre, now: datetime) -> None:
        self._centre = centre
        self._today = centre.local_day(now)
        self._random = random.Random(f"{centre.id} {now.date()} handled")  # noqa: S311 - as above
        self._early = {d.id: self._random.uniform(0.4, 0.9) for d in centre.departments}

    def dossiers(
        self, transactions: Sequence[Mapping[str, Any]]
    ) -> dict[tuple[date, str], dict[int, Counts]]:
        """Counts of points for as many dossiers as were settled."""
        cells = {}
        for row in transactions:
            day, department = row["day"], row["department"]
            points = [dossier_points(self._dossier(department)) for _ in range(row["dossiers"])]
            cells[day, department] = {n: Counts.of(one[n] for one in points) for n in BY_DOSSIER}
        return cells

    def _dossier(self, department: str) -> Dossier:
        chance, choose, early = self._random.random, self._random.choices, self._early[department]
        late = 0.2 if department == SLOW else 0.01
        allowed = self._random.choice((3, 5, 10, 15))
        pace = choose((-1, 0, 1), (early, 1 - early, late))[0]
        second = choose((-1, 0), (early, 1 - early))[0]  # another agency takes part
        return Dossier(
            Decimal(allowed),
            Decimal(allowed + pace),
            (pace < 0) + (second < 0),
            (pace == 0) + (second == 0),
            int(pace > 0),
            None if chance() < 0.05 else choose((0, 1, 2), (85, 12, 3))[0],
            None if chance() < 0.05 else choose((0, 1, 2), (92, 6, 2))[0],
            "upheld" if chance() < 0.002 else "none",
        )

    def facts(self) -> dict[tuple[date, str], Facts]:
        """Each department's facts on the last day of the months that are over, and today."""
        days = {self._today}
        days |= {period_of("month", self._today - timedelta(days=back)).until for back in (30, 60)}
        return {
            (day, department.id): self._facts()
            for day in sorted(day for day in days if day <= self._today)
            for department in self._centre.departments
        }

    def _facts(self) -> Facts:
        chance, choose = self._random.random, self._random.choices
        filed = choose((0, 2, 12), (70, 25, 5))[0]
        return Facts(
            None if chance() < 0.2 else choose(("full", "part", "none"), (30, 60, 10))[0],
            True,
            chance() < 0.9,
            filed,
            filed - (chance() < 0.1) if filed else 0,
            choose(("full", "part", "none"), (40, 50, 10))[0],
        )
