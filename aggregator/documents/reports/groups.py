"""The groups of people that one report prints, and which of them add up to others."""

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from itertools import product

import pandas as pd

from aggregator.figures.publishing import less, levels_of
from aggregator.figures.rows import FigureRow
from aggregator.statistics import Sum, audit, withhold
from aggregator.statistics.participation import CENTRE, Participation
from aggregator.wording.periods import Period


def of_period(period: Period) -> Hashable:
    return ("period", period.since, period.until)


class Groups:
    """The sizes of all groups of one document: what is withheld is decided for it as a whole.

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
        """The parts of a total, and a rest that is not printed: each person is in one of them."""
        rest = ("rest", total, len(self.sums))
        self.sizes[rest] = self.sizes[total] - sum(self.sizes[part] for part in parts)
        if all(key in self.levels for key in (total, *parts)):
            self.levels[rest] = less(self.levels[total], [self.levels[part] for part in parts])
        if self.sizes[rest]:  # an empty rest is known to be empty
            self.unprinted.add(rest)
        self.add_up(total, (*parts, rest))

    def add_up(self, total: Hashable, parts: Iterable[Hashable]) -> None:
        self.sums.append(Sum(total, tuple(parts)))

    def add_covered(
        self,
        whole: Period,
        weeks: Iterable[Period],
        coverage: Mapping[str, Participation],
        ratings: pd.DataFrame,
        dossiers: pd.DataFrame,
    ) -> None:
        """The ratings on days whose dossiers are known, which participation is printed of.

        These overlap with the groups by department and by week. So all are made of cells: a
        department in a week, on days of one kind (its dossiers known or not, the centre's known
        or not). No cell is printed and each is guarded, and so is all that a reader can get by
        subtraction, since it is made of cells too. The reader is taken to know the dates, and
        on which days nobody rated, but not which departments had no rating on other days.
        """
        printed = [key for key in coverage if key == CENTRE or ("department", key) in self.sizes]
        for key in printed:
            self.add(("covered", key), coverage[key].n)
        own_figure = CENTRE in coverage and not coverage[CENTRE].departments
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

    def beside(
        self,
        period: Period,
        rows: Mapping[str, FigureRow],
        hidden: Collection[Hashable],
        minimum: int,
    ) -> frozenset[str]:
        """The rows beside which their figure without flagged answers may be printed.

        ``rows`` are the centre's, under '', and those of its departments; ``hidden`` is withheld.
        Each row is its flagged and its other answers, and so is the centre, department by
        department. Neither part may be small, and no reader may learn of a small part anywhere by
        subtraction, of what is printed here or in any table: else the largest that allow it are
        taken, the centre first. It alone tells of no department that any of its answers has a
        flag, so then sizes are looked at; else answers, too, as if all levels were printed.
        """
        if all(row.flagged is None for row in rows.values()):
            return frozenset()
        parts = Groups(self._questions)
        parts.sizes, parts.levels = {**self.sizes}, {**self.levels}
        parts.sums, parts.unprinted = [*self.sums], {*self.unprinted}
        may = []
        for key, row in rows.items():
            others = row.unflagged or row
            parts.add(("flagged", key), row.n - others.n)
            parts.add_row(("others", key), others)
            if levels := levels_of(row):
                parts.levels["flagged", key] = less(levels, [levels_of(others)])
            total = ("department", key) if key else of_period(period)
            parts.add_up(total, (("flagged", key), ("others", key)))
            sizes = (row.n - others.n, others.n)
            if row.flagged and total not in hidden and not any(0 < n < minimum for n in sizes):
                may.append(key)
        departments = [key for key in rows if key]
        for part in ("flagged", "others"):
            parts.share_out((part, ""), [(part, key) for key in departments])
        every = {(part, key) for key in rows for part in ("flagged", "others")}

        def is_safe(printed: Collection[str]) -> bool:
            shown = {(part, key) for key in printed for part in ("flagged", "others")}
            told = audit(
                parts.sizes,
                parts.sums,
                minimum,
                hidden,
                levels=parts.levels if any(printed) else self.levels,
                unprinted=parts.unprinted | (every - shown),
                questions=self._questions,
            )
            return bool(told["safe"].all())

        if is_safe(may):
            return frozenset(may)
        found: list[str] = []
        for key in sorted(may, key=lambda key: (bool(key), -parts.sizes["flagged", key], key)):
            if is_safe([*found, key]):
                found.append(key)
        return frozenset(found)

    def withheld(self, minimum: int) -> frozenset[Hashable]:
        return withhold(
            self.sizes,
            self.sums,
            minimum,
            self.unprinted,
            levels=self.levels,
            questions=self._questions,
        )
