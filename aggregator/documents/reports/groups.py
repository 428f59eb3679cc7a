"""The groups of people that one report prints, and what each adds up to with others."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import product

import pandas as pd

from aggregator.figures.publishing import less, levels_of
from aggregator.figures.rows import FigureRow
from aggregator.statistics import Sum, withhold
from aggregator.statistics.participation import CENTRE, Participation
from aggregator.wording.periods import Period


def of_period(period: Period) -> Hashable:
    return ("period", period.since, period.until)


class Groups:
    """The people of one document by group; all its tables are decided over together.

    Keys are of_period(), ("department", key), ("channel", key) and, for the ratings of days
    whose dossiers are known, ("covered", key), of the centre under ''.
    """

    def __init__(self, questions: int = 1) -> None:
        """``questions``: how many answers one person may have given in a row of figures."""
        self._questions = questions
        self.sizes: dict[Hashable, int] = {}
        self.sums: list[Sum] = []
        self.unprinted: set[Hashable] = set()
        self.levels: dict[Hashable, tuple[int, ...]] = {}

    def add(self, key: Hashable, n: int) -> None:
        self.sizes[key] = n

    def add_row(self, key: Hashable, row: FigureRow) -> None:
        """A group that is printed as a row of figures, with its answers by level."""
        self.sizes[key] = row.n
        if levels := levels_of(row):
            self.levels[key] = levels

    def share_out(self, total: Hashable, parts: Sequence[Hashable]) -> None:
        """Parts of a total, each person in one of them or in the rest, which is not printed."""
        rest = ("rest", total, len(self.sums))
        self.sizes[rest] = self.sizes[total] - sum(self.sizes[part] for part in parts)
        if all(key in self.levels for key in (total, *parts)):
            self.levels[rest] = less(self.levels[total], [self.levels[part] for part in parts])
        if self.sizes[rest]:  # that everybody is in a part is known
            self.unprinted.add(rest)
        self.add_up(total, (*parts, rest))

    def add_up(self, total: Hashable, parts: Iterable[Hashable]) -> None:
        self.sums.append(Sum(total, tuple(parts)))

    def add_covered(
        self,
        whole: Period,
        weeks: Iterable[Period],
        found: Mapping[str, Participation],
        ratings: pd.DataFrame,
        dossiers: pd.DataFrame,
    ) -> None:
        """The ratings that participation counts, beside the departments' and the weeks'.

        They overlap in days: the centre's may be the departments' of a day, or most of a week.
        So whatever is printed is made of cells, each a department in a week on days of one kind:
        its dossiers known or not, the centre's known or not. No cell is printed and each is
        guarded; what a reader gets by subtraction is made of cells too. A reader is taken to
        know all dates, and the days on which nobody rated, but not who did not on the others.
        """
        printed = [key for key in found if key == CENTRE or ("department", key) in self.sizes]
        for key in printed:
            self.add(("covered", key), found[key].n)
        own_figure = CENTRE in found and not found[CENTRE].departments
        known = set(zip(dossiers["department"], dossiers["day"], strict=True))
        given = ratings.groupby(["department", "day"])["n"].sum().to_dict()
        week_of = {
            day: of_period(week)
            for week, day in product(weeks, set(ratings["day"]))
            if week.since <= day <= week.until
        }
        cells = Counter[Hashable]()
        made_of = defaultdict[Hashable, set[Hashable]](set)
        for department, day in product(set(ratings["department"]), set(ratings["day"])):
            own, centre = ((key, day) in known for key in (department, CENTRE))
            cell = ("cell", department, week_of.get(day), own, centre)
            cells[cell] += int(given.get((department, day), 0))
            made_of[of_period(whole)].add(cell)
            made_of["department", department].add(cell)
            if day in week_of:
                made_of[week_of[day]].add(cell)
            if own and department != CENTRE:
                made_of["covered", department].add(cell)
            if centre if own_figure else own:
                made_of["covered", CENTRE].add(cell)
        self.sizes |= cells
        self.unprinted |= cells.keys()
        for total, parts in made_of.items():
            if total in self.sizes:
                self.add_up(total, sorted(parts, key=repr))

    def withheld(self, minimum: int) -> frozenset[Hashable]:
        return withhold(
            self.sizes,
            self.sums,
            minimum,
            self.unprinted,
            levels=self.levels,
            questions=self._questions,
        )
