"""Which ratings of a day have a sign that they should not count as the others do."""

from typing import Literal, get_args

import numpy as np
import pandas as pd

from surveys.guards import Flags

FlagRule = Literal["burst", "run", "closed", "unserved", "taps", "code", "network"]
FLAG_RULES: tuple[FlagRule, ...] = get_args(FlagRule)

VISITS = 2  # for each dossier: 18,000 visits to 9,974 dossiers in the report of 2020, rounded up
UNEVEN = 1.5  # so many times its part of a department's visitors a counter may have
FEW_FORMS = 10  # of one code, or taps at one place, on a day are never too many


def flags(ratings: pd.DataFrame, limits: Flags) -> pd.DataFrame:
    """Whether each rating of one day has the flag of a rule: a column of bool for each FLAG_RULE.

    ``ratings`` has a row for each, in any order, with columns

    - source (int): the same for all of one device, way and place
    - place (int): the same for all of one way and place
    - at (int): seconds, since whenever
    - code (int): the level that was given, or all that was said; only whether two are equal counts
    - touch (bool): given on a touch screen, and else on a phone
    - closed (bool): too far from the opening hours
    - counters (int): for how many counters the place stands
    - among (int): how many counters its department has
    - crowded (bool): from a network that had sent many
    - dossiers (float): what its department settled that day, NaN where that is not known
    - usual (float): the forms of a usual day of the place, NaN where that is not known
    """
    touch, dossiers = ratings["touch"].to_numpy(bool), ratings["dossiers"].to_numpy(float)
    burst = _crowded(ratings, limits.burst_ratings, limits.burst_seconds, alike=False)
    run = _crowded(ratings, limits.run_ratings, limits.run_minutes * 60, alike=True)
    closed = touch & ratings["closed"].to_numpy(bool) & limits.outside_hours
    unserved = (dossiers == 0) & limits.nobody_served
    network = ratings["crowded"].to_numpy(bool) & limits.same_network
    taps = _too_many(ratings, touch, limits.touch_a_day)
    code = _too_many(ratings, ~touch, limits.phone_a_day, limits.phone_usual)
    found = (burst, run, closed, unserved, taps, code, network)
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


def _too_many(ratings: pd.DataFrame, own: np.ndarray, a_day: int, usual: int = 0) -> np.ndarray:
    """Whether a rating is one of more than its place has visitors, of those of one way (``own``).

    More than ``a_day`` for each counter are too many. How many visitors there are the dossiers of
    the day tell; where they are not known, ``usual`` times what came on days before. Which were
    too many nobody can tell, so it is all of that place and day. 0 is never.
    """
    if not a_day or ratings.empty:
        return np.zeros(len(ratings), dtype=bool)
    places = ratings["place"].where(own, -1)
    sent = places.map(places.value_counts()).to_numpy(float)
    names = ("counters", "among", "dossiers", "usual")
    counters, among, dossiers, before = (ratings[name].to_numpy(float) for name in names)
    visits = VISITS * dossiers * np.where(counters < among, UNEVEN * counters / among, 1.0)
    before = usual * before if usual else np.full(len(before), np.nan)
    expected = np.where(np.isnan(dossiers), before, visits)
    most = np.fmin(a_day * counters, np.maximum(expected, FEW_FORMS))
    found: np.ndarray = own & (sent > most)
    return found
