"""DDCI: departments ranked by what firms answer about them, with an interval of each rank."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from aggregator.indices.ddci_definition import Ddci
from aggregator.indices.scores import Interval, min_max
from surveys.definition import Survey

DRAWS, SEED = 1000, 20200512  # simulated rankings; with a fixed seed figures repeat

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RankedDepartment:
    """A department's composite (0 to 100) and rank with 95 % intervals; scores of components."""

    department: str
    rank: int
    rank_low: int
    rank_high: int
    score: Interval
    components: Mapping[str, float]


@dataclass(frozen=True)
class Unranked:
    """A department without a rank, and why.

    ``too_few``: statement ``at`` has only n answers. ``no_hard_data``: column ``at`` is missing.
    ``alone``: there is no other department to rank it with.
    """

    department: str
    reason: Literal["too_few", "no_hard_data", "alone"]
    at: str = ""
    n: int = 0


@dataclass(frozen=True)
class Ranking:
    """Departments by rank. ``weights`` are those used, in percent, by component.

    Components without any data are ``left_out`` and the weights rescaled to 100; columns of
    hard data that no department gave are ``columns_left_out``.
    """

    ranked: tuple[RankedDepartment, ...]
    unranked: tuple[Unranked, ...]
    weights: Mapping[str, float]
    left_out: tuple[str, ...]
    columns_left_out: tuple[str, ...]
    minimum_answers: int
    method: str = "ddci"


@dataclass(frozen=True)
class _Indicator:
    name: str
    component: str
    soft: bool
    lower_is_better: bool


def statement_counts(survey: Survey, question: str, counts: pd.DataFrame) -> pd.DataFrame:
    """One statement's rows for rank_departments: columns department, question, k, n.

    ``counts`` has columns key (department), code and n, as Store.counts returns them.
    """
    [favourable] = survey.measures_of(survey.questions[question]).values()
    k = counts["n"].where(counts["code"].isin(favourable), 0)
    sums = pd.DataFrame({"department": counts["key"], "k": k, "n": counts["n"]})
    return sums.groupby("department", as_index=False).sum().assign(question=question)


def rank_departments(
    config: Ddci,
    survey: Survey,
    counts: pd.DataFrame,
    hard: Mapping[str, Mapping[str, float]],
    departments: Sequence[str],
) -> Ranking:
    """Rank departments by their composite, in points of 100.

    ``counts`` has columns department, question, k, n: k favourable of n answers. ``hard`` are
    numbers from records by department and column. Each indicator is scored 1 to 10 by min-max
    over the ranked departments, a component is the mean of its indicators, the composite their
    sum by weight over 10 (the practice of DDCI and PCI). A department is ranked when every
    statement used has the minimum of answers there, so that all are ranked by the same.
    """
    given = {column for row in hard.values() for column in row}
    indicators = [one for one in _indicators(config, survey) if one.soft or one.name in given]
    answers = {
        (str(department), str(question)): (int(k), int(n))
        for department, question, k, n in zip(
            *(counts[name].tolist() for name in ("department", "question", "k", "n")), strict=True
        )
    }
    present = {one.component for one in indicators}
    used = [component for component in config.components if component.id in present]
    total = math.fsum(component.weight for component in used)
    weights = {component.id: 100 * component.weight / total for component in used}
    unranked = [
        reason
        for department in departments
        if (reason := _unranked(department, indicators, answers, hard, config.minimum_answers))
    ]
    # Sorted, since the simulation draws by position: the order of the rows must not matter.
    names = sorted(set(departments) - {one.department for one in unranked})
    if len(names) == 1:
        unranked.append(Unranked(names.pop(), "alone"))
    return Ranking(
        ranked=tuple(_ranked(names, indicators, weights, answers, hard)) if names else (),
        unranked=tuple(unranked),
        weights=weights,
        left_out=tuple(one.id for one in config.components if one.id not in present),
        columns_left_out=tuple(one.column for one in config.hard if one.column not in given),
        minimum_answers=config.minimum_answers,
    )


def _indicators(config: Ddci, survey: Survey) -> list[_Indicator]:
    found = []
    for component in config.components:
        for statement in component.statements:
            worse = survey.questions[statement].direction == "lower_is_better"
            found.append(_Indicator(statement, component.id, True, worse))
        for hard in component.hard:
            worse = hard.direction == "lower_is_better"
            found.append(_Indicator(hard.column, component.id, False, worse))
    return found


