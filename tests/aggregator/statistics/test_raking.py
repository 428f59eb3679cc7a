"""Answers weighted to known margins."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.statistics import (
    Raked,
    Unweightable,
    direct_standardised,
    pooled_shares,
    rake,
    wilson,
)

SQUARE = pd.DataFrame(
    {
        "channel": ["kiosk", "kiosk", "qr", "qr"],
        "gender": [1, 2, 1, 2],
        "k": [36, 20, 18, 9],
        "n": [40, 30, 20, 10],
    }
)
HALVES = {"channel": {"kiosk": 0.5, "qr": 0.5}, "gender": {"1": 0.5, "2": 0.5}}


def wilson_of(k: float, n: float) -> tuple[float, float]:
    low, high = wilson(np.array([float(k)]), np.array([float(n)]))
    return float(low[0]), float(high[0])


def test_a_two_by_two_table_worked_out_by_hand() -> None:
    """Fitting keeps the odds ratio 40*10/(30*20) = 2/3; with all margins 1/2 the cells are
    c and 1/2 - c with c/(1/2 - c) = sqrt(2/3).
    """
    root = math.sqrt(2 / 3)
    c = 0.5 * root / (1 + root)
    found = rake(SQUARE, HALVES)
    expected = np.array([c, 0.5 - c, 0.5 - c, c])
    weight, respondents = found.weights[["weight", "respondents"]].to_numpy(float).T
    assert weight * respondents / 100 == pytest.approx(expected)
    assert found.share == pytest.approx(float(expected @ [36 / 40, 20 / 30, 18 / 20, 9 / 10]))
    kish = 1 / float((expected**2 / respondents).sum())
    assert found.n_effective == pytest.approx(kish)
    assert (found.low, found.high) == pytest.approx(wilson_of(found.share * kish, kish))
    assert (found.n, found.method) == (100, "raked")
    assert found.design_effect == pytest.approx(100 / kish)


def test_one_margin_is_post_stratification() -> None:
    """56 of 70 on the kiosk, 27 of 30 by code; in truth a fifth comes by code."""
    found = rake(SQUARE, {"channel": {"kiosk": 0.8, "qr": 0.2}})
    assert found.share == pytest.approx(0.8 * 56 / 70 + 0.2 * 27 / 30)
    assert found.weights["weight"].tolist() == pytest.approx([0.8 / 0.7, 0.2 / 0.3])
    assert found.weights["respondents"].tolist() == [70, 30]
    assert found.iterations == 1
    direct = direct_standardised(
        pd.DataFrame({"key": ["kiosk", "qr"], "k": [56, 27], "n": [70, 30]}), {"kiosk": 4, "qr": 1}
    )
    assert found.share == pytest.approx(direct.share)


def test_margins_as_observed_give_back_the_raw_figure() -> None:
    observed = {"channel": {"kiosk": 0.7, "qr": 0.3}, "gender": {"1": 0.6, "2": 0.4}}
    for margins in (observed, {}):
        found = rake(SQUARE, margins)
        assert found.share == pytest.approx(0.83)
        assert (found.low, found.high) == pytest.approx(wilson_of(83, 100))
        assert found.design_effect == pytest.approx(1)
        assert found.iterations == 0


def test_printed_margins_need_not_add_up_to_one_exactly() -> None:
    found = rake(SQUARE, {"channel": {"kiosk": 0.7, "qr": 0.304}})
    exact = rake(SQUARE, {"channel": {"kiosk": 0.7 / 1.004, "qr": 0.304 / 1.004}})
    assert found.share == pytest.approx(exact.share)


@pytest.mark.parametrize(
    ("rows", "margins", "told"),
    [
        (
            [0, 1, 2, 3],
            {"channel": {"kiosk": 0.5, "qr": 0.4, "paper": 0.1}},
            ("no_answers", "paper"),
        ),
        ([0, 1, 2, 3], {"channel": {"kiosk": 1.0}}, ("not_in_margin", "qr")),
        ([0, 3], {**HALVES, "channel": {"kiosk": 0.7, "qr": 0.3}}, ("does_not_converge", None)),
        ([], {}, ("no_answers", "")),
    ],
)
def test_margins_that_cannot_be_met_are_refused(
    rows: list[int], margins: dict[str, dict[str, float]], told: tuple[str, str | None]
) -> None:
    with pytest.raises(Unweightable) as refused:
        rake(SQUARE.iloc[rows], margins)
    assert refused.value.key == told[0]
    assert refused.value.level == told[1] or told[1] is None
    assert refused.value.variable in {*margins, ""}


def test_a_level_that_should_not_be_there_weighs_nothing() -> None:
    found = rake(SQUARE, {"channel": {"kiosk": 1.0, "qr": 0.0}})
    assert found.share == pytest.approx(56 / 70)
    assert found.n_effective == pytest.approx(70)


def test_everybody_satisfied_still_has_an_interval() -> None:
    found = rake(SQUARE.assign(k=SQUARE["n"]), HALVES)
    assert (found.share, found.high) == (1, 1)
    assert found.low == pytest.approx(wilson_of(found.n_effective, found.n_effective)[0])


def pooled_cells() -> pd.DataFrame:
    """Twelve answers of each respondent: on the kiosk all good but one's, by code mixed."""
    people = {
        "kiosk": [(12, 12)] * 30 + [(3, 12)],
        "qr": [(12, 12), (8, 12), (6, 12), (11, 12), (2, 12), (9, 12)],
    }
    rows = []
    for channel, pairs in people.items():
        k, m = np.array(pairs).T
        sums = {"respondents": len(m), "k": k.sum(), "m": m.sum()}
        sums |= {"kk": (k * k).sum(), "km": (k * m).sum(), "mm": (m * m).sum()}
        rows.append({"channel": channel, **sums})
    return pd.DataFrame(rows)


