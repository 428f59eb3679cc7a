"""The axis of the interval chart."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.wording.charts import Axis, tone


def place(axis: Axis, share: float) -> float:
    return float(axis.x(share).rstrip("%"))


@pytest.mark.parametrize(
    ("values", "floor"),
    [
        ([], 0.8),
        ([None], 0.8),
        ([0.963], 0.8),
        ([0.72, 0.9], 0.7),
        ([0.39], 0.2),
        ([0.04], 0.0),
        ([0.0], 0.0),
    ],
)
def test_the_axis_begins_at_a_round_share_below_the_lowest(
    values: list[float | None], floor: float
) -> None:
    assert Axis.around(values).floor == pytest.approx(floor)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_every_value_has_its_place_in_order_within_the_picture(values: list[float]) -> None:
    axis = Axis.around(values)
    places = [place(axis, value) for value in sorted(values)]
    assert places == sorted(places)
    assert all(2 <= each <= 98 for each in places)
    assert place(axis, axis.floor) == 2
    assert place(axis, 1.0) == 98


@pytest.mark.parametrize("lowest", [tenths / 10 for tenths in range(11)])
def test_three_to_six_round_ticks_from_end_to_end(lowest: float) -> None:
    axis = Axis.around([lowest])
    ticks = axis.ticks
    assert 3 <= len(ticks) <= 6
    assert ticks[-1] == pytest.approx(1.0)
    assert ticks[0] == axis.floor <= lowest
    steps = {round(after - before, 6) for before, after in pairwise(ticks)}
    assert len(steps) == 1
    labelled = axis.labelled
    assert {labelled[0], labelled[-1]} == {ticks[0], ticks[-1]}
    assert set(labelled) <= set(ticks)
    assert 3 <= len(labelled) <= 4


@pytest.mark.parametrize(
    ("levels", "tones"),
    [(2, [5, 1]), (3, [5, 3, 1]), (4, [5, 4, 2, 1]), (5, [5, 4, 3, 2, 1])],
)
def test_a_levels_colour_goes_by_its_place_on_the_scale(levels: int, tones: list[int]) -> None:
    assert [tone(place, levels) for place in range(levels)] == tones
