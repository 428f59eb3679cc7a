"""Adjusted p-values are those of statsmodels, in whatever order they come."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from aggregator.statistics.adjustment import benjamini_hochberg, holm

P = st.lists(st.floats(0, 1), min_size=1, max_size=20).map(np.array)


@given(P)
def test_holm_and_benjamini_hochberg_are_those_of_statsmodels(p: np.ndarray) -> None:
    for own, method in ((holm, "holm"), (benjamini_hochberg, "fdr_bh")):
        assert np.allclose(own(p), multipletests(p, method=method)[1])
