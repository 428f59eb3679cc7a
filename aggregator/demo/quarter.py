"""The invented visitors of some ninety days: ratings, reasons, full surveys, some firms' views."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from aggregator.demo.calendar import (
    RHYTHM,
    SLOW,
    Batch,
    closing,
    filled,
    new_id,
    opening_days,
    stream,
    within,
)
from aggregator.demo.citizens import SIPAS, Citizens
from aggregator.demo.firms import BUSINESS
from aggregator.demo.roster import Seating
from surveys.centre import Centre, Department
from surveys.definition import Survey

PARTICIPATION = 0.35
BUSY_HOUR = 8  # of a Monday
STAFF = 3  # the reason “Công chức phục vụ”
LATE_COUNTERS = 3  # kiosks that were without a network for some days
CITIZEN = {5: 0.955, 4: 0.03, 3: 0.008, 2: 0.004, 1: 0.003}
BUSY_MONDAY = {5: 0.80, 4: 0.1, 3: 0.06, 2: 0.02, 1: 0.02}  # all come after the weekend
SLOW_CITIZEN = {5: 0.80, 4: 0.09, 3: 0.05, 2: 0.04, 1: 0.02}


class Quarter:
    """The invented visitors of some ninety days."""

    def __init__(self, centre: Centre, surveys: Mapping[str, Survey], now: datetime) -> None:
        self._centre = centre
        self._business = surveys[BUSINESS]
        self._now = now
        self._random = stream(centre, now)
        self._why = stream(centre, now, "reasons")
        self._seating = Seating(centre)
        self._citizens = Citizens(surveys[SIPAS], stream(centre, now, "told"))
        counters = [c.id for d in centre.departments for c in d.counters]
        self._late = set(self._random.sample(counters, min(LATE_COUNTERS, len(counters))))
        # A few departments see most of the visitors, as in any centre.
        self._size = {d.id: self._random.paretovariate(1.3) for d in centre.departments}
        self._gruff = self._official_of_the_largest(centre)
        self.transactions: list[dict[str, object]] = []

    def _official_of_the_largest(self, centre: Centre) -> str | None:
        """Somebody whom citizens complain of, where most of them come."""
        largest = max(centre.departments, key=lambda one: self._size[one.id])
        morning = datetime(2026, 1, 5, 9)
        return next((self._seating.official(one.id, morning) for one in largest.counters), None)

    def batches(self) -> Iterator[Batch]:
        """The submissions of the quarter, together with the time at which they were delivered."""
        for day in opening_days(self._centre, self._now):
            for department in self._centre.departments:
                yield from self._department_day(department, day)

    def _department_day(self, department: Department, day: date) -> Iterator[Batch]:
        dossiers = round(self._random.gauss(9, 2.5) * min(4.0, self._size[department.id])) + 2
        dossiers = max(1, dossiers)
        end = closing(self._centre, day)
        if end <= self._now:  # a day's dossiers are known when it is over
            row = {"day": day, "department": department.id, "dossiers": dossiers}
            self.transactions.append(row)
        hours = self._random.choices(list(RHYTHM), list(RHYTHM.values()), k=dossiers)
        on_time: list[dict[str, Any]] = []
        for hour in sorted(hours):
            if self._random.random() > PARTICIPATION:
                continue
            counter = self._random.choice([c.id for c in department.counters] or [None])
            moment = within(hour, day, self._centre, self._random)
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
        visit = new_id(self._random)
        place = {"department": department, "counter": counter, "channel": channel, "visit": visit}

        def say(
            survey: str, answers: Mapping[str, object], later: int, comment: str | None = None
        ) -> dict[str, Any]:
            at = moment + timedelta(seconds=later)
            return filled(new_id(self._random), survey, place, at, answers, comment)

        if channel == "qr" and chance() < 0.15:
            yield say(BUSINESS, self._firm(), 0)
            return
        busy = moment.weekday() == 0 and moment.hour == BUSY_HOUR
        gruff = self._gruff is not None and self._seating.official(counter, moment) == self._gruff
        unhappy = SLOW_CITIZEN if slow or gruff else BUSY_MONDAY if busy else CITIZEN
        rating = self._level(unhappy)
        yield say("in_centre", {"rating": rating}, 0)
        if chance() < 0.25:
            drawn = self._random.sample(range(1, 6), self._random.randint(1, 2))
            staff = (gruff and rating < 5) or self._why.random() < 0.4
            reasons = sorted({*drawn, *([STAFF] if staff else [])})
            yield say("in_centre", {"reasons": reasons}, 20, self._citizens.comment(rating > 3))
        if chance() < 0.08:
            mood = self._random.gauss(3.5 if slow else 4.3, 0.6)
            levels = (round(self._random.gauss(mood, 0.5)) for _ in range(22))
            answers = {f"q{n}": max(1, min(5, level)) for n, level in enumerate(levels, 1)}
            yield say(
                SIPAS, answers | self._citizens.profile(mood), 180, self._citizens.comment(mood > 4)
            )

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
