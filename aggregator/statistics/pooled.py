"""Shares pooled over several questions, with the respondent as the cluster."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from aggregator.statistics.shares import wilson


def pooled_shares(sums: pd.DataFrame, keys: Sequence[object]) -> pd.DataFrame:
    """Shares pooled over several questions, with the respondent as the cluster.

    ``sums`` has columns key, measure and store.SUMS. The variance of the ratio K/M is the
    linearised one, r/(r-1) * sum (k - R m)^2 / M^2 over r respondents (Cochran, Sampling
    Techniques, 1977, section 6.5). It gives an effective number of answers, and with that the
    Wilson interval, which unlike R +- 1.96 SE stays inside 0..1. Where the variance says
    nothing (all or none favourable, one respondent) each respondent counts once: our choice.

    Returns SHARE_COLUMNS (k and n are answers) with respondents, n_effective and
    design_effect (answers over effective answers).
    """
    frame = sums[sums["key"].isin(list(keys))].sort_values("key").reset_index(drop=True)
    respondents, k, m, kk, km, mm = (
        frame[name].to_numpy(float) for name in ("respondents", "k", "m", "kk", "km", "mm")
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = k / m
        residuals = np.maximum(kk - 2 * ratio * km + ratio**2 * mm, 0)
        variance = respondents / (respondents - 1) * residuals / m**2
        effective = ratio * (1 - ratio) / variance
    silent = ~np.isfinite(effective) | (effective == 0)
    effective = np.minimum(np.where(silent, respondents, effective), m)
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
        "design_effect": m / effective,
    }
    return pd.DataFrame(figures)
