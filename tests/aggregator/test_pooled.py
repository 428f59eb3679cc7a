"""The pooled share of several questions: the respondent is the cluster, not the answer."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from aggregator.statistics import Published, compare, pooled_shares, wilson

Respondent = Sequence[int | None]  # one answer a question; None where it was skipped
FAVOURABLE = (4, 5)


def sums_of(respondents: Sequence[Respondent], key: str = "centre") -> pd.DataFrame:
    """The tally of raw answers: counts and sums of squares over respondents."""
    pairs = [
        (sum(a in FAVOURABLE for a in answers), sum(a is not None for a in answers))
        for answers in respondents
    ]
    taking_part = [(k, m) for k, m in pairs if m]
    return pd.DataFrame(
        [
            {
                "key": key,
                "measure": "satisfied_or_better",
                "respondents": len(taking_part),
                "k": sum(k for k, _ in taking_part),
                "m": sum(m for _, m in taking_part),
                "kk": sum(k * k for k, _ in taking_part),
                "km": sum(k * m for k, m in taking_part),
                "mm": sum(m * m for _, m in taking_part),
            }
        ]
    )


def linearised_variance(respondents: Sequence[Respondent]) -> float:
    """The variance of K/M from the raw answers, one residual a respondent (Cochran 6.5)."""
    k = np.array([sum(a in FAVOURABLE for a in answers) for answers in respondents], float)
    m = np.array([sum(a is not None for a in answers) for answers in respondents], float)
    k, m = k[m > 0], m[m > 0]
    ratio = k.sum() / m.sum()
    residuals = k - ratio * m
    return float(len(m) / (len(m) - 1) * (residuals**2).sum() / m.sum() ** 2)


answers = st.lists(st.none() | st.integers(1, 5), min_size=22, max_size=22)


@given(st.lists(answers, min_size=2, max_size=40))
def test_the_interval_follows_the_linearised_variance_of_the_raw_answers(
    respondents: list[Respondent],
) -> None:
    sums = sums_of(respondents)
    k, m = int(sums["k"][0]), int(sums["m"][0])
    assume(sums["respondents"][0] >= 2 and 0 < k < m)
    variance = linearised_variance(respondents)
    assume(variance > 1e-9)
    found = pooled_shares(sums, ["centre"]).iloc[0]
    share = k / m
    effective = min(share * (1 - share) / variance, m)
    assert found["share"] == pytest.approx(share)
    assert found["n_effective"] == pytest.approx(effective, rel=1e-6)
    assert found["design_effect"] == pytest.approx(m / effective, rel=1e-6)
    low, high = wilson(np.array([share * effective]), np.array([effective]))
    assert (found["low"], found["high"]) == pytest.approx((low[0], high[0]), rel=1e-6)
    assert 0 <= found["low"] <= share <= found["high"] <= 1


def test_equal_answers_of_one_respondent_count_as_one() -> None:
    """Thirty praise everything and ten nothing: that is forty voices, not 880."""
    respondents = [[5] * 22] * 30 + [[1] * 22] * 10
    found = pooled_shares(sums_of(respondents), ["centre"]).iloc[0]
    assert (found["k"], found["n"], found["respondents"]) == (660, 880, 40)
    # r/(r-1) inflates the variance of forty voices by 40/39.
    assert found["n_effective"] == pytest.approx(39)
    naive_low, naive_high = (b[0] for b in wilson(np.array([660.0]), np.array([880.0])))
    assert found["high"] - found["low"] > 4 * (naive_high - naive_low)


@pytest.mark.parametrize(("answer", "share", "bound"), [(5, 1.0, "high"), (1, 0.0, "low")])
def test_where_all_agree_each_respondent_counts_once(answer: int, share: float, bound: str) -> None:
    found = pooled_shares(sums_of([[answer] * 22] * 40), ["centre"]).iloc[0]
    assert found["share"] == found[bound] == share
    assert found["n_effective"] == 40
    low, high = wilson(np.array([share * 40]), np.array([40.0]))
    assert (found["low"], found["high"]) == pytest.approx((low[0], high[0]))


def test_one_respondent_alone_counts_once() -> None:
    found = pooled_shares(sums_of([[5] * 20 + [1, 1]]), ["centre"]).iloc[0]
    assert found["n_effective"] == 1
    assert found["low"] < 0.3
    assert found["high"] > 0.95


def test_a_key_without_sums_gives_no_figure_and_a_foreign_key_is_left_out() -> None:
    sums = pd.concat([sums_of([[5] * 22], "so_y_te"), sums_of([[5] * 22], "")])
    assert pooled_shares(sums, ["so_y_te", "so_tu_phap"])["key"].tolist() == ["so_y_te"]


def test_the_minimum_counts_respondents_and_not_their_answers() -> None:
    few = sums_of([[1] * 22] * 29, "a")
    enough = sums_of([[1] * 22] * 30, "b")
    found = pooled_shares(pd.concat([few, enough]), ["a", "b"])
    verdicts = compare(found, Published(0.8233), 30)
    assert verdicts["verdict"].tolist() == ["too_few", "below"]
    assert verdicts["test"].unique().tolist() == ["score"]


def test_the_score_test_uses_the_effective_number() -> None:
    """26 of 40 equal voices against 0.8233: 572 of 880 answers would look surer than they are."""
    found = pooled_shares(sums_of([[5] * 22] * 26 + [[1] * 22] * 14), ["centre"])
    [row] = compare(found, Published(0.8233), 30).to_dict("records")
    error = math.sqrt(0.8233 * (1 - 0.8233) / 39)
    z = abs(0.65 - 0.8233) / error
    assert row["p"] == pytest.approx(math.erfc(z / math.sqrt(2)))
    assert row["verdict"] == "below"
