"""Figures against published ones: difference, p-values, verdicts; nothing where unlike."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from aggregator.figures.references import why_no_index, why_not_comparable
from aggregator.figures.rows import RowKey
from aggregator.statistics import Method, PublishedShare, compare, shares
from aggregator.statistics.comparison import MOST_OUTCOMES
from aggregator.statistics.exact import binomial_exact, fisher_exact
from aggregator.storage.store import Selection
from surveys.centre import Centre
from surveys.definition import Survey

DEVICE = PublishedShare(3355 / 3483, 3483)


def figures(*pairs: tuple[int, int], method: Method = "wilson") -> pd.DataFrame:
    """Rows as shares gives them, of k favourable among n."""
    names = [f"d{number}" for number in range(len(pairs))]
    levels = pd.DataFrame([[k, n - k] for k, n in pairs], index=names, columns=[5, 1])
    return shares(levels, {"very_satisfied": (5,)}, method)


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998) 873-890, table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((10, 10), (0, 10), 0.6075, 1.0000),
        # the contract's example
        ((100, 120), (3355, 3483), -0.2069, -0.0734),
    ],
)
def test_the_interval_of_a_difference_is_newcombes(
    one: tuple[int, int], other: tuple[int, int], low: float, high: float
) -> None:
    found = compare(figures(one), PublishedShare(other[0] / other[1], other[1]), 1_000).iloc[0]
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=0.00006)
    assert found["difference"] == pytest.approx(one[0] / one[1] - other[0] / other[1])


def test_the_p_value_is_fishers_where_the_reference_has_counts() -> None:
    found = compare(figures((100, 120)), DEVICE, 30).iloc[0]
    expected = stats.fisher_exact(np.array([[100, 20], [3355, 128]])).pvalue
    assert found["test"] == "fisher_exact"
    assert found["p"] == pytest.approx(expected, rel=1e-12)
    assert found["verdict"] == "below"


def test_a_reference_without_counts_is_a_fixed_value() -> None:
    [row] = figures((100, 120)).to_dict("records")
    found = compare(figures((100, 120)), PublishedShare(0.8233), 30).iloc[0]
    assert found["test"] == "binomial_exact"
    assert found["p"] == pytest.approx(stats.binomtest(100, 120, 0.8233).pvalue, rel=1e-12)
    assert found["low"] == pytest.approx(row["low"] - 0.8233)
    assert found["high"] == pytest.approx(row["high"] - 0.8233)
    assert found["verdict"] == "indistinct"
    # The same share with ratings behind it is uncertain, so the difference is more so.
    uncertain = compare(figures((100, 120)), PublishedShare(0.8233, 1000), 30).iloc[0]
    assert uncertain["high"] - uncertain["low"] > found["high"] - found["low"]


def test_below_the_minimum_nothing_is_concluded_however_far_the_share() -> None:
    found = compare(figures((0, 29), (0, 30)), DEVICE, 30)
    assert found["verdict"].tolist() == ["too_few", "below"]
    assert math.isnan(found["p_adjusted"][0])


def test_no_answers_are_too_few_and_have_no_p_value() -> None:
    found = compare(figures((0, 0), (40, 40)), DEVICE, 30)
    assert found["verdict"].tolist() == ["too_few", "indistinct"]
    assert found.loc[0, ["difference", "low", "high", "p", "p_adjusted"]].isna().all()


def test_a_difference_upwards_is_above() -> None:
    assert compare(figures((99, 100)), PublishedShare(0.8233), 30)["verdict"].tolist() == ["above"]


def test_holm_makes_a_borderline_verdict_indistinct() -> None:
    alone = compare(figures((91, 100)), DEVICE, 30).iloc[0]
    assert 0.05 / 16 < alone["p"] < 0.05
    assert alone["verdict"] == "below"
    among = compare(figures((91, 100), *[(97, 100)] * 15), DEVICE, 30)
    assert among["p"][0] == alone["p"]
    assert among["p_adjusted"][0] == pytest.approx(16 * alone["p"])
    assert among["verdict"][0] == "indistinct"


def test_departments_with_too_few_ratings_do_not_weigh_in_the_adjustment() -> None:
    among = compare(figures((91, 100), *[(1, 2)] * 15), DEVICE, 30)
    assert among["p_adjusted"][0] == among["p"][0]
    assert among["verdict"][0] == "below"


def test_holms_steps_are_those_of_the_hand() -> None:
    found = compare(figures((60, 100), (88, 100), (92, 100)), DEVICE, 30)
    first, second, third = sorted(found["p"])
    by_hand = [3 * first, max(3 * first, 2 * second), max(3 * first, 2 * second, third)]
    assert sorted(found["p_adjusted"]) == pytest.approx(by_hand)


def test_a_reference_of_all_favourable_compares_without_dividing_by_nothing() -> None:
    all_of_them = PublishedShare(1.0, 3483)
    found = compare(figures((40, 40), (30, 40)), all_of_them, 30)
    assert found["verdict"].tolist() == ["indistinct", "below"]
    assert found["p"][0] == 1.0


sizes = st.integers(1, 400)
pairs = sizes.flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
many = st.lists(pairs, min_size=1, max_size=16)


@given(many, pairs)
def test_the_exact_test_of_two_shares_is_scipys(
    ours: list[tuple[int, int]], theirs: tuple[int, int]
) -> None:
    k, n = np.array(ours).T
    other_k, other_n = theirs
    expected = [
        stats.fisher_exact(np.array([[a, b - a], [other_k, other_n - other_k]])).pvalue
        for a, b in ours
    ]
    assert fisher_exact(k, n, other_k, other_n) == pytest.approx(expected, rel=1e-9, abs=1e-200)


@given(many, st.floats(0.001, 0.999) | st.sampled_from([0.0, 0.5, 0.8233, 1.0]))
def test_the_exact_test_against_a_fixed_share_is_scipys(
    ours: list[tuple[int, int]], share: float
) -> None:
    k, n = np.array(ours).T
    expected = [stats.binomtest(a, b, share).pvalue for a, b in ours]
    assert binomial_exact(k, n, share) == pytest.approx(expected, rel=1e-9, abs=1e-200)


def test_equally_likely_outcomes_count_as_such() -> None:
    """R: fisher.test(matrix(c(3, 7, 7, 3), 2))$p.value and binom.test(3, 10)$p.value."""
    assert fisher_exact(np.array([3]), np.array([10]), 7, 10)[0] == pytest.approx(0.17889541)
    assert binomial_exact(np.array([3]), np.array([10]), 0.5)[0] == pytest.approx(0.34375)


def test_numbers_too_large_to_add_up_have_the_score_test_and_it_says_so() -> None:
    few, lots = (MOST_OUTCOMES - 1, MOST_OUTCOMES)
    rows = figures((few - 1700, few), (lots - 1700, lots))
    fixed = compare(rows, PublishedShare(0.8233), 30)
    assert fixed["test"].tolist() == ["binomial_exact", "score"]
    assert fixed["p"][0] == pytest.approx(fixed["p"][1], rel=0.03)
    # Fisher's needs no more outcomes than the smaller of the two has.
    assert set(compare(rows, DEVICE, 30)["test"]) == {"fisher_exact"}
    [exact, score] = compare(rows, PublishedShare(0.8233, lots), 30).to_dict("records")
    assert (exact["test"], score["test"]) == ("fisher_exact", "score")
    table = np.array([[lots - 1700, 1700], [8233, lots - 8233]])
    assert score["p"] == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)


def test_benjamini_and_hochbergs_steps_are_those_of_the_hand() -> None:
    found = compare(figures((60, 100), (90, 100), (92, 100), (97, 100)), DEVICE, 30)
    p = sorted(found["p"])
    by_hand = [min(p[j] * 4 / (j + 1) for j in range(i, 4)) for i in range(4)]
    assert sorted(found["p_bh"]) == pytest.approx(by_hand)


@given(many, pairs)
def test_the_adjusted_p_values_keep_their_order_and_the_verdict_is_holms(
    ours: list[tuple[int, int]], theirs: tuple[int, int]
) -> None:
    reference = PublishedShare(theirs[0] / theirs[1], theirs[1])
    found = compare(figures(*ours), reference, 30)
    enough = found[found["verdict"] != "too_few"]
    assert (found["verdict"] == "too_few").tolist() == [n < 30 for _, n in ours]
    assert (enough["p"] <= enough["p_bh"] * (1 + 1e-12)).all()
    assert (enough["p_bh"] <= enough["p_adjusted"] * (1 + 1e-12)).all()
    assert ((enough["p_adjusted"] < 0.05) == enough["verdict"].isin(["below", "above"])).all()
    assert (enough.loc[enough["verdict"] == "below", "difference"] < 0).all()
    assert (enough.loc[enough["verdict"] == "above", "difference"] > 0).all()
    assert ((found["low"] <= found["difference"]) & (found["difference"] <= found["high"])).all()
    few = found[found["verdict"] == "too_few"]
    assert few[["p_adjusted", "p_bh"]].isna().all(axis=None)


@given(many, st.permutations(range(16)))
def test_the_order_of_rows_moves_nothing(rows: list[tuple[int, int]], order: list[int]) -> None:
    given_rows = figures(*rows)
    shuffled = given_rows.iloc[[place for place in order if place < len(rows)]]
    found = compare(given_rows, DEVICE, 30).set_index("key")
    again = compare(shuffled, DEVICE, 30).set_index("key")
    pd.testing.assert_frame_equal(again.loc[found.index], found)


@given(many, pairs)
def test_another_department_moves_no_difference_and_no_raw_p(
    rows: list[tuple[int, int]], more: tuple[int, int]
) -> None:
    columns = ["key", "difference", "p", "test"]
    before = compare(figures(*rows), DEVICE, 30)[columns]
    after = compare(figures(*rows, more), DEVICE, 30)[columns].iloc[: len(rows)]
    pd.testing.assert_frame_equal(after, before)


def test_the_difference_has_newcombes_interval_whichever_the_share_has() -> None:
    exact = compare(figures((100, 120), method="clopper_pearson"), DEVICE, 30)
    pd.testing.assert_frame_equal(exact, compare(figures((100, 120)), DEVICE, 30))


def test_unlike_figures_are_refused_with_a_reason(
    centre: Centre, surveys: dict[str, Survey]
) -> None:
    device = next(one for one in centre.references if one.id == "device_2020")
    assert why_not_comparable(surveys["in_centre"], device) is None
    assert why_not_comparable(surveys["sipas_2020"], device) == "other_instrument"
    assert why_not_comparable(surveys["business"], device) == "other_instrument"
    other = device.model_copy(update={"measure": "agree"})
    assert why_not_comparable(surveys["in_centre"], other) == "other_measure"


@pytest.mark.parametrize(
    ("survey", "by", "questions", "why"),
    [
        ("in_centre", "department", None, None),
        ("in_centre", "day", ("rating",), None),
        ("in_centre", "centre", ("reasons",), "part_of_survey"),
        ("sipas_2020", "channel", None, None),
        ("sipas_2020", "centre", ("q12",), "part_of_survey"),
        ("sipas_2020", "factor", None, "part_of_survey"),
        ("sipas_2020", "question", None, "part_of_survey"),
        ("business", "centre", ("b1_1",), "part_of_survey"),
    ],
)
def test_references_are_of_the_whole_survey_and_not_of_a_part(
    surveys: dict[str, Survey], survey: str, by: RowKey, questions: Any, why: str | None
) -> None:
    assert why_no_index(surveys[survey], Selection(survey, questions), by) == why
