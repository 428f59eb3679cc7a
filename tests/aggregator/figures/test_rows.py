"""Tests of aggregator.figures.rows."""

import numpy as np
import pandas as pd

from aggregator.figures.rows import counts_by_key, records


def test_the_rows_of_a_table_are_those_that_pandas_would_give() -> None:
    table = pd.DataFrame(
        {"key": ["a", "b"], "k": np.array([1, 0]), "share": [0.5, np.nan], "day": [None, "x"]}
    )
    found = list(records(table))
    assert str(found) == str(table.to_dict("records"))
    assert [type(one["k"]) for one in found] == [int, int]
    assert list(records(table.iloc[:0])) == []


def test_counts_by_key_are_plain_numbers() -> None:
    levels = pd.DataFrame({5: [3, 0], 1: [1, 2]}, index=["a", "b"])
    found = counts_by_key(levels)
    assert found == {"a": {5: 3, 1: 1}, "b": {5: 0, 1: 2}}
    assert {type(n) for row in found.values() for n in [*row, *row.values()]} == {int}
