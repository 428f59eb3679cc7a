"""Diverging bars: where the pieces of a row lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.wording.likert import GAP, Diverging
from surveys.definition import Level

FIVE = tuple(Level(code=code, vi=str(code), en=str(code)) for code in (5, 4, 3, 2, 1))
FOUR = tuple(Level(code=code, vi=str(code), en=str(code)) for code in (4, 3, 2, 1))

rows = st.lists(
    st.fixed_dictionaries({code: st.integers(0, 500) for code in (5, 4, 3, 2, 1)}), max_size=6
)


def test_criticism_lies_left_of_zero_praise_right_and_the_middle_apart() -> None:
    counts = {5: 40, 4: 20, 3: 10, 2: 20, 1: 10}
    axis = Diverging.around(FIVE, [counts])
    assert (axis.left, axis.right, axis.apart) == pytest.approx((0.3, 0.6, 0.1))
    unit = 100 - GAP  # the three reaches are 1 together
    found = {bar.level.code: (bar.x, bar.width) for bar in axis.bars(counts)}
    assert found[1] == pytest.approx((0, 0.1 * unit))
    assert found[2] == pytest.approx((0.1 * unit, 0.2 * unit))
    assert axis.zero == pytest.approx(0.3 * unit)
    assert found[4] == pytest.approx((0.3 * unit, 0.2 * unit))
    assert found[5] == pytest.approx((0.5 * unit, 0.4 * unit))
    assert found[3] == pytest.approx((100 - 0.1 * unit, 0.1 * unit))
    assert axis.ends == [(0, 0.3), (pytest.approx(0.9 * unit), 0.6), (100, 0.1)]


def test_a_scale_without_a_middle_has_nothing_apart() -> None:
    axis = Diverging.around(FOUR, [{4: 1, 3: 1, 2: 1, 1: 1}])
    assert axis.apart == 0
    assert axis.zero == pytest.approx(50)
    assert [bar.level.code for bar in axis.bars({4: 1, 3: 1, 2: 1, 1: 1})] == [1, 2, 3, 4]
    assert len(axis.ends) == 2


def test_no_answers_have_no_bars() -> None:
    axis = Diverging.around(FIVE, [])
    assert axis.bars(dict.fromkeys((5, 4, 3, 2, 1), 0)) == []
    assert axis.left == axis.right == axis.apart == 0.1


@given(rows)
def test_whatever_was_answered_stays_on_its_side_and_inside(rows: list[dict[int, int]]) -> None:
    axis = Diverging.around(FIVE, rows)
    for counts in rows:
        bars = axis.bars(counts)
        n = sum(counts.values())
        assert len(bars) == (5 if n else 0)
        for bar in bars:
            assert bar.share == pytest.approx(counts[bar.level.code] / n)
            assert -1e-9 <= bar.x <= bar.x + bar.width <= 100 + 1e-9
            if bar.level.code < 3:
                assert bar.x + bar.width <= axis.zero + 1e-9
            elif bar.level.code > 3:
                assert axis.zero - 1e-9 <= bar.x
                assert bar.x + bar.width <= axis.middle - GAP + 1e-9
            else:
                assert bar.x == pytest.approx(axis.middle)


@given(rows)
def test_all_rows_share_one_unit(rows: list[dict[int, int]]) -> None:
    axis = Diverging.around(FIVE, rows)
    units = {
        round(bar.width / bar.share, 6) for counts in rows for bar in axis.bars(counts) if bar.share
    }
    assert len(units) <= 1
