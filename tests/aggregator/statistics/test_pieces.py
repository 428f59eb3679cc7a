"""Whatever is asked to be shown, one after the other: no small group becomes known."""

import itertools
from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from aggregator.statistics import Shown

MINIMUM = 5


class World:
    """Answers by department, day and level, and what groups of them there may be."""

    def __init__(self, answers: np.ndarray) -> None:
        """``answers`` has the shape (departments, days, levels)."""
        self.departments, self.days, levels = answers.shape
        by_level = answers.reshape(-1, levels)
        self.answers = by_level
        self.shown = Shown(np.column_stack([by_level.sum(axis=1), by_level]), MINIMUM)
        self.groups: list[np.ndarray] = []

    def mask(self, department: int | None, since: int, until: int) -> np.ndarray:
        mask = np.zeros((self.departments, self.days), dtype=bool)
        mask[slice(None) if department is None else department, since : until + 1] = True
        return mask.ravel()

    def ask(self, department: int | None, since: int, until: int) -> bool:
        mask = self.mask(department, since, until)
        may = self.shown.may_show(mask)
        if may:
            self.shown.add(mask)
            self.groups.append(mask)
        return may

    def told(self) -> list[tuple[tuple[int | None, int, int], str]]:
        """The small groups of which a reader of all that is shown learns something."""
        found = []
        for department in (None, *range(self.departments)):
            for since, until in itertools.combinations_with_replacement(range(self.days), 2):
                mask = self.mask(department, since, until)
                answers = self.answers[mask].sum(axis=0)
                if not 0 < answers.sum() < MINIMUM:
                    continue
                group = department, since, until
                if self._least(mask, None) == -self._least(mask, None, sign=-1):
                    found.append((group, "its number"))
                for level in np.flatnonzero(answers).tolist():
                    if self._least(mask, level) < 1:
                        continue
                    # Where a group of the minimum or more is unanimous, that is shown.
                    rest = mask & np.array([self._mixed(cell, level) for cell in range(len(mask))])
                    if self._least(rest, level) >= 1:
                        found.append((group, f"answer {level}"))
        return found

    def _mixed(self, cell: int, level: int) -> bool:
        """Whether for a reader somebody in a cell may have given another answer than a level."""
        mask = np.arange(len(self.answers)) == cell
        others = [other for other in range(self.answers.shape[1]) if other != level]
        return any(self._least(mask, other, sign=-1) < 0 for other in others)

    def _least(self, mask: np.ndarray, level: int | None, sign: int = 1) -> float:
        """The least number of answers (of a level) in a group that is possible for a reader."""
        cells, levels = self.answers.shape
        if not self.groups:
            return 0 if sign > 0 else -1000
        cells, levels = self.answers.shape
        price = np.zeros((cells, levels))
        price[mask, slice(None) if level is None else level] = sign
        most = np.where(self.answers.sum(axis=1) > 0, 1000, 0)[:, None] * np.ones(levels)
        known = np.kron(np.array(self.groups, dtype=int), np.eye(levels, dtype=int))
        printed = known @ self.answers.ravel()
        solved = milp(
            price.ravel(),
            integrality=np.ones(cells * levels, dtype=np.int64),
            bounds=Bounds(0, most.ravel()),
            constraints=LinearConstraint(csr_array(known), printed, printed),
        )
        assert solved.success
        return float(round(solved.fun))


groups = st.lists(
    st.tuples(st.sampled_from([None, None, 0, 1, 2]), st.integers(0, 5), st.integers(0, 5)).map(
        lambda one: (one[0], min(one[1:]), max(one[1:]))
    ),
    min_size=1,
    max_size=9,
)
worlds = st.lists(st.integers(0, 7), min_size=36, max_size=36).map(
    lambda flat: np.array(flat).reshape(3, 6, 2) // [1, 3]
)


@settings(max_examples=12, deadline=None)
@given(worlds, groups)
def test_no_small_group_is_known_by_all_that_was_shown(
    answers: np.ndarray, asked: Sequence[tuple[int | None, int, int]]
) -> None:
    world = World(answers)
    for group in asked:
        world.ask(*group)
    assert world.told() == []


def test_pieces_of_the_minimum_are_shown_and_smaller_ones_are_not() -> None:
    """Of three departments one is small, so another is withheld with it; then weeks of the rest."""
    world = World(np.array([[[9], [9]], [[6], [6]], [[2], [2]]]))
    assert world.ask(None, 0, 1)
    assert world.ask(0, 0, 1)
    assert not world.ask(1, 0, 1), "the third is what is left"
    assert world.ask(None, 0, 0)
    assert world.ask(0, 0, 0)
    assert not world.ask(1, 0, 0)
    assert world.told() == []


def test_a_rare_answer_is_not_traced_to_a_day_of_a_department() -> None:
    """Two of three who were dissatisfied came to one department, and two on one day."""
    answers = np.zeros((3, 6, 2), dtype=int)
    answers[:, :, 0] = 2
    answers[0, 0] = 1, 1
    answers[1, 3] = 0, 2
    world = World(answers)
    assert world.ask(None, 0, 5)
    assert world.ask(1, 0, 5)
    assert not world.ask(None, 3, 3)
    assert world.ask(None, 0, 2)
    assert not world.ask(None, 4, 5), "then the day between would be known"
    assert world.told() == []


def test_a_rest_that_gave_one_answer_is_not_shown() -> None:
    """Of whom nothing was shown all were satisfied: it would be known of each of them."""
    world = World(np.array([[[20, 2]], [[9, 1]], [[4, 0]], [[3, 0]]]))
    assert world.ask(None, 0, 0)
    assert world.ask(0, 0, 0)
    assert not world.ask(1, 0, 0)
    whole = World(np.array([[[20, 0]], [[9, 0]], [[4, 0]], [[3, 0]]]))
    assert all(whole.ask(department, 0, 0) for department in (None, 0, 1)), "all of them were"
