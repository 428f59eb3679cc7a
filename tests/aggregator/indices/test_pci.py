"""Business feedback beside PCI 2019, scores from 1 to 10, and the composite of ten of them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.indices.pci import (
    FactorFeedback,
    ProvinceBounds,
    StatementFeedback,
    business_feedback,
    feedback_composite,
    median,
)
from aggregator.indices.scores import composite, min_max
from aggregator.intake.bounds import read_bounds
from aggregator.intake.files import FileError
from aggregator.statistics import SHARE_COLUMNS, shares
from surveys.centre import load_centre
from surveys.definition import Survey, load_surveys
from surveys.published import Pci, load_published

CENTRE = Path(__file__).parents[3] / "deploy" / "lai_chau.toml"


@pytest.fixture(scope="module")
def pci() -> Pci:
    published = load_published(CENTRE, load_centre(CENTRE))
    assert published is not None
    return published.pci


@pytest.fixture(scope="module")
def business() -> Survey:
    return load_surveys()["business"]


def figures(answers: Mapping[str, tuple[int, int]]) -> pd.DataFrame:
    """Shares of k of n by question, in its one measure."""
    if not answers:
        return pd.DataFrame(columns=SHARE_COLUMNS)
    levels = pd.DataFrame(
        {1: [k for k, _ in answers.values()], 0: [n - k for k, n in answers.values()]},
        index=list(answers),
    )
    return shares(levels, {"agree": (1,)})


def statements(factors: tuple[FactorFeedback, ...]) -> dict[str, StatementFeedback]:
    return {one.question.id: one for factor in factors for one in factor.statements}


# Composite


@pytest.mark.parametrize(
    ("year", "exact"), [(2016, 53.45), (2017, 58.82), (2018, 58.325), (2019, 59.965)]
)
def test_the_sub_indices_give_the_printed_total_within_rounding(
    pci: Pci, year: int, exact: float
) -> None:
    scores = {id: float(one.score[year]) for id, one in pci.sub_indices.items()}
    weights = {id: one.weight for id, one in pci.sub_indices.items()}
    found = composite(scores, weights)
    assert found == pytest.approx(exact, abs=1e-9)
    # Each score is printed to 0.005 and the weights are 100 together; the total to 0.005.
    assert abs(found - float(pci.total.score[year])) <= 0.05 + 0.005


def test_a_composite_needs_every_score_and_weights_of_100() -> None:
    with pytest.raises(ValueError, match="missing: b"):
        composite({"a": 5}, {"a": 50, "b": 50})
    with pytest.raises(ValueError, match="90 together, not 100"):
        composite({"a": 5, "b": 5}, {"a": 50, "b": 40})


@given(st.lists(st.floats(1, 10), min_size=2, max_size=10))
def test_equal_scores_give_ten_times_the_score_and_others_stay_between(
    values: list[float],
) -> None:
    weights = {str(at): 100 / len(values) for at in range(len(values))}
    found = composite({str(at): value for at, value in enumerate(values)}, weights)
    assert 10 * min(values) - 1e-6 <= found <= 10 * max(values) + 1e-6


# Standardisation


@pytest.mark.parametrize(
    ("x", "score", "reversed_score"),
    [(20, 1, 10), (80, 10, 1), (50, 5.5, 5.5), (40, 4, 7), (10, 1, 10), (95, 10, 1)],
)
def test_min_max(x: float, score: float, reversed_score: float) -> None:
    assert min_max(x, 20, 80) == pytest.approx(score)
    assert min_max(x, 20, 80, lower_is_better=True) == pytest.approx(reversed_score)


def test_where_all_are_the_same_all_are_in_the_middle() -> None:
    assert min_max([3, 3], 3, 3).tolist() == [5.5, 5.5]
    assert np.isnan(min_max([np.nan], 3, 3)).all()


# Statements


def test_directions_are_respected(business: Survey, pci: Pci) -> None:
    """b4_3 was agreed to by 50 %; 65 % said that connections are needed (b3_3, bad when high)."""
    found = statements(
        business_feedback(business, figures({"b4_3": (60, 100), "b3_3": (55, 100)}), {}, pci)
    )
    simple, connections = found["b4_3"], found["b3_3"]
    assert simple.difference is not None
    assert simple.difference.value == pytest.approx(0.10)
    assert connections.difference is not None
    assert connections.difference.value == pytest.approx(0.10)
    assert (simple.direction, connections.direction) == ("better", "better")
    # Wilson's interval of 55 of 100 is 0.4524 to 0.6439: turned round, its ends change places.
    assert connections.difference.low == pytest.approx(0.65 - 0.6439, abs=1e-4)
    assert connections.difference.high == pytest.approx(0.65 - 0.4524, abs=1e-4)


def test_the_published_value_itself_is_equal_and_more_of_a_bad_thing_is_worse(
    business: Survey,
) -> None:
    found = statements(
        business_feedback(business, figures({"b4_3": (50, 100), "b5_2": (20, 100)}), {})
    )
    assert (found["b4_3"].direction, found["b5_2"].direction) == ("equal", "worse")


def test_a_statement_without_a_published_value_has_no_difference(business: Survey) -> None:
    one = statements(business_feedback(business, figures({"b6_1": (5, 10)}), {}))["b6_1"]
    assert (one.k, one.n, one.difference, one.direction) == (5, 10, None, None)


def test_unanswered_statements_are_there_and_empty(business: Survey, pci: Pci) -> None:
    factors = business_feedback(business, figures({}), {}, pci)
    assert [factor.published for factor in factors] == list(pci.sub_indices.values())
    found = statements(factors)
    assert list(found) == [q.id for factor in business.factors for q in factor.questions]
    assert all((one.n, one.figure, one.direction) == (0, None, None) for one in found.values())


def test_sides_are_counted_by_factor(business: Survey) -> None:
    answers = {"b4_1": (80, 100), "b4_2": (60, 100), "b4_3": (70, 100), "b4_5": (5, 100)}
    time_costs = business_feedback(business, figures(answers), {})[3]
    assert (time_costs.count("better"), time_costs.count("worse")) == (3, 1)


# Numbers


def test_a_median_is_compared_with_a_median_and_fewer_days_are_better(business: Survey) -> None:
    """b3_4: a median of 6 days was published."""
    one = statements(business_feedback(business, figures({}), {"b3_4": {2: 5, 4: 10, 9: 5}}))[
        "b3_4"
    ]
    assert (one.k, one.n, one.method) == (None, 20, "median_order")
    assert one.figure is not None
    assert one.figure.value == 4
    assert one.difference is not None
    assert (one.difference.value, one.direction) == (2, "better")


def test_a_share_of_costs_is_shown_beside_but_not_compared(business: Survey) -> None:
    """The source does not say whether its 5.03 % is a mean or a median (b9_2)."""
    one = statements(business_feedback(business, figures({}), {"b9_2": {5: 20}}))["b9_2"]
    assert one.question.published is not None
    assert (one.n, one.difference) == (20, None)


@pytest.mark.parametrize(("n", "first", "last"), [(6, 1, 6), (10, 2, 9), (15, 4, 12), (20, 6, 15)])
def test_the_interval_of_a_median_lies_between_order_statistics(
    business: Survey, n: int, first: int, last: int
) -> None:
    """Of n numbers 1 to n; binomial(10, 1/2) is at most 1 with 0.0107, at most 2 with 0.0547."""
    found = median(business.questions["b3_4"], dict.fromkeys(range(1, n + 1), 1))
    assert found is not None
    assert (found.value, found.low, found.high) == ((n + 1) / 2, first, last)


def test_five_numbers_say_nothing_with_95_percent(business: Survey) -> None:
    question = business.questions["b3_4"]
    found = median(question, {3: 5})
    assert found is not None
    assert (found.value, found.low, found.high) == (3, question.minimum, question.maximum)
    assert median(question, {}) is None


# Scores


def test_a_factor_is_the_mean_of_its_scored_statements(business: Survey) -> None:
    answers = {"b3_2": (60, 100), "b3_3": (30, 100)}
    bounds = {"b3_2": ProvinceBounds(40, 80), "b3_3": ProvinceBounds(20, 60)}
    transparency = business_feedback(business, figures(answers), {}, bounds=bounds)[2]
    assert transparency.scored == 2
    assert transparency.score is not None
    # 60 % of 40 to 80 is 5.5; 30 % of 20 to 60, bad when high, is 7.75.
    assert transparency.score.value == pytest.approx((5.5 + 7.75) / 2)
    first, second = (statements((transparency,))[id].score for id in ("b3_2", "b3_3"))
    assert first is not None
    assert second is not None
    assert transparency.score.low == pytest.approx((first.low + second.low) / 2)
    assert transparency.score.high == pytest.approx((first.high + second.high) / 2)


def test_without_bounds_or_without_answers_there_is_no_score(business: Survey) -> None:
    answers = figures({"b3_2": (60, 100)})
    assert business_feedback(business, answers, {})[2].score is None
    both = {"b3_2": ProvinceBounds(40, 80), "b3_3": ProvinceBounds(20, 60)}
    assert business_feedback(business, answers, {}, bounds=both)[2].score is None


@given(st.integers(0, 60), st.integers(1, 60), st.booleans())
def test_a_score_lies_in_its_interval_and_between_1_and_10(
    business: Survey, k: int, extra: int, bad: bool
) -> None:
    id = "b3_3" if bad else "b3_2"
    answers = figures({id: (k, k + extra)})
    bounds = {id: ProvinceBounds(20, 70)}
    score = statements(business_feedback(business, answers, {}, bounds=bounds))[id].score
    assert score is not None
    assert 1 <= score.low <= score.value <= score.high <= 10


def test_the_composite_of_the_factors_needs_all_ten(business: Survey, pci: Pci) -> None:
    one_each = {
        factor.id: next(q.id for q in factor.questions if q.scale) for factor in business.factors
    }
    answers = dict.fromkeys(one_each.values(), (50, 100))
    bounds = {id: ProvinceBounds(0, 100) for id in one_each.values()}
    factors = business_feedback(business, figures(answers), {}, pci, bounds)
    found = feedback_composite(factors)
    assert found is not None
    assert found.value == pytest.approx(55)  # every score 5.5
    assert found.low < 55 < found.high
    assert (
        feedback_composite(factors[:9] + business_feedback(business, figures({}), {}, pci)[9:])
        is None
    )


# The table of bounds


def bounds_file(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "bounds.csv"
    path.write_text("\n".join(["statement,min,max", *lines]), "utf-8")
    return path


def test_a_table_of_bounds_is_read(tmp_path: Path, business: Survey) -> None:
    path = bounds_file(tmp_path, 'b3_2,"41,5",88', "b3_4,1,30", "b5_1,20.5,80")
    found, errors = read_bounds(path, business, "vi")
    assert errors == []
    assert found == {
        "b3_2": ProvinceBounds(41.5, 88),
        "b3_4": ProvinceBounds(1, 30),
        "b5_1": ProvinceBounds(20.5, 80),
    }


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("b99,1,2", "statement: there is no “b99”"),
        ("sector,1,2", "statement: there is no “sector”"),
        ("b3_2,forty,80", "min: is not a number: “forty”"),
        ("b3_2,nan,80", "min: is not a number: “nan”"),
        ("b3_2,40,", "max: lacks a number"),
        ("b3_2,40,101", "max: must be from 0 to 100"),
        ("b3_2,80,80", "max: must be above the minimum (min)"),
        ("b3_4,1,400", "max: must be from 0 to 365"),
        ("b3_3,1,2", "statement: “b3_3” has two rows"),
        ("b3_2,1", "has 2 cells, 3 wanted"),
    ],
)
def test_a_wrong_line_is_named_with_its_field(
    tmp_path: Path, business: Survey, line: str, said: str
) -> None:
    found, errors = read_bounds(bounds_file(tmp_path, "b3_3,10,90", line), business, "en")
    assert [number for number, _ in errors] == [3]
    assert errors[0][1].startswith(said)
    assert found == {"b3_3": ProvinceBounds(10, 90)}


def test_a_table_without_its_columns_is_no_table(tmp_path: Path, business: Survey) -> None:
    path = tmp_path / "bounds.csv"
    path.write_text("statement,low,high\nb3_2,1,2\n", "utf-8")
    with pytest.raises(FileError, match="min, max"):
        read_bounds(path, business, "en")
