"""Which ratings of a day have a sign that they should not count as the others do."""

from typing import Literal, get_args

import numpy as np
import pandas as pd

from surveys.guards import Flags

FlagRule = Literal["burst", "run", "closed", "unserved", "code", "network"]
FLAG_RULES: tuple[FlagRule, ...] = get_args(FlagRule)

VISITS = 2  # for each dossier: 18,000 visits to 9,974 dossiers in the report of 2020, rounded up
FEW_FORMS = 10  # of one code on a day are never too many, however few dossiers there were


def flags(ratings: pd.DataFrame, limits: Flags) -> pd.DataFrame:
    """Whether each rating of one day has the flag of a rule: a column of bool for each FLAG_RULE.

    ``ratings`` has a row for each, in any order, with columns

    - source (int): the same for all of one device, way and place
    - at (int): seconds, since whenever
    - code (int): the level that was given; only whether two are equal counts
    - touch (bool): given on a touch screen, and else on a phone
    - closed (bool): too far from the opening hours
    - counters (int): for how many counters the place stands
    - crowded (bool): from a network that had sent many
    - dossiers (float): what its department settled that day, NaN where that is not known
    """
    touch, dossiers = ratings["touch"].to_numpy(bool), ratings["dossiers"].to_numpy(float)
    burst = _crowded(ratings, limits.burst_ratings, limits.burst_seconds, alike=False)
    run = _crowded(ratings, limits.run_ratings, limits.run_minutes * 60, alike=True)
    closed = touch & ratings["closed"].to_numpy(bool) & limits.outside_hours
    unserved = (dossiers == 0) & limits.nobody_served
    network = ratings["crowded"].to_numpy(bool) & limits.same_network
    found = (burst, run, closed, unserved, _too_many_forms(ratings, limits), network)
    return pd.DataFrame(dict(zip(FLAG_RULES, found, strict=True)), index=ratings.index)


def _crowded(ratings: pd.DataFrame, least: int, seconds: int, *, alike: bool) -> np.ndarray:
    """Whether a rating is one of ``least`` that follow one another at a source within ``seconds``.

    With ``alike`` all of them, and none between, are of one level. 0 is never.
    """
    n = len(ratings)
    marked = np.zeros(n, dtype=bool)
    if not least or n < least:
        return marked
    source, at, code = (ratings[name].to_numpy(np.int64) for name in ("source", "at", "code"))
    order = np.lexsort((at, source))
    source, at, code = source[order], at[order], code[order]
    first, last = slice(None, n - least + 1), slice(least - 1, None)
    within = (source[last] == source[first]) & (at[last] - at[first] <= seconds)
    if alike:
        changes = np.concatenate(([0], np.cumsum(np.diff(code) != 0)))
        within &= changes[last] == changes[first]
    # Each window marks all of its ratings: +1 where it begins, -1 behind its end.
    edges = np.zeros(n + 1, dtype=np.int64)
    starts = np.flatnonzero(within)
    np.add.at(edges, starts, 1)
    np.add.at(edges, starts + least, -1)
    marked[order] = np.cumsum(edges[:-1]) > 0
    return marked


def _too_many_forms(ratings: pd.DataFrame, limits: Flags) -> np.ndarray:
    """Whether a form came from a code that was sent more often than its place has visitors.

    Which of them were too many nobody can tell, so it is all of that code and day.
    """
    if not limits.phone_a_day or ratings.empty:
        return np.zeros(len(ratings), dtype=bool)
    forms = ~ratings["touch"].to_numpy(bool)
    sent = ratings["source"].map(ratings["source"].value_counts()).to_numpy(float)
    most = limits.phone_a_day * ratings["counters"].to_numpy(float)
    visits = np.maximum(VISITS * ratings["dossiers"].to_numpy(float), FEW_FORMS)
    found: np.ndarray = forms & (sent > np.fmin(most, visits))
    return found
