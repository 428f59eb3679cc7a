"""What verdicts that are looked at daily promise: a short version of make coverage."""

import numpy as np
import pandas as pd
import pytest

from aggregator.statistics import DaySums, control_chart
from aggregator.statistics.days import usual_effects
from tests.simulation.daily import (
    ALIKE,
    DAYS,
    TRUE,
    UNITS,
    bets,
    counts,
    false_of_a_closed_month,
    fixed,
    of_months,
)
from tests.simulation.surveys import of_forms

SEED = 20_201_127
QUARTERS = 100


@pytest.mark.parametrize("alike", ALIKE)
def test_daily_looks_raise_false_alarms_in_five_of_a_hundred_quarters_at_most(alike: float) -> None:
    quiet = counts(np.random.default_rng(SEED), TRUE, alike, (QUARTERS * UNITS, DAYS))

    def alarms(first: np.ndarray) -> float:
        return float(np.isfinite(first).reshape(QUARTERS, UNITS).any(axis=1).mean())

    assert alarms(bets(quiet)) <= 0.05
    assert alarms(fixed(quiet)) > 0.08  # what made another test needed


def test_a_fall_is_noticed_within_the_quarter() -> None:
    rng = np.random.default_rng(SEED)
    for share, latest in ((0.9, 45), (0.8, 12), (0.7, 8)):
        assert np.median(bets(counts(rng, share, 0.02, (200, DAYS)))) <= latest


def test_intervals_of_a_month_hold_the_truth_also_where_days_are_alike() -> None:
    measured = {(one.method, one.answers): one for one in of_months(60, SEED)}
    promised = [one for one in measured.values() if one.promised]
    assert len(promised) == len(ALIKE)
    assert all(not one.outside for one in promised), promised
    assert measured["wilson", "days alike 0.05"].outside


def test_so_do_those_of_single_questions_and_of_factors() -> None:
    found = of_forms(150, SEED, shares=(0.82,), likeness=(0, 0.05))
    measured = {(one.method, one.answers): one for one in found}
    promised = [one for one in measured.values() if one.promised]
    assert {one.method for one in promised} == {"question", "factor"}
    assert all(not one.outside for one in promised), promised
    assert measured["factor, no days", "days alike 0.05"].outside


def test_control_charts_of_days_take_no_usual_day_for_a_signal() -> None:
    """Of 170 ratings a day; and a day that is far out is one, also beside itself."""
    rng = np.random.default_rng(SEED)
    size, weeks = 1 / 0.02 - 1, [day // 5 for day in range(30)]
    plain, allowing, far_out = [], [], []
    for _ in range(20):
        k = rng.binomial(170, rng.beta(TRUE * size, (1 - TRUE) * size, (30, 1)))
        n = np.full_like(k, 170)
        plain += signals(k, n)
        allowing += signals(k, n, usual_effects(DaySums.single(k, n), weeks))
        k[29] = 120
        far_out.append(signals(k, n, usual_effects(DaySums.single(k, n), weeks))[29])
    assert np.mean(plain) > 0.05
    assert np.mean(allowing) < 0.02
    assert np.mean(far_out) > 0.9


def signals(k: np.ndarray, n: np.ndarray, effect: np.ndarray | float = 1.0) -> list[bool]:
    points = {"key": range(len(k)), "k": k[:, 0] / effect, "n": n[:, 0] / effect}
    return list(control_chart(pd.DataFrame(points))["signal"].isin(["below", "above"]))


def test_a_document_on_a_month_that_is_over_errs_seldom() -> None:
    assert max(false_of_a_closed_month(60, alike, SEED) for alike in ALIKE) <= 0.1
