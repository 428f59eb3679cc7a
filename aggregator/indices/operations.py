"""What is counted of a centre's work, and which of the spans it was stated for make up a period.

Figures are stated for spans of days that may overlap: months beside their quarter. A day must
not count twice, so a period's sum is made of spans that lie in it and apart from each other.
"""

from bisect import bisect_left
from collections.abc import Collection
from datetime import date

Span = tuple[date, date]  # the first and the last day, both included

# What may be counted, as tables.Operation has it.
FIGURES = (
    *("visits", "received", "settled", "on_time", "overdue", "cancelled", "in_process"),
    *("online_level_3", "online_level_4", "postal", "procedures", "on_the_spot", "fees"),
)
# What stands at the end of a span, and is not added up over several.
STANDING = frozenset(("in_process", "procedures", "on_the_spot"))


def length(spans: Collection[Span]) -> int:
    """How many days spans have together."""
    return sum((until - since).days + 1 for since, until in spans)


def apart(spans: Collection[Span]) -> tuple[Span, ...]:
    """Of some spans those that do not overlap and cover the most days, in order.

    Of equally many days the fewest spans: a quarter goes before its three months. By weighted
    interval scheduling.
    """
    ordered = sorted(set(spans), key=lambda span: (span[1], span[0]))
    ends = [until for _, until in ordered]
    best: list[tuple[int, int, tuple[Span, ...]]] = [(0, 0, ())]
    for number, span in enumerate(ordered):
        before = best[bisect_left(ends, span[0], 0, number)]
        taken = (before[0] + length([span]), before[1] - 1, (*before[2], span))
        best.append(max(best[-1], taken, key=lambda one: one[:2]))
    return best[-1][2]


def last(spans: Collection[Span]) -> tuple[Span, ...]:
    """Of some spans the one that ends last, of these the longest: of what stands at an end."""
    return (max(spans, key=lambda span: (span[1], span[1] - span[0])),) if spans else ()


def within(span: Span, since: date, until: date) -> bool:
    """Whether all of a span's days are from ``since`` to ``until``."""
    return since <= span[0] and span[1] <= until
