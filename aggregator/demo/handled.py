"""How the simulated quarter's dossiers were handled, by indicator of Circular 01/2018."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from aggregator.demo.calendar import SLOW, stream
from aggregator.demo.cases import BY_CASES
from aggregator.indices.circular_01_2018 import (
    BY_DOSSIER,
    Counts,
    Dossier,
    Facts,
    dossier_points,
)
from aggregator.wording.periods import period_of
from surveys.centre import Centre


class Handled:
    """How the quarter's dossiers were handled, drawn with random numbers of its own.

    In some dossiers an answer is missing, and one department in five lacks some of its facts.
    """

    def __init__(self, centre: Centre, now: datetime) -> None:
        self._centre = centre
        self._today = centre.local_day(now)
        self._random = stream(centre, now, "handled")
        self._early = {d.id: self._random.uniform(0.4, 0.9) for d in centre.departments}

    def dossiers(
        self, transactions: Sequence[Mapping[str, Any]]
    ) -> dict[tuple[date, str], dict[int, Counts]]:
        """Counts of points by indicator, for each day and department of ``transactions``."""
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
            (day, department.id): self._facts(department.id)
            for day in sorted(day for day in days if day <= self._today)
            for department in self._centre.departments
        }

    def _facts(self, department: str) -> Facts:
        chance, choose = self._random.random, self._random.choices
        filed = choose((0, 2, 12), (70, 25, 5))[0]
        stated = department != BY_CASES
        return Facts(
            None if chance() < 0.2 else choose(("full", "part", "none"), (30, 60, 10))[0],
            True,
            chance() < 0.9,
            filed if stated else None,
            (filed - (chance() < 0.1) if filed else 0) if stated else None,
            choose(("full", "part", "none"), (40, 50, 10))[0],
        )
