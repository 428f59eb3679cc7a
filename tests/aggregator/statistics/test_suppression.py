"""Small groups stay unknown whatever a reader adds up and subtracts; the rest is shown."""

import itertools
import random
from collections.abc import Collection, Hashable, Mapping, Sequence

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aggregator.statistics import (
    Sum,
    audit,
    withhold,
    withhold_parts,
)

MINIMUM = 5
FEW = settings(max_examples=40)  # each is many small programs to solve
Sizes = Mapping[Hashable, int]
ALL = "*"  # the label of a total in a two-way table


def one_way(*sizes: int) -> tuple[dict[Hashable, int], list[Sum]]:
    """Rows a, b, c … and their printed total."""
    rows: dict[Hashable, int] = dict(zip("abcdefgh", sizes, strict=False))
    return rows | {"total": sum(sizes)}, [Sum("total", tuple(rows))]


def nested(
    tree: Mapping[str, Sequence[int]],
) -> tuple[dict[Hashable, int], list[Sum]]:
    """Rows of rows, all totals printed."""
    sizes: dict[Hashable, int] = {"total": sum(map(sum, tree.values()))}
    sums = [Sum("total", tuple(tree))]
    for name, leaves in tree.items():
        counters: dict[Hashable, int] = {(name, i): n for i, n in enumerate(leaves)}
        sizes |= counters | {name: sum(leaves)}
        sums.append(Sum(name, tuple(counters)))
    return sizes, sums


def crossing(sizes: pd.DataFrame) -> tuple[dict[Hashable, int], list[Sum]]:
    """Sizes and sums of a two-way table printed with both margins and its grand total.

    Keys are (row, column); a margin has ALL in place of the other.
    """
    rows, columns = list(sizes.index), list(sizes.columns)
    whole = sizes.to_numpy(dtype=np.int64)
    cells: dict[Hashable, int] = {
        (row, column): int(whole[i, j])
        for i, row in enumerate(rows)
        for j, column in enumerate(columns)
    }
    cells |= {(row, ALL): int(whole[i].sum()) for i, row in enumerate(rows)}
    cells |= {(ALL, column): int(whole[:, j].sum()) for j, column in enumerate(columns)}
    cells[ALL, ALL] = int(whole.sum())
    sums = [Sum((row, ALL), tuple((row, column) for column in columns)) for row in [*rows, ALL]]
    sums += [Sum((ALL, column), tuple((row, column) for row in rows)) for column in [*columns, ALL]]
    return cells, sums


def possible(
    rows: Sequence[Sequence[int]], withheld: Collection[Hashable]
) -> dict[Hashable, np.ndarray]:
    """Each group's size in every two-way table that agrees with what is printed, by trying all.

    The grand total is printed, so no cell is larger; a group that is marked has somebody in it.
    """
    true = np.array(rows)
    cells = [(i, j) for i, j in np.ndindex(true.shape) if (i, j) in withheld]
    tried = np.indices((int(true.sum()) + 1,) * len(cells)).reshape(len(cells), -1)
    table: dict[Hashable, np.ndarray] = {
        (i, j): tried[cells.index((i, j))] if (i, j) in cells else np.full(tried.shape[1], n)
        for (i, j), n in np.ndenumerate(true)
    }
    for i in range(true.shape[0]):
        table[i, ALL] = np.sum([table[i, j] for j in range(true.shape[1])], axis=0)
    for j in range(true.shape[1]):
        table[ALL, j] = np.sum([table[i, j] for i in range(true.shape[0])], axis=0)
    sizes, _ = crossing(pd.DataFrame(true))
    table[ALL, ALL] = np.sum([table[i, ALL] for i in range(true.shape[0])], axis=0)
    printed = [table[key] == sizes[key] for key in sizes if key not in withheld]
    agrees = np.all([*printed, *(table[key] > 0 for key in withheld)], axis=0)
    return {key: tries[agrees] for key, tries in table.items()}


def small_of(sizes: Sizes) -> set[Hashable]:
    return {key for key, n in sizes.items() if 0 < n < MINIMUM}


@pytest.mark.parametrize(
    ("sizes", "withheld"),
    [
        ((20, 30), ""),
        ((4, 30, 9), "ac"),  # alone it would be the total less the others
        ((4, 30, 5), "ac"),
        ((2, 2, 30, 9), "abd"),  # four people in two rows are four people still
        ((3, 2, 30, 9), "abd"),  # there is somebody in each, so neither could be five
        ((0, 20, 30), ""),  # nobody is no secret
        ((4, 0, 20), "ac"),  # and hides nobody
        ((4, 3, 2, 1), "abcd"),
    ],
)
def test_one_table_with_a_printed_total(sizes: tuple[int, ...], withheld: str) -> None:
    assert withhold(*one_way(*sizes), MINIMUM) == frozenset(withheld)


