"""The pooled share of several questions: the respondent is the cluster, not the answer."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from aggregator.statistics import PublishedShare, compare, pooled_shares, wilson

Respondent = Sequence[int | None]  # one answer a question; None where it was skipped
FAVOURABLE = (4, 5)


def sums_of_pairs(pairs: Sequence[tuple[int, int]], key: str = "centre") -> pd.DataFrame:
    """The tally of each respondent's k favourable of m answers."""
    k, m = np.array([pair for pair in pairs if pair[1]], dtype=np.int64).reshape(-1, 2).T
    row = {"respondents": len(m), "k": k.sum(), "m": m.sum()}
    row |= {"kk": (k * k).sum(), "km": (k * m).sum(), "mm": (m * m).sum()}
    return pd.DataFrame([{"key": key, "measure": "satisfied_or_better", **row}])


def sums_of(respondents: Sequence[Respondent], key: str = "centre") -> pd.DataFrame:
    """The tally of raw answers."""
    return sums_of_pairs(
        [
            (sum(a in FAVOURABLE for a in answers), sum(a is not None for a in answers))
            for answers in respondents
        ],
        key,
    )


def standard_error(found: pd.Series) -> float:
    """Of a row of pooled_shares: what the design effect is the effect on."""
    variance = found["design_effect"] * found["share"] * (1 - found["share"]) / found["n"]
    return math.sqrt(variance)


def linearised_variance(respondents: Sequence[Respondent]) -> float:
    """The variance of K/M from the raw answers, one residual a respondent (Cochran 6.5)."""
    k = np.array([sum(a in FAVOURABLE for a in answers) for answers in respondents], float)
    m = np.array([sum(a is not None for a in answers) for answers in respondents], float)
    k, m = k[m > 0], m[m > 0]
    ratio = k.sum() / m.sum()
    residuals = k - ratio * m
    return float(len(m) / (len(m) - 1) * (residuals**2).sum() / m.sum() ** 2)


# R version 4.2.2, survey 4.1-1:
#   people <- svydesign(ids = ~1, weights = ~1, data = data.frame(k, m))  # one row a respondent
#   ratio <- svyratio(~k, ~m, people); c(coef(ratio), SE(ratio))
#   answers <- data.frame(person = rep(seq_along(m), m),
#                         y = unlist(mapply(function(k, m) c(rep(1, k), rep(0, m - k)), k, m)))
#   clusters <- svydesign(ids = ~person, weights = ~1, data = answers)
#   share <- svymean(~y, clusters, deff = "replace"); c(SE(share), deff(share))
TWELVE = list(
    zip(
        (22, 20, 22, 5, 18, 22, 0, 21, 9, 22, 14, 22),
        (22, 22, 22, 10, 20, 22, 6, 22, 15, 22, 22, 22),
        strict=True,
    )
)
FORTY = [(22, 22)] * 25 + [(21, 22)] * 9 + [(0, 22)] * 2 + [(11, 22)] * 4


@pytest.mark.parametrize(
    ("pairs", "share", "error", "design_effect"),
    [
        (TWELVE, 0.86784140969163, 0.0524336177717491, 5.4174176748407),
        (FORTY, 0.889772727272727, 0.040292146075741, 14.5499507273414),
    ],
)
def test_share_and_error_are_those_of_the_survey_package_of_r(
    pairs: list[tuple[int, int]], share: float, error: float, design_effect: float
) -> None:
    found = pooled_shares(sums_of_pairs(pairs), ["centre"]).iloc[0]
    assert found["share"] == pytest.approx(share, rel=1e-12)
    assert standard_error(found) == pytest.approx(error, rel=1e-9)
    # R divides by the variance of a sample, with n - 1; ours is R(1-R)/n.
    n = found["n"]
    assert found["design_effect"] * (n - 1) / n == pytest.approx(design_effect, rel=1e-9)


def test_the_error_is_that_of_a_bootstrap_over_respondents() -> None:
    rng = np.random.default_rng(20_200_512)
    m = np.where(rng.random(150) < 0.7, 22, rng.integers(1, 23, 150))
    k = rng.binomial(m, rng.beta(3.5, 0.6, 150))
    found = pooled_shares(sums_of_pairs(list(zip(k, m, strict=True))), ["centre"]).iloc[0]
    drawn = rng.integers(0, 150, (20_000, 150))
    spread = np.std(k[drawn].sum(axis=1) / m[drawn].sum(axis=1), ddof=1)
    # 20,000 draws give the spread to 0.5 %; that of 150 people differs from theirs by 1/150.
    assert standard_error(found) == pytest.approx(spread, rel=0.02)


answers = st.lists(st.none() | st.integers(1, 5), min_size=22, max_size=22)
pairs = st.integers(1, 22).flatmap(lambda m: st.tuples(st.integers(0, m), st.just(m)))


@given(st.lists(answers, min_size=2, max_size=40))
def test_the_design_effect_follows_the_linearised_variance_of_the_raw_answers(
    respondents: list[Respondent],
) -> None:
    sums = sums_of(respondents)
    k, m = int(sums["k"][0]), int(sums["m"][0])
    assume(sums["respondents"][0] >= 2 and 0 < k < m)
    variance = linearised_variance(respondents)
    assume(variance > 1e-9)
    found = pooled_shares(sums, ["centre"]).iloc[0]
    assert found["share"] == pytest.approx(k / m)
    assert standard_error(found) == pytest.approx(math.sqrt(variance), rel=1e-6)


