"""Flags of ratings: each rule at its limit, and none that looks at the face but one."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.storage.flag_rules import Place, Rating, Rules, flags, together
from surveys.guards import Flags

LIMITS = Flags(burst_ratings=3, burst_seconds=10, run_ratings=4, run_minutes=2, phone_a_day=5)
Row = dict[str, Any]  # the fields of a Rating, and those of its Place that are not usual


def at(*seconds: int, **same: Any) -> list[Row]:
    return [{"at": one} | same for one in seconds]


def changed(rows: Sequence[Row], **values: Any) -> list[Row]:
    """The rows with another value each, or with one each of a list."""
    return [
        row | {name: one[n] if isinstance(one, list) else one for name, one in values.items()}
        for n, row in enumerate(rows)
    ]


def found(rows: Sequence[Row], limits: Flags = LIMITS) -> list[Rules]:
    places, ratings = {}, []
    for row in rows:
        facts = {name: row[name] for name in Place._fields if name in row}
        place = (str(row.get("place", 0)), *map(str, facts.items()))
        places[place] = Place(**({"touch": True} | facts))
        said = {name: row[name] for name in ("closed", "crowded") if name in row}
        ratings.append(
            Rating(row.get("device", 0), place, row.get("at", 0), row.get("said", 5), **said)
        )
    return flags(ratings, places, limits)


def flagged(rows: Sequence[Row], rule: str, limits: Flags = LIMITS) -> list[bool]:
    return [rule in one for one in found(rows, limits)]


def test_a_burst_is_so_many_within_so_many_seconds() -> None:
    assert flagged(at(0, 5, 10, 21), "burst") == [True, True, True, False]
    assert flagged(at(0, 5, 11), "burst") == [False] * 3
    assert flagged(at(10, 0, 5), "burst") == [True] * 3  # in whatever order they came


def test_a_burst_is_of_one_source() -> None:
    rows = [{"at": 0}, {"at": 1, "device": 1}, {"at": 2}, {"at": 3, "device": 1}]
    assert flagged(rows, "burst") == [False] * 4


def test_a_run_is_of_one_face_without_another_between() -> None:
    assert flagged(at(0, 40, 80, 120), "run") == [True] * 4
    assert flagged(at(0, 40, 80, 121), "run") == [False] * 4
    codes = [{"at": n * 20, "said": code} for n, code in enumerate((1, 1, 5, 1, 1, 1, 1))]
    assert flagged(codes, "run") == [False] * 3 + [True] * 4


def test_taps_outside_the_hours_are_of_touch_screens_alone() -> None:
    rows = [{"closed": True}, {"closed": True, "touch": False}, {"closed": False}]
    assert flagged(rows, "closed") == [True, False, False]


def test_nobody_was_served_only_where_the_dossiers_say_so() -> None:
    rows: list[Row] = [{"dossiers": 0}, {"dossiers": 1}, {"dossiers": None}]
    assert flagged(rows, "unserved") == [True, False, False]


@pytest.mark.parametrize(
    ("forms", "counters", "dossiers", "flag"),
    [
        (5, 1, None, False),
        (6, 1, None, True),
        (10, 2, None, False),
        (11, 2, None, True),
        (5, 1, 100, False),
        (6, 1, 100, True),  # many dossiers raise no limit
        (11, 3, 5, True),  # twice five visits
        (10, 3, 1, False),  # few are never too many
    ],
)
def test_a_code_sent_more_often_than_its_place_has_visitors(
    forms: int, counters: int, dossiers: int | None, flag: bool
) -> None:
    known = {"counters": counters, "among": counters, "dossiers": dossiers}
    table = at(*range(0, 600 * forms, 600), touch=False, **known)
    assert flagged(table, "code") == [flag] * forms
    assert flagged(changed(table, touch=True), "code") == [False] * forms
    devices = changed(table, device=[*range(forms)])  # whichever process hands them in
    assert flagged(devices, "code") == [flag] * forms


@pytest.mark.parametrize(
    ("taps", "among", "dossiers", "flag"),
    [
        (30, 1, None, False),
        (31, 1, None, True),
        (21, 2, 14, False),  # its part, and half as much again
        (22, 2, 14, True),
        (28, 1, 14, False),  # all of the department's
        (29, 1, 14, True),
        (31, 1, 99, True),  # many dossiers raise no limit
        (10, 2, 1, False),  # few are never too many
        (11, 2, 1, True),
    ],
)
def test_more_taps_than_a_place_has_visitors_however_slow(
    taps: int, among: int, dossiers: int | None, flag: bool
) -> None:
    limits = LIMITS.model_copy(update={"touch_a_day": 30})
    table = at(*range(0, 900 * taps, 900), counters=1, among=among, dossiers=dossiers)
    assert flagged(table, "taps", limits) == [flag] * taps
    assert flagged(changed(table, device=[*range(taps)]), "taps", limits) == [flag] * taps
    assert flagged(changed(table, place=[*range(taps)]), "taps", limits) == [False] * taps
    assert flagged(changed(table, touch=False), "taps", limits) == [False] * taps


@pytest.mark.parametrize(
    ("forms", "among", "dossiers", "usual", "flag"),
    [
        (30, 2, 7, None, True),  # ten or eleven visitors at each of two counters
        (21, 2, 14, None, False),  # its part, and half as much again
        (22, 2, 14, None, True),
        (28, 1, 14, None, False),  # all of the department's
        (12, 1, None, 4, False),
        (13, 1, None, 4, True),
        (13, 1, 14, 4, False),  # where the dossiers are known they count
        (10, 1, None, 0, False),  # few are never too many
        (11, 1, None, 0, True),
    ],
)
def test_what_a_place_has_is_told_by_its_dossiers_else_by_its_days_before(
    forms: int, among: int, dossiers: int | None, usual: float | None, flag: bool
) -> None:
    limits = LIMITS.model_copy(update={"phone_a_day": 100})
    known = {"counters": 1, "among": among, "dossiers": dossiers, "usual": usual}
    table = at(*range(0, 600 * forms, 600), touch=False, **known)
    assert flagged(table, "code", limits) == [flag] * forms
    off = limits.model_copy(update={"phone_usual": 0})
    assert flagged(table, "code", off) == [flag and dossiers is not None] * forms


def test_the_kiosk_says_which_forms_came_from_a_crowd() -> None:
    rows: list[Row] = [{"crowded": True}, {}]
    assert flagged(rows, "network") == [True, False]


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
    assert not any(found(table, off))
    assert not any(found(changed(table, touch=False), off))


def test_no_ratings_have_no_flags() -> None:
    assert found([]) == []


def test_rules_of_several_are_told_once_and_in_one_order() -> None:
    assert together(("network", "burst"), ("run", "burst")) == ("burst", "run", "network")
    assert together() == ()


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "device": st.integers(0, 2),
            "at": st.integers(0, 300),
            "said": st.integers(1, 5),
            "touch": st.booleans(),
            "closed": st.booleans(),
            "dossiers": st.sampled_from([0, 2, None]),
        }
    ),
    min_size=1,
    max_size=40,
)


@given(rows=ROWS, faces=st.permutations([1, 2, 3, 4, 5]))
def test_all_faces_are_treated_alike(rows: list[Row], faces: list[int]) -> None:
    """Had everybody tapped another face, each another one, the flags would be the same."""
    assert found(rows) == found(changed(rows, said=[faces[row["said"] - 1] for row in rows]))


@given(rows=ROWS, codes=st.lists(st.integers(1, 5), min_size=40, max_size=40))
def test_no_rule_but_that_of_runs_looks_at_the_face(rows: list[Row], codes: list[int]) -> None:
    for one, other in zip(found(rows), found(changed(rows, said=codes)), strict=True):
        assert {*one} ^ {*other} <= {"run"}


@given(rows=ROWS, order=st.randoms(use_true_random=False))
def test_a_flag_does_not_depend_on_the_order_of_arrival(rows: list[Row], order: Random) -> None:
    apart = [row | {"at": number * 7} for number, row in enumerate(rows)]  # no two at once
    places = [*range(len(apart))]
    order.shuffle(places)
    before, after = found(apart), found([apart[place] for place in places])
    assert [before[place] for place in places] == after


@given(rows=ROWS)
def test_a_burst_has_all_that_lie_between_its_ends(rows: list[Row]) -> None:
    for device, dossiers, touch in {(r["device"], r["dossiers"], r["touch"]) for r in rows}:
        own = [
            row
            for row in rows
            if (row["device"], row["dossiers"], row["touch"]) == (device, dossiers, touch)
        ]
        for row, has in zip(own, flagged(own, "burst"), strict=True):
            near = [
                start["at"]
                for start in own
                if start["at"] <= row["at"] <= start["at"] + LIMITS.burst_seconds
                and sum(0 <= one["at"] - start["at"] <= LIMITS.burst_seconds for one in own)
                >= LIMITS.burst_ratings
            ]
            assert has == bool(near)