def test_pooled_answers_keep_the_respondent_as_the_cluster() -> None:
    """Weights cost d_w over respondents, and the clustering what it costs without them."""
    cells = pooled_cells()
    found = rake(cells, {"channel": {"kiosk": 0.6, "qr": 0.4}})
    assert found.share == pytest.approx(0.6 * 363 / 372 + 0.4 * 48 / 72)
    w = np.array([0.6 / 31, 0.4 / 6]) * 37
    unequal = 37 * (31 * w[0] ** 2 + 6 * w[1] ** 2) / 37**2
    whole = cells.drop(columns="channel").sum().to_frame().T.assign(key="", measure="")
    [independent] = pooled_shares(whole, [""])["n_effective"]
    assert found.n == 444
    assert found.n_effective == pytest.approx(independent / unequal)
    as_observed = rake(cells, {"channel": {"kiosk": 31 / 37, "qr": 6 / 37}})
    [plain] = pooled_shares(whole, [""]).to_dict("records")
    assert (as_observed.low, as_observed.high) == pytest.approx((plain["low"], plain["high"]))


tables = st.lists(
    st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    min_size=6,
    max_size=6,
)
portions = st.lists(st.integers(1, 20), min_size=3, max_size=3)


def raked(counts: list[tuple[int, int]], portion: list[int], order: list[int]) -> Raked:
    cells = pd.DataFrame(
        {
            "channel": ["kiosk", "kiosk", "qr", "qr", "paper", "paper"],
            "gender": ["1", "2"] * 3,
            "k": [k for k, _ in counts],
            "n": [n for _, n in counts],
        }
    )
    shares = {
        channel: one / sum(portion)
        for channel, one in zip(("kiosk", "qr", "paper"), portion, strict=True)
    }
    return rake(cells.iloc[order], {"channel": shares, "gender": {"1": 0.45, "2": 0.55}})


@given(tables, portions, st.permutations(range(6)))
def test_every_margin_is_met_and_the_order_of_rows_does_not_matter(
    counts: list[tuple[int, int]], portion: list[int], order: list[int]
) -> None:
    found, again = raked(counts, portion, list(range(6))), raked(counts, portion, order)
    assert (found.low, found.share, found.high, found.n_effective) == pytest.approx(
        (again.low, again.share, again.high, again.n_effective)
    )
    assert found.low <= found.share + 1e-9
    assert found.share - 1e-9 <= found.high
    assert found.n_effective <= found.n * (1 + 1e-9)
    weighted = found.weights.assign(
        weighted=found.weights["weight"] * found.weights["respondents"] / found.n
    )
    channels = weighted.groupby("channel")["weighted"].sum()
    expected = {"kiosk": portion[0], "qr": portion[1], "paper": portion[2]}
    for channel, share in channels.items():
        assert share == pytest.approx(expected[str(channel)] / sum(portion), abs=1e-8)
    assert weighted.groupby("gender")["weighted"].sum()["1"] == pytest.approx(0.45, abs=1e-8)


def test_weighting_takes_away_the_bias_and_the_interval_holds_the_true_share() -> None:
    """The young answer by code, three times as often, and are less often satisfied."""
    generator = np.random.default_rng(1940)
    population = {"channel": {"kiosk": 0.6, "qr": 0.4}, "age": {"young": 0.3, "old": 0.7}}
    cells = [(channel, age) for channel in ("kiosk", "qr") for age in ("young", "old")]
    mix = np.array([population["channel"][c] * population["age"][a] for c, a in cells])
    satisfied = np.array([0.9, 0.97, 0.8, 0.95])
    taking_part = mix * [1, 1, 3, 3] * np.array([2, 1, 2, 1])
    true = float(mix @ satisfied)
    held, raw = 0, []
    for n in generator.multinomial(200, taking_part / taking_part.sum(), 400):
        k = generator.binomial(n, satisfied)
        table = pd.DataFrame(cells, columns=["channel", "age"]).assign(k=k, n=n)
        found = rake(table, population)
        held += found.low <= true <= found.high
        raw.append(k.sum() / 200)
    assert abs(float(np.mean(raw)) - true) > 0.03
    assert held / 400 >= 0.93
