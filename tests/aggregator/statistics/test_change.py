"""One period against another."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from aggregator.statistics import changes, pooled_shares, wilson

Counts = tuple[int, int]


def figures(counts: Sequence[Counts], keys: Sequence[str] | None = None) -> pd.DataFrame:
    k, n = (np.array(column, dtype=np.int64) for column in zip(*counts, strict=True))
    low, high = wilson(k.astype(float), n.astype(float))
    with np.errstate(invalid="ignore"):
        share = k / n
    named = list(keys or [f"d{number}" for number in range(len(counts))])
    return pd.DataFrame({"key": named, "k": k, "n": n, "share": share, "low": low, "high": high})


@pytest.mark.parametrize(
    ("now", "before", "low", "high"),
    [
        # Newcombe 1998, table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
    ],
)
def test_the_interval_of_a_difference_as_published(
    now: Counts, before: Counts, low: float, high: float
) -> None:
    [found] = changes(figures([now]), figures([before]), 1_000).to_dict("records")
    assert found["difference"] == pytest.approx(now[0] / now[1] - before[0] / before[1])
    assert (found["low"], found["high"]) == pytest.approx((low, high), abs=0.0001)


def test_the_p_value_is_fishers() -> None:
    [found] = changes(figures([(56, 70)]), figures([(48, 80)]), 30).to_dict("records")
    expected = stats.fisher_exact(np.array([[56, 14], [48, 32]])).pvalue
    assert found["p"] == pytest.approx(expected)
    assert (found["test"], found["verdict"]) == ("fisher_exact", "up")


def test_many_answers_are_compared_by_the_score_test() -> None:
    """Pearson's chi-squared without continuity correction."""
    [found] = changes(figures([(19_000, 20_000)]), figures([(18_900, 20_000)]), 30).to_dict(
        "records"
    )
    table = np.array([[19_000, 1_000], [18_900, 1_100]])
    assert found["p"] == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)
    assert (found["test"], found["verdict"]) == ("score", "up")


def test_verdicts_use_the_adjusted_p_value() -> None:
    """p = 0.024 alone is a change; beside three others that did not change it is none."""
    now, before = [(56, 70), *[(60, 80)] * 3], [(43, 70), *[(60, 80)] * 3]
    alone = changes(figures(now[:1]), figures(before[:1]), 30)
    beside = changes(figures(now), figures(before), 30)
    assert alone["p"][0] == pytest.approx(beside["p"][0])
    assert 0.0125 < alone["p"][0] < 0.05
    assert (alone["verdict"][0], beside["verdict"][0]) == ("up", "indistinct")
    assert beside["p_adjusted"][0] == pytest.approx(4 * beside["p"][0])
    assert beside["p_bh"][0] == pytest.approx(4 * beside["p"][0])


def test_rows_meet_by_key_and_without_a_partner_there_is_no_change() -> None:
    now = figures([(90, 100), (5, 10), (0, 0), (70, 100)], ["a", "b", "c", "d"])
    before = figures([(70, 100), (0, 0), (9, 10), (60, 100)], ["d", "b", "c", "a"])
    found = changes(now, before, 30).set_index("key")
    assert found.index.tolist() == ["a", "b", "c", "d"]
    assert found.loc["a", "difference"] == pytest.approx(0.3)
    assert found["verdict"].tolist() == ["up", "too_few", "too_few", "indistinct"]
    assert found.loc[["b", "c"], ["difference", "low", "high", "p"]].isna().all(axis=None)
    missing = changes(now, before[before["key"] != "a"], 30).set_index("key")
    assert (missing["verdict"]["a"], bool(np.isnan(missing["p"]["a"]))) == ("too_few", True)


@pytest.mark.parametrize(("now", "before"), [(29, 300), (300, 29)])
def test_too_few_on_either_side_give_no_verdict(now: int, before: int) -> None:
    [found] = changes(figures([(0, now)]), figures([(before, before)]), 30).to_dict("records")
    assert found["verdict"] == "too_few"
    assert found["p"] < 0.001
    assert np.isnan(found["p_adjusted"])


def test_pooled_shares_change_by_their_effective_answers() -> None:
    """Forty people, ten answers each and all of one mind, are forty answers, not four hundred."""

    def pooled(satisfied: int) -> pd.DataFrame:
        k, m = 10 * satisfied, 400
        row = {"respondents": 40, "k": k, "m": m, "kk": 10 * k, "km": 10 * k, "mm": 4000}
        return pooled_shares(pd.DataFrame([{"key": "all", "measure": "agree", **row}]), ["all"])

    now, before = pooled(36), pooled(30)
    [found] = changes(now, before, 30).to_dict("records")
    n, m = (float(side["n_effective"].iloc[0]) for side in (now, before))
    assert max(n, m) <= 40
    together = (0.9 * n + 0.75 * m) / (n + m)
    error = np.sqrt(together * (1 - together) * (1 / n + 1 / m))
    assert found["p"] == pytest.approx(2 * stats.norm.sf(0.15 / error))
    assert (found["test"], found["verdict"]) == ("score", "indistinct")
    assert changes(now, before, 41)["verdict"][0] == "too_few"


counted = st.integers(0, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
pairs = st.lists(st.tuples(counted, counted), min_size=1, max_size=8)


@given(pairs)
def test_a_change_back_is_the_same_change(both: list[tuple[Counts, Counts]]) -> None:
    now, before = (figures(side) for side in zip(*both, strict=True))
    there, back = changes(now, before, 30), changes(before, now, 30)
    opposite = {"up": "down", "down": "up"}
    assert [opposite.get(one, one) for one in back["verdict"]] == there["verdict"].tolist()
    for one, other in (("difference", "difference"), ("low", "high"), ("high", "low")):
        assert there[one].tolist() == pytest.approx((-back[other]).tolist(), nan_ok=True)
    assert there["p"].tolist() == pytest.approx(back["p"].tolist(), nan_ok=True)


@given(pairs)
def test_the_interval_holds_the_difference_and_rows_are_on_their_own(
    both: list[tuple[Counts, Counts]],
) -> None:
    now, before = (figures(side) for side in zip(*both, strict=True))
    found = changes(now, before, 30)
    known = found.dropna(subset=["difference"])
    assert ((known["low"] <= known["difference"]) & (known["difference"] <= known["high"])).all()
    assert ((known["low"] >= -1 - 1e-9) & (known["high"] <= 1 + 1e-9)).all()
    turned = changes(now[::-1], before, 30)[::-1].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, turned)
