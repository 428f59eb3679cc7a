"""Which points of a trend differ more than chance does."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from aggregator.statistics import control_chart

TAIL = 0.00135
Counts = tuple[int, int]


def points(counts: Sequence[Counts], breaks: Sequence[int] = ()) -> pd.DataFrame:
    frame = pd.DataFrame(counts, columns=["k", "n"])
    frame.insert(0, "key", [f"w{number:02}" for number in range(len(counts))])
    return frame.assign(break_before=[number in breaks for number in range(len(counts))])


def test_the_centre_is_the_share_of_all_answers_and_the_limits_follow_n() -> None:
    """860 of 1,000 in all. Of 100 at 86 % fewer than 75 come once in a thousand times."""
    found = control_chart(points([(90, 100), (40, 50), (340, 400), (390, 450)]))
    assert found["centre"].tolist() == [0.86] * 4
    for low, high, n in zip(
        found["lower"] * found["n"], found["upper"] * found["n"], found["n"], strict=True
    ):
        assert stats.binom.cdf(low - 1, n, 0.86) < TAIL <= stats.binom.cdf(low, n, 0.86)
        assert stats.binom.sf(high, n, 0.86) <= TAIL < stats.binom.sf(high - 1, n, 0.86)
    assert found["lower"].tolist() == pytest.approx([0.75, 0.70, 0.805, 0.8089], abs=0.001)
    width = found["upper"] - found["lower"]
    assert width[1] > width[0] > width[2] > width[3]
    assert found["signal"].tolist() == [""] * 4


def test_a_point_beyond_the_limits_is_a_signal() -> None:
    found = control_chart(points([(90, 100)] * 6 + [(70, 100)] + [(90, 100)] * 6))
    assert found["signal"].tolist() == [""] * 6 + ["below"] + [""] * 6
    found = control_chart(points([(50, 100)] * 6 + [(80, 100)] + [(50, 100)] * 6))
    assert found["signal"][6] == "above"


def test_eight_points_on_one_side_are_a_signal_from_the_eighth_on() -> None:
    found = control_chart(points([(84, 100)] * 10 + [(92, 100)] * 10))
    assert found["signal"].tolist() == ([""] * 7 + ["run"] * 3) * 2


def test_a_run_of_full_marks_that_chance_makes_all_the_time_is_none() -> None:
    """Of 10 at 96 % two thirds are all satisfied: twelve in a row are no news. Of 400, they are."""
    few = control_chart(points([(9, 10)] * 6 + [(10, 10)] * 12 + [(9, 10), (10, 10)]))
    assert set(few["signal"]) == {""}
    many = control_chart(points([(380, 400)] * 6 + [(390, 400)] * 12))
    assert many["signal"].tolist()[:6] == [""] * 6
    assert many["signal"][17] == "run"


def test_a_point_without_answers_is_left_out_and_breaks_no_run() -> None:
    counts = [(84, 100)] * 5 + [(0, 0)] + [(84, 100)] * 4 + [(92, 100)] * 9
    found = control_chart(points(counts))
    assert found.loc[5, ["share", "centre", "lower", "upper"]].isna().all()
    assert found["signal"].tolist()[:10] == [""] * 8 + ["run"] * 2
    without = control_chart(points([one for one in counts if one[1]]))
    assert found["centre"].dropna().tolist() == without["centre"].tolist()


def test_nothing_is_reckoned_across_a_break() -> None:
    before, after = [(84, 100)] * 5 + [(95, 100)], [(84, 100)] * 6 + [(70, 100)]
    found = control_chart(points(before + after, breaks=[6]))
    assert found["series"].tolist() == [0] * 6 + [1] * 7
    assert found["centre"].nunique() == 2
    for part, rows in ((before, found[:6]), (after, found[6:])):
        own = control_chart(points(part))
        for name in ("centre", "lower", "upper", "signal"):
            assert rows[name].tolist() == own[name].tolist()


def test_a_run_does_not_go_on_after_a_break() -> None:
    """Seven points below their centre on each side of it."""
    part = [(95, 100)] * 7 + [(88, 100)] * 7
    found = control_chart(points(part + part[::-1], breaks=[14]))
    assert set(found["signal"]) == {""}


def test_a_break_before_the_first_point_is_no_second_series() -> None:
    assert control_chart(points([(9, 10)] * 3, breaks=[0]))["series"].tolist() == [0, 0, 0]
    assert control_chart(points([(9, 10)]).drop(columns="break_before"))["series"][0] == 0
    assert control_chart(points([])).empty


@pytest.mark.parametrize("counts", [(20, 20), (0, 20), (1, 1)])
def test_all_alike_is_no_signal(counts: Counts) -> None:
    found = control_chart(points([counts] * 20))
    assert set(found["signal"]) == {""}
    assert found["lower"].tolist() == found["upper"].tolist() == found["centre"].tolist()


def test_fractional_effective_answers() -> None:
    frame = points([(90, 100)] * 5).assign(k=[81.3, 80.9, 81.0, 81.2, 55.0], n=90.4)
    found = control_chart(frame)
    assert found["signal"].tolist() == [""] * 4 + ["below"]
    assert found["share"][0] == pytest.approx(81.3 / 90.4)


series = st.lists(
    st.integers(0, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), max_size=30
)


@given(series, st.sets(st.integers(0, 29)))
def test_signals_are_where_the_share_is(counts: list[Counts], breaks: set[int]) -> None:
    found = control_chart(points(counts, sorted(breaks)))
    answered = found[found["n"] > 0]
    inside = (answered["lower"] <= answered["share"]) & (answered["share"] <= answered["upper"])
    assert (answered["signal"].isin(["above", "below"]) == ~inside).all()
    assert (answered["lower"] <= answered["centre"] + 1e-9).all()
    assert (answered["centre"] <= answered["upper"] + 1e-9).all()
    assert (found.loc[found["n"] == 0, "signal"] == "").all()
    for _, part in found.groupby("series"):
        total = part["n"].sum()
        if total:
            assert part["centre"].dropna().tolist() == pytest.approx(
                [part["k"].sum() / total] * int((part["n"] > 0).sum())
            )


@pytest.mark.parametrize(("n", "share"), [(15, 0.963), (50, 0.963), (10, 0.9), (200, 0.963)])
def test_false_alarms_are_as_rare_as_promised_where_three_sigma_are_not(
    n: int, share: float
) -> None:
    """A steady service in a series so long that its centre line is its share."""
    k = np.arange(n + 1)
    mass = stats.binom.pmf(k, n, share)
    steady = np.round(mass * 1_000_000).astype(int)
    frame = points([(int(one), n) for one in k] + [(int(steady @ k), int(steady.sum()) * n)])
    found = control_chart(frame)[: n + 1]
    out = mass[found["signal"].isin(["above", "below"]).to_numpy()].sum()
    assert out <= 2 * TAIL + 1e-6
    sigma = np.sqrt(share * (1 - share) / n)
    three_sigma = mass[np.abs(k / n - share) > 3 * sigma].sum()
    assert three_sigma > 2 * TAIL


def test_a_steady_service_gives_few_signals_of_any_kind() -> None:
    """Runs included, about one point in a hundred; a fall by seven points is seen."""
    generator = np.random.default_rng(1924)
    signals, seen = [], []
    for _ in range(100):
        n = generator.integers(40, 160, 40)
        steady = generator.binomial(n, 0.95)
        found = control_chart(points(list(zip(steady.tolist(), n.tolist(), strict=True))))
        signals.append((found["signal"] != "").mean())
        fallen = np.r_[steady[:20], generator.binomial(n[20:], 0.88)]
        found = control_chart(points(list(zip(fallen.tolist(), n.tolist(), strict=True))))
        seen.append((found["signal"][20:] != "").any())
    assert np.mean(signals) < 0.02
    assert np.mean(seen) > 0.8
