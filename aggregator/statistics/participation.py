"""Participation: ratings over dossiers settled, on the days whose dossiers are known."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pandas as pd

CENTRE = ""  # the department of a row that counts for the whole centre
OpensOn = Callable[[date], bool]  # whether the centre opens on a day; see Centre.opens_on


@dataclass(frozen=True)
class Participation:
    """n ratings for ``dossiers`` dossiers, known for ``days`` working days.

    ``share`` is None where there are no dossiers. ``unflagged`` is how many of the ratings have
    no flag.
    """

    n: int
    dossiers: int
    days: int
    departments: int = 0  # how many the centre's figure is the sum of, where it is one
    unflagged: int | None = None

    @property
    def share(self) -> float | None:
        return self.n / self.dossiers if self.dossiers else None


def participation(
    ratings: pd.DataFrame, dossiers: pd.DataFrame, opens_on: OpensOn
) -> dict[str, Participation]:
    """Participation by department, and of the whole centre under ''.

    ``ratings`` has columns day, department, n; ``dossiers`` day, department, dossiers, each day
    and department once. A day without dossiers leaves out its ratings too: half a month's
    dossiers under a whole month's ratings would make twice the share. Where the centre has a
    figure of its own, its days and all ratings of them count; otherwise the departments' add
    up. Dossiers of a day on which the centre does not open count too, but it is no working day.
    """
    return participation_by("part", [""], ratings.assign(part=""), dossiers, opens_on)[""]


def participation_by(
    column: str,
    values: Iterable[str],
    ratings: pd.DataFrame,
    dossiers: pd.DataFrame,
    opens_on: OpensOn,
) -> dict[str, dict[str, Participation]]:
    """Participation by value of a column of ``ratings`` and department, as in participation.

    Each value's ratings are held against all dossiers.
    """
    known = {(day, at): n for day, at, n in _rows(dossiers, "day", "department", "dossiers")}
    working_day = {day: opens_on(day) for day in {day for day, _ in known}}
    settled: dict[str, tuple[int, int]] = {}
    for (day, at), of_day in sorted(known.items(), key=lambda one: one[0][1]):
        so_far, days = settled.get(at, (0, 0))
        settled[at] = so_far + of_day, days + working_day[day]
    n: Counter[tuple[str, str]] = Counter()
    of_own: Counter[str] = Counter()
    for value, day, at, given in _rows(ratings, column, "day", "department", "n"):
        n[value, at] += given if (day, at) in known else 0
        of_own[value] += given if (day, CENTRE) in known else 0
    working = sum(working_day.values())
    by_value: dict[str, dict[str, Participation]] = {}
    for value in values:
        parts = {
            department: Participation(n[value, department], *both)
            for department, both in settled.items()
        }
        if CENTRE in settled:
            parts[CENTRE] = Participation(of_own[value], *settled[CENTRE])
        elif parts:
            rated, all_dossiers = (
                sum(getattr(part, name) for part in parts.values()) for name in ("n", "dossiers")
            )
            parts[CENTRE] = Participation(rated, all_dossiers, working, len(settled))
        by_value[value] = parts
    return by_value


def _rows(table: pd.DataFrame, *names: str) -> Iterator[tuple[Any, ...]]:
    """Some columns row by row: pandas takes longer to group so few than it takes to add them up."""
    return zip(*(table[name].tolist() for name in names), strict=True)


def together(parts: Iterable[Mapping[str, Participation]]) -> dict[str, Participation]:
    """Participation by department of all values of a column, of which participation_by has each."""
    found: dict[str, Participation] = {}
    for of_value in parts:
        for department, part in of_value.items():
            if (before := found.get(department)) is not None:
                unflagged = None
                if part.unflagged is not None and before.unflagged is not None:
                    unflagged = part.unflagged + before.unflagged
                part = replace(part, n=part.n + before.n, unflagged=unflagged)
            found[department] = part
    return found


def nonresponse_bounds(k: float, n: float, dossiers: int) -> tuple[float, float]:
    """The share if none, and if all, of the people who gave no rating had been satisfied.

    k favourable of n ratings for N = ``dossiers``: k/N and (k + N - n)/N (Cochran, Sampling
    Techniques, 1977, section 13.2; Manski, American Economic Review 80 (1990) 319-323). Without
    assumptions about who gave no rating, the share may be anywhere between. NaN for no dossiers
    and where there are more ratings than dossiers, which then do not count the same people.
    """
    if dossiers <= 0 or n > dossiers:
        return float("nan"), float("nan")
    return k / dossiers, (k + dossiers - n) / dossiers
