"""Prints how often each interval holds the true share: make coverage."""

import argparse
from itertools import chain

from tests.simulation.coverage import BAND, of_pooled_answers, of_single_answers

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
Below the minimum of 30 respondents there is no verdict for reasons like this."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--repeats", type=int, default=50_000, help="samples drawn for each row")
    parser.add_argument("--seed", type=int, default=20_200_512)
    given = parser.parse_args()
    print(f"{'interval':24}{'answers':24}{'n':>6}{'share':>8}{'coverage':>11}{'± 1 SE':>9}")
    for row in chain(of_single_answers(), of_pooled_answers(given.repeats, given.seed)):
        error = f"{row.error:.2%}" if row.error else "exact"
        print(
            f"{row.method:24}{row.answers:24}{row.n:>6}{row.share:>8}"
            f"{row.coverage:>10.1%}{'*' if row.outside else ' '}{error:>9}",
            flush=True,
        )
    print(NOTES.format(low=BAND[0], high=BAND[1]))


if __name__ == "__main__":
    main()