def test_a_total_of_few_is_withheld_with_all_its_rows() -> None:
    assert withhold(*one_way(3, 1, 0), MINIMUM) == {"a", "b", "total"}
    assert withhold(*one_way(4), MINIMUM) == {"a", "total"}
    assert withhold(*one_way(0, 0), MINIMUM) == frozenset()


def test_a_row_that_is_not_printed_guards_for_nothing_and_is_guarded_itself() -> None:
    sizes, sums = one_way(4, 30, 9)
    assert withhold(sizes, sums, MINIMUM, unprinted={"c"}) == {"a", "c"}
    sizes, sums = one_way(20, 30, 3)
    assert withhold(sizes, sums, MINIMUM, unprinted={"c"}) == {"a", "c"}


def test_an_empty_group_that_is_not_printed_is_not_known_to_be_empty() -> None:
    sizes, sums = one_way(3, 0, 30, 6)
    shown = audit(sizes, sums, MINIMUM, {"a"})
    assert shown[["low", "high"]].values.tolist() == [[3, 3]]
    unprinted = audit(sizes, sums, MINIMUM, {"a"}, unprinted={"b"})
    assert unprinted[["low", "high"]].values.tolist() == [[1, 3]]
    assert withhold(sizes, sums, MINIMUM, unprinted={"b"}) == {"a", "b", "d"}


def test_a_group_that_is_no_secret_is_no_reason_to_withhold() -> None:
    sizes, sums = one_way(3, 9, 30)
    assert withhold(sizes, sums, MINIMUM, unguarded={"a"}) == {"a"}
    assert audit(sizes, sums, MINIMUM, {"a"}, unguarded={"a"}).empty


def test_a_department_of_one_counter_is_withheld_with_its_counter() -> None:
    """Department b of 9 guards a; its only counter must not tell what b was."""
    tree = {"a": (4,), "b": (9,), "c": (40, 50)}
    withheld = withhold(*nested(tree), MINIMUM)
    assert withheld == {"a", ("a", 0), "b", ("b", 0)}


def test_counters_are_guarded_within_their_department() -> None:
    tree = {"a": (4, 20, 9), "b": (30, 30)}
    assert withhold(*nested(tree), MINIMUM) == {("a", 0), ("a", 2)}


def test_a_crossing_is_guarded_in_both_directions() -> None:
    table = pd.DataFrame([[4, 20, 30], [25, 8, 60], [70, 80, 90]], list("abc"), list("xyz"))
    assert withhold(*crossing(table), MINIMUM) == {
        ("a", "x"),
        ("a", "y"),
        ("b", "x"),
        ("b", "y"),
    }


def test_a_margin_of_few_is_guarded_like_a_cell() -> None:
    table = pd.DataFrame([[2, 1], [25, 60], [70, 9]], list("abc"), list("xy"))
    withheld = withhold(*crossing(table), MINIMUM)
    assert ("a", ALL) in withheld
    assert (ALL, ALL) not in withheld
    assert audit(*crossing(table), MINIMUM, withheld)["safe"].all()


def test_the_audit_finds_what_can_be_subtracted() -> None:
    sizes, sums = one_way(4, 30, 9)
    naive = audit(sizes, sums, MINIMUM, {"a"}).drop(columns="told")
    assert naive.to_dict("records") == [{"key": "a", "n": 4, "low": 4, "high": 4, "safe": False}]
    guarded = audit(sizes, sums, MINIMUM, {"a", "c"}).drop(columns="told")
    assert guarded.to_dict("records") == [{"key": "a", "n": 4, "low": 1, "high": 12, "safe": True}]
    two_of_few = audit(*one_way(2, 2, 30), MINIMUM, {"a", "b"})
    assert two_of_few["high"].tolist() == [3, 3]
    assert not two_of_few["safe"].any()


def test_sums_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        withhold({"a": 4, "b": 9, "total": 14}, [Sum("total", ("a", "b"))], MINIMUM)


small_tables = st.lists(
    st.lists(st.integers(0, 7), min_size=2, max_size=2), min_size=2, max_size=3
).filter(lambda rows: sum(map(sum, rows)) >= MINIMUM)


