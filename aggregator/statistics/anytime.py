"""A test of a share that may be looked at on every day: bets on the share of each day."""

import numpy as np

BETS = 20
AT_ONCE = 10_000  # days of rows: with all bets 1.6 MB, which a processor keeps near
LEAST, MOST = 0.2, 0.9  # the smallest stake, and the largest as a part of what may be lost


def e_process(days: np.ndarray, bound: np.ndarray) -> np.ndarray:
    """What bets against "no day's expected share is over ``bound``" have made of a stake of 1.

    ``days``: shares of successive days, of shape (rows, days), NaN where a day has no answers.
    ``bound``: a share a row, over 0. Returns the same shape; a day without answers changes
    nothing.

    E_t is the mean over stakes l of the product over days d <= t of 1 + l (share_d - bound), with
    20 stakes in equal steps of the logarithm from 0.2 to 0.9/bound. Each factor has an expectation
    of at most 1 if the day's expected share, given the days before, is at most ``bound``. So
    answers of one day may be as alike as they like: a day is one bet. The probability that E_t
    ever reaches 1/a is at most a (Ville's inequality), whenever and however often one looks
    (Waudby-Smith, Ramdas, Journal of the Royal Statistical Society B 86 (2024) 1-27; Howard,
    Ramdas, McAuliffe, Sekhon, Annals of Statistics 49 (2021) 1055-1080).
    """
    gain, stakes = np.nan_to_num(days - bound[:, None], nan=0.0), _stakes(bound)
    fortune = np.empty(gain.shape)
    at_once = max(1, AT_ONCE // max(1, gain.shape[1]))
    with np.errstate(over="ignore"):  # a fortune over 1e308 is as good as any
        for start in range(0, len(gain), at_once):
            rows = slice(start, start + at_once)
            growth = 1 + stakes[:, rows, None] * gain[rows]
            # Added one after the other, so that more days or rows round nothing otherwise.
            fortune[rows] = sum(np.cumprod(growth, axis=2, out=growth)) / BETS
    return fortune


def anytime_p(fortune: np.ndarray) -> np.ndarray:
    """By row, the p-value that an e-process has reached: 1 over its largest value, at most 1.

    At any day, chosen by whatever rule, it is under a with a probability of at most a (Robbins,
    Annals of Mathematical Statistics 41 (1970) 1397-1409; Howard and others as above).
    """
    return np.asarray(1 / np.max(fortune, axis=1, initial=1.0))


def two_sided(days: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """By row, the p-value of days whose shares lie below ``low``, or above ``high``.

    ``days`` as in e_process; ``low`` <= ``high`` are shares. Twice the smaller of both sides' p.
    """
    below = anytime_p(e_process(1 - days, _over_nothing(1 - low)))
    above = anytime_p(e_process(days, _over_nothing(high)))
    return np.asarray(np.minimum(1.0, 2 * np.minimum(below, above)))


def strongest(days: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """By row, the smallest p-value that two_sided could give on as many days with answers."""
    count = (~np.isnan(days)).sum(axis=1)
    most = np.ones(len(days))
    for bound in (_over_nothing(1 - low), _over_nothing(high)):
        with np.errstate(over="ignore"):
            most = np.maximum(most, ((1 + _stakes(bound) * (1 - bound)) ** count).mean(axis=0))
    return np.asarray(np.minimum(1.0, 2 / most))


def _stakes(bound: np.ndarray) -> np.ndarray:
    """Of shape (stakes, rows)."""
    steps = np.linspace(0, 1, BETS)[:, None]
    return np.asarray(LEAST * (MOST / bound / LEAST) ** steps)


def _over_nothing(share: np.ndarray) -> np.ndarray:
    """The share, or a tiny one where it is 0: that none ever occurs is no bet that can be lost."""
    return np.asarray(np.maximum(share, 1e-9))
