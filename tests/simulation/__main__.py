"""Prints how often intervals hold, verdicts err and flags are right: make coverage."""

import argparse
from itertools import chain
from pathlib import Path

from surveys.centre import load_centre
from surveys.definition import load_instruments
from tests.simulation.coverage import BAND, of_pooled_answers, of_single_answers
from tests.simulation.daily import (
    A_DAY,
    ALIKE,
    DAYS,
    FALLS,
    UNITS,
    K,
    N,
    false_of_a_closed_month,
    of_daily_looks,
    of_months,
)
from tests.simulation.departments import of_departments, of_weighted_answers
from tests.simulation.flags import of_flags, of_slow_taps
from tests.simulation.surveys import of_forms

NOTES = """
* outside {low:.0%} to {high:.0%}.
clopper_pearson holds at least 95 % everywhere, by design, so more than that at most shares.
newcombe, 20 others: two shares of 20 near 1 are mostly the same or one answer apart, so there
is no interval that errs in 5 % of all samples; this one errs in fewer.
"correlation 0": people answer many questions that have nothing to do with each other. A pooled
interval does not know that, and where few are dissatisfied it is a little wide.
"a few of all bad": some are dissatisfied with everything, all others with next to nothing. Where
a sample is likely to have none of them, or one, no interval made of it can allow for them: at
0.963 three of a hundred are of this kind, and none is among 20 in more than half of the samples.
Below the minimum of 30 respondents there is no verdict for reasons like this.
direct, 100: six answers a department are too few for the score interval.
shrunk: how much departments differ has to be learned from seventeen of them. With few answers
that leaves more room than needed, with more of them a little less. Their ranks are whole numbers.
raked, channels unlike: Kish's effective n takes the answers of a channel to be like all others.
Where weighting explains part of the spread, the interval is wider than it need be.
"no days": what intervals of questions and factors were before they allowed for days."""

DAILY_NOTES = """
bets by day: verdicts of pages, the published share taken at the end of its 99 % interval.
CUSUM: of single ratings from 96.3 to 90 %, its threshold set to 5 % if ratings are independent.
fixed test: exact, Holm's, made for one look. Neither of the two keeps 5 % where days are alike.
wilson, days alike: what intervals were before they allowed for days."""

SLOW = 100  # as many times fewer samples where each is computed by itself


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--repeats", type=int, default=50_000, help="samples drawn for each row")
    parser.add_argument("--seed", type=int, default=20_200_512)
    given = parser.parse_args()
    print(f"{'interval':24}{'answers':24}{'n':>6}{'share':>8}{'coverage':>11}{'± 1 SE':>9}")
    few = max(1, given.repeats // SLOW)
    for row in chain(
        of_single_answers(),
        of_pooled_answers(given.repeats, given.seed),
        of_departments(few, given.seed),
        of_weighted_answers(few, given.seed),
        of_months(few, given.seed),
        of_forms(few, given.seed),
    ):
        error = f"{row.error:.2%}" if row.error else "exact"
        print(
            f"{row.method:24}{row.answers:24}{row.n:>6}{row.share:>8}"
            f"{row.coverage:>10.1%}{'*' if row.outside else ' '}{error:>9}",
            flush=True,
        )
    print(NOTES.format(low=BAND[0], high=BAND[1]))
    _print_daily(few, given.seed)
    _print_flags(max(1, few // 5), given.seed)


def _print_flags(days: int, seed: int) -> None:
    """How many honest ratings get a flag, and how many that somebody makes up."""
    print(f"\n{'ratings':50}{'n':>7}{'flagged':>9}")
    centre = load_centre(Path("deploy/lai_chau.toml"))
    for row in of_flags(centre, load_instruments(None), days, seed):
        print(f"{row.what:50}{row.ratings:>7}{row.share:>9.2%}", flush=True)
    print("\ntaps of the worst face a day at a counter with 12 visitors: days with a flag, share")
    for slow in of_slow_taps(centre, load_instruments(None)["in_centre"], 20, seed):
        told = f"{slow.seen:>3} of {slow.days}, {slow.share:.1%} in place of {slow.without:.1%}"
        print(f"{slow.a_day:>4} {told}", flush=True)


def _print_daily(quarters: int, seed: int) -> None:
    """What daily looks at verdicts do, by rule and by how alike ratings of a day are."""
    print(f"\n{DAYS} daily looks at {UNITS} units, {A_DAY} ratings a day each, against {K} of {N}")
    falls = "".join(f"{f'until {share:.0%}':>12}" for share in FALLS)
    print(f"{'rule':14}{'days alike':>12}{'any false':>11}{falls}   (median day)")
    for row in of_daily_looks(quarters, seed):
        days = "".join(f"{f'> {DAYS}' if day > DAYS else f'{day:.0f}':>12}" for day in row.days)
        print(f"{row.rule:14}{row.alike:>12}{row.false:>11.2%}{days}", flush=True)
    for alike in ALIKE:
        once = false_of_a_closed_month(quarters, alike, seed)
        print(f"{'one look':14}{alike:>12}{once:>11.2%}   fixed test, month of documents")
    print(DAILY_NOTES)


if __name__ == "__main__":
    main()