@FEW
@given(small_tables)
def test_trying_every_table_finds_no_small_group_and_no_other_range_than_the_audit(
    rows: list[list[int]],
) -> None:
    sizes, sums = crossing(pd.DataFrame(rows))
    withheld = withhold(sizes, sums, MINIMUM)
    assume((ALL, ALL) not in withheld)
    assume(0 < sum((i, j) in withheld for i, j in np.ndindex(len(rows), 2)) <= 4)
    tables = possible(rows, withheld)
    for key, low, high in audit(sizes, sums, MINIMUM, withheld)[["key", "low", "high"]].values:
        assert (tables[key].min(), tables[key].max()) == (low, high)
        least = np.count_nonzero(filled_part(rows, key))
        assert {*range(least, MINIMUM + 1)} <= set(tables[key].tolist())


def filled_part(rows: list[list[int]], key: tuple[object, object]) -> list[int]:
    """The cells that a cell or margin of a crossing is made of."""
    row, column = key
    return [
        n for (i, j), n in np.ndenumerate(np.array(rows)) if row in (i, ALL) and column in (j, ALL)
    ]


crossings = st.integers(2, 4).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(0, 25), min_size=width, max_size=width), min_size=2, max_size=5
    )
)
trees = st.dictionaries(
    st.sampled_from("abcdef"), st.lists(st.integers(0, 25), min_size=1, max_size=4), min_size=1
)
tables = st.one_of(
    st.lists(st.integers(0, 25), min_size=1, max_size=8).map(lambda sizes: one_way(*sizes)),
    crossings.map(lambda rows: crossing(pd.DataFrame(rows))),
    trees.map(nested),
)


@FEW
@given(tables)
def test_every_size_of_a_small_group_stays_possible(
    table: tuple[dict[Hashable, int], list[Sum]],
) -> None:
    sizes, sums = table
    withheld = withhold(sizes, sums, MINIMUM)
    assert small_of(sizes) <= withheld
    assert audit(sizes, sums, MINIMUM, withheld)["safe"].all()


@FEW
@given(tables)
def test_no_more_is_withheld_than_there_is_reason_for(
    table: tuple[dict[Hashable, int], list[Sum]],
) -> None:
    sizes, sums = table
    withheld = withhold(sizes, sums, MINIMUM)
    assert all(sizes[key] for key in withheld), "an empty group is shown as empty"
    total: Hashable = (ALL, ALL) if (ALL, ALL) in sizes else "total"
    # All parts but one may have to be one, and that one the minimum.
    filled = sum(n > 0 for key, n in sizes.items() if key != total)
    assert total not in withheld or sizes[total] < MINIMUM + filled - 1
    assert total in withheld or not 0 < sizes[total] < MINIMUM
    if not small_of(sizes):
        assert not withheld


@FEW
@given(tables, st.randoms(use_true_random=False))
def test_the_order_of_groups_and_sums_does_not_matter(
    table: tuple[dict[Hashable, int], list[Sum]], chance: random.Random
) -> None:
    sizes, sums = table
    keys = list(sizes)
    chance.shuffle(keys)
    shuffled = [Sum(each.total, tuple(chance.sample(each.parts, len(each.parts)))) for each in sums]
    chance.shuffle(shuffled)
    again = withhold({key: sizes[key] for key in keys}, shuffled, MINIMUM)
    assert again == withhold(sizes, sums, MINIMUM)


@FEW
@given(tables)
def test_no_set_of_withheld_groups_that_can_be_summed_up_is_small(
    table: tuple[dict[Hashable, int], list[Sum]],
) -> None:
    """What a reader gets by subtracting printed groups is 0 or at least the minimum."""
    sizes, sums = table
    withheld = withhold(sizes, sums, MINIMUM)
    for each in sums:
        if each.total not in withheld:
            hidden = sum(sizes[part] for part in each.parts if part in withheld)
            assert hidden == 0 or hidden >= MINIMUM


def test_little_is_withheld_beyond_what_a_search_of_all_finds() -> None:
    """Against the fewest people that could be withheld, on crossings small enough to try all."""
    chance = np.random.default_rng(20_200_512)
    found, fewest = 0, 0
    for _ in range(12):
        sizes, sums = crossing(pd.DataFrame(chance.integers(1, 14, (2, 3))))
        small = small_of(sizes)
        others = sorted(set(sizes) - small - {(ALL, ALL)}, key=repr)
        if not small or sizes[ALL, ALL] < MINIMUM:
            continue
        sets = [
            small | set(some)
            for count in range(len(others) + 1)
            for some in itertools.combinations(others, count)
        ]
        sets.sort(key=lambda some: sum(sizes[key] for key in some))
        best = next(some for some in sets if audit(sizes, sums, MINIMUM, some)["safe"].all())
        fewest += sum(sizes[key] for key in best)
        found += sum(sizes[key] for key in withhold(sizes, sums, MINIMUM))
    assert fewest <= found <= 1.15 * fewest