@given(st.lists(pairs, min_size=1, max_size=60))
def test_answers_tell_no_more_than_independent_ones_and_no_less_than_one_a_person(
    people: list[tuple[int, int]],
) -> None:
    found = pooled_shares(sums_of_pairs(people), ["centre"]).iloc[0]
    m = np.array([m for _, m in people])
    assert m.sum() ** 2 / (m * m).sum() <= found["n_effective"] * (1 + 1e-12)
    assert found["n_effective"] <= m.sum()
    assert 0 <= found["low"] <= found["share"] <= found["high"] <= 1
    low, high = wilson(
        np.array([found["share"] * found["n_effective"]]), np.array([found["n_effective"]])
    )
    assert (found["low"], found["high"]) == pytest.approx((low[0], high[0]), abs=1e-12)


@given(st.lists(pairs, min_size=2, max_size=60))
def test_calling_the_favourable_unfavourable_mirrors_the_interval(
    people: list[tuple[int, int]],
) -> None:
    found = pooled_shares(sums_of_pairs(people), ["centre"]).iloc[0]
    mirror = pooled_shares(sums_of_pairs([(m - k, m) for k, m in people]), ["centre"]).iloc[0]
    assert mirror["low"] == pytest.approx(1 - found["high"], abs=1e-9)
    assert mirror["high"] == pytest.approx(1 - found["low"], abs=1e-9)


@given(st.lists(pairs, min_size=2, max_size=60), st.integers(2, 9))
def test_the_interval_narrows_as_the_same_people_come_again(
    people: list[tuple[int, int]], times: int
) -> None:
    once = pooled_shares(sums_of_pairs(people), ["centre"]).iloc[0]
    again = pooled_shares(sums_of_pairs(people * times), ["centre"]).iloc[0]
    assert again["share"] == pytest.approx(once["share"])
    assert again["high"] - again["low"] < once["high"] - once["low"]


def test_few_respondents_and_few_who_tell_make_the_interval_wider() -> None:
    """Two of a hundred are dissatisfied: the variance rests on these two."""
    people = [(22, 22)] * 98 + [(20, 22), (19, 22)]
    found = pooled_shares(sums_of_pairs(people), ["centre"]).iloc[0]
    telling = (2 + 3) ** 2 / (2**2 + 3**2)
    t = stats.t.isf(0.025, 1.5 * telling)
    independent = found["n"] / found["design_effect"]
    assert found["n_effective"] == pytest.approx(independent * (stats.norm.isf(0.025) / t) ** 2)
    assert found["n_effective"] < independent / 2


def test_equal_answers_of_one_respondent_count_as_one() -> None:
    """Thirty praise everything and ten nothing: that is forty voices, not 880."""
    respondents = [[5] * 22] * 30 + [[1] * 22] * 10
    found = pooled_shares(sums_of(respondents), ["centre"]).iloc[0]
    assert (found["k"], found["n"], found["respondents"]) == (660, 880, 40)
    assert found["n_effective"] == pytest.approx(40)
    # r/(r-1) inflates the variance of forty voices by 40/39.
    assert found["design_effect"] == pytest.approx(22 * 40 / 39)
    naive_low, naive_high = (b[0] for b in wilson(np.array([660.0]), np.array([880.0])))
    assert found["high"] - found["low"] > 4 * (naive_high - naive_low)


@pytest.mark.parametrize(("answer", "share", "bound"), [(5, 1.0, "high"), (1, 0.0, "low")])
def test_where_all_agree_each_respondent_counts_once(answer: int, share: float, bound: str) -> None:
    found = pooled_shares(sums_of([[answer] * 22] * 40), ["centre"]).iloc[0]
    assert found["share"] == found[bound] == share
    assert found["n_effective"] == 40
    assert math.isnan(found["design_effect"])
    low, high = wilson(np.array([share * 40]), np.array([40.0]))
    assert (found["low"], found["high"]) == pytest.approx((low[0], high[0]))


def test_one_opinion_of_all_is_no_measure_of_how_they_differ() -> None:
    """Each of ten finds half of everything good: without variance, ten voices."""
    found = pooled_shares(sums_of_pairs([(11, 22)] * 10), ["centre"]).iloc[0]
    assert found["n_effective"] == 10
    assert math.isnan(found["design_effect"])


def test_one_respondent_alone_counts_once() -> None:
    found = pooled_shares(sums_of([[5] * 20 + [1, 1]]), ["centre"]).iloc[0]
    assert found["n_effective"] == 1
    assert found["low"] < 0.3
    assert found["high"] > 0.95


def test_a_key_without_sums_gives_no_figure_and_a_foreign_key_is_left_out() -> None:
    sums = pd.concat([sums_of([[5] * 22], "so_y_te"), sums_of([[5] * 22], "")])
    assert pooled_shares(sums, ["so_y_te", "so_tu_phap"])["key"].tolist() == ["so_y_te"]
    assert pooled_shares(sums.iloc[:0], ["so_y_te"]).empty


def test_the_minimum_counts_respondents_and_not_their_answers() -> None:
    few = sums_of([[1] * 22] * 29, "a")
    enough = sums_of([[1] * 22] * 30, "b")
    found = pooled_shares(pd.concat([few, enough]), ["a", "b"])
    verdicts = compare(found, PublishedShare(0.8233), 30)
    assert verdicts["verdict"].tolist() == ["too_few", "below"]
    assert verdicts["test"].unique().tolist() == ["score"]


def test_the_score_test_uses_the_effective_number() -> None:
    """26 of 40 equal voices against 0.8233: 572 of 880 answers would look surer than they are."""
    found = pooled_shares(sums_of([[5] * 22] * 26 + [[1] * 22] * 14), ["centre"])
    [row] = compare(found, PublishedShare(0.8233), 30).to_dict("records")
    error = math.sqrt(0.8233 * (1 - 0.8233) / 40)
    z = abs(0.65 - 0.8233) / error
    assert row["p"] == pytest.approx(math.erfc(z / math.sqrt(2)))
    assert row["verdict"] == "below"