def _unranked(
    department: str,
    indicators: Sequence[_Indicator],
    answers: Mapping[tuple[str, str], tuple[int, int]],
    hard: Mapping[str, Mapping[str, float]],
    minimum: int,
) -> Unranked | None:
    """Why a department has no rank (first its least answered statement), or None if it has."""
    if not indicators:
        return Unranked(department, "no_hard_data")
    sizes = {
        one.name: answers.get((department, one.name), (0, 0))[1] for one in indicators if one.soft
    }
    least = min(sizes, key=lambda name: sizes[name], default="")
    if least and sizes[least] < minimum:
        return Unranked(department, "too_few", least, sizes[least])
    for one in indicators:
        if not one.soft and one.name not in hard.get(department, {}):
            return Unranked(department, "no_hard_data", one.name)
    return None


def _ranked(
    names: Sequence[str],
    indicators: Sequence[_Indicator],
    weights: Mapping[str, float],
    answers: Mapping[tuple[str, str], tuple[int, int]],
    hard: Mapping[str, Mapping[str, float]],
) -> list[RankedDepartment]:
    found: list[Array] = []
    simulated: list[Array] = []
    generator = np.random.default_rng(SEED)
    orders = generator.permuted(np.tile(np.arange(DRAWS)[:, None], len(names)), axis=0)
    for one in indicators:
        if one.soft:
            k, n = np.array([answers[name, one.name] for name in names], dtype=np.float64).T
            found.append((k / n)[None, :])
            simulated.append(_simulated(generator, k, n, orders, one.lower_is_better))
        else:
            values = np.array([[hard[name][one.name] for name in names]])
            found.append(values)
            simulated.append(np.broadcast_to(values, (DRAWS, len(names))))
    scores = _component_scores(indicators, found)
    points, drawn = (
        sum((weights[key] / 10 * score for key, score in parts.items()), np.zeros(1))
        for parts in (scores, _component_scores(indicators, simulated))
    )
    rank, ranks = (rankdata(-np.round(by, 9), method="min", axis=1) for by in (points, drawn))
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    first, last = np.quantile(ranks, [0.025, 0.975], axis=0, method="inverted_cdf")
    # An interval of draws may miss the figure itself; it is widened to hold it.
    rows = [
        RankedDepartment(
            department=name,
            rank=int(rank[0, at]),
            rank_low=int(min(first[at], rank[0, at])),
            rank_high=int(max(last[at], rank[0, at])),
            score=Interval(
                float(points[0, at]),
                float(min(low[at], points[0, at])),
                float(max(high[at], points[0, at])),
            ),
            components={key: float(score[0, at]) for key, score in scores.items()},
        )
        for at, name in enumerate(names)
    ]
    return sorted(rows, key=lambda row: (row.rank, row.department))


def _simulated(
    generator: np.random.Generator, k: Array, n: Array, orders: NDArray[np.int64], worse: bool
) -> Array:
    """Shares drawn from their posteriors, Beta(k + 1/2, n - k + 1/2) (Jeffreys' prior).

    Returns an array (DRAWS, departments). A firm answers several statements, so a department's
    shares are correlated, and how closely is unknown. So its best draws of all statements are
    put together (by ``orders``), and its worst: the composite then varies most, and its interval
    is rather too wide than too narrow (our choice).
    """
    draws = np.sort(generator.beta(k + 0.5, n - k + 0.5, (DRAWS, len(k))), axis=0)
    return np.take_along_axis(draws[::-1] if worse else draws, orders, axis=0)


def _component_scores(
    indicators: Sequence[_Indicator], values: Sequence[Array]
) -> dict[str, Array]:
    """Scores by component, each the mean of its indicators' min-max scores over departments.

    ``values`` has an array (rankings, departments) for each indicator, and so has the result.
    """
    scores: dict[str, list[Array]] = {}
    for one, value in zip(indicators, values, strict=True):
        low, high = value.min(axis=1, keepdims=True), value.max(axis=1, keepdims=True)
        score = min_max(value, low, high, lower_is_better=one.lower_is_better)
        scores.setdefault(one.component, []).append(score)
    return {component: np.mean(parts, axis=0) for component, parts in scores.items()}
