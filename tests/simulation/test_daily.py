"""What verdicts that are looked at daily promise: a short version of make coverage."""

import numpy as np
import pytest

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


def test_a_document_on_a_month_that_is_over_errs_seldom() -> None:
    assert max(false_of_a_closed_month(60, alike, SEED) for alike in ALIKE) <= 0.1
