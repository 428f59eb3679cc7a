"""Shares pooled over several questions, with the respondent as the cluster."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtri, stdtrit  # quantiles of the normal and of Student's t

from aggregator.statistics.shares import ALPHA, wilson

# Degrees of freedom for each respondent who gave the rarer kind of answer (favourable or not):
# 2 if all of them were alike, fewer if they differ. Calibrated by simulation (make coverage).
DEGREES = 1.5
ROUNDING = 1e-9  # residuals below this part of the sum of k^2 are rounding errors of 0


def pooled_shares(sums: pd.DataFrame, keys: Sequence[object]) -> pd.DataFrame:
    """Shares pooled over several questions, with the respondent as the cluster.

    ``sums`` has columns key, measure and store.SUMS. The variance of the ratio R = K/M is the
    linearised one, r/(r-1) * sum (k - R m)^2 / M^2 over r respondents (Cochran, Sampling
    Techniques, 1977, section 6.5), as R's survey package has it. ``design_effect`` is that
    variance over R(1-R)/M; NaN where there is none: one respondent, or all of one opinion.

    ``n_effective`` is the n of the interval, which is Wilson's and unlike R +- 1.96 SE stays
    inside 0..1: answers over the design effect, times (z/t)^2 because the variance is itself an
    estimate (Korn, Graubard, Survey Methodology 24 (1998) 193-201). The degrees of freedom of t
    are not r-1 but DEGREES for each respondent who gave the rarer kind of answer, at most r-1:
    if one of twenty people is dissatisfied, only one shows how the dissatisfied differ. Their
    effective number is (sum)^2 / sum of squares of their answers of that kind (Kish, Survey
    Sampling, 1965). ``n_effective`` is at least M^2 / sum m^2, as if each respondent had given
    the same answer throughout, and at most M. The choice of these degrees is ours; their
    coverage is measured in tests/simulation.

    Returns SHARE_COLUMNS (k and n are answers) with respondents, n_effective, design_effect.
    """
    frame = sums[sums["key"].isin(list(keys))].sort_values("key").reset_index(drop=True)
    respondents, k, m, kk, km, mm = (
        frame[name].to_numpy(float) for name in ("respondents", "k", "m", "kk", "km", "mm")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = k / m
        residuals = kk - 2 * ratio * km + ratio**2 * mm
        variance = respondents / (respondents - 1) * residuals / m**2
        alike = residuals <= ROUNDING * kk
        design_effect = np.where(alike, np.nan, variance * m / (ratio * (1 - ratio)))
        telling = np.fmin(k**2 / kk, (m - k) ** 2 / (mm - 2 * km + kk))
        degrees = np.fmin(respondents - 1, DEGREES * telling)
        inflation = (stdtrit(degrees, 1 - ALPHA / 2) / ndtri(1 - ALPHA / 2)) ** 2
        independent = m / (design_effect * inflation)
    # Without a design effect (NaN) fmax returns the lower bound.
    effective = np.minimum(np.fmax(independent, m**2 / mm), m)
    low, high = wilson(ratio * effective, effective)
    figures = {
        "key": frame["key"],
        "measure": frame["measure"],
        "k": frame["k"],
        "n": frame["m"],
        "share": ratio,
        "low": np.where(k == 0, 0.0, low),
        "high": np.where(k == m, 1.0, high),
        "method": "wilson_effective_n",
        "respondents": frame["respondents"],
        "n_effective": effective,
        "design_effect": design_effect,
    }
    return pd.DataFrame(figures)