def test_parts_of_a_form_are_answered_by_the_same_few() -> None:
    """Three people in two factors are three: a factor of more goes with them."""
    assert withhold_parts({"a": 3, "b": 3, "c": 40, "d": 38}, MINIMUM) == {"a", "b", "d"}
    assert withhold_parts({"a": 30, "b": 0}, MINIMUM) == frozenset()
    assert withhold_parts({"a": 3, "b": 4, "c": 0}, MINIMUM) == {"a", "b"}


# Answers, and not only sizes. A reader who tries every table that agrees with the print is the
# judge here, whatever audit() says.

LEVELS = 3
Answers = tuple[int, ...]


def answered(
    rows: Sequence[Answers],
) -> tuple[dict[Hashable, int], list[Sum], dict[Hashable, Answers]]:
    """Rows a, b, c … by level and their total, as withhold takes them."""
    levels: dict[Hashable, Answers] = dict(zip("abcdefgh", rows, strict=False))
    levels["total"] = tuple(map(sum, zip(*rows, strict=True)))
    sums = [Sum("total", tuple("abcdefgh"[: len(rows)]))]
    return {key: sum(each) for key, each in levels.items()}, sums, levels


def readings(rows: Sequence[Answers], withheld: Collection[Hashable]) -> list[dict[str, Answers]]:
    """Every way in which the withheld rows may have been answered, for one who reads the print.

    Each has somebody in it; with the total printed they have what it has more than the others.
    """
    marked = [key for key in "abcdefgh"[: len(rows)] if key in withheld]
    hidden = [row for key, row in zip("abcdefgh", rows, strict=False) if key in marked]
    left = [sum(row[level] for row in hidden) for level in range(LEVELS)]

    def shared(keys: list[str], left: list[int]) -> list[dict[str, Answers]]:
        if len(keys) == 1:
            return [{keys[0]: tuple(left)}] if any(left) else []
        found = []
        for first in itertools.product(*(range(n + 1) for n in left)):
            if any(first):
                rest = [n - taken for n, taken in zip(left, first, strict=True)]
                found += [{keys[0]: first, **more} for more in shared(keys[1:], rest)]
        return found

    return shared(marked, left) if marked else []


row_answers = st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 1))


@FEW
@given(st.lists(row_answers, min_size=2, max_size=5))
def test_who_tries_every_table_of_answers_learns_nothing_of_a_small_group(
    rows: list[Answers],
) -> None:
    minimum = 3
    sizes, sums, levels = answered(rows)
    withheld = withhold(sizes, sums, minimum, levels=levels)
    found = audit(sizes, sums, minimum, withheld, levels=levels)
    assert found["safe"].all()
    assume("total" not in withheld)
    unanimous = sum(n > 0 for n in levels["total"]) == 1
    tables = readings(rows, withheld)
    assume(len(tables) < 20_000)
    for key, row in zip("abcdefgh", rows, strict=False):
        if not 0 < sum(row) < minimum:
            continue
        read = [table[key] for table in tables]
        assert {*range(1, minimum + 1)} <= {sum(each) for each in read}
        for level in range(LEVELS):
            assert unanimous or any(each[level] == 0 for each in read)


def test_five_of_one_person_each_and_a_total_that_tells_what_all_five_said() -> None:
    """Five times (*), and five of the worst level that no row which is shown has."""
    rows = [(0, 0, 1)] * 5 + [(50, 2, 0), (60, 5, 0)]
    sizes, sums, levels = answered(rows)
    assert not audit(sizes, sums, MINIMUM, set("abcde"), levels=levels)["safe"].any()
    withheld = withhold(sizes, sums, MINIMUM, levels=levels)
    assert withheld == set("abcdef")
    assert audit(sizes, sums, MINIMUM, withheld, levels=levels)["safe"].all()


def test_a_guard_that_answered_as_the_small_group_did_guards_nothing() -> None:
    """Row b would do by its size; but with a it makes thirteen people of one answer."""
    rows = [(4, 0, 0), (9, 0, 0), (30, 2, 1)]
    sizes, sums, levels = answered(rows)
    assert withhold(sizes, sums, MINIMUM) == {"a", "b"}
    assert "c" in withhold(sizes, sums, MINIMUM, levels=levels)
    told = audit(sizes, sums, MINIMUM, {"a", "b"}, levels=levels)
    assert told[["low", "high", "told", "safe"]].values.tolist() == [[1, 12, True, False]]


def test_a_unanimous_total_is_shown_and_tells_of_its_parts() -> None:
    rows = [(4, 0, 0), (9, 0, 0), (30, 0, 0)]
    sizes, sums, levels = answered(rows)
    assert withhold(sizes, sums, MINIMUM, levels=levels) == {"a", "b"}
