"""Flags of ratings: each rule at its limit, and none that looks at the face but one."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.statistics import FLAG_RULES, flags
from surveys.guards import Flags

LIMITS = Flags(burst_ratings=3, burst_seconds=10, run_ratings=4, run_minutes=2, phone_a_day=5)


def ratings(*rows: dict[str, Any], **same: Any) -> pd.DataFrame:
    usual: dict[str, Any] = {
        "source": 0,
        "at": 0,
        "code": 5,
        "touch": True,
        "closed": False,
        "crowded": False,
    }
    usual |= {"place": 0, "counters": 1, "among": 1, "dossiers": np.nan, "usual": np.nan}
    return pd.DataFrame([usual | same | row for row in rows])


def at(*seconds: int, **same: Any) -> pd.DataFrame:
    return ratings(*({"at": one} for one in seconds), **same)


def flagged(table: pd.DataFrame, rule: str, limits: Flags = LIMITS) -> list[bool]:
    return [bool(one) for one in flags(table, limits)[rule]]


def test_a_burst_is_so_many_within_so_many_seconds() -> None:
    assert flagged(at(0, 5, 10, 21), "burst") == [True, True, True, False]
    assert flagged(at(0, 5, 11), "burst") == [False] * 3
    assert flagged(at(10, 0, 5), "burst") == [True] * 3  # in whatever order they came


def test_a_burst_is_of_one_source() -> None:
    rows = [{"at": 0}, {"at": 1, "source": 1}, {"at": 2}, {"at": 3, "source": 1}]
    assert flagged(ratings(*rows), "burst") == [False] * 4


def test_a_run_is_of_one_face_without_another_between() -> None:
    assert flagged(at(0, 40, 80, 120), "run") == [True] * 4
    assert flagged(at(0, 40, 80, 121), "run") == [False] * 4
    codes = [{"at": n * 20, "code": code} for n, code in enumerate((1, 1, 5, 1, 1, 1, 1))]
    assert flagged(ratings(*codes), "run") == [False] * 3 + [True] * 4


def test_taps_outside_the_hours_are_of_touch_screens_alone() -> None:
    rows = [{"closed": True}, {"closed": True, "touch": False}, {"closed": False}]
    assert flagged(ratings(*rows), "closed") == [True, False, False]


def test_nobody_was_served_only_where_the_dossiers_say_so() -> None:
    rows = [{"dossiers": 0.0}, {"dossiers": 1.0}, {"dossiers": np.nan}]
    assert flagged(ratings(*rows), "unserved") == [True, False, False]


@pytest.mark.parametrize(
    ("forms", "counters", "dossiers", "flag"),
    [
        (5, 1, np.nan, False),
        (6, 1, np.nan, True),
        (10, 2, np.nan, False),
        (11, 2, np.nan, True),
        (5, 1, 100.0, False),
        (6, 1, 100.0, True),  # many dossiers raise no limit
        (11, 3, 5.0, True),  # twice five visits
        (10, 3, 1.0, False),  # few are never too many
    ],
)
def test_a_code_sent_more_often_than_its_place_has_visitors(
    forms: int, counters: int, dossiers: float, flag: bool
) -> None:
    known = {"counters": counters, "among": counters, "dossiers": dossiers}
    table = at(*range(0, 600 * forms, 600), touch=False, **known)
    assert flagged(table, "code") == [flag] * forms
    assert flagged(table.assign(touch=True), "code") == [False] * forms
    devices = table.assign(source=range(forms))  # whichever process hands them in
    assert flagged(devices, "code") == [flag] * forms


@pytest.mark.parametrize(
    ("taps", "among", "dossiers", "flag"),
    [
        (30, 1, np.nan, False),
        (31, 1, np.nan, True),
        (21, 2, 14.0, False),  # its part, and half as much again
        (22, 2, 14.0, True),
        (28, 1, 14.0, False),  # all of the department's
        (29, 1, 14.0, True),
        (31, 1, 99.0, True),  # many dossiers raise no limit
        (10, 2, 1.0, False),  # few are never too many
        (11, 2, 1.0, True),
    ],
)
def test_more_taps_than_a_place_has_visitors_however_slow(
    taps: int, among: int, dossiers: float, flag: bool
) -> None:
    limits = LIMITS.model_copy(update={"touch_a_day": 30})
    table = at(*range(0, 900 * taps, 900), counters=1, among=among, dossiers=dossiers)
    assert flagged(table, "taps", limits) == [flag] * taps
    assert flagged(table.assign(source=range(taps)), "taps", limits) == [flag] * taps
    assert flagged(table.assign(place=range(taps)), "taps", limits) == [False] * taps
    assert flagged(table.assign(touch=False), "taps", limits) == [False] * taps


@pytest.mark.parametrize(
    ("forms", "among", "dossiers", "usual", "flag"),
    [
        (30, 2, 7.0, np.nan, True),  # ten or eleven visitors at each of two counters
        (21, 2, 14.0, np.nan, False),  # its part, and half as much again
        (22, 2, 14.0, np.nan, True),
        (28, 1, 14.0, np.nan, False),  # all of the department's
        (12, 1, np.nan, 4.0, False),
        (13, 1, np.nan, 4.0, True),
        (13, 1, 14.0, 4.0, False),  # where the dossiers are known they count
        (10, 1, np.nan, 0.0, False),  # few are never too many
        (11, 1, np.nan, 0.0, True),
    ],
)
def test_what_a_place_has_is_told_by_its_dossiers_else_by_its_days_before(
    forms: int, among: int, dossiers: float, usual: float, flag: bool
) -> None:
    limits = LIMITS.model_copy(update={"phone_a_day": 100})
    known = {"counters": 1, "among": among, "dossiers": dossiers, "usual": usual}
    table = at(*range(0, 600 * forms, 600), touch=False, **known)
    assert flagged(table, "code", limits) == [flag] * forms
    off = limits.model_copy(update={"phone_usual": 0})
    assert flagged(table, "code", off) == [flag and not np.isnan(dossiers)] * forms


def test_the_kiosk_says_which_forms_came_from_a_crowd() -> None:
    assert flagged(ratings({"crowded": True}, {}), "network") == [True, False]


def test_a_rule_that_is_turned_off_flags_nothing() -> None:
    off = Flags(
        burst_ratings=0,
        run_ratings=0,
        outside_hours=False,
        nobody_served=False,
        touch_a_day=0,
        phone_a_day=0,
        same_network=False,
    )
    table = at(*[0] * 50, closed=True, crowded=True, dossiers=0.0)
    assert not flags(table, off).to_numpy().any()
    assert not flags(table.assign(touch=False), off).to_numpy().any()


def test_no_ratings_have_no_flags() -> None:
    assert list(flags(at(0).iloc[:0], LIMITS).columns) == list(FLAG_RULES)


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "source": st.integers(0, 2),
            "at": st.integers(0, 300),
            "code": st.integers(1, 5),
            "touch": st.booleans(),
            "closed": st.booleans(),
            "dossiers": st.sampled_from([0.0, 2.0, np.nan]),
        }
    ),
    min_size=1,
    max_size=40,
)


@given(rows=ROWS, faces=st.permutations([1, 2, 3, 4, 5]))
def test_all_faces_are_treated_alike(rows: list[dict[str, Any]], faces: list[int]) -> None:
    """Had everybody tapped another face, each another one, the flags would be the same."""
    table = ratings(*rows)
    other = table.assign(code=[faces[code - 1] for code in table["code"]])
    pd.testing.assert_frame_equal(flags(table, LIMITS), flags(other, LIMITS))


@given(rows=ROWS, codes=st.lists(st.integers(1, 5), min_size=40, max_size=40))
def test_no_rule_but_that_of_runs_looks_at_the_face(
    rows: list[dict[str, Any]], codes: list[int]
) -> None:
    table = ratings(*rows)
    other = table.assign(code=codes[: len(table)])
    others = [rule for rule in FLAG_RULES if rule != "run"]
    pd.testing.assert_frame_equal(flags(table, LIMITS)[others], flags(other, LIMITS)[others])


@given(rows=ROWS, order=st.randoms(use_true_random=False))
def test_a_flag_does_not_depend_on_the_order_of_arrival(
    rows: list[dict[str, Any]], order: Any
) -> None:
    apart = [row | {"at": number * 7} for number, row in enumerate(rows)]  # no two at once
    table = ratings(*apart)
    shuffled = table.sample(frac=1, random_state=order.randrange(2**32))
    pd.testing.assert_frame_equal(
        flags(table, LIMITS), flags(shuffled, LIMITS).loc[table.index], check_names=False
    )


@given(rows=ROWS)
def test_a_burst_has_all_that_lie_between_its_ends(rows: list[dict[str, Any]]) -> None:
    table = ratings(*rows)
    found = flags(table, LIMITS)["burst"]
    for source in set(table["source"]):
        own = table[table["source"] == source]
        for one in own.index:
            near = [
                start
                for start in own["at"]
                if start <= own["at"][one] <= start + LIMITS.burst_seconds
                and ((own["at"] >= start) & (own["at"] <= start + LIMITS.burst_seconds)).sum()
                >= LIMITS.burst_ratings
            ]
            assert bool(found[one]) == bool(near)
