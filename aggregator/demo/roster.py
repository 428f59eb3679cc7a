"""The roster of the simulated quarter: two shifts a day, officials known by invented numbers."""

from collections.abc import Iterator
from datetime import date, datetime

from aggregator.demo.calendar import opening_days
from aggregator.storage.roster import Shift
from surveys.centre import Centre

MORNING, AFTERNOON = (7 * 60 + 30, 12 * 60), (13 * 60, 17 * 60)
HALVES = (MORNING, AFTERNOON)


class Seating:
    """Who sits where: those of a department change counters at noon, and again each week."""

    def __init__(self, centre: Centre) -> None:
        self._counters: dict[str, list[str]] = {}  # by counter the officials who take turns at it
        number = 0
        for department in centre.departments:
            counters = [one.id for one in department.counters]
            people = [f"CC.{number + n:03}" for n in range(1, max(2, len(counters)) + 1)]
            number += len(people)
            for at, counter in enumerate(counters):
                self._counters[counter] = people[at:] + people[:at]

    def official(self, counter: str | None, moment: datetime) -> str | None:
        """Who sits at a counter at a local time; None at noon and where there is no counter."""
        minute = moment.hour * 60 + moment.minute
        half = next((n for n, (begins, ends) in enumerate(HALVES) if begins <= minute < ends), None)
        if counter not in self._counters or half is None:
            return None
        return self._at(counter, moment.date(), half)

    def _at(self, counter: str, day: date, half: int) -> str:
        people = self._counters[counter]
        return people[(half + day.isocalendar().week) % len(people)]

    def shifts(self, centre: Centre, now: datetime) -> Iterator[Shift]:
        """Every shift of the quarter up to now."""
        for day in opening_days(centre, now):
            for counter in self._counters:
                if centre.counter[counter].is_open_on(day):
                    for half, hours in enumerate(HALVES):
                        yield Shift(day, counter, *hours, self._at(counter, day, half))
